import numpy as np
import pytest
from scipy.spatial.distance import pdist

from so3k_explore.analysis.alignment import rmsd
from so3k_explore.analysis.canonical import canonical_positions
from so3k_explore.analysis.descriptors import (
    distance_features,
    hydrogen_bonds,
    radius_of_gyration,
    shape_atoms,
    torsion_features,
)
from so3k_explore.analysis.rmsd_matrix import rmsd_matrix
from so3k_explore.analysis.symmetry import Symmetry
from so3k_explore.analysis.torsions import dihedrals, rotatable_torsions, set_torsion
from so3k_explore.io.structures import load_molecule
from tests.analysis.conformers import conformers, dipeptide, equal_numbering, hexane, renumbered
from tests.molecules import random_cluster

DESCRIPTORS = {"torsions": torsion_features, "distances": distance_features}


@pytest.mark.parametrize("name", DESCRIPTORS)
@pytest.mark.parametrize("make", [hexane, dipeptide])
def test_equal_conformers_have_equal_descriptors(name, make):
    molecule, rng = make(), np.random.default_rng(5)
    positions = conformers(molecule, 5)
    symmetry = Symmetry.of(molecule.numbers, molecule.bonds)
    shuffled = np.stack([one[equal_numbering(symmetry, rng)] for one in positions])
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    moved = shuffled @ rotation.T + 3.0
    of = lambda structures: DESCRIPTORS[name](structures, molecule.numbers, molecule.bonds)
    np.testing.assert_allclose(of(moved), of(positions), atol=1e-9)
    assert pdist(of(positions)).min() > 0.05  # while different conformers differ


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_descriptors_do_not_depend_on_the_order_of_atoms(name):
    molecule = dipeptide()
    positions = conformers(molecule, 6)
    order, numbers, bonds = renumbered(molecule)
    first = DESCRIPTORS[name](positions, molecule.numbers, molecule.bonds)
    second = DESCRIPTORS[name](positions[:, order], numbers, bonds)
    np.testing.assert_allclose(pdist(second), pdist(first), atol=1e-6)


def test_torsions_enter_as_cosine_and_sine():
    molecule = load_molecule("CCCC")
    quad = rotatable_torsions(molecule.numbers, molecule.bonds)[0]
    positions = np.array(molecule.positions, float)
    turned = np.stack([set_torsion(positions, molecule.bonds, quad, angle) for angle in (180.0, -179.0, 60.0)])
    made = torsion_features(turned, molecule.numbers, molecule.bonds)
    assert made.shape == (3, 2)
    assert np.linalg.norm(made[0] - made[1]) == pytest.approx(2 * np.sin(np.radians(0.5)), abs=1e-6)
    assert made[2] == pytest.approx([0.5, np.sin(np.radians(dihedrals(turned[2], quad[None])[0]))], abs=1e-6)


def test_mirror_images_differ():
    molecule = dipeptide()
    positions = np.array(molecule.positions, float)
    made = torsion_features(np.stack([positions, positions * [1, 1, -1]]), molecule.numbers, molecule.bonds)
    assert np.linalg.norm(made[0] - made[1]) > 0.5


def test_clusters_have_sorted_distances():
    cluster = random_cluster(7, 2)
    positions, numbers = np.asarray(cluster.positions, float), np.asarray(cluster.numbers)
    none = np.zeros((0, 2), int)
    made = distance_features(np.stack([positions, positions[::-1]]), numbers, none)
    assert made.shape == (2, 21)
    np.testing.assert_allclose(made[0], made[1], atol=1e-12)
    with pytest.raises(ValueError, match="no torsion that could turn"):
        torsion_features(positions[None], numbers, none)


def test_pairs_of_elements_are_sorted_apart():
    numbers, none = np.array([18, 18, 36]), np.zeros((0, 2), int)
    line = np.array([[0, 0, 0], [1, 0, 0], [5, 0, 0]], float)
    np.testing.assert_allclose(distance_features(line[None], numbers, none), [[1, 4, 5]])
    np.testing.assert_allclose(distance_features(line[None, [1, 0, 2]], numbers, none), [[1, 4, 5]])


