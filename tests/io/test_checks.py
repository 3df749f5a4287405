import re

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.io.checks import Problem, check_system, element_ranges, missing_hydrogens
from so3k_explore.io.library import LIBRARY, named
from so3k_explore.io.molecule import Molecule
from so3k_explore.io.sequence import from_sequence
from so3k_explore.io.smiles import from_smiles
from so3k_explore.io.structures import load_molecule
from so3k_explore.system import System

ORGANIC = frozenset({1, 6, 7, 8})


def molecule(positions: object, numbers: object, **options: object) -> Molecule:
    return Molecule.from_system(System.create(positions, numbers, **options), "test", "test")  # pyright: ignore[reportArgumentType]


def heavy_atoms(whole: Molecule) -> Molecule:
    heavy = whole.numbers > 1
    return molecule(np.asarray(whole.positions)[heavy], whole.numbers[heavy])


def the_only(problems: list[Problem]) -> Problem:
    (problem,) = problems
    return problem


@pytest.mark.parametrize("name", [name for name, entry in LIBRARY.items() if entry.atoms < 100])
def test_the_library_has_no_problems(name: str) -> None:
    assert check_system(named(name), None) == []


@pytest.mark.parametrize(
    "smiles",
    [
        "CC(=O)[O-]",
        "C[N+](=O)[O-]",
        "O=C=O",
        "[C-]#[O+]",
        "C#N",
        "[CH3]",
        "c1ccc2ccccc2c1",
        "C1CC1",
        "CC#CC",
        "OO",
        "[H][H]",
    ],
)
def test_complete_molecules_ions_and_radicals_pass(smiles: str) -> None:
    assert check_system(from_smiles(smiles), ORGANIC) == []


def test_unknown_elements_are_named_with_those_known() -> None:
    problem = the_only(check_system(from_smiles("C[Si](C)(C)Cl"), ORGANIC))
    assert problem.severity == "error"
    assert problem.message.startswith("Si and Cl are unknown to this model, which knows H, C, N, O.")
    assert len(problem.atoms) == 2
    assert check_system(from_smiles("CCl"), None) == []


def test_elements_in_a_row_are_written_as_a_range() -> None:
    assert element_ranges(range(1, 87)) == "H to Rn"
    assert element_ranges({1, 6, 7, 8, 9, 10, 17}) == "H, C to Ne, Cl"


def test_overlapping_atoms_are_named_with_their_distance() -> None:
    close = molecule([[0, 0, 0], [0.3, 0, 0], [0, 0, 1.1], [0, 1.1, 0], [0, -1.1, 0]], [6, 6, 1, 1, 1])
    problem = next(p for p in check_system(close, ORGANIC) if p.kind == "overlap")
    assert "C1 and C2 (0.30 Å)" in problem.message
    assert problem.severity == "error"
    assert problem.atoms == (0, 1)


def test_overlap_is_seen_through_the_cell_and_with_an_own_image() -> None:
    across = molecule([[0.1, 0, 0], [3.8, 0, 0]], [18, 18], cell=4 * np.eye(3))
    assert "Ar1 and Ar2 (0.30 Å)" in the_only(check_system(across, None)).message
    thin = molecule([[0.0, 0, 0], [1.5, 1.5, 1.5]], [18, 18], cell=np.diag([0.4, 9, 9]))
    assert "its image (0.40 Å)" in check_system(thin, None)[0].message


def test_reduced_units_do_not_count_as_overlap() -> None:
    assert check_system(molecule([[0, 0, 0], [1.0, 0, 0]], [18, 18]), None) == []


@pytest.mark.parametrize("smiles", ["CCO", "c1ccccc1", "CC(=O)Oc1ccccc1C(=O)O", "C1=CC=CC=C1", "CC(=O)N"])
def test_missing_hydrogens_are_counted(smiles: str) -> None:
    whole = from_smiles(smiles)
    bare = heavy_atoms(whole)
    assert missing_hydrogens(whole).sum() == 0
    assert missing_hydrogens(bare).sum() == pytest.approx((whole.numbers == 1).sum(), abs=1)
    problem = next(p for p in check_system(bare, ORGANIC) if p.kind == "hydrogens")
    assert problem.severity == "error"
    assert "hydrogens seem to be missing, at C1" in problem.message


