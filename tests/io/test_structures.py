"""Molecules in: every kind of text and file that works, and a plain sentence for everything that does not."""

from pathlib import Path

import ase
import ase.build
import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

from so3k_explore.io import files
from so3k_explore.io.structures import (
    SeveralFramesError,
    StructureError,
    load_molecule,
    parse_molecule,
    read_frames,
    read_system,
)

WATER = "3\n\nO 0 0 0.119\nH 0 0.763 -0.477\nH 0 -0.763 -0.477\n"
EXTENDED = (
    '3\nLattice="5 0 0 0 5 0 0 0 5" Properties=species:S:1:pos:R:3{}\nO 0 0 0.119\nH 0 0.763 {}\nH 0 -0.763 -0.477\n'
)
PDB = "HETATM    1  {:<3} LIG A   1    {:8.3f}{:8.3f}{:8.3f}  1.00  0.00          {:>2}{}\n"
METHANOL_MOL = """methanol
  written by hand

  6  5  0  0  0  0  0  0  0  0999 V2000
   -0.0503    0.6685    0.0000 C   0  0
   -0.0503   -0.7585    0.0000 O   0  0
   -1.0807    1.0417    0.0000 H   0  0
    0.4650    1.0417    0.8924 H   0  0
    0.4650    1.0417   -0.8924 H   0  0
    0.8544   -1.0417    0.0000 H   0  0
  1  2  1  0
  1  3  1  0
  1  4  1  0
  1  5  1  0
  2  6  1  0
M  END
"""
DRAWING = """acetate
  drawn by hand       2D

  4  3  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.2990    0.7500    0.0000 C   0  0
    2.5981    0.0000    0.0000 O   0  0
    1.2990    2.2500    0.0000 O   0  0
  1  2  1  0
  2  3  2  0
  2  4  1  0
M  CHG  1   4  -1
M  END
"""


def ethanol(*, periodic: bool = False) -> ase.Atoms:
    atoms = ase.build.molecule("CH3CH2OH")
    if periodic:
        atoms.set_cell([8.0, 9.0, 10.0])
        atoms.set_pbc(True)
        atoms.center()
    return atoms


@pytest.mark.parametrize(
    "name", ["a.xyz", "a.extxyz", "a.pdb", "a.traj", "a.gen", "a.gjf", "a.xsf", "a.cif", "POSCAR", "a.json", "a.mol"]
)
def test_what_ase_writes_is_read_back(name: str, tmp_path: Path) -> None:
    atoms = ethanol(periodic=name in ("a.xsf", "a.cif", "POSCAR"))
    ase.io.write(tmp_path / name, atoms)
    molecule = load_molecule(tmp_path / name)
    assert molecule.formula == "C2H6O"
    assert len(molecule.bonds) == 8
    assert molecule.system.periodic == bool(atoms.pbc.all())
    assert molecule.source == name
    if name != "a.json":
        assert parse_molecule((tmp_path / name).read_bytes(), name).formula == "C2H6O"


def test_positions_and_cell_survive_the_round_trip(tmp_path: Path) -> None:
    atoms = ethanol(periodic=True)
    ase.io.write(tmp_path / "a.extxyz", atoms)
    system = read_system(tmp_path / "a.extxyz")
    np.testing.assert_allclose(system.positions, atoms.positions, atol=1e-7)
    assert system.cell is not None
    np.testing.assert_allclose(system.cell, atoms.cell.array)


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("ala2", "C6H12N2O2"),
        ("Alanine Dipeptide", "C6H12N2O2"),
        ("Ac-Ala3-NHMe", "C12H22N4O4"),
        ("H-AG-OH", "C5H10N2O3"),
        ("AAA", "C9H17N3O4"),
        ("CCO", "C2H6O"),
        ("C-C", "C2H6"),
        ("lj13", "Ar13"),
        (" water\n", "H2O"),
        ("O 0 0 0\nH 0 0 0.96\nH 0 0.93 -0.24", "H2O"),
    ],
)
def test_typed_and_pasted_texts_become_molecules(text: str, formula: str) -> None:
    assert parse_molecule(text).formula == formula
    if "\n" not in text.strip():
        assert load_molecule(text).formula == formula


def test_a_pasted_text_never_opens_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text(WATER)
    assert load_molecule(str(tmp_path / "a.xyz")).formula == "H2O"
    with pytest.raises(StructureError, match="There is no file"):
        parse_molecule(str(tmp_path / "a.xyz"))