def test_the_radius_of_gyration_is_weighted_by_mass():
    positions = np.array([[[0, 0, 0], [3.0, 0, 0]]])
    assert radius_of_gyration(positions, np.array([1.0, 2.0]))[0] == pytest.approx(np.sqrt(2.0))


def test_hydrogen_bonds_need_short_distances_and_open_angles():
    molecule = load_molecule("Ac-AAA-NHMe")
    residues = molecule.residues
    straight, helix = np.array(molecule.positions, float), np.array(molecule.positions, float)
    for residue in residues:
        for quad, extended, coiled in ((residue.phi, -150.0, -60.0), (residue.psi, 150.0, -30.0)):
            straight = set_torsion(straight, molecule.bonds, quad, extended)
            helix = set_torsion(helix, molecule.bonds, quad, coiled)
    found = hydrogen_bonds(np.stack([straight, helix]), molecule.numbers, molecule.bonds)
    assert found.counts[0] == 0
    assert found.counts[1] >= 1
    donor, hydrogen, acceptor = found.triples[np.flatnonzero(found.present[1])[0]]
    assert (molecule.numbers[donor], molecule.numbers[hydrogen], molecule.numbers[acceptor]) == (7, 1, 8)
    assert 1.6 < np.linalg.norm(helix[hydrogen] - helix[acceptor]) < 2.5
    assert set(molecule.numbers[found.triples[:, 2]]) == {8}  # the nitrogen of an amide accepts none


def test_what_has_no_polar_hydrogen_has_no_hydrogen_bond():
    molecule = hexane()
    assert hydrogen_bonds(conformers(molecule, 2), molecule.numbers, molecule.bonds).counts.tolist() == [0, 0]


@pytest.mark.parametrize("hydrogens", [False, True])
def test_rmsd_of_all_pairs_agrees_with_superposition(hydrogens):
    molecule, rng = dipeptide(), np.random.default_rng(1)
    positions = conformers(molecule, 7)
    positions = np.concatenate([positions, positions[:1] * [1, 1, -1]])  # and a mirror image
    made = rmsd_matrix(positions, molecule.numbers, molecule.bonds, hydrogens=hydrogens)
    ordered = canonical_positions(positions, molecule.numbers, molecule.bonds)
    if not hydrogens:
        ordered = ordered[:, shape_atoms(molecule.numbers, molecule.bonds)]
    np.testing.assert_allclose(made, [rmsd(ordered, one) for one in ordered], atol=1e-5)
    symmetry = Symmetry.of(molecule.numbers, molecule.bonds)
    shuffled = np.stack([one[equal_numbering(symmetry, rng)] for one in positions])
    again = rmsd_matrix(shuffled, molecule.numbers, molecule.bonds, hydrogens=hydrogens)
    np.testing.assert_allclose(again, made, atol=1e-6)


def test_rmsd_finds_hexane_read_from_the_other_end():
    molecule = hexane()
    positions = conformers(molecule, 1)
    heavy = np.flatnonzero(molecule.numbers > 1)
    mapping = Symmetry.of(molecule.numbers, molecule.bonds).mappings[1]
    order = np.arange(molecule.n_atoms)
    order[mapping.fixed[:, 0]] = mapping.fixed[:, 1]
    for mobile, places in mapping.groups:
        order[places] = mobile
    both = np.concatenate([positions, positions[:, order]])
    assert rmsd(both[1, heavy], both[0, heavy]) > 0.3
    assert rmsd_matrix(both, molecule.numbers, molecule.bonds)[0, 1] < 1e-4


def test_rmsd_of_clusters_is_refused():
    cluster = random_cluster(7, 2)
    with pytest.raises(ValueError, match="Use distances for an atomic cluster"):
        rmsd_matrix(np.asarray(cluster.positions, float)[None], np.asarray(cluster.numbers), np.zeros((0, 2), int))
