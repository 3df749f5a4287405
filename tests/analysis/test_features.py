from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.analysis import features
from so3k_explore.analysis.attention import capture
from so3k_explore.analysis.features import atom_groups, layers_of, network_features
from so3k_explore.analysis.symmetry import Symmetry
from so3k_explore.io.structures import load_molecule
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.so3krates import Architecture, So3krates
from so3k_explore.potentials.so3lr import So3lr
from tests.analysis.conformers import conformers, dipeptide, equal_numbering, hexane

SMALL = Architecture(features=8, heads=2, layers=2, degrees=(1, 2), cutoff=4.0, radial_functions=8)


@pytest.fixture(scope="module", params=[So3krates, So3lr])
def potential(request):
    return request.param.create(3, SMALL)


def test_features_are_averages_over_atoms_of_what_the_network_has(potential):
    molecule = dipeptide()
    positions = conformers(molecule, 3)
    for layer in (0, 1):
        made = network_features(potential, molecule.system, positions, molecule.bonds, layer=layer)
        seen = capture(potential, molecule.system.replace(positions=jnp.asarray(positions[1])))
        norms = [np.linalg.norm(part, axis=-1) for part in np.split(seen.euclidean[layer], [3], axis=-1)]
        both = np.concatenate([seen.features[layer], np.stack(norms, axis=-1)], axis=-1)
        np.testing.assert_allclose(made[1], both.mean(axis=0), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("pool", ["molecule", "residue", "element"])
def test_equal_conformers_have_equal_features(potential, pool):
    molecule, rng = dipeptide(), np.random.default_rng(2)
    positions = conformers(molecule, 3)
    symmetry = Symmetry.of(molecule.numbers, molecule.bonds)
    shuffled = np.stack([one[equal_numbering(symmetry, rng)] for one in positions])
    of = lambda some: network_features(potential, molecule.system, some, molecule.bonds, pool=pool)
    np.testing.assert_allclose(of(shuffled), of(positions), atol=2e-4)
    assert np.abs(of(positions)[0] - of(positions)[1]).max() > 1e-3


def test_batches_are_compiled_once_and_do_not_matter(monkeypatch):
    molecule = hexane()
    potential, positions = So3krates.create(1, SMALL), conformers(molecule, 7)
    told = []
    whole = network_features(potential, molecule.system, positions, molecule.bonds)
    monkeypatch.setattr(features, "BATCH", 3)
    compiled: Any = features._pooled._cache_size  # pyright: ignore[reportAttributeAccessIssue]
    before = compiled()
    report = lambda fraction, sentence: told.append((round(fraction, 2), sentence))
    parts = network_features(potential, molecule.system, positions, molecule.bonds, progress=report)
    assert compiled() == before + 1
    np.testing.assert_allclose(parts, whole, atol=1e-5)
    assert told[0] == (0.43, "features of 3 of 7 structures")
    assert told[-1][0] == 1


def test_residues_take_their_hydrogens_and_caps_are_groups_too():
    molecule = load_molecule("Ac-AG-NHMe")
    groups = atom_groups(molecule.numbers, molecule.bonds, "residue")
    assert groups.names == ("cap 1", "Ala1", "Gly2", "cap 4")
    assert groups.members.sum(axis=0).tolist() == [1] * molecule.n_atoms
    assert groups.members.sum(axis=1).tolist() == [6, 10, 7, 6]
    elements = atom_groups(molecule.numbers, molecule.bonds, "element")
    assert elements.names == ("H", "C", "N", "O")


def test_what_has_no_such_features_is_told_so():
    molecule = hexane()
    positions, system, bonds = conformers(molecule, 1), molecule.system, molecule.bonds
    potential = So3krates.create(1, SMALL)
    with pytest.raises(ValueError, match="no amino-acid residues"):
        network_features(potential, system, positions, bonds, pool="residue")
    with pytest.raises(ValueError, match="one of molecule, residue, element, got 'atom'"):
        network_features(potential, system, positions, bonds, pool="atom")
    with pytest.raises(ValueError, match="from 0 to 1, or from -1 to -2; got 2"):
        network_features(potential, system, positions, bonds, layer=2)
    with pytest.raises(TypeError, match="LennardJones has no layers to look into"):
        network_features(LennardJones(), system, positions, bonds)
    assert (layers_of(potential), layers_of(LennardJones())) == (2, 0)
    assert network_features(potential, system, positions[:0], bonds).shape == (0, 0)


def test_long_molecules_take_lists_from_the_host(monkeypatch):
    from so3k_explore.geometry import neighbors

    molecule = hexane()
    potential, positions = So3krates.create(1, SMALL), conformers(molecule, 2)
    device = network_features(potential, molecule.system, positions, molecule.bonds)
    monkeypatch.setattr(neighbors, "DEVICE_ATOMS", 5)
    host = network_features(potential, molecule.system, positions, molecule.bonds)
    np.testing.assert_allclose(host, device, atol=1e-5)
