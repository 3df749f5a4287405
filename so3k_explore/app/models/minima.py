"""The minima of a search: what they are, how they grew, and their places by energy."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from so3k_explore.app.models.display import DASH
from so3k_explore.app.models.selection import Selection

if TYPE_CHECKING:
    from so3k_explore.exploration.records import Minima
    from so3k_explore.io.structures import Molecule


@dataclass(frozen=True, eq=False)
class Ranked:
    """Minima sorted by energy, lowest first."""

    energies: np.ndarray  # (minima,), eV above the lowest
    lowest: float  # eV
    positions: np.ndarray  # (minima, atoms, 3), Å, each laid onto the lowest
    rmsd: np.ndarray  # (minima,), Å, to the lowest
    visits: np.ndarray  # (minima,)
    calls: np.ndarray  # (minima,), force calls at which each was found
    labels: tuple[str, ...]  # torsions in words
    keys: tuple[int, ...]  # identifiers in the database, which do not change when the order does

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def places(self) -> dict[int, int]:
        """Place of each key."""
        return {key: place for place, key in enumerate(self.keys)}

    @property
    def growth(self) -> tuple[np.ndarray, np.ndarray]:
        """Force calls, and the number of minima known then."""
        return np.sort(self.calls), np.arange(1, len(self) + 1)


class MinimaModel(param.Parameterized):
    """The minima by energy: tells the page's `Selection`, which knows keys, from places in that order."""

    minima = param.ClassSelector(class_=Ranked, default=None, allow_None=True, doc="All minima found so far.")

    def __init__(self, selection: Selection) -> None:
        super().__init__()
        self._selection = selection

    def rank(self, key: int | None) -> int | None:
        """Place of a minimum by energy, from 0; None when it is not there."""
        return None if self.minima is None or key is None else self.minima.places.get(key)

    def ranks(self) -> list[int]:
        """Places of the chosen minima, in the order in which they were chosen."""
        return [rank for rank in map(self.rank, self._selection.selection) if rank is not None]

    def choose(self, ranks: list[int]) -> None:
        """Looks at the minimum in the first of these places and selects all of them."""
        self._selection.choose(() if self.minima is None else [self.minima.keys[rank] for rank in ranks])

    def step(self, by: int) -> None:
        """Walks up or down in energy."""
        if self.minima is not None and len(self.minima):
            here = self.rank(self._selection.focus)
            there = 0 if here is None else (here + by) % len(self.minima)
            self.choose([there])


def labelled(molecule: "Molecule", positions: np.ndarray) -> list[str]:
    """Conformers (structures, atoms, 3) in words: regions of the Ramachandran map for peptides, t/g+/g- for others."""
    from so3k_explore.analysis.torsions import (
        dihedrals,
        ramachandran_quads,
        ramachandran_regions,
        torsion_label,
    )

    phi, psi = ramachandran_quads(molecule.residues)
    if len(phi):
        regions = ramachandran_regions(dihedrals(positions, phi), dihedrals(positions, psi))
        return [DASH.join(each) for each in regions]
    if not len(molecule.torsions):
        return [""] * len(positions)
    return [torsion_label(angles) for angles in dihedrals(positions, molecule.torsions)]


class Ranking:
    """Sorts minima by energy, lays each onto the lowest and names it; what is known is not done again."""

    def __init__(self, molecule: "Molecule") -> None:
        self._molecule = molecule
        self._lowest: int | None = None
        self._laid: dict[int, tuple[float, np.ndarray]] = {}
        self._labels: dict[int, str] = {}
        self._symmetry: Any = None

    def rank(self, found: "Minima") -> Ranked:
        """All minima of a landscape, lowest first."""
        order = np.argsort(found.energies, kind="stable")
        keys = tuple(int(key) for key in found.ids[order])
        positions = np.asarray(found.positions)[order]
        if keys and keys[0] != self._lowest:
            self._lowest, self._laid = keys[0], {}
        new = [place for place, key in enumerate(keys) if key not in self._laid]
        if new:
            self._lay([keys[place] for place in new], positions[new], positions[0])
        energies = np.asarray(found.energies, float)[order]
        return Ranked(
            energies=energies - energies[:1],
            lowest=float(energies[0]) if keys else 0.0,
            positions=np.stack([self._laid[key][1] for key in keys]) if keys else positions,
            rmsd=np.array([self._laid[key][0] for key in keys]),
            visits=np.asarray(found.visits)[order],
            calls=np.asarray(found.calls)[order],
            labels=tuple(self._labels[key] for key in keys),
            keys=keys,
        )

    def _lay(self, keys: list[int], structures: np.ndarray, lowest: np.ndarray) -> None:
        from so3k_explore.analysis.alignment_batch import align_all
        from so3k_explore.analysis.symmetry import Symmetry

        if self._symmetry is None:
            self._symmetry = Symmetry.of(self._molecule.numbers, self._molecule.bonds)
        where = np.asarray(self._molecule.positions, float).mean(axis=0)  # where the molecule was drawn, it stays
        deviations, positions = align_all(structures, lowest - lowest.mean(axis=0) + where, self._symmetry)
        words = labelled(self._molecule, structures)
        for key, deviation, laid, label in zip(keys, deviations.tolist(), positions, words, strict=True):
            self._laid[key], self._labels[key] = (deviation, laid), label
