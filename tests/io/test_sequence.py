import numpy as np
import pytest

from so3k_explore.analysis.backbone import ramachandran_region
from so3k_explore.analysis.torsions import dihedrals, peptide_torsions, ramachandran_quads
from so3k_explore.io.molecule import Molecule, StructureError
from so3k_explore.io.sequence import from_sequence, parse_sequence
from so3k_explore.io.smiles import quiet_rdkit
from so3k_explore.io.structures import load_molecule

ATOMS = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        [22, 35, 26, 25, 23, 29, 28, 19, 29, 31, 31, 33, 29, 32, 26, 23, 26, 36, 33, 28],
        strict=True,
    )
)
"""Number of atoms of Ac-X-NHMe."""


def chirality(molecule: Molecule) -> dict[int, str]:
    """CIP labels (R, S) of the carbons, from the coordinates alone."""
    from rdkit import Chem
    from rdkit.Chem import rdDetermineBonds

    lines = [f"{z} {x} {y} {w}" for z, (x, y, w) in zip(symbols(molecule), molecule.positions.tolist(), strict=True)]
    with quiet_rdkit():
        mol = Chem.MolFromXYZBlock("\n".join([str(len(lines)), "", *lines]) + "\n")
        rdDetermineBonds.DetermineBonds(mol, charge=0)
        Chem.AssignStereochemistryFrom3D(mol)
        return dict(Chem.FindMolChiralCenters(mol, useLegacyImplementation=False))


def symbols(molecule: Molecule) -> list[str]:
    return molecule.system.to_ase().get_chemical_symbols()


@pytest.mark.parametrize("letter", list(ATOMS))
def test_all_twenty_residues_are_built_neutral(letter: str) -> None:
    molecule = from_sequence(f"Ac-{letter}-NHMe")
    assert molecule.charge == 0
    assert int(molecule.numbers.sum()) % 2 == 0
    assert len(molecule.residues) == 1
    assert molecule.n_atoms == ATOMS[letter]


@pytest.mark.parametrize(
    ("letter", "labels"), [("A", ["S"]), ("C", ["R"]), ("P", ["S"]), ("I", ["S", "S"]), ("T", ["S", "R"]), ("W", ["S"])]
)
def test_residues_are_l_amino_acids(letter: str, labels: list[str]) -> None:
    molecule = from_sequence(f"Ac-{letter}-NHMe")
    found = chirality(molecule)
    alpha = molecule.residues[0].alpha
    assert [found[alpha], *(label for atom, label in sorted(found.items()) if atom != alpha)] == labels


@pytest.mark.parametrize(("conformation", "angles"), [("extended", (-140, 140)), ("helix", (-60, -45))])
def test_backbones_have_the_conformation_asked_for(conformation: str, angles: tuple[float, float]) -> None:
    molecule = from_sequence("Ac-AVSA-NHMe", conformation=conformation)
    positions = np.asarray(molecule.positions, float)
    for quads, angle in zip(ramachandran_quads(molecule.residues), angles, strict=True):
        np.testing.assert_allclose(dihedrals(positions, quads), angle, atol=2.0)
    omega = np.asarray(dihedrals(positions, peptide_torsions(molecule.numbers, molecule.bonds)))
    np.testing.assert_allclose(np.abs(omega), 180.0, atol=2.0)


def test_random_backbones_reach_all_regions_also_of_molecules_with_a_name() -> None:
    found = [load_molecule("Ac-A-NHMe", seed=seed, conformation="random") for seed in range(40)]
    quads = np.vstack(ramachandran_quads(found[0].residues))
    angles = np.array([dihedrals(one.positions, quads) for one in found])
    names = {ramachandran_region(*pair) for pair in angles.tolist()}
    assert {"C7eq", "C7ax", "alphaR", "alphaL", "beta"} <= names


def test_random_backbones_depend_on_the_seed_only() -> None:
    first, again, other = (from_sequence("Ac-AAA-NHMe", conformation="random", seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.positions, again.positions)
    phi, psi = ramachandran_quads(first.residues)
    quads = np.vstack([phi, psi])
    assert np.abs(dihedrals(first.positions, quads) - dihedrals(other.positions, quads)).max() > 10


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ac-AAA-NHMe", "Ac-AAA-NHMe"),
        ("Ac-Ala-Gly-NHMe", "Ac-AG-NHMe"),
        ("ac-ala3-nme", "Ac-AAA-NHMe"),
        ("ACE-AG-NME", "Ac-AG-NHMe"),
        ("H-AAA-OH", "H-AAA-OH"),
        ("AAA", "H-AAA-OH"),
        ("H-H-OH", "H-H-OH"),  # the second is histidine
        ("For-GW2-NH2", "For-GWW-NH2"),
        ("A-L-A", "H-ALA-OH"),
        (" Ac-A15-OMe ", "Ac-" + 15 * "A" + "-OMe"),
    ],
)
def test_notations_are_understood(text: str, name: str) -> None:
    assert parse_sequence(text).name == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Ac-AXA-NHMe", "`X` in `Ac-AXA-NHMe` is none of the 20 amino acids"),
        ("Ac-Alx-NHMe", "`Alx` in `Ac-Alx-NHMe` is no residue"),
        ("Ac-ALA-NHMe", "two meanings: write `Ala` for one residue or `A-L-A` for three"),
        ("Ac--NHMe", "a word is missing"),
        ("Ac-NHMe", "caps but no residue"),
        ("Ac-A0-NHMe", "repeats a residue 0 times"),
        ("Ac-A41-NHMe", "41 times"),
        ("A" * 50, "at most 40 residues, got 50"),
        ("Ac-A+A-NHMe", "`A\\+A`"),
    ],
)
def test_bad_sequences_name_the_bad_word(text: str, message: str) -> None:
    with pytest.raises(StructureError, match=message):
        parse_sequence(text)


def test_unknown_conformations_list_the_known() -> None:
    with pytest.raises(StructureError, match="extended, helix, random, got `coil`"):
        from_sequence("Ac-A-NHMe", conformation="coil")
