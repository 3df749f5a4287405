import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.analysis.backbone import REGIONS
from so3k_explore.analysis.torsions import (
    backbone_torsions,
    dihedrals,
    moving_atoms,
    peptide_torsions,
    ramachandran_quads,
    ramachandran_region,
    rotatable_torsions,
    rotate_torsion,
    set_torsion,
    torsion_label,
    turn,
)
from so3k_explore.geometry.bonds import find_bonds
from so3k_explore.io.structures import Molecule, from_sequence, from_smiles, named

# a and d on the same side of the axis b-c, then d turned clockwise by 60° as seen from b to c (along z).
CHAIN = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.5], [0.5, np.sqrt(3) / 2, 1.5]])
QUAD = np.array([[0, 1, 2, 3]])


@pytest.fixture(scope="module")
def ala2() -> Molecule:
    return named("ala2")


def test_the_sign_is_that_of_iupac() -> None:
    # Looking along +z, x to y is a clockwise turn: positive.
    np.testing.assert_allclose(dihedrals(CHAIN, QUAD), [60.0])
    np.testing.assert_allclose(dihedrals(CHAIN[::-1].copy(), QUAD), [60.0])
    np.testing.assert_allclose(dihedrals(CHAIN * [1.0, -1.0, 1.0], QUAD), [-60.0])


def test_numpy_and_jax_agree_with_any_leading_axes() -> None:
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(2, 3, 6, 3))
    quads = np.array([[0, 1, 2, 3], [5, 4, 1, 0], [2, 3, 4, 5]])
    expected = dihedrals(positions, quads)
    assert isinstance(expected, np.ndarray)
    assert expected.shape == (2, 3, 3)
    np.testing.assert_allclose(expected[1, 2], dihedrals(positions[1, 2], quads))
    compiled = jax.jit(lambda p: dihedrals(p, quads))(jnp.asarray(positions))
    assert isinstance(compiled, jax.Array)
    np.testing.assert_allclose(compiled, expected, atol=1e-10)


def test_gradients_of_torsions_are_those_of_finite_differences() -> None:
    at = lambda p: dihedrals(p, QUAD)[0]
    gradient = np.asarray(jax.grad(at)(jnp.asarray(CHAIN)))
    step = np.zeros_like(CHAIN)
    step[3, 0] = 1e-5
    difference = (dihedrals(CHAIN + step, QUAD) - dihedrals(CHAIN - step, QUAD))[0] / 2e-5
    np.testing.assert_allclose(gradient[3, 0], difference, rtol=1e-6)


@pytest.mark.parametrize(
    ("smiles", "count"),
    [
        ("CC", 0),
        ("CCCC", 1),
        ("CCCCCC", 3),
        ("CCO", 1),  # the hydroxyl
        ("C1CCCCC1", 0),
        ("CC#CC", 0),
        ("c1ccccc1-c1ccccc1", 1),
        ("CC(=O)NC", 0),  # the amide is stiff
        ("CC(=O)Oc1ccccc1C(=O)O", 4),
        ("C=CC=C", 1),
        ("COC", 0),
        ("CCN", 1),
        ("C[NH3+]", 0),
    ],
)
def test_rotatable_bonds_are_counted_as_a_chemist_would(smiles: str, count: int) -> None:
    assert len(from_smiles(smiles).torsions) == count


def test_methyls_amides_and_hydroxyls_come_on_demand() -> None:
    molecule = from_smiles("CC(=O)NCCO")
    count = lambda **options: len(rotatable_torsions(molecule.numbers, molecule.bonds, **options))
    assert count() == 3  # N-C, C-C, C-OH
    assert count(amide=True) == 4
    assert count(methyl=True) == 4
    assert count(polar_hydrogens=False) == 2


def test_outer_atoms_follow_the_chain() -> None:
    hexane = named("hexane")
    assert sorted(sorted(quad) for quad in hexane.torsions.tolist()) == [[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]]


def test_alanine_dipeptide_has_one_residue_with_phi_and_psi(ala2: Molecule) -> None:
    (residue,) = ala2.residues
    assert (residue.name, residue.index) == ("Ala", 0)
    assert residue.phi is not None
    assert residue.psi is not None
    assert residue.omega is not None
    assert ala2.numbers[list(residue.phi)].tolist() == [6, 7, 6, 6]
    assert ala2.numbers[list(residue.psi)].tolist() == [7, 6, 6, 7]
    assert len(peptide_torsions(ala2.numbers, ala2.bonds)) == 2
    assert {tuple(q[1:3]) for q in ala2.torsions.tolist()} == {
        tuple(sorted(residue.phi[1:3])),
        tuple(sorted(residue.psi[1:3])),
    }


