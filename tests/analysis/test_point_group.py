"""Numbers of operations of well-known point groups."""

from typing import Any

import numpy as np
import pytest
from ase.build import molecule
from ase.io import read

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


def test_conformers_and_clusters_have_the_symmetry_of_the_textbook(reference):
    butane: Any = read(reference / "landscapes" / "butane_gfn2_minima.xyz", index=":")
    found = [point_group(atoms.numbers, atoms.positions) for atoms in butane]
    assert [(group.rotations, group.order) for group in found] == [(2, 4), (2, 2)]  # C2h, and C2 with a mirror image
    clusters = np.load(reference / "landscapes" / "lj7_minima.npz")
    frames = next(clusters[name] for name in clusters.files if clusters[name].ndim == 3)
    orders = sorted(point_group([18] * 7, frame).order for frame in frames)
    assert orders == [2, 6, 6, 20]  # C2, twice C3v, and the pentagonal bipyramid D5h
