import numpy as np
import pytest

from so3k_explore.analysis.alignment import align
from so3k_explore.analysis.alignment_batch import align_all
from so3k_explore.analysis.symmetry import Symmetry
from so3k_explore.io.structures import load_molecule
from tests.analysis.conformers import conformers


@pytest.mark.parametrize("text", ["Ac-A-NHMe", "CCCCCC", "CC(C)C(=O)[O-]", "CC", "lj7"])
def test_all_structures_are_laid_as_one_by_one(text):
    molecule = load_molecule(text)
    positions = conformers(molecule, 9) if len(molecule.bonds) else np.stack([molecule.positions] * 3).astype(float)
    symmetry = Symmetry.of(molecule.numbers, molecule.bonds)
    deviations, laid = align_all(positions, positions[0], symmetry)
    each = [align(one, positions[0], symmetry) for one in positions]
    np.testing.assert_allclose(deviations, [one.rmsd for one in each], atol=1e-3)
    assert deviations[0] == pytest.approx(0, abs=1e-3)
    np.testing.assert_allclose(np.sqrt(np.mean(np.sum((laid - positions[0]) ** 2, -1), -1)), deviations, atol=1e-9)


def test_no_structures_are_laid_nowhere():
    molecule = load_molecule("CCCC")
    symmetry = Symmetry.of(molecule.numbers, molecule.bonds)
    deviations, laid = align_all(np.zeros((0, 14, 3)), np.asarray(molecule.positions, float), symmetry)
    assert (deviations.shape, laid.shape) == ((0,), (0, 14, 3))