def test_a_peptide_and_water_without_hydrogens_are_noticed() -> None:
    assert any(p.kind == "hydrogens" for p in check_system(heavy_atoms(from_sequence("Ac-AGS-NHMe")), ORGANIC))
    waters = molecule([[0, 0, 0], [3, 0, 0]], [8, 8])
    assert any(p.kind == "hydrogens" for p in check_system(waters, ORGANIC))


def test_one_missing_hydrogen_is_a_warning_that_names_the_radical() -> None:
    radical = from_smiles("C[CH2]")
    problems = check_system(radical.replace(system=radical.system.replace(spin=jnp.asarray(0.0))), ORGANIC)
    hydrogens = next(p for p in problems if p.kind == "hydrogens")
    assert hydrogens.severity == "warning"
    assert "multiplicity 2" in hydrogens.message


@pytest.mark.parametrize(
    ("charge", "multiplicity", "message"),
    [
        (1, 1, r"9 electrons, an odd number, .*multiplicity 1. Set multiplicity 2, or change the charge"),
        (0, 2, r"10 electrons, an even number.*Set multiplicity 1 or 3"),
        (0, 13, r"multiplicity 13 needs 12 unpaired ones. Set multiplicity 1"),
        (10, 1, r"0 electrons; at least one"),
        (0.5, 1, r"whole numbers, got 0.5 e"),
    ],
)
def test_electrons_that_do_not_fit_are_errors(charge: float, multiplicity: int, message: str) -> None:
    water = load_molecule("water", charge=charge, multiplicity=multiplicity)
    problem = the_only([p for p in check_system(water, ORGANIC) if p.kind == "electrons"])
    assert problem.severity == "error"
    assert re.search(message, problem.message)


@pytest.mark.parametrize(("charge", "multiplicity"), [(0, 1), (0, 3), (1, 2), (-1, 2)])
def test_electrons_that_fit_pass(charge: int, multiplicity: int) -> None:
    assert check_system(load_molecule("water", charge=charge, multiplicity=multiplicity), ORGANIC) == []


def test_loose_parts_and_single_atoms_are_warnings() -> None:
    water = np.asarray(named("water").positions)
    pair = molecule(np.vstack([water, water + 4.0]), [8, 1, 1, 8, 1, 1])
    problem = the_only(check_system(pair, ORGANIC))
    assert (problem.severity, problem.kind) == ("warning", "fragments")
    assert "2 parts" in problem.message
    assert the_only(check_system(molecule([[0, 0, 0]], [18]), None)).kind == "single"


def test_large_systems_on_a_cpu_come_with_an_estimate() -> None:
    lattice = 3.0 * np.array(np.meshgrid(*[np.arange(13)] * 3)).reshape(3, -1).T
    large = molecule(lattice, np.full(len(lattice), 18))
    problem = the_only(check_system(large, None, device="cpu"))
    assert (problem.severity, problem.kind) == ("warning", "size")
    assert "2197 atoms on a CPU: expect about 0.37 s for each step, 6.1 minutes for 1000" in problem.message
    assert "about 2 s for each step" in the_only(check_system(large, None, "cpu", 0.5)).message
    assert check_system(large, None, device="gpu:0") == []


def test_errors_come_first() -> None:
    parts = molecule([[0, 0, 0], [4, 0, 0], [4, 0.3, 0]], [6, 6, 6])
    severities = [p.severity for p in check_system(parts, {1})]
    assert severities == sorted(severities)
    assert {"error", "warning"} == set(severities)


def test_ions_and_radicals_need_a_model_that_knows_them() -> None:
    ion = from_smiles("CC(=O)[O-]")
    assert [problem.kind for problem in check_system(ion, None, ions=False)] == ["electrons"]
    assert "charge -1 e and multiplicity 1" in check_system(ion, None, ions=False)[0].message
    assert check_system(ion, None) == []
    assert check_system(from_smiles("CC"), None, ions=False) == []
