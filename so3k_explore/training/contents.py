"""What is in a labelled data set: its composition, and what in it looks wrong."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from so3k_explore.analysis.torsions import dihedrals
from so3k_explore.geometry.elements import symbol
from so3k_explore.io.datasets import Dataset, DatasetError
from so3k_explore.io.molecule import Molecule
from so3k_explore.training.splits import distinct, force_consistency, reasonable

TAIL = 6.0  # spreads above the middle at which the energy of a frame stands out from those of its molecule
FEW = 10  # frames of a molecule, below which nothing stands out


@dataclass(frozen=True, eq=False)
class Contents:
    """Composition of a data set; atoms of all frames are counted one by one."""

    frames: int
    level: str
    molecules: dict[str, int]  # frames of each
    sources: dict[str, int]  # frames of each
    elements: dict[str, int]  # atoms of each
    sizes: Int[np.ndarray, "frames"]  # atoms
    energies: Float[np.ndarray, "frames"]  # eV an atom, above the lowest frame of the molecule
    forces: Float[np.ndarray, "atoms"]  # eV/Å, their sizes
    backbone: Float[np.ndarray, "angles 2"]  # φ and ψ in degrees of every residue that has both
    consistency: float | None  # slope of energies against work of the forces; None where frames are too far apart
    copies: int  # frames that are another one again
    outliers: tuple[int, ...]  # frames with extreme forces, or energies far above those of their molecule

    def to_json(self) -> dict[str, Any]:
        """What people read, without the arrays."""
        return {
            "frames": self.frames,
            "level": self.level,
            "molecules": self.molecules,
            "sources": self.sources,
            "elements": self.elements,
            "atoms": [int(self.sizes.min()), int(self.sizes.max())],
            "force_rms": float(np.sqrt((self.forces**2).mean() / 3)),
            "force_max": float(self.forces.max()),
            "residues": len(self.backbone),
            "consistency": self.consistency,
            "copies": self.copies,
            "outliers": list(self.outliers),
        }


def contents(dataset: Dataset) -> Contents:
    """Counts and checks a data set.

    Raises:
        DatasetError: it has no frames.
    """
    if not len(dataset):
        raise DatasetError("The data set has no structures.")
    names, sources = (list(map(str, values)) for values in (dataset.molecules, dataset.sources))
    elements = Counter(dataset.numbers.tolist())
    energies = _above_lowest(dataset)
    try:
        consistency = force_consistency(dataset)
    except DatasetError:
        consistency = None
    return Contents(
        frames=len(dataset),
        level=dataset.level,
        molecules=dict(Counter(names).most_common()),
        sources=dict(Counter(sources).most_common()),
        elements={symbol(number): count for number, count in sorted(elements.items())},
        sizes=dataset.sizes,
        energies=energies,
        forces=np.linalg.norm(dataset.forces, axis=1),
        backbone=_backbone(dataset),
        consistency=consistency,
        copies=len(dataset) - len(distinct(dataset)),
        outliers=_outliers(dataset, energies),
    )


def _kinds(dataset: Dataset) -> list[Int[np.ndarray, "frames"]]:
    """Frames that share name and atoms, so that their energies can be compared."""
    kinds: dict[tuple[str, bytes], list[int]] = {}
    for frame in range(len(dataset)):
        numbers = dataset.numbers[dataset.offsets[frame] : dataset.offsets[frame + 1]]
        kinds.setdefault((str(dataset.molecules[frame]), numbers.tobytes()), []).append(frame)
    return [np.array(frames) for frames in kinds.values()]


def _above_lowest(dataset: Dataset) -> Float[np.ndarray, "frames"]:
    energies = np.array(dataset.energies, float)
    for frames in _kinds(dataset):
        energies[frames] -= energies[frames].min()
    return energies / dataset.sizes


def _outliers(dataset: Dataset, energies: Float[np.ndarray, "frames"]) -> tuple[int, ...]:
    """Extreme forces; and energies beyond `TAIL` times the distance from the median to the 84th percentile."""
    found = set(range(len(dataset))) - set(reasonable(dataset).tolist())
    for frames in _kinds(dataset):
        if len(frames) >= FEW:
            middle, upper = np.percentile(energies[frames], [50, 84])
            found |= set(frames[energies[frames] > middle + TAIL * max(upper - middle, 1e-6)].tolist())
    return tuple(sorted(found))


def _backbone(dataset: Dataset) -> Float[np.ndarray, "angles 2"]:
    angles = [np.zeros((0, 2))]
    for frames in _kinds(dataset):
        first = dataset[int(frames[0])]
        residues = Molecule.from_system(first.system, first.molecule, "a data set").residues
        quads = [quad for one in residues if one.phi is not None and one.psi is not None for quad in (one.phi, one.psi)]
        if quads:
            positions = np.stack([dataset[int(frame)].positions for frame in frames])
            angles.append(np.asarray(dihedrals(positions, np.array(quads))).reshape(-1, 2))
    return np.concatenate(angles)
