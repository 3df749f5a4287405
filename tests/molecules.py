"""Small molecules for the property tests, written out so that tests need no files."""

import numpy as np

from so3k_explore.system import System

WATER = System.create([[0.0, 0.0, 0.119], [0.0, 0.763, -0.477], [0.0, -0.763, -0.477]], [8, 1, 1])

ETHANOL = System.create(
    [
        [1.188, -0.383, 0.021],
        [-0.086, 0.447, -0.034],
        [-1.181, -0.441, 0.062],
        [1.263, -0.951, 0.953],
        [1.209, -1.113, -0.795],
        [2.071, 0.256, -0.061],
        [-0.126, 1.021, -0.974],
        [-0.112, 1.171, 0.795],
        [-1.981, 0.107, 0.011],
    ],
    [6, 6, 8, 1, 1, 1, 1, 1, 1],
)


def random_cluster(atoms: int, seed: int, spacing: float = 1.1) -> System:
    """Argon-like cluster: a shaken piece of a simple cubic lattice, no two atoms closer than half the spacing."""
    rng = np.random.default_rng(seed)
    edge = int(np.ceil(atoms ** (1 / 3)))
    lattice = np.array(np.meshgrid(*[np.arange(edge)] * 3, indexing="ij")).reshape(3, -1).T[:atoms]
    return System.create(spacing * (lattice + rng.uniform(-0.15, 0.15, (atoms, 3))), np.full(atoms, 18))
