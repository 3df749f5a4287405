"""How close minima come to each other: the distances by which a person judges the thresholds of identity.

For every minimum the RMSD to its nearest neighbour, over rotations and permutations as in `identity`. Differences of
shape, and half of those of the fingerprint, are never larger than the RMSD; so structures are compared in the order of
these bounds, and only as long as one could still be nearer than the nearest one so far. Distances of all pairs are
never in memory.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from so3k_explore.analysis.alignment import align
from so3k_explore.analysis.symmetry import Symmetry
from so3k_explore.exploration.identity import Fingerprint, Identity, shape_of
from so3k_explore.exploration.identity_record import recorded_identity
from so3k_explore.exploration.landscape import Landscape

ENERGY_WINDOW = 0.01  # eV: three times that of identity; with much more, many pairs have to be compared
WITHIN = 0.25  # Å: twice the threshold of identity; likewise
PORTION = 512  # fingerprints compared at a time


@dataclass(frozen=True, eq=False)
class Nearest:
    """The nearest neighbour of each minimum."""

    ids: np.ndarray  # (minima,) numbers of the minima, by energy
    distances: np.ndarray  # (minima,) RMSD in Å; infinite where there is none as near as was asked for
    neighbors: np.ndarray  # (minima,) numbers of the neighbours; 0 where there is none
    energy_gaps: np.ndarray  # (minima,) eV, between the two; NaN where there is none


def nearest_neighbors(
    landscape: Landscape,
    identity: Identity | None = None,
    *,
    within: float | int = WITHIN,
    energy_window: float | int = ENERGY_WINDOW,
) -> Nearest:
    """RMSD of each minimum to its nearest neighbour.

    Args:
        landscape: with the minima.
        identity: whether mirror images are one structure.
        within: neighbours further away do not matter, Å.
        energy_window: nor do those whose energy differs by more, eV.
    """
    if not within > 0 or not energy_window > 0:
        raise ValueError(f"`within` and `energy_window` must be positive, got {within} Å and {energy_window} eV.")
    minima = landscape.minima()
    order = np.lexsort((minima.ids, minima.energies))
    ids, energies, positions = minima.ids[order], minima.energies[order], minima.positions[order]
    search = _Search(landscape, positions, (identity or recorded_identity(landscape)).chirality == "merge")
    best = np.full(len(ids), float(within))
    partner = np.full(len(ids), -1)
    for place in range(len(ids)):
        last = int(np.searchsorted(energies, energies[place] + energy_window, side="right"))
        search.compare(place, np.arange(place + 1, last), best, partner)
    found = partner >= 0
    gaps = np.where(found, np.abs(energies[partner] - energies), np.nan) if len(ids) else np.zeros(0)
    neighbors = np.where(found, ids[partner], 0) if len(ids) else np.zeros(0, int)
    return Nearest(ids, np.where(found, best, np.inf), neighbors, gaps)


class _Search:
    """Structures of one molecule, with what bounds their distances from below."""

    def __init__(self, landscape: Landscape, positions: np.ndarray, mirror: bool) -> None:
        self._symmetry = Symmetry.of(landscape.numbers, landscape.bonds)
        fingerprint = Fingerprint(landscape.numbers)
        self._positions, self._mirror = positions, mirror
        self._shapes = shape_of(positions) if len(positions) else np.zeros((0, 3))
        self._fingerprints = np.stack([fingerprint(one) for one in positions] or [np.zeros(0)]).astype(np.float32)

    def compare(self, place: int, others: np.ndarray, best: Any, partner: Any) -> None:
        """Looks among `others` for neighbours of `place`, and lets both know."""
        bounds = self._bounds(place, others)
        possible = np.flatnonzero(bounds < np.maximum(best[place], best[others]))
        for k in possible[np.argsort(bounds[possible], kind="stable")]:
            other = int(others[k])
            if bounds[k] >= max(best[place], best[other]):  # by now
                continue
            distance = self._distance(place, other)
            for one, its in ((place, other), (other, place)):
                if distance < best[one]:
                    best[one], partner[one] = distance, its

    def _bounds(self, place: int, others: np.ndarray) -> np.ndarray:
        shape = np.linalg.norm(self._shapes[others] - self._shapes[place][None], axis=1)
        found = [np.zeros(0)]
        for start in range(0, len(others), PORTION):
            some = self._fingerprints[others[start : start + PORTION]]
            found.append(np.sqrt(np.mean((some - self._fingerprints[place][None]) ** 2, axis=1)) / 2)
        return np.maximum(shape, np.concatenate(found))

    def _distance(self, place: int, other: int) -> float:
        return align(self._positions[place], self._positions[other], self._symmetry, mirror=self._mirror).rmsd
