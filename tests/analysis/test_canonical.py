import numpy as np
import pytest
from scipy.spatial.distance import pdist

from so3k_explore.analysis.canonical import canonical_order, canonical_positions
from so3k_explore.analysis.symmetry import Symmetry, canonical_ranks
from so3k_explore.io.structures import load_molecule
from tests.analysis.conformers import conformers, equal_numbering, hexane, renumbered

MOLECULES = ["CCCCCC", "Ac-A-NHMe", "CC(C)C(=O)[O-]", "NCCO", "CC", "c1ccccc1C", "O"]


@pytest.mark.parametrize("text", MOLECULES)
def test_equal_conformers_are_put_into_the_same_order(text):
    molecule, rng = load_molecule(text), np.random.default_rng(3)
    positions = conformers(molecule, 6)
    symmetry = Symmetry.of(molecule.numbers, molecule.bonds)
    shuffled = np.stack([one[equal_numbering(symmetry, rng)] for one in positions])
    once = canonical_positions(positions, molecule.numbers, molecule.bonds)
    again = canonical_positions(shuffled, molecule.numbers, molecule.bonds)
    np.testing.assert_array_equal(again, once)


@pytest.mark.parametrize("text", MOLECULES)
def test_the_order_is_one_of_those_that_the_molecule_allows(text):
    molecule = load_molecule(text)
    allowed = [m.allowed(molecule.n_atoms) for m in Symmetry.of(molecule.numbers, molecule.bonds).mappings]
    for order in canonical_order(conformers(molecule, 4), molecule.numbers, molecule.bonds):
        assert sorted(order) == list(range(molecule.n_atoms))
        assert any(table[np.arange(len(order)), order].all() for table in allowed)


def test_distances_between_structures_do_not_depend_on_the_order_of_atoms():
    molecule = hexane()
    positions = conformers(molecule, 8)
    order, numbers, bonds = renumbered(molecule)
    pairs = lambda made: np.stack([pdist(one) for one in made])  # of one structure
    first = pairs(canonical_positions(positions, molecule.numbers, molecule.bonds))
    second = pairs(canonical_positions(positions[:, order], numbers, bonds))
    np.testing.assert_allclose(pdist(first), pdist(second), atol=1e-9)


def test_a_turned_methyl_group_keeps_its_order_between_staggered_neighbours():
    molecule = load_molecule("CCO")
    one = np.array(molecule.positions, float)
    wobbling = np.stack([one + np.random.default_rng(k).normal(scale=0.03, size=one.shape) for k in range(20)])
    orders = canonical_order(wobbling, molecule.numbers, molecule.bonds)
    assert len(np.unique(orders, axis=0)) == 1


def test_ranks_follow_from_the_graph():
    molecule = hexane()
    ranks = canonical_ranks(molecule.numbers, molecule.bonds)
    assert sorted(ranks) == list(range(molecule.n_atoms))
    _, numbers, bonds = renumbered(molecule)
    other = canonical_ranks(numbers, bonds)
    bonded = lambda ranks, bonds: {frozenset(pair) for pair in ranks[bonds].tolist()}
    assert bonded(ranks, molecule.bonds) == bonded(other, bonds)  # the same graph of ranks
    np.testing.assert_array_equal(molecule.numbers[np.argsort(ranks)], numbers[np.argsort(other)])


def test_no_structures_have_no_order():
    molecule = hexane()
    assert canonical_order(np.zeros((0, molecule.n_atoms, 3)), molecule.numbers, molecule.bonds).shape == (0, 20)
