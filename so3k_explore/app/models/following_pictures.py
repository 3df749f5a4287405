"""Free energy, stays and RMSD of a trajectory as the page shows them, made in threads from the frames it has."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from so3k_explore.analysis.coordinates import Coordinate
    from so3k_explore.analysis.free_energy import FreeEnergy
    from so3k_explore.analysis.kinetics import Residence
    from so3k_explore.app.models.track import Measured

FRAMES = 250  # of which the RMSD of all pairs is made
STATES = 12  # told one by one; rarer ones have no name
BINS = 36
SMOOTHING = 0.7  # bins
FEWEST = 20  # frames
NAMELESS = {"x", "other"}  # torsions that are between two names


@dataclass(frozen=True, eq=False)
class Stays:
    """States named by their torsions, how long each lasts, and which follow which."""

    names: tuple[str, ...]
    residence: "Residence"
    jumps: np.ndarray  # (states, states), from row to column

    def ways_out(self, state: int) -> str:
        """Where a state leads to, the most frequent first."""
        row = self.jumps[state].copy()
        row[state] = 0
        order = [k for k in np.argsort(-row, kind="stable").tolist() if row[k]]
        return ", ".join(f"{self.names[k]} {row[k]}" for k in order[:4])


@dataclass(frozen=True, eq=False)
class Followed:
    """What the frames so far say."""

    frames: int
    surface: "FreeEnergy | None"
    labels: tuple[str, str]
    rmsd: np.ndarray  # (frames, frames), Å, of the walker on show
    times: np.ndarray  # (frames,), fs, of the matrix
    stays: Stays | None


def coordinates(molecule: Any) -> "dict[str, Coordinate]":
    """What a free energy can be drawn along, by the words that name it."""
    from so3k_explore.analysis.coordinates import coordinates_of

    known = coordinates_of(molecule.residues, molecule.torsions, molecule.system.masses, molecule.positions)
    return {each.name: each for each in known.values()}


def followed(molecule: Any, measured: "Measured", chosen: tuple[str, str], walker: int, kelvin: float) -> Followed:
    """Free energy on two coordinates, stays of all walkers, and RMSD of the frames of one.

    Args:
        molecule: of the run.
        measured: its frames.
        chosen: names of two coordinates.
        walker: whose RMSD is shown.
        kelvin: temperature of the run.
    """
    from so3k_explore.analysis.free_energy import free_energy

    known = coordinates(molecule)
    along = [known[name] for name in chosen]
    surface = None
    if len(measured.times) >= FEWEST and kelvin > 0:
        values = [np.asarray(each.measure(np.asarray(measured.positions, float))) for each in along]
        periods = [each.period for each in along]
        surface = free_energy(values, kelvin, periods=periods, bins=BINS, smoothing=SMOOTHING)
    rows = np.unique(np.linspace(0, len(measured.times) - 1, min(FRAMES, len(measured.times))).astype(int))
    return Followed(
        frames=len(measured.times),
        surface=surface,
        labels=(along[0].label, along[1].label),
        rmsd=_rmsd(molecule, np.asarray(measured.positions[rows, min(walker, measured.positions.shape[1] - 1)], float)),
        times=measured.times[rows],
        stays=stays(molecule, measured),
    )


def stays(molecule: Any, measured: "Measured") -> Stays | None:
    """Stays in states that have a name, with core sets: between two of them a frame belongs to the one it came from."""
    from so3k_explore.analysis.kinetics import core_states, residence, transitions

    if not measured.torsions.shape[-1] or len(measured.times) < FEWEST:
        return None
    words = _words(molecule, measured.torsions)
    counted = Counter(word for word in words.ravel().tolist() if word)
    names = tuple(word for word, _ in counted.most_common(STATES))
    if not names:
        return None
    place = {name: k for k, name in enumerate(names)}
    labels = core_states(np.vectorize(lambda word: place.get(word, -1), otypes=[int])(words))
    interval = float(np.median(np.diff(measured.times)))
    return Stays(names, residence(labels, interval, len(names)), transitions(labels, len(names)).counts)


def _words(molecule: Any, torsions: np.ndarray) -> np.ndarray:
    """Name of each frame (frames, walkers) by its torsions; empty where one of them is between two names."""
    from so3k_explore.analysis.torsions import ramachandran_quads, ramachandran_region, torsion_label

    frames, walkers, count = torsions.shape
    words = np.full((frames, walkers), "", object)
    residues = len(ramachandran_quads(molecule.residues)[0])
    for frame, walker in np.ndindex(frames, walkers):
        angles = torsions[frame, walker]
        if residues:
            parts = [ramachandran_region(angles[k], angles[k + 1]) for k in range(0, count, 2)]
        else:
            parts = torsion_label(angles).split()
        words[frame, walker] = "" if NAMELESS & set(parts) else " ".join(parts)
    return words


def _rmsd(molecule: Any, positions: np.ndarray) -> np.ndarray:
    """RMSD of all pairs of frames; equal atoms of a molecule may trade places, those of a cluster stay."""
    if len(molecule.bonds):
        from so3k_explore.analysis.rmsd_matrix import rmsd_matrix

        return np.asarray(rmsd_matrix(positions, molecule.numbers, molecule.bonds), float)
    from so3k_explore.analysis.alignment import rmsd

    return np.stack([rmsd(positions, frame) for frame in positions])
