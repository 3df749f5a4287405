"""Molecules for the tests of the search, without files."""

import numpy as np

from so3k_explore.io.molecule import Molecule
from tests.molecules import ETHANOL, random_cluster


def cluster(atoms: int, seed: int = 1) -> Molecule:
    """A compact cluster far from any minimum of the reduced Lennard-Jones potential."""
    return Molecule(f"lj{atoms}", random_cluster(atoms, seed), np.zeros((0, 2), int), "test")


def ethanol() -> Molecule:
    return Molecule(
        "ethanol", ETHANOL, np.array([[0, 1], [1, 2], [0, 3], [0, 4], [0, 5], [1, 6], [1, 7], [2, 8]]), "test"
    )
