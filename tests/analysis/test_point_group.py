"""Numbers of operations of well-known point groups."""

import numpy as np
import pytest
from ase.build import molecule

from so3k_explore.analysis.point_group import point_group


@pytest.mark.parametrize(
    ("name", "rotations", "order"),
    [
        ("H2O", 2, 4),
        ("NH3", 3, 6),
        ("CH4", 12, 24),
        ("C6H6", 12, 24),
        ("C2H6", 6, 12),
        ("C2H4", 4, 8),
        ("CO2", 2, 4),
        ("HCN", 1, 2),
        ("CH3OH", 1, 2),
        ("C60", 60, 120),
        ("Si2H6", 6, 12),
        ("H2O2", 2, 2),
    ],
)
def test_symmetry_numbers_are_those_of_the_point_group(name, rotations, order):
    atoms = molecule(name)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    noise = np.random.default_rng(1).normal(scale=0.005, size=atoms.positions.shape)
    found = point_group(atoms.numbers, atoms.positions @ turn.T + noise + 3.0)
    assert (found.rotations, found.order) == (rotations, order)
    assert found.chiral == (order == rotations)


def test_an_atom_and_a_shapeless_cluster_have_no_symmetry():
    assert point_group([18], np.zeros((1, 3))).order == 2
    found = point_group([18] * 9, np.random.default_rng(3).normal(size=(9, 3)))
    assert (found.rotations, found.order, found.chiral) == (1, 1, True)


def test_different_elements_break_symmetry():
    methane = molecule("CH4")
    numbers = methane.numbers.copy()
    numbers[1] = 9
    assert point_group(numbers, methane.positions).rotations == 3  # C3v
    numbers[2] = 17
    assert point_group(numbers, methane.positions).order == 2  # a mirror plane
    numbers[3] = 35
    assert point_group(numbers, methane.positions).chiral
