"""Structures for the tests of descriptors, clusters and maps."""

from typing import Any

import numpy as np

from so3k_explore.analysis.symmetry import Symmetry
from so3k_explore.analysis.torsions import rotatable_torsions, set_torsion
from so3k_explore.io.molecule import Molecule
from so3k_explore.io.structures import load_molecule


def conformers(molecule: Molecule, count: int, seed: int = 0) -> np.ndarray:
    """Random values of all torsions, and a little noise; positions in Å."""
    rng = np.random.default_rng(seed)
    quads = rotatable_torsions(molecule.numbers, molecule.bonds, methyl=True)
    made = []
    for _ in range(count):
        positions = np.array(molecule.positions, float)
        for quad in quads:
            positions = set_torsion(positions, molecule.bonds, quad, rng.uniform(-180, 180))
        made.append(positions + rng.normal(scale=0.02, size=positions.shape))
    return np.array(made)


def equal_numbering(symmetry: Symmetry, rng: np.random.Generator) -> np.ndarray:
    """A random permutation of equal atoms that the molecule cannot be told apart by: the atom that takes each place."""
    mapping = symmetry.mappings[rng.integers(len(symmetry.mappings))]
    order = np.empty(len(symmetry.numbers), int)
    order[mapping.fixed[:, 0]] = mapping.fixed[:, 1]
    for mobile, places in mapping.groups:
        order[places] = rng.permutation(mobile)
    return order


def renumbered(molecule: Molecule, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A random order of all atoms, and the numbers and bonds that belong to it."""
    order = np.random.default_rng(seed).permutation(molecule.n_atoms)
    bonds = np.argsort(order)[molecule.bonds]
    return order, molecule.numbers[order], np.sort(bonds, axis=1)


def hexane() -> Molecule:
    return load_molecule("CCCCCC")


def dipeptide() -> Molecule:
    return load_molecule("Ac-A-NHMe")


def blobs(each: int = 40, centres: Any = ((0, 0, 0), (9, 0, 0), (0, 9, 0)), seed: int = 0) -> tuple[Any, Any]:
    """Points around centres, in random order, and which centre each belongs to."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(centres)), each)
    points = np.asarray(centres, float)[truth] + rng.normal(size=(len(truth), len(centres[0])))
    order = rng.permutation(len(truth))
    return points[order], truth[order]
