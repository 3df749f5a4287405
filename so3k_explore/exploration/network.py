"""What a search for saddles knows: minima, the saddles that join them, and what has been tried in vain."""

from collections import Counter

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from so3k_explore.exploration.identity import Fingerprint, Identity, KnownMinima
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.records import Attempt

Pair = tuple[int, int]  # numbers of two minima, the smaller first


class Network:
    """The part of a landscape that a search for saddles works on, kept up to date with its file."""

    def __init__(self, landscape: Landscape, identity: Identity, energy_window: float | None = None) -> None:
        self.landscape = landscape
        self._window = energy_window
        numbers, bonds = landscape.numbers, landscape.bonds
        self.known = KnownMinima(numbers, bonds, identity)
        self.saddles = KnownMinima(numbers, bonds, identity)
        self._fingerprint = Fingerprint(numbers)
        self._prints: dict[int, np.ndarray] = {}
        self.links: dict[int, Pair] = {}  # by number of the saddle
        self.tries: Counter[Pair] = Counter()  # attempts to join a pair
        self.starts: set[tuple[int, str]] = set()  # single-ended attempts, by minimum and method
        minima, saddles = landscape.minima(), landscape.saddles()
        for row, number in enumerate(minima.ids.tolist()):
            self.add_minimum(number, float(minima.energies[row]), minima.positions[row])
        for row, number in enumerate(saddles.ids.tolist()):
            self.add_saddle(number, tuple(saddles.pairs[row].tolist()), saddles.energies[row], saddles.positions[row])
        for attempt in landscape.attempts():
            self.add_attempt(attempt)

    def add_minimum(self, number: int, energy: float, positions: np.ndarray) -> None:
        """Another minimum (eV, Å)."""
        self.known.add(number, energy, positions)
        self._prints[number] = self._fingerprint(positions)

    def add_saddle(self, number: int, pair: Pair, energy: float, positions: np.ndarray) -> None:
        """Another saddle (eV, Å)."""
        self.saddles.add(number, float(energy), positions)
        self.links[number] = pair

    def add_attempt(self, attempt: Attempt) -> None:
        """Another attempt."""
        if attempt.second is None:
            self.starts.add((attempt.first, attempt.method))
        else:
            self.tries[attempt.first, attempt.second] += 1

    @property
    def minima(self) -> list[int]:
        """Minima inside the energy window, the lowest first."""
        ids = list(self.known.ids)
        if self._window is None or not ids:
            return ids
        highest = self.known.energy(ids[0]) + self._window
        return [number for number in ids if self.known.energy(number) <= highest]

    @property
    def linked(self) -> set[Pair]:
        """Pairs of different minima joined by a saddle."""
        return {pair for pair in self.links.values() if pair[0] != pair[1]}

    def components(self) -> list[list[int]]:
        """Minima that hang together, the part with the lowest minimum first, then by size."""
        minima = self.minima
        if not minima:
            return []
        place = {number: k for k, number in enumerate(self.known.ids)}  # paths may lead over higher minima
        rows = np.array([[place[a], place[b]] for a, b in self.linked], int).reshape(-1, 2)
        joined = coo_array((np.ones(len(rows)), (rows[:, 0], rows[:, 1])), shape=(len(place), len(place)))
        _, labels = connected_components(joined.tocsr(), directed=False)
        parts: dict[int, list[int]] = {}
        for number in minima:
            parts.setdefault(int(labels[place[number]]), []).append(number)
        first, *rest = parts.values()
        return [first, *sorted(rest, key=len, reverse=True)]

    @property
    def connected(self) -> float:
        """Fraction of the minima in the largest part that hangs together; 0 without minima."""
        parts = self.components()
        return max(map(len, parts)) / sum(map(len, parts)) if parts else 0.0

    def distances(self, one: list[int], others: list[int]) -> np.ndarray:
        """How much the sorted distances of minima differ (one, others), Å: a lower bound of twice their RMSD."""
        if not one or not others:
            return np.zeros((len(one), len(others)))
        mine, theirs = (np.array([self._prints[number] for number in some]) for some in (one, others))
        squares = np.sum(mine**2, axis=1)[:, None] + np.sum(theirs**2, axis=1)[None, :] - 2 * mine @ theirs.T
        return np.sqrt(np.maximum(squares, 0.0) / max(mine.shape[1], 1))
