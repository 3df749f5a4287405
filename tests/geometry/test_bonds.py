import ase.build
import ase.data
import numpy as np
import pytest
from ase.collections import g2

from so3k_explore.geometry.bonds import bond_orders, find_bonds, fragments, graph_distances, ring_bonds
from so3k_explore.geometry.elements import COVALENT_RADII, SYMBOLS, formula, formula_text
from tests.molecules import ETHANOL, WATER, random_cluster


def bonds_of(name: str) -> tuple[np.ndarray, np.ndarray]:
    atoms = ase.build.molecule(name)
    return atoms.numbers, find_bonds(atoms.numbers, atoms.positions)


def ring(size: int, first: int = 0) -> list[tuple[int, int]]:
    return [(first + k, first + (k + 1) % size) for k in range(size)]


def test_symbols_and_radii_agree_with_ase() -> None:
    assert list(SYMBOLS) == ase.data.chemical_symbols
    np.testing.assert_allclose(COVALENT_RADII[1:97], ase.data.covalent_radii[1:97])


def test_water_and_ethanol_have_their_bonds() -> None:
    np.testing.assert_array_equal(find_bonds(np.asarray(WATER.numbers), np.asarray(WATER.positions)), [[0, 1], [0, 2]])
    bonds = find_bonds(np.asarray(ETHANOL.numbers), np.asarray(ETHANOL.positions))
    np.testing.assert_array_equal(bonds, [[0, 1], [0, 3], [0, 4], [0, 5], [1, 2], [1, 6], [1, 7], [2, 8]])


@pytest.mark.parametrize(
    ("name", "count"),
    [("CH4", 4), ("C6H6", 12), ("F2", 1), ("SiH4", 4), ("cyclobutane", 12), ("bicyclobutane", 11), ("SF6", 6)],
)
def test_small_molecules_have_the_right_number_of_bonds(name: str, count: int) -> None:
    if name == "SF6":
        arms = 1.56 * np.vstack([np.eye(3), -np.eye(3)])
        assert len(find_bonds(np.array([16] + [9] * 6), np.vstack([np.zeros((1, 3)), arms]))) == count
    else:
        assert len(bonds_of(name)[1]) == count


def test_closed_shell_molecules_of_the_g2_set_are_in_one_piece() -> None:
    loose = {name for name in g2.names if len(g2[name]) > 1 and fragments(bonds_of(name)[1], len(g2[name])).max() > 0}
    assert not loose - {"Na2", "Li2", "NaCl"}, loose


def test_hydrogens_bond_to_each_other_in_h2_only() -> None:
    assert len(bonds_of("H2")[1]) == 1
    squeezed = np.array([[0.0, 0.0, 0.0], [0.0, 0.39, 0.9], [0.0, -0.39, 0.9]])  # H-H 0.78 Å
    np.testing.assert_array_equal(find_bonds(np.array([8, 1, 1]), squeezed), [[0, 1], [0, 2]])


def test_noble_gases_and_padding_never_bond() -> None:
    cluster = random_cluster(13, seed=0)
    assert find_bonds(np.asarray(cluster.numbers), np.asarray(cluster.positions)).shape == (0, 2)
    assert find_bonds(np.array([8, 0]), np.zeros((2, 3))).shape == (0, 2)


def test_bonds_reach_through_the_faces_of_a_cell() -> None:
    cell = np.diag([6.0, 6.0, 6.0])
    positions = (np.asarray(WATER.positions) + np.array([[0.0, 5.6, 1.0]])) % 6.0
    np.testing.assert_array_equal(find_bonds(np.array([8, 1, 1]), positions, cell), [[0, 1], [0, 2]])
    assert len(find_bonds(np.array([8, 1, 1]), positions)) == 1


def test_several_images_of_a_pair_are_one_bond() -> None:
    diamond = ase.build.bulk("C")  # each atom has four bonds to images of the other
    np.testing.assert_array_equal(find_bonds(diamond.numbers, diamond.positions, diamond.cell.array), [[0, 1]])


def test_fragments_are_numbered_as_they_appear() -> None:
    assert fragments(np.array([[3, 4], [0, 2]]), 6).tolist() == [0, 1, 0, 2, 2, 3]
    assert fragments(np.zeros((0, 2), int), 3).tolist() == [0, 1, 2]


def test_distances_count_bonds() -> None:
    steps = graph_distances(np.array([[0, 1], [1, 2], [2, 3]]), 5)
    assert steps[0].tolist() == [0, 1, 2, 3, -1]
    np.testing.assert_array_equal(steps, steps.T)


def test_ring_bonds_are_those_of_cycles() -> None:
    bonds = np.array([*ring(5), (4, 5), *ring(3, 6), (5, 6)])
    assert ring_bonds(bonds, 9).tolist() == [True] * 5 + [False] + [True] * 3 + [False]
    fused = np.array([*ring(6), (0, 6), (6, 1)])
    assert ring_bonds(fused, 7).all()


@pytest.mark.parametrize(
    ("name", "orders"),
    [("C2H4", [2]), ("C2H2", [3]), ("CO2", [2, 2]), ("HCN", [3]), ("C2H6", [1]), ("CH3NO2", [1, 1, 1])],
)
def test_orders_follow_from_free_valences(name: str, orders: list[int]) -> None:
    numbers, bonds = bonds_of(name)
    heavy = (numbers[bonds] > 1).all(axis=1)
    found = bond_orders(numbers, bonds)
    assert sorted(found[heavy]) == orders
    assert (found[~heavy] == 1).all()


def test_benzene_alternates_and_biphenyl_keeps_its_middle_bond_single() -> None:
    numbers, bonds = bonds_of("C6H6")
    orders = bond_orders(numbers, bonds)
    assert sorted(orders[(numbers[bonds] > 1).all(axis=1)]) == [1, 1, 1, 2, 2, 2]
    skeleton = [*ring(6), *ring(6, 6), (0, 6)]
    hydrogens = [(carbon, 12 + k) for k, carbon in enumerate(c for c in range(12) if c not in (0, 6))]
    orders = bond_orders(np.array([6] * 12 + [1] * 10), np.array(skeleton + hydrogens))
    assert sorted(orders[:12]) == [1] * 6 + [2] * 6
    assert orders[12] == 1


def test_stilbene_has_its_double_bond_between_the_rings() -> None:
    skeleton = [*ring(6), *ring(6, 6), (0, 12), (12, 13), (13, 6)]
    hydrogens = [(carbon, 14 + k) for k, carbon in enumerate(c for c in range(14) if c not in (0, 6))]
    orders = bond_orders(np.array([6] * 14 + [1] * 12), np.array(skeleton + hydrogens))
    assert orders[12:15].tolist() == [1, 2, 1]


def test_formulas_are_in_hill_order() -> None:
    assert formula(np.array([8, 1, 6, 1, 1, 1, 6, 1, 1])) == "C2H6O"
    assert formula(np.array([8, 1, 1])) == "H2O"
    assert formula(np.array([17, 11, 0])) == "ClNa"
    assert formula_text(np.array([6] * 2 + [1] * 3 + [8] * 2), -1.0) == "C₂H₃O₂⁻"
    assert formula_text(np.array([20]), 2.0) == "Ca²⁺"
    assert formula_text(np.full(13, 18)) == "Ar₁₃"
