from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.io.checkpoints import load_checkpoint, save_checkpoint
from so3k_explore.io.datasets import Dataset, Frame, from_frames
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.so3krates import Architecture, So3krates
from so3k_explore.training.batches import Batches
from so3k_explore.training.evaluate import predictions, report, scores
from so3k_explore.training.fit import (
    Fit,
    FitError,
    FitState,
    average_neighbors,
    energy_shifts,
    fit,
    initial_fit,
    mean_errors,
)
from so3k_explore.training.loss import Loss
from tests.molecules import ETHANOL

SIZES = Architecture(
    8, heads=2, layers=1, degrees=(1,), cutoff=3.0, radial_functions=6, average_neighbors=4.0, charge_and_spin=False
)
SETTINGS = Fit(steps=40, molecules=4, learning_rate=5e-3, warmup=5, validate_every=20, seed=3, loss=Loss(energy=1.0))


@cache
def teacher() -> So3krates:
    return So3krates.create(9, SIZES, jnp.float64)


@cache
def taught(frames: int = 24) -> Dataset:
    """Distorted ethanol with the energies and forces of a random network, and an energy for each element on top."""
    rng, made = np.random.default_rng(2), []
    for _ in range(frames):
        system = ETHANOL.replace(positions=ETHANOL.positions + rng.normal(scale=0.1, size=ETHANOL.positions.shape))
        energy, forces = energy_and_forces(teacher(), system)
        numbers = np.asarray(system.numbers)
        made.append(
            Frame(
                numbers,
                np.asarray(system.positions),
                float(energy) - 10.0 * float(numbers.sum()),
                np.asarray(forces),
                "ethanol",
            )
        )
    return from_frames(made, "network")


def data(frames: slice, dtype: type = np.float32) -> Batches:
    return Batches(taught().select(frames), SIZES.cutoff, 4, shifts=energy_shifts(taught()), dtype=dtype)


def fresh() -> FitState:
    return initial_fit(SETTINGS, So3krates.create(1, SIZES))


def leaves(state: FitState) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(state)]


@cache
def trained() -> list[FitState]:
    return list(fit(SETTINGS, fresh(), data(slice(16)), data(slice(16, 24)), steps_per_state=10))


def test_a_fit_learns_and_keeps_its_best_average() -> None:
    states = trained()
    assert [int(state.step) for state in states] == [10, 20, 30, 40]
    before = mean_errors(SETTINGS.loss, fresh().potential, data(slice(16, 24)))
    after = mean_errors(SETTINGS.loss, states[-1].best, data(slice(16, 24)))
    assert after[0] < 0.7 * before[0]
    assert after[0] == pytest.approx(float(states[-1].best_loss), rel=1e-5)
    assert np.isfinite(float(states[-1].validation_force_error))


@pytest.mark.parametrize("stop", [1, 2])
def test_a_resumed_fit_ends_with_the_same_bits(tmp_path: Path, stop: int) -> None:
    """The file is written in the middle of an epoch, before and after a validation."""
    for state in islice(fit(SETTINGS, fresh(), data(slice(16)), data(slice(16, 24)), steps_per_state=7), stop):
        save_checkpoint(tmp_path / "fit.npz", state)
    restored = load_checkpoint(tmp_path / "fit.npz", fresh())
    *_, last = fit(SETTINGS, restored, data(slice(16)), data(slice(16, 24)), steps_per_state=10)
    for one, two in zip(leaves(last), leaves(trained()[-1]), strict=True):
        if one.ndim or one.dtype.kind == "i":  # means since the last state depend on where states were taken
            np.testing.assert_array_equal(one, two)


def test_patience_ends_a_fit() -> None:
    impatient = SETTINGS.replace(patience=1, learning_rate=1e-12, final_learning_rate=1e-12, validate_every=5)
    states = list(fit(impatient, fresh(), data(slice(16)), data(slice(16, 24)), steps_per_state=5))
    assert int(states[-1].step) < SETTINGS.steps


def test_a_loss_that_is_not_finite_is_explained() -> None:
    broken = jax.tree.map(lambda leaf: leaf * jnp.nan, fresh().potential)
    with pytest.raises(FitError, match="learning_rate"):
        list(fit(SETTINGS, initial_fit(SETTINGS, broken), data(slice(16)), data(slice(16, 24)), steps_per_state=5))


def test_shifts_are_the_energies_of_the_elements() -> None:
    rng = np.random.default_rng(5)
    frames = [
        Frame(
            numbers := rng.choice([1, 6, 8], size),
            rng.normal(size=(size, 3)),
            -float(numbers.sum()),
            np.zeros((size, 3)),
        )
        for size in range(3, 20)
    ]
    shifts = energy_shifts(from_frames(frames))
    np.testing.assert_allclose(shifts[[1, 6, 8]], [-1.0, -6.0, -8.0], atol=1e-8)


def test_predictions_hold_shifts_and_scores_are_those_of_their_errors() -> None:
    part = taught().select(slice(6))
    shifts = np.zeros(119)
    shifts[[1, 6, 8]] = -10.0, -60.0, -80.0
    found = predictions(teacher(), part, shifts, molecules=4)
    np.testing.assert_allclose(found.energies, part.energies, atol=1e-8)
    np.testing.assert_allclose(found.forces, part.forces, atol=1e-10)
    student = predictions(fresh().potential, part, shifts)
    errors = student.forces - part.forces
    assert scores(student).force_mae == pytest.approx(np.abs(errors).mean())
    assert scores(student, np.arange(2)).force_rmse == pytest.approx(np.sqrt((errors[:18] ** 2).mean()))
    written = report(student)
    assert written["all"]["frames"] == 6
    assert set(written["elements"]) == {"H", "C", "O"}


def test_average_neighbors_counts_atoms_within_the_cutoff() -> None:
    positions = np.asarray(taught()[0].positions)
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    expected = ((distances < 3.0).sum() - 9) / 9
    batches = Batches(taught().select([0]), 3.0, 1)
    assert average_neighbors(batches) == pytest.approx(expected)


@pytest.mark.parametrize(
    "change", [{"steps": 0}, {"averaging": 1.0}, {"learning_rate": -1.0}, {"loss": Loss()}], ids=str
)
def test_settings_out_of_range_are_named(change: dict[str, Any]) -> None:
    if "loss" in change:
        with pytest.raises(ValueError, match="`huber`"):
            Loss(huber=0.0)
        return
    with pytest.raises(ValueError, match=f"`{next(iter(change))}`"):
        SETTINGS.replace(**change)
