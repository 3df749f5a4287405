import numpy as np
import pytest
from ase import Atoms
from ase.io import iread

from so3k_explore.analysis.alignment import align, best_rmsd, rmsd, rotation_onto, superpose
from so3k_explore.analysis.symmetry import Symmetry
from so3k_explore.geometry.bonds import find_bonds
from tests.molecules import ETHANOL, random_cluster

BONDS = {
    "ethanol": [[0, 1], [1, 2], [0, 3], [0, 4], [0, 5], [1, 6], [1, 7], [2, 8]],
}


def rotated(positions, rng, mirror=False):
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    return (-1 if mirror else 1) * positions @ rotation.T + rng.normal(size=3)


def shuffled(positions, numbers, bonds, rng):
    """An automorphic renumbering: leaves of the same parent and element trade places."""
    order = np.arange(len(numbers))
    for parent in range(len(numbers)):
        hydrogens = [j if i == parent else i for i, j in bonds if parent in (i, j)]
        hydrogens = [atom for atom in hydrogens if numbers[atom] == 1]
        order[hydrogens] = rng.permutation(hydrogens)
    return positions[order]


def alkane(reference, name):
    """Positions of the reference minima of an alkane, their numbers and bonds (the same numbering for all)."""
    frames = [
        frame for frame in iread(reference / "landscapes" / f"{name}_gfn2_minima.xyz") if isinstance(frame, Atoms)
    ]
    numbers = frames[0].get_atomic_numbers()
    return [frame.get_positions() for frame in frames], numbers, find_bonds(numbers, frames[0].get_positions())


def test_superposition_undoes_rotation_and_translation():
    rng = np.random.default_rng(0)
    target = rng.normal(size=(7, 3))
    mobile = np.stack([rotated(target, rng) for _ in range(5)])
    np.testing.assert_allclose(superpose(mobile, target), np.broadcast_to(target, mobile.shape), atol=1e-12)
    np.testing.assert_allclose(rmsd(mobile, target), 0, atol=1e-12)


def test_rotations_are_proper_even_for_mirror_images_and_flat_molecules():
    rng = np.random.default_rng(1)
    target = rng.normal(size=(6, 3))
    flat = target * np.array([1.0, 1.0, 0.0])
    for mobile, aim in ((-target, target), (flat, flat), (-flat, flat)):
        assert np.linalg.det(rotation_onto(mobile, aim)) == pytest.approx(1)
    assert rmsd(-target, target) > 0.1


def test_rmsd_is_the_minimum_over_rotations():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 8, 3))
    best = rmsd(a, b)
    near = superpose(a, b)
    for _ in range(50):
        turned = near + np.cross(rng.normal(size=3)[None] * 1e-2, near - near.mean(0))
        assert np.sqrt(np.mean(np.sum((turned - b) ** 2, axis=1))) >= best - 1e-6


def test_the_core_of_ethanol_has_one_automorphism_and_its_hydrogens_are_free():
    symmetry = Symmetry.of(ETHANOL.numbers, BONDS["ethanol"])
    assert len(symmetry.mappings) == 1
    assert sorted(len(atoms) for atoms, _ in symmetry.mappings[0].groups) == [2, 3]


@pytest.mark.parametrize(
    ("numbers", "bonds", "mappings"),
    [
        ([6] * 6, [[i, (i + 1) % 6] for i in range(6)], 12),  # a ring has the dihedral group
        ([6, 6, 6, 6], [[0, 1], [1, 2], [2, 3]], 2),
        ([8, 1, 1], [[0, 1], [0, 2]], 1),
        ([1, 1], [[0, 1]], 2),
        ([8, 1, 1, 8, 1, 1], [[0, 1], [0, 2], [3, 4], [3, 5]], 2),  # two waters trade places
    ],
)
def test_core_automorphisms_are_counted_right(numbers, bonds, mappings):
    assert len(Symmetry.of(numbers, bonds).mappings) == mappings


def test_many_equal_fragments_fall_back_to_classes_of_atoms():
    bonds = [[3 * k, 3 * k + h] for k in range(8) for h in (1, 2)]
    symmetry = Symmetry.of([8, 1, 1] * 8, bonds)
    assert len(symmetry.mappings) == 1
    assert sorted(len(atoms) for atoms, _ in symmetry.mappings[0].groups) == [8, 16]