def test_what_nothing_understands_lists_what_was_tried() -> None:
    with pytest.raises(StructureError, match=r"neither a file nor.*similar: hexane.*As SMILES.*As peptide sequence"):
        load_molecule("hexan")
    with pytest.raises(StructureError, match=r"There is no file `nothing\.xyz`"):
        load_molecule("nothing.xyz")
    with pytest.raises(StructureError, match="empty text"):
        load_molecule("  ")


@pytest.mark.parametrize(
    ("info", "charge", "multiplicity"),
    [
        ("charge=-1 multiplicity=2", -1, 2),
        ("total_charge=1 spin=2", 1, 2),  # nine electrons: `spin` is a multiplicity
        ("total_charge=1 spin=1", 1, 2),  # `spin` counts unpaired electrons
        ("charge=1 spin=0.5", 1, 2),  # `spin` is S
        ("spin=1", 0, 1),
        ("a comment in no format", 0, 1),
        ('an "unbalanced comment', 0, 1),
    ],
)
def test_charge_and_spin_come_from_the_comment(info: str, charge: int, multiplicity: int) -> None:
    molecule = parse_molecule(WATER.replace("\n\n", f"\n{info}\n"), "a.xyz")
    assert (molecule.charge, molecule.multiplicity) == (charge, multiplicity)


def test_charge_and_spin_by_hand_win() -> None:
    molecule = parse_molecule(WATER.replace("\n\n", "\ncharge=-1\n"), "a.xyz", charge=1, multiplicity=4)
    assert (molecule.charge, molecule.multiplicity) == (1, 4)
    with pytest.raises(StructureError, match="whole number from 1"):
        load_molecule("water", multiplicity=0)


def test_charges_of_a_pdb_file_are_summed_and_its_dummy_cell_is_dropped() -> None:
    dummy = "CRYST1    1.000    1.000    1.000  90.00  90.00  90.00 P 1           1\n"
    lines = PDB.format("NA", 0, 0, 0, "NA", "1+") + PDB.format("CL", 0, 0, 5, "CL", "1-")
    lines += PDB.format("MG", 0, 5, 0, "MG", "2+")
    molecule = parse_molecule(dummy + lines + "END\n", "salt.pdb")
    assert (molecule.charge, molecule.formula_text) == (2.0, "ClMgNa²⁺")
    assert not molecule.system.periodic
    assert "cell without volume" in molecule.notes[0]


def test_alternative_locations_of_a_pdb_file_are_left_out() -> None:
    first = PDB.format("O", 0, 0, 0, "O", "")
    second = PDB.format("O", 0.1, 0, 0, "O", "")
    molecule = parse_molecule(first[:16] + "A" + first[17:] + second[:16] + "B" + second[17:] + "END\n", "a.pdb")
    assert molecule.n_atoms == 1
    assert molecule.notes == ("1 alternative atom locations were left out.",)


def test_mdl_files_keep_bonds_names_and_charges() -> None:
    molecule = parse_molecule(METHANOL_MOL, "a.mol")
    assert (molecule.name, molecule.formula, molecule.charge) == ("methanol", "CH4O", 0.0)
    np.testing.assert_array_equal(molecule.bonds, [[0, 1], [0, 2], [0, 3], [0, 4], [1, 5]])
    np.testing.assert_allclose(molecule.positions[1], [-0.0503, -0.7585, 0.0], atol=1e-6)
    assert parse_molecule(METHANOL_MOL).formula == "CH4O"


def test_a_flat_drawing_gets_hydrogens_and_a_geometry() -> None:
    molecule = parse_molecule(DRAWING, "acetate.mol")
    assert molecule.formula_text == "C₂H₃O₂⁻"
    assert np.ptp(molecule.positions, axis=0).min() > 0.5
    assert "flat drawing" in molecule.notes[0]


def test_several_structures_have_to_be_chosen_from() -> None:
    text = WATER + "\n1\nname=argon\nAr 0 0 0\n"
    with pytest.raises(SeveralFramesError, match=r"holds 2.*`frame`, 0 to 1") as caught:
        parse_molecule(text, "a.xyz")
    assert caught.value.count == 2
    assert caught.value.summaries == ["H2O, 3 atoms", "argon, Ar, 1 atoms"]
    assert parse_molecule(text, "a.xyz", frame=0).formula == "H2O"
    last = parse_molecule(text, "a.xyz", frame=-1)
    assert (last.formula, last.notes) == ("Ar", ("Structure 2 of 2.",))
    with pytest.raises(StructureError, match="between 0 and 1"):
        parse_molecule(text, "a.xyz", frame=2)
    with pytest.raises(SeveralFramesError):
        parse_molecule(METHANOL_MOL + "$$$$\n" + METHANOL_MOL + "$$$$\n", "a.sdf")


