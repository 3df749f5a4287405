"""The bundled model: it loads, it is as good as its card says, and nothing falls into holes."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.analysis.extrapolation import load_extrapolation
from so3k_explore.geometry.elements import symbol
from so3k_explore.io.structures import load_molecule
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.cards import model_card
from so3k_explore.potentials.registry import PRETRAINED, default_model, load_potential, model_info
from so3k_explore.training import Plan, Sample, predictions, sample, scores
from so3k_explore.training.prepare import shifts_from_json

NAME = "so3k-peptide-gfn2"
LARGEST = 4e6  # bytes


@pytest.fixture(scope="module")
def potential():
    return load_potential(NAME, "float64")


def test_it_is_small_and_the_default_for_its_elements() -> None:
    info = model_info(NAME)
    assert info.path is not None
    assert info.path.stat().st_size < LARGEST
    assert [symbol(z) for z in info.elements or ()] == ["H", "C", "N", "O"]
    assert default_model([1, 6, 7, 8]) == NAME
    assert not info.ions


def test_its_card_reports_what_was_measured() -> None:
    found = json.loads((PRETRAINED / f"{NAME}.json").read_text())
    warm = found["unseen molecules"]["warm"]["all"]
    assert warm["frames"] > 100
    assert f"{1000 * warm['force_mae']:.3g}" in model_card(model_info(NAME))


def test_forces_on_a_molecule_it_never_saw_are_those_of_the_reference(potential) -> None:
    pytest.importorskip("tblite", reason="This test needs tblite: pip install tblite")
    from so3k_explore.potentials.checkpoints import load_checkpoint

    plan = Plan(conformers=1, temperatures=(300.0,), frames=8, stride=15, relaxed=0, displaced=0, compressed=0)
    data = sample(Sample("2-butanol", "CCC(C)O", plan), seed=11)
    shifts = shifts_from_json(load_checkpoint(PRETRAINED / f"{NAME}.npz").metadata["energy_shifts"])
    found = scores(predictions(potential, data, shifts))
    assert found.force_mae < 0.09
    assert found.energy_mae_per_atom < 0.02


def test_squeezing_any_bond_only_raises_the_energy(potential) -> None:
    """Down to 0.3 Å, for every kind of bond of a few molecules."""
    tried = set()
    for text in ("CCO", "CC(=O)NC", "C=CC#N", "OO", "NN"):
        molecule = load_molecule(text)
        for i, j in molecule.bonds.tolist():
            kind = tuple(sorted((int(molecule.numbers[i]), int(molecule.numbers[j]))))
            if kind in tried:
                continue
            tried.add(kind)
            start = np.asarray(molecule.positions, float)
            direction = start[j] - start[i]
            length = np.linalg.norm(direction)
            energies = []
            for distance in np.linspace(0.8 * length, 0.3, 8):
                moved = start.copy()
                moved[j] = start[i] + direction / length * distance
                system = molecule.system.replace(positions=jnp.asarray(moved))
                energies.append(float(energy_and_forces(potential, system)[0]))
            assert (np.diff(energies) > 0).all(), (text, kind, energies)
    assert len(tried) >= 8


def test_what_is_strange_scores_higher_than_what_it_has_learned(potential) -> None:
    score = load_extrapolation(NAME)
    assert score is not None
    ethanol = load_molecule("ethanol").system
    calm = score.of(potential, ethanol)
    torn = score.of(potential, ethanol.replace(positions=ethanol.positions * 1.4))
    assert calm.max() < torn.max()
    assert score.expected_error(calm).mean() < score.expected_error(torn).mean()
