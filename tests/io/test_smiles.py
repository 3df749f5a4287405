"""Molecules from SMILES: what they mean, geometries that can be made again, and sentences for what means nothing."""

import numpy as np
import pytest

from so3k_explore.io.structures import StructureError, from_smiles


@pytest.mark.parametrize(
    ("smiles", "formula", "charge", "multiplicity"),
    [("C[N+](C)(C)C", "C₄H₁₂N⁺", 1, 1), ("CC(=O)[O-]", "C₂H₃O₂⁻", -1, 1), ("[CH3]", "CH₃", 0, 2)],
)
def test_smiles_give_charge_and_multiplicity(smiles: str, formula: str, charge: int, multiplicity: int) -> None:
    molecule = from_smiles(smiles)
    assert (molecule.formula_text, molecule.charge, molecule.multiplicity) == (formula, charge, multiplicity)


def test_equal_seeds_give_equal_geometries_and_seed_zero_works() -> None:
    np.testing.assert_array_equal(from_smiles("CCCO", 3).positions, from_smiles("CCCO", 3).positions)
    assert np.abs(from_smiles("CCCO", 3).positions - from_smiles("CCCO", 4).positions).max() > 0.1
    assert np.isfinite(from_smiles("CCCO", 0).positions).all()


def test_molecules_that_mmff_gets_wrong_are_left_to_uff() -> None:
    positions = from_smiles("O=C=O").positions
    np.testing.assert_allclose(np.linalg.norm(positions[1] - positions[0]), 1.2, atol=0.08)


@pytest.mark.parametrize(
    ("smiles", "message"),
    [
        ("C1CC", "grammar"),
        ("", "empty"),
        ("C(C)(C)(C)(C)C", "no possible molecule.*valence"),
        ("C*", "stands for no element"),
        ("C" * 3000, "at most 2000"),
    ],
)
def test_bad_smiles_give_a_sentence(smiles: str, message: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StructureError, match=message):
        from_smiles(smiles)
    assert capfd.readouterr().err == ""