def test_trajectories_are_read_whole_and_their_energies_are_offered(tmp_path: Path) -> None:
    frames = [ethanol(), ethanol()]
    frames[1].rattle(0.1, seed=1)
    for k, atoms in enumerate(frames):
        atoms.calc = SinglePointCalculator(atoms, energy=-10.0 - k)
    ase.io.write(tmp_path / "a.traj", frames)
    systems = read_frames(tmp_path / "a.traj")
    np.testing.assert_allclose(systems[1].positions, frames[1].positions)
    with pytest.raises(SeveralFramesError) as caught:
        load_molecule(tmp_path / "a.traj")
    assert caught.value.summaries[1] == "C2H6O, 9 atoms, -11.0000 eV"


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("", "a.xyz", "`a.xyz` is empty"),
        (b" \n ", "a.pdb", "`a.pdb` is empty"),
        (bytes(range(256)) * 4, "a.xyz", "binary file that holds no known structure"),
        (b"\x80\x04\x95pickle", "a.traj", "no ASE trajectory"),
        ("one\ntwo\n", "a.foo", "format of `a.foo` is not known.*xyz, extxyz"),
        ("one\ntwo\n", None, "format of `pasted text` is not known"),
        (WATER.replace("3", "5", 1), "a.xyz", "cut off: line 1 announces 5 atoms, 3 lines follow"),
        (WATER.replace("3", "three", 1), "a.xyz", "Line 1 should be the number of atoms, it is `three`"),
        (WATER.replace("O", "Qq"), "a.xyz", "Line 3 names the unknown element `Qq`"),
        (EXTENDED.format("", "0.1").replace("O ", "Q "), "a.xyz", "Line 3 names the unknown element `Q`"),
        (WATER.replace("0.763", "nan", 1), "a.xyz", "Line 4 has a coordinate that is not a finite number"),
        (WATER.replace("0.763", "x", 1), "a.xyz", "Line 4 should be an element and x, y, z"),
        (EXTENDED.format("", "nan"), "a.xyz", r"Atom 2 \(H\) of `a.xyz` has a coordinate"),
        ("0\n\n", "a.xyz", "announces 0 atoms"),
        (EXTENDED.format(' pbc="T T F"', "0.1"), "a.xyz", "periodic along a and b only"),
        (WATER.replace("\n\n", "\ncharge=much\n"), "a.xyz", "`charge` in the file should be one number, it is `much`"),
        (WATER, "a.pdb", "`a.pdb` has no atoms"),
        (WATER, "a.cif", "cannot be read as CIF"),
        (WATER, "POSCAR", "cannot be read as POSCAR"),
        (WATER, "a.sdf", "no complete MDL structure"),
        (METHANOL_MOL[:200], "a.mol", "no complete MDL structure"),
        (METHANOL_MOL.replace(" O ", " R#"), "a.mol", "no known element"),
        (METHANOL_MOL.replace(" 0.6685", "    nan"), "a.mol", "complete MDL structure|not a finite number"),
        ("data_x\n_cell_length_a 5\n", "a.cif", "contains no structure"),
    ],
)
def test_bad_files_give_a_sentence(content: bytes | str, name: str | None, message: str) -> None:
    with pytest.raises(StructureError, match=message):
        parse_molecule(content, name)


def test_other_encodings_are_read() -> None:
    assert parse_molecule(WATER.encode("utf-16"), "a.xyz").formula == "H2O"
    assert parse_molecule(WATER.replace("\n\n", "\nin Å\n").encode("latin-1"), "a.xyz").formula == "H2O"
    assert parse_molecule(("﻿" + WATER).encode(), "a.xyz").formula == "H2O"


def test_numbers_labels_and_fortran_exponents_are_read() -> None:
    text = "3\n\n8 0 0 0.119\nh12 0 7.63D-1 -0.477\nH 0 -7.63*^-1 -0.477 0.3 extra\n"
    molecule = parse_molecule(text, "a.xyz")
    assert molecule.formula == "H2O"
    np.testing.assert_allclose(molecule.positions[1:, 1], [0.763, -0.763], rtol=1e-6)


def test_uploads_and_structures_have_a_size_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ATOMS", 2)
    with pytest.raises(StructureError, match="3 atoms; at most 2"):
        parse_molecule(WATER, "a.xyz")
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    with pytest.raises(StructureError, match="MB are read"):
        parse_molecule(WATER, "a.xyz")


def test_missing_files_and_folders_are_said(tmp_path: Path) -> None:
    with pytest.raises(StructureError, match="There is no file"):
        load_molecule(tmp_path / "a.xyz")
    with pytest.raises(StructureError, match="is a folder"):
        load_molecule(tmp_path)