@pytest.mark.parametrize("seed", range(4))
def test_renumbered_and_turned_molecules_are_the_same(seed):
    rng = np.random.default_rng(seed)
    numbers, positions = np.asarray(ETHANOL.numbers), np.asarray(ETHANOL.positions)
    copy = rotated(shuffled(positions, numbers, BONDS["ethanol"], rng), rng)
    assert best_rmsd(copy, positions, numbers, BONDS["ethanol"]) < 1e-9


@pytest.mark.parametrize("atoms", [2, 3, 7, 13, 20])
def test_clusters_are_the_same_under_any_permutation(atoms):
    rng = np.random.default_rng(atoms)
    cluster = random_cluster(atoms, seed=atoms)
    positions, numbers = np.asarray(cluster.positions), np.asarray(cluster.numbers)
    copy = rotated(positions[rng.permutation(atoms)], rng)
    assert best_rmsd(copy, positions, numbers) < 1e-9
    mirrored = rotated(positions[rng.permutation(atoms)], rng, mirror=True)
    assert best_rmsd(mirrored, positions, numbers, mirror=True) < 1e-9
    if atoms > 3:
        assert best_rmsd(mirrored, positions, numbers) > 0.01


def test_small_displacements_are_measured():
    rng = np.random.default_rng(5)
    cluster = random_cluster(13, seed=5)
    positions = np.asarray(cluster.positions)
    shaken = positions + rng.normal(scale=0.03, size=positions.shape)
    assert best_rmsd(rotated(shaken[rng.permutation(13)], rng), positions, cluster.numbers) <= rmsd(shaken, positions)


@pytest.mark.parametrize(
    ("positions", "numbers", "bonds"),
    [
        ([[0, 0, 0], [0.6, 0.6, 0.6], [-0.6, -0.6, 0.6], [-0.6, 0.6, -0.6], [0.6, -0.6, -0.6]], [6, 1, 1, 1, 1], 1),
        ([[0, 0, -1.16], [0, 0, 0], [0, 0, 1.16]], [8, 6, 8], 2),
    ],
    ids=["methane", "carbon dioxide"],
)
def test_molecules_whose_core_fixes_no_orientation_are_recognised(positions, numbers, bonds):
    rng = np.random.default_rng(8)
    centre = numbers.index(6)
    pairs = [[centre, other] for other in range(len(numbers)) if other != centre]
    order = np.arange(len(numbers))
    order[[p[1] for p in pairs]] = rng.permutation([p[1] for p in pairs])
    copy = rotated(np.array(positions, float)[order], rng)
    assert best_rmsd(copy, positions, numbers, pairs) < 1e-9


def test_alignment_tells_which_atom_went_where():
    rng = np.random.default_rng(9)
    cluster = random_cluster(9, seed=9)
    positions = np.asarray(cluster.positions)
    order = rng.permutation(9)
    copy = rotated(positions[order], rng, mirror=True)
    found = align(copy, positions, Symmetry.of(cluster.numbers), mirror=True)
    assert found.mirrored
    np.testing.assert_allclose(found.positions, positions, atol=1e-9)
    np.testing.assert_array_equal(order[found.permutation], np.arange(9))


@pytest.mark.parametrize(("name", "count"), [("butane", 2), ("pentane", 4), ("hexane", 12)])
def test_reference_conformers_differ_and_their_copies_do_not(reference, name, count):
    rng = np.random.default_rng(3)
    frames, numbers, bonds = alkane(reference, name)
    symmetry = Symmetry.of(numbers, bonds)
    assert len(frames) == count
    assert len(symmetry.mappings) == 2
    for i, one in enumerate(frames):
        copy = rotated(shuffled(one, numbers, bonds, rng), rng, mirror=bool(i % 2))
        assert best_rmsd(copy, one, symmetry=symmetry, mirror=True) < 1e-6
        for other in frames[:i]:
            assert best_rmsd(other, one, symmetry=symmetry, mirror=True) > 0.25


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"must have shape \(3, 3\)"):
        best_rmsd(np.zeros((2, 3)), np.zeros((3, 3)), [8, 1, 1])
    with pytest.raises(ValueError, match="needs `numbers`"):
        best_rmsd(np.zeros((2, 3)), np.zeros((2, 3)))
