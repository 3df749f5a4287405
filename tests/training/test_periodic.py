"""Periodic structures and their stress, from the file to the loss; boxes beside molecules."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from ase.io import write

from so3k_explore.io.dataset_formats import read_dataset, write_extxyz
from so3k_explore.io.datasets import Dataset, DatasetError, Frame, from_frames, load_dataset, save_dataset
from so3k_explore.io.labels import label
from so3k_explore.observables.stress import energy_forces_stress
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.training.batches import Batches
from so3k_explore.training.evaluate import predictions, stress_error
from so3k_explore.training.fit import Fit, fit, initial_fit, mean_errors
from so3k_explore.training.loss import Loss, compare, predict
from so3k_explore.training.prepare import prepare
from so3k_explore.training.splits import distinct, force_consistency
from tests.molecules import ETHANOL
from tests.potentials import MIDDLE, REPELLING, so3krates

BOX = np.array([[3.2, 0.3, 0.0], [0.0, 3.0, 0.2], [0.1, 0.0, 3.4]])  # Å, smaller than two cutoffs
SYMMETRIC = np.array([[2.0, 0.3, 0.1], [0.3, -1.0, 0.2], [0.1, 0.2, 0.5]])


def molecule() -> Frame:
    positions = np.asarray(ETHANOL.positions)
    return Frame(np.asarray(ETHANOL.numbers), positions, 1.0, np.zeros_like(positions), "ethanol")


def box(seed: int = 0, cell: np.ndarray = BOX, stress: np.ndarray | None = SYMMETRIC) -> Frame:
    rng = np.random.default_rng(seed)
    grid = np.array([[x, y, z] for x in (0, 0.5) for y in (0, 0.5) for z in (0, 0.5)]) @ cell
    positions = grid + rng.normal(scale=0.1, size=grid.shape)
    return Frame(np.full(8, 6), positions, 0.0, np.zeros((8, 3)), "box", group=seed, cell=cell, stress=stress)


def mixed() -> Dataset:
    return from_frames([molecule(), box(), box(1, BOX * 1.1)])


def test_boxes_beside_molecules_have_the_energy_forces_and_stress_they_have_alone() -> None:
    potential, data = so3krates(REPELLING, 1), mixed()
    batches = Batches(data, potential.cutoff, 3, dtype=np.float64)
    predicted = predict(potential, jax.tree.map(jnp.asarray, batches.collate([0, 1, 2])), stress=True)
    assert predicted.stress is not None
    np.testing.assert_array_equal(predicted.stress[0], 0.0)
    for place, start in ((1, 9), (2, 17)):
        energy, forces, stress = energy_forces_stress(potential, data[place].system)
        np.testing.assert_allclose(predicted.energies[place], energy, atol=1e-9)
        np.testing.assert_allclose(predicted.forces[start : start + 8], forces, atol=1e-9)
        np.testing.assert_allclose(predicted.stress[place], stress, atol=1e-9)
        assert np.abs(stress).max() > 1e-4


def test_the_loss_counts_the_components_of_the_boxes_alone() -> None:
    potential, data = so3krates(REPELLING, 1), mixed()
    batch = jax.tree.map(jnp.asarray, Batches(data, potential.cutoff, 3, dtype=np.float64).collate([0, 1, 2]))
    loss = Loss(energy=0.0, forces=0.0, stress=7.0)
    value, _ = loss(potential, batch)
    errors = [np.asarray(energy_forces_stress(potential, data[k].system)[2]) - SYMMETRIC for k in (1, 2)]
    assert float(value) == pytest.approx(7.0 * np.mean([(error**2).mean() for error in errors]))
    assert compare(predict(potential, batch), batch).stress.shape == (4, 1, 1)  # not asked for


def test_a_network_learns_stress() -> None:
    teacher = LennardJones(sigma=1.3, epsilon=0.2, cutoff=3.0, onset=2.0)
    frames = []
    for seed in range(12):
        one = box(seed, BOX * (1 + 0.01 * (seed % 4)))
        energy, forces, stress = (np.asarray(value) for value in energy_forces_stress(teacher, one.system))
        frames.append(one._replace(energy=float(energy), forces=forces, stress=stress))
    data = from_frames(frames, "Lennard-Jones")
    settings = Fit(
        steps=60, molecules=4, learning_rate=3e-3, warmup=5, validate_every=20, loss=Loss(1.0, 1.0, stress=1e3)
    )
    training = Batches(data, teacher.cutoff, 4)
    state = initial_fit(settings, jax.tree.map(lambda leaf: leaf.astype(jnp.float32), so3krates(REPELLING, 2)))
    only = Loss(energy=0.0, forces=0.0, stress=1.0)
    before = mean_errors(only, state.potential, training)[0]
    *_, last = fit(settings, state, training, training, 20)
    assert mean_errors(only, last.average, training)[0] < 0.5 * before
    assert stress_error(predictions(teacher, data)) == pytest.approx(0.0, abs=1e-9)


def test_cells_and_stresses_survive_files(tmp_path: Path) -> None:
    data = mixed()
    own = load_dataset(save_dataset(tmp_path / "data.npz", data))
    foreign = read_dataset(write_extxyz(tmp_path / "data.xyz", data))
    for found in (own, foreign, data.select([0, 1, 2])):
        assert found.periodic.tolist() == [False, True, True]
        assert found[0].cell is found[0].stress is None
        assert found.cells is not None
        assert found.stresses is not None
        np.testing.assert_allclose(found.cells[2], BOX * 1.1, atol=1e-7)
        np.testing.assert_allclose(found.stresses[1], SYMMETRIC, atol=1e-7)


def test_stresses_are_kept_only_where_every_box_has_one() -> None:
    assert from_frames([molecule(), box(stress=None), box(1)]).stresses is None
    assert from_frames([molecule()]).cells is None


def test_a_periodic_structure_is_labelled_with_its_stress() -> None:
    copper = Atoms("Cu4", [[0, 0, 0], [0, 1.8, 1.8], [1.8, 0, 1.8], [1.8, 1.8, 0]], cell=[3.5] * 3, pbc=True)
    frame = label(copper, EMT())
    copper.calc = EMT()
    assert frame.cell is not None
    assert frame.stress is not None
    np.testing.assert_allclose(frame.stress, copper.get_stress(voigt=False), atol=1e-10)
    np.testing.assert_allclose(np.diag(frame.cell), 3.5)


def test_checks_of_copies_and_forces_know_boxes() -> None:
    shrunk = box()._replace(cell=BOX * 0.95)
    assert distinct(from_frames([box(), box(), shrunk])).tolist() == [0, 2]
    close = [box()._replace(cell=BOX * (1 + 0.001 * k), positions=box().positions * (1 + 0.001 * k)) for k in range(4)]
    with pytest.raises(DatasetError, match="forces cannot be compared"):
        force_consistency(from_frames(close))


def test_what_cannot_be_learned_is_said(tmp_path: Path) -> None:
    slab = Atoms("C", [[0, 0, 0]], cell=[3, 3, 9], pbc=[True, True, False])
    slab.calc = EMT()
    slab.calc.results = {"energy": 0.0, "forces": np.zeros((1, 3))}
    write(tmp_path / "slab.xyz", slab)
    with pytest.raises(DatasetError, match="in all directions or in none"):
        read_dataset(tmp_path / "slab.xyz")
    potential = So3lr.create(2, MIDDLE)
    with pytest.raises(DatasetError, match="learns from molecules only"):
        Batches(mixed(), potential.cutoff, 2, long_range=True)


@pytest.mark.parametrize("weight", ["stress", "dipole", "charges"])
def test_a_loss_that_counts_what_the_data_lack_is_refused(weight: Any) -> None:
    frames = [molecule()] * 6
    with pytest.raises(DatasetError, match=f"weight of `{weight}`"):
        prepare(from_frames(frames), Fit(loss=Loss(**{weight: 1.0})))


def test_a_network_without_charges_is_not_fitted_to_dipoles() -> None:
    frames = [molecule()._replace(dipole=np.zeros(3), group=k) for k in range(40)]
    with pytest.raises(DatasetError, match="has no charges"):
        prepare(from_frames(frames), Fit(loss=Loss(dipole=1.0)))
