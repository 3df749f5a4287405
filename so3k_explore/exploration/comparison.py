"""Two landscapes beside each other: energies above each one's own lowest minimum, and the minima that both have.

Two potentials, or two temperatures of a search, give the same molecule other landscapes; their energies differ by a
constant, and relaxed structures by a little. Minima are therefore matched by structure alone: sorted distances between
atoms propose partners, an alignment over permutations decides, and each minimum has one partner at most, the nearest.
"""

from dataclasses import dataclass

import numpy as np

from so3k_explore.analysis.alignment import align
from so3k_explore.analysis.symmetry import Symmetry
from so3k_explore.exploration.coverage import Coverage, estimate_coverage
from so3k_explore.exploration.identity import Fingerprint
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.records import Minima

MOST = 1000  # lowest minima of each landscape that are matched
CANDIDATES = 4  # partners of a minimum that are aligned
CLOSE = 0.25  # Å, RMSD below which minima of two potentials are the same conformer
BLOCK = 200  # minima whose distances to all others are in memory at once


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two landscapes."""

    name: str
    ids: np.ndarray  # (minima,) numbers, from the lowest on
    energies: np.ndarray  # (minima,) eV above its own lowest minimum
    coverage: Coverage
    saddles: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """What two landscapes have in common."""

    one: Side
    other: Side
    different: str  # why structures cannot be compared, in words; empty when they can
    pairs: np.ndarray  # (common, 2) numbers of the minima that both have
    energies: np.ndarray  # (common, 2) eV, above each one's own lowest minimum
    rmsd: np.ndarray  # (common,) Å
    matched: tuple[int, int]  # how many of the lowest minima of each were looked at

    @property
    def energy_error(self) -> float:
        """Mean absolute difference of relative energies of common minima, eV; NaN when there are none."""
        return float(np.abs(self.energies[:, 0] - self.energies[:, 1]).mean()) if len(self.pairs) else float("nan")


def compare_landscapes(one: Landscape, other: Landscape, *, close: float = CLOSE, most: int = MOST) -> Comparison:
    """Compares two landscapes; those of different molecules only in numbers.

    Args:
        one: on one side.
        other: on the other side.
        close: RMSD in Å below which two minima are the same, mirror images included.
        most: lowest minima of each that are matched.
    """
    first, second = one.minima(), other.minima()
    sides = _side(one, first), _side(other, second)
    different = _different(one, other)
    found: list[tuple[float, int, int]] = []
    kept = [np.lexsort((minima.ids, minima.energies))[:most] for minima in (first, second)]
    if not different and len(first) and len(second):
        found = _matches(one, first.positions[kept[0]], second.positions[kept[1]], close)
    places = np.array([(i, j) for _, i, j in found], int).reshape(-1, 2)
    columns = [(minima.ids[rows], minima.energies[rows]) for minima, rows in zip((first, second), kept, strict=True)]
    pick = lambda k, what: columns[k][what][places[:, k]]
    lowest = [minima.energies.min(initial=np.inf) for minima in (first, second)]
    return Comparison(
        one=sides[0],
        other=sides[1],
        different=different,
        pairs=np.stack([pick(0, 0), pick(1, 0)], axis=1),
        energies=np.stack([pick(0, 1) - lowest[0], pick(1, 1) - lowest[1]], axis=1)
        if len(places)
        else np.zeros((0, 2)),
        rmsd=np.array([rmsd for rmsd, _, _ in found]),
        matched=(len(kept[0]), len(kept[1])) if not different else (0, 0),
    )


def _side(landscape: Landscape, minima: Minima) -> Side:
    order = np.lexsort((minima.ids, minima.energies))
    energies = minima.energies[order]
    saddles = len(landscape.saddles())
    return Side(landscape.name, minima.ids[order], energies - energies[:1], estimate_coverage(minima.visits), saddles)


def _different(one: Landscape, other: Landscape) -> str:
    """Why two landscapes have no structures in common."""
    bonds = lambda landscape: sorted(map(tuple, np.sort(landscape.bonds, axis=1).tolist()))
    if len(one.numbers) != len(other.numbers) or (one.numbers != other.numbers).any():
        return f"{one.name} and {other.name} have other atoms, or the same in another order"
    if bonds(one) != bonds(other):
        return f"{one.name} and {other.name} have other bonds"
    return ""


def _matches(landscape: Landscape, mine: np.ndarray, theirs: np.ndarray, close: float) -> list[tuple[float, int, int]]:
    """(RMSD, place in one, place in the other) of pairs that are each other's, the nearest first."""
    fingerprint = Fingerprint(landscape.numbers)
    symmetry = Symmetry.of(landscape.numbers, landscape.bonds)
    prints = [np.array([fingerprint(structure) for structure in each]) for each in (mine, theirs)]
    near: list[tuple[float, int, int]] = []
    for i, j in _near(prints[0], prints[1], 2 * close):
        rmsd = align(theirs[j], mine[i], symmetry, mirror=True, enough=close / 5).rmsd
        if rmsd < close:
            near.append((rmsd, i, j))
    taken: tuple[set[int], set[int]] = (set(), set())
    found = []
    for rmsd, i, j in sorted(near):
        if i not in taken[0] and j not in taken[1]:
            found.append((rmsd, i, j))
            taken[0].add(i)
            taken[1].add(j)
    return found


def _near(mine: np.ndarray, theirs: np.ndarray, within: float) -> list[tuple[int, int]]:
    """Pairs whose sorted distances differ by less than `within`, Å, the nearest few of each."""
    width = max(mine.shape[1], 1)
    squares = np.sum(theirs**2, axis=1)
    found = []
    for start in range(0, len(mine), BLOCK):
        block = mine[start : start + BLOCK]
        apart = np.sum(block**2, axis=1)[:, None] + squares[None, :] - 2 * block @ theirs.T
        apart = np.sqrt(np.maximum(apart, 0.0) / width)
        nearest = np.argsort(apart, axis=1, kind="stable")[:, :CANDIDATES]
        for row, columns in enumerate(nearest):
            found += [(start + row, int(column)) for column in columns if apart[row, column] < within]
    return found
