import numpy as np
import pytest

from so3k_explore.analysis.torsions import dihedrals, rotate_torsion
from so3k_explore.exploration.paths import PathGuesses, distance_path, straight_path
from so3k_explore.geometry.rotations import random_rotation
from so3k_explore.io.structures import load_molecule
from tests.exploration.molecules import cluster

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def butane():
    return load_molecule("butane")


def bond_lengths(path, bonds):
    return np.linalg.norm(path[:, bonds[:, 0]] - path[:, bonds[:, 1]], axis=-1)


def backbone(molecule):
    return molecule.torsions[0]


def turned(molecule, quad, angle):
    return rotate_torsion(np.asarray(molecule.positions, float), molecule.bonds, quad, angle)


def hydrogens(molecule, parent):
    return [
        int(b if a == parent else a) for a, b in molecule.bonds if parent in (a, b) and 1 in molecule.numbers[[a, b]]
    ]


def laid_at_random(positions):
    import jax

    return positions @ np.asarray(random_rotation(jax.random.key(3)), float).T + np.array([1.0, -2.0, 0.5])


def test_ends_are_found_again_turned_and_permuted(butane):
    start = np.asarray(butane.positions, float)
    carbon = next(atom for atom in range(14) if butane.numbers[atom] == 6 and len(hydrogens(butane, atom)) == 3)
    order = np.arange(14)
    methyl = hydrogens(butane, carbon)
    order[methyl] = np.roll(methyl, 1)
    finish = laid_at_random(start[order])
    nearest = PathGuesses(butane.numbers, butane.bonds).matched(start, finish)[0]
    np.testing.assert_allclose(nearest, start, atol=1e-8)


def test_a_methyl_group_turns_by_less_than_half_of_a_third(butane):
    start = np.asarray(butane.positions, float)
    guesses = PathGuesses(butane.numbers, butane.bonds)
    for quad in guesses.torsions:
        if tuple(quad[1:3]) != tuple(backbone(butane)[1:3]):
            ends = guesses.matched(start, turned(butane, quad, 100.0))
            change = dihedrals(ends[0], guesses.torsions) - dihedrals(start, guesses.torsions)
            assert np.abs((change + 180) % 360 - 180).max() < 61


def test_hydrogens_of_a_carbon_in_the_chain_never_trade_places(butane):
    """To trade places they would have to invert their carbon."""
    start = np.asarray(butane.positions, float)
    carbon = next(atom for atom in range(14) if butane.numbers[atom] == 6 and len(hydrogens(butane, atom)) == 2)
    order = np.arange(14)
    pair = hydrogens(butane, carbon)
    order[pair] = pair[::-1]
    guesses = PathGuesses(butane.numbers, butane.bonds)
    for attempt in range(3):
        path = guesses.path(start, laid_at_random(start[order]), 6, attempt, RNG)
        around = [carbon, *[int(b if a == carbon else a) for a, b in butane.bonds if carbon in (a, b)]]
        bonds = path[:, around[1:4]] - path[:, around[:1]]
        assert np.ptp(np.sign(np.linalg.det(bonds))) == 0


def test_mirror_images_are_reached_only_where_they_count_as_the_same(butane):
    start, quad = turned(butane, backbone(butane), -115.0), backbone(butane)
    finish = -start
    torsion = lambda positions: float(dihedrals(positions, quad[None])[0])
    merged = PathGuesses(butane.numbers, butane.bonds).matched(start, finish)[0]
    apart = PathGuesses(butane.numbers, butane.bonds, mirror=False).matched(start, finish)[0]
    np.testing.assert_allclose(merged, start, atol=1e-8)
    assert torsion(apart) == pytest.approx(-torsion(start), abs=1e-6)


def test_along_a_torsion_path_bonds_keep_their_lengths(butane):
    start, quad = np.asarray(butane.positions, float), backbone(butane)
    finish = laid_at_random(turned(butane, quad, 120.0))
    path = PathGuesses(butane.numbers, butane.bonds, mirror=False).path(start, finish, 7, 0, RNG)
    assert path.shape == (9, 14, 3)
    np.testing.assert_allclose(
        bond_lengths(path, butane.bonds), np.tile(bond_lengths(path[:1], butane.bonds), (9, 1)), atol=1e-6
    )
    np.testing.assert_array_equal(path[0], start)
    torsions = np.unwrap(dihedrals(path, quad[None])[:, 0], period=360)
    np.testing.assert_allclose(np.diff(torsions), np.diff(torsions)[0], atol=0.1)
    assert abs(torsions[-1] - torsions[0]) == pytest.approx(120, abs=0.1)


def test_a_later_attempt_goes_the_other_way_round(butane):
    start, quad = np.asarray(butane.positions, float), backbone(butane)
    guesses = PathGuesses(butane.numbers, butane.bonds, mirror=False)
    path = guesses.torsion_path(start, turned(butane, quad, 120.0), 9, backwards=True)
    torsions = np.unwrap(dihedrals(path, quad[None])[:, 0], period=360)
    assert abs(torsions[-1] - torsions[0]) == pytest.approx(240, abs=0.1)


def test_distances_along_a_distance_path_lie_between_those_of_its_ends():
    first, second = cluster(7).positions, cluster(7, seed=3).positions
    path = distance_path(first, second, 6, np.random.default_rng(2))
    apart = np.linalg.norm(path[:, :, None] - path[:, None, :], axis=-1)[:, *np.triu_indices(7, 1)]
    assert apart.min() > 0.7 * min(apart[0].min(), apart[-1].min())


def test_atoms_that_trade_places_on_a_line_go_around_each_other():
    line = np.array([[-1.1, 0, 0], [0, 0, 0], [1.1, 0, 0]])
    path = distance_path(line, line[[1, 0, 2]], 7, np.random.default_rng(0))
    apart = np.linalg.norm(path[:, :, None] - path[:, None, :], axis=-1)[:, *np.triu_indices(3, 1)]
    assert np.isfinite(path).all()
    assert apart.min() > 0.5


def test_a_permuted_cluster_is_laid_onto_itself_unless_it_shall_change():
    start = np.asarray(cluster(7).positions, float)
    finish = laid_at_random(start[RNG.permutation(7)])
    guesses = PathGuesses(np.full(7, 18), [])
    other = np.asarray(cluster(7, seed=5).positions, float)
    first = guesses.path(start, other, 3, 0, np.random.default_rng(1))
    second = guesses.path(start, other, 3, 1, np.random.default_rng(1))
    assert np.abs(first[-1] - second[-1]).max() > 0.1
    itself = guesses.path(start, finish, 3, 0, np.random.default_rng(1))
    assert np.sqrt(np.mean(np.sum((itself[-1] - start) ** 2, axis=1))) > 0.1


def test_straight_paths_lead_through_the_middle_and_no_two_atoms_are_in_one_place():
    line = np.array([[-1.1, 0, 0], [0, 0, 0], [1.1, 0, 0]])
    path = straight_path(line, line[::-1], 5, np.random.default_rng(0))
    np.testing.assert_array_equal(path[[0, -1]], [line, line[::-1]])
    assert np.linalg.norm(path[3], axis=1).max() < 0.1
    assert np.linalg.norm(path[3, 0] - path[3, 2]) > 1e-4
