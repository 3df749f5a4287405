"""Moves of basin hopping: turned torsions of molecules, shaken atoms of clusters.

Wales & Doye, J. Phys. Chem. A 101, 5111 (1997). A move proposes a structure; relaxing it is the walkers' business.
For flexible molecules turning one or two torsions by any angle finds many times more minima than dynamics does.
Amides, which no flight turns at the temperatures of a search, are now and then exchanged between trans and cis.
Proposals in which atoms clash would relax into broken molecules; they are drawn again before any force call.
"""

from typing import Any

import numpy as np

from so3k_explore.analysis.torsions import moving_atoms, turn
from so3k_explore.geometry.bonds import graph_distances
from so3k_explore.geometry.elements import COVALENT_RADII

CLASH = 1.5  # times the sum of covalent radii: closer than this, atoms without a common neighbour clash
ATTEMPTS = 30  # proposals until the least bad one is taken
FLIPS = 0.2  # of the moves turn an amide round
FLIP_WIDTH = 10.0  # degrees
KICK = 0.4  # of the distance between neighbours in a cluster


class TorsionMoves:
    """Turns rotatable torsions of one molecule, and `amides` between trans and cis."""

    def __init__(self, numbers: Any, bonds: Any, torsions: Any, amides: Any = ()) -> None:
        numbers, bonds = np.asarray(numbers, int), np.asarray(bonds, int).reshape(-1, 2)
        self.torsions = np.asarray(torsions, int).reshape(-1, 4)
        self.amides = np.asarray(amides, int).reshape(-1, 4)
        self._moving = moving_atoms(bonds, self.torsions, len(numbers))
        self._beyond = moving_atoms(bonds, self.amides, len(numbers))
        radii = COVALENT_RADII[numbers]
        steps = graph_distances(bonds, len(numbers))
        far = (steps > 2) | (steps < 0)
        self._i, self._j = np.nonzero(np.triu(far, k=1))
        self._limit = CLASH * (radii[self._i] + radii[self._j])

    def some(self, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One or two torsions turned by random angles; positions (atoms, 3) in Å."""
        return self._best_of(positions, rng, lambda: min(len(self.torsions), int(rng.integers(1, 3))))

    def all(self, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Every torsion turned by a random angle: a random conformer."""
        return self._best_of(positions, rng, lambda: len(self.torsions))

    def _best_of(self, positions: np.ndarray, rng: np.random.Generator, how_many: Any) -> np.ndarray:
        best, least = positions, np.inf
        for _ in range(ATTEMPTS):
            proposal = positions
            for t in rng.choice(len(self.torsions), how_many(), replace=False):
                angle = rng.uniform(-180.0, 180.0)
                proposal = np.asarray(turn(proposal, self.torsions[t], self._moving[t], angle))
            proposal = self._flipped(proposal, rng)
            clash = self.clash(proposal)
            if clash < least:
                best, least = proposal, clash
            if clash == 0:
                break
        return best

    def _flipped(self, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """In some cases with one amide turned round."""
        if not len(self.amides) or rng.random() >= FLIPS:
            return positions
        t = int(rng.integers(len(self.amides)))
        return np.asarray(turn(positions, self.amides[t], self._beyond[t], rng.normal(180.0, FLIP_WIDTH)))

    def clash(self, positions: np.ndarray) -> float:
        """How deep the worst clash is, Å; zero when there is none."""
        if not len(self._i):
            return 0.0
        distances = np.linalg.norm(positions[self._i] - positions[self._j], axis=1)
        return float(np.maximum(self._limit - distances, 0.0).max())


def kick(positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cluster with every atom moved at random, or with its outermost atom put elsewhere on the surface, Å."""
    spacing = neighbor_distance(positions)
    if len(positions) > 4 and rng.random() < 0.3:
        return _moved_atom(positions, spacing, rng)
    return positions + rng.uniform(-KICK, KICK, positions.shape) * spacing


def _moved_atom(positions: np.ndarray, spacing: float, rng: np.random.Generator) -> np.ndarray:
    centred = positions - positions.mean(axis=0)
    contacts = (np.linalg.norm(centred[:, None] - centred[None, :], axis=-1) < 1.3 * spacing).sum(axis=1)
    loose = np.flatnonzero(contacts == contacts.min())
    atom = int(rng.choice(loose))
    others = np.delete(centred, atom, axis=0)
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    along = others @ direction
    aside = np.sum(others**2, axis=1) - along**2
    touched = aside < spacing**2
    reach = along[touched] + np.sqrt(spacing**2 - aside[touched]) if touched.any() else np.zeros(1)
    moved = centred.copy()
    moved[atom] = reach.max() * direction
    return moved


def neighbor_distance(positions: np.ndarray) -> float:
    """Median distance of an atom to its nearest neighbour, Å."""
    distances = np.linalg.norm(positions[:, None] - positions[None, :], axis=-1)
    np.fill_diagonal(distances, np.inf)
    return float(np.median(distances.min(axis=1)))
