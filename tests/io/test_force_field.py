"""MMFF94 of molecules, and where there is none."""

import numpy as np
import pytest

from so3k_explore.io.force_field import ForceField
from so3k_explore.io.structures import load_molecule


@pytest.mark.parametrize("name", ["ethanol", "ala2", "aspirin", "CC(=O)[O-]", "C[N+](C)(C)C", "[NH3+]CC(=O)[O-]"])
def test_distorted_molecules_are_put_right_and_keep_their_bonds(name):
    molecule = load_molecule(name)
    field = ForceField.of(molecule)
    assert field is not None
    rng = np.random.default_rng(0)
    distorted = molecule.positions + rng.normal(scale=0.08, size=(molecule.n_atoms, 3))
    relaxed = field.relax(distorted, 200)
    first, second = np.asarray(molecule.bonds).T
    lengths = lambda at: np.linalg.norm(at[first] - at[second], axis=1)
    before, after = (np.abs(lengths(at) - lengths(molecule.positions)).max() for at in (distorted, relaxed))
    assert after < 0.08 < before
    np.testing.assert_array_equal(field.relax(distorted, 200), relaxed)  # nothing is left of the call before


@pytest.mark.parametrize("name", ["lj13", "[CH3]", "ala30"])
def test_clusters_radicals_and_large_molecules_have_none(name):
    assert ForceField.of(load_molecule(name)) is None