def test_all_twenty_residues_are_recognised_in_order() -> None:
    molecule = from_sequence("Ac-GAVLISTC-NHMe")
    assert [r.name for r in molecule.residues] == ["Gly", "Ala", "Val", "Leu", "Ile", "Ser", "Thr", "Cys"]
    molecule = from_sequence("Ac-MPDNEQ-NHMe")
    assert [r.name for r in molecule.residues] == ["Met", "Pro", "Asp", "Asn", "Glu", "Gln"]
    molecule = from_sequence("Ac-KRHFYW-NHMe")
    assert [r.name for r in molecule.residues] == ["Lys", "Arg", "His", "Phe", "Tyr", "Trp"]


def test_the_order_of_atoms_does_not_matter(ala2: Molecule) -> None:
    order = np.random.default_rng(0).permutation(ala2.n_atoms)
    numbers, positions = ala2.numbers[order], np.asarray(ala2.positions)[order]
    (residue,) = backbone_torsions(numbers, find_bonds(numbers, positions))
    (before,) = ala2.residues
    assert residue.phi is not None
    assert order[list(residue.phi)].tolist() == list(before.phi or ())


def test_free_ends_lack_the_torsion_of_the_missing_neighbour() -> None:
    first, second, third = from_sequence("H-AAA-OH").residues
    assert first.phi is None
    assert first.psi is not None
    assert second.phi is not None
    assert third.psi is None
    phi, psi = ramachandran_quads([first, second, third])
    assert phi.shape == psi.shape == (1, 4)


def test_rings_of_residues_and_molecules_without_peptides_are_handled() -> None:
    cyclic = from_smiles("C[C@@H]1NC(=O)[C@H](C)NC(=O)[C@H](C)NC(=O)[C@H](C)NC1=O")
    assert [(r.name, r.index) for r in cyclic.residues] == [("Ala", k) for k in range(4)]
    assert named("caffeine").residues == []
    assert ramachandran_quads([])[0].shape == (0, 4)


def test_turning_moves_the_far_side_only_and_by_the_angle(ala2: Molecule) -> None:
    positions = np.asarray(ala2.positions, float)
    residue = ala2.residues[0]
    quads = np.array([residue.phi, residue.psi, residue.omega])
    moved = rotate_torsion(positions, ala2.bonds, quads[0], 50.0)
    change = dihedrals(moved, quads) - dihedrals(positions, quads)
    np.testing.assert_allclose((change + 180) % 360 - 180, [50.0, 0.0, 0.0], atol=1e-6)
    still = ~moving_atoms(ala2.bonds, quads[:1], ala2.n_atoms)[0]
    np.testing.assert_array_equal(moved[still], positions[still])
    i, j = ala2.bonds.T
    length = lambda p: np.linalg.norm(p[i] - p[j], axis=1)
    np.testing.assert_allclose(length(moved), length(positions), atol=1e-10)
    np.testing.assert_allclose(dihedrals(set_torsion(positions, ala2.bonds, quads[1], -30.0), quads)[1], -30.0)


def test_one_molecule_turns_to_many_angles_under_jit(ala2: Molecule) -> None:
    quad = ala2.torsions[0]
    mask = moving_atoms(ala2.bonds, quad[None], ala2.n_atoms)[0]
    positions = jnp.asarray(ala2.positions)
    angles = jnp.array([0.0, 60.0, -90.0])
    many = jax.jit(lambda p, a: turn(p, quad, mask, a))(positions, angles)
    assert many.shape == (3, ala2.n_atoms, 3)
    change = np.asarray(dihedrals(many, quad[None])[:, 0] - dihedrals(positions, quad[None])[0])
    np.testing.assert_allclose((change + 180) % 360 - 180, angles, atol=1e-8)


def test_bonds_that_cannot_turn_are_refused() -> None:
    ring = from_smiles("C1CCCCC1")
    with pytest.raises(ValueError, match="part of a ring"):
        moving_atoms(ring.bonds, np.array([[0, 1, 2, 3]]), ring.n_atoms)
    with pytest.raises(ValueError, match="not bonded"):
        moving_atoms(ring.bonds, np.array([[0, 1, 3, 4]]), ring.n_atoms)


def test_labels_name_conformers() -> None:
    assert torsion_label([180.0, 62.0, -65.0, 95.0, 0.0, -179.0, 300.0]) == "t g+ g- x x t g-"
    assert torsion_label(-60.0) == "g-"


def test_regions_contain_their_centres_and_wrap_around() -> None:
    assert all(ramachandran_region(*center) == name for name, center in REGIONS.items())
    assert ramachandran_region(170.0, -175.0) == "C5"
    assert ramachandran_region(-57.0, -47.0) == "alphaR"
    assert ramachandran_region(120.0, 120.0) == "other"
