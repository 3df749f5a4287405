"""Where walkers start from: moves that fit the molecule, random structures, and directions to fly into."""

import numpy as np

from so3k_explore.exploration.basin_hopping import TorsionMoves, kick, neighbor_distance
from so3k_explore.exploration.seeds import random_cluster
from so3k_explore.exploration.walkers import DISPLACEMENT
from so3k_explore.io.molecule import Molecule

SHAKE = 0.05  # Å, of a start that cannot be varied otherwise


class Proposals:
    """Starting points for the walkers of one molecule. Positions are (atoms, 3) in Å."""

    def __init__(self, molecule: Molecule) -> None:
        self._start = np.asarray(molecule.positions, float)
        self._cluster = not len(molecule.bonds)
        self._torsions = TorsionMoves(molecule.numbers, molecule.bonds, molecule.torsions)

    @property
    def start(self) -> np.ndarray:
        """The structure that was given."""
        return self._start

    def seed(self, known: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
        """A random structure; `known` is a relaxed one to take bond lengths from, if there is any yet."""
        model = self._start if known is None else known
        if self._cluster:
            return random_cluster(len(model), neighbor_distance(model), rng)
        if len(self._torsions.torsions):
            return self._torsions.all(model, rng)
        return model + rng.normal(scale=SHAKE, size=model.shape)

    def move(self, strategy: str, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What the strategy makes of a minimum."""
        if strategy == "torsions":
            return self._torsions.some(positions, rng)
        if strategy == "kicks":
            return kick(positions, rng)
        return self.seed(positions, rng)

    @staticmethod
    def direction(positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Random displacement without translation and rotation, as long as softening wants it."""
        arms = positions - positions.mean(axis=0)
        motion = rng.normal(size=positions.shape)
        motion -= motion.mean(axis=0)
        inertia = np.sum(arms**2) * np.eye(3) - arms.T @ arms
        motion -= np.cross(np.linalg.pinv(inertia, rcond=1e-6) @ np.cross(arms, motion).sum(axis=0), arms)
        return motion * DISPLACEMENT / np.linalg.norm(motion)
