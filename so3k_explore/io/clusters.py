"""Lennard-Jones clusters in reduced units: sigma = 1 Å, epsilon = 1 eV, atoms written as argon."""

import numpy as np
from jaxtyping import Float

from so3k_explore.geometry.elements import symbol
from so3k_explore.io.molecule import Molecule, StructureError
from so3k_explore.system import System

ARGON = 18
MAX_CLUSTER = 1000
_CLOSEST = 0.9  # sigma; the pair energy is still only 6.6 epsilon
_PACKING = 0.25  # filled part of the sphere, low enough for random insertion to succeed
_TRIALS = 2000


def lennard_jones_cluster(atoms: int, seed: int = 1) -> Molecule:
    """Random compact start of a cluster: atoms put into a sphere one by one, none closer than 0.9 sigma.

    Args:
        atoms: number of atoms, 2 to 1000.
        seed: equal seeds give equal clusters.
    """
    if not 2 <= atoms <= MAX_CLUSTER:
        raise StructureError(f"A cluster has 2 to {MAX_CLUSTER} atoms, got {atoms}.")
    positions = _pack(atoms, np.random.default_rng([seed, atoms]))
    system = System.create(positions - positions.mean(axis=0), np.full(atoms, ARGON))
    return Molecule.from_system(system, f"LJ{atoms}", f"{symbol(ARGON)}{atoms}, random start, seed {seed}")


def _pack(atoms: int, rng: np.random.Generator) -> Float[np.ndarray, "atoms 3"]:
    radius = _CLOSEST / 2 * (atoms / _PACKING) ** (1 / 3)
    while True:
        placed = np.zeros((0, 3))
        for _ in range(_TRIALS * atoms):
            direction = rng.normal(size=3)
            trial = radius * rng.uniform() ** (1 / 3) * direction / np.linalg.norm(direction)
            if (np.linalg.norm(placed - trial[None, :], axis=1) >= _CLOSEST).all():
                placed = np.vstack([placed, trial])
            if len(placed) == atoms:
                return placed
        radius *= 1.05
