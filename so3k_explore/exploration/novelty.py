"""How unlike everything known a proposed structure is, before any force call is spent on it.

Structures are compared by their distances between heavy atoms, sorted among pairs of the same elements and the same
number of bonds between them. That is invariant under rotation, reflection and every automorphism of the bond graph, so
that a conformer is not proposed again as its mirror image or with renumbered atoms. Without bonds, as in clusters,
structures are not compared: nothing resembles anything.
"""

from typing import Any

import numpy as np

from so3k_explore.exploration.identity import KnownMinima
from so3k_explore.geometry.bonds import graph_distances

RIGID = 2  # bonds between atoms whose distance no torsion changes
LATEST = 2000  # known minima that proposals are compared with


class Novelty:
    """Describes and compares structures of one molecule; positions are (atoms, 3) in Å."""

    def __init__(self, numbers: Any, bonds: Any) -> None:
        numbers, bonds = np.asarray(numbers, int), np.asarray(bonds, int).reshape(-1, 2)
        heavy = np.flatnonzero(numbers > 1) if len(bonds) else np.zeros(0, int)
        i, j = (heavy[side] for side in np.triu_indices(len(heavy), k=1))
        steps = graph_distances(bonds, len(numbers))[i, j]
        kept = (steps > RIGID) | (steps < 0)
        self._i, self._j = i[kept], j[kept]
        low, high = np.sort([numbers[self._i], numbers[self._j]], axis=0)
        self._kind = (low * 1000 + high) * 10_000 + steps[kept]
        self._minima: dict[int, np.ndarray] = {}

    @property
    def size(self) -> int:
        """Distances that describe a structure."""
        return len(self._kind)

    def describe(self, positions: np.ndarray) -> np.ndarray:
        """The sorted distances (size,), Å."""
        distances = np.linalg.norm(positions[self._i] - positions[self._j], axis=-1)
        return distances[np.lexsort((distances, self._kind))].astype(np.float32)

    def minima(self, known: KnownMinima) -> np.ndarray:
        """Descriptions (minima, size) of the minima found last."""
        latest = known.latest(LATEST)
        self._minima = {
            minimum: self._minima[minimum] if minimum in self._minima else self.describe(known.positions(minimum))
            for minimum in latest
        }
        return np.stack([*self._minima.values()]) if latest else np.zeros((0, self.size), np.float32)

    def distance(self, positions: np.ndarray, others: np.ndarray) -> float:
        """Root-mean-square difference to the nearest of some descriptions (others, size), Å; infinite without any."""
        if not len(others) or not self.size:
            return np.inf
        return float(np.sqrt(((others - self.describe(positions)) ** 2).mean(axis=1).min()))
