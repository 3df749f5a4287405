from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from so3k_explore.io.checkpoints import load_checkpoint, save_checkpoint
from so3k_explore.jobs.learning_settings import TrainSettings
from so3k_explore.potentials.so3krates import ELEMENT_ROWS, So3krates
from so3k_explore.training.fit import Fit, fit, initial_fit, mean_errors
from so3k_explore.training.optimisers import OPTIMISERS, RMS, make_optimiser
from tests.training.test_fit import SETTINGS, SIZES, data, leaves

MUON = SETTINGS.replace(optimiser="muon")
RATE = 1e-2


def first_step(parameters: dict[str, jax.Array], gradients: dict[str, jax.Array]) -> dict[str, jax.Array]:
    transformation = make_optimiser("muon", optax.constant_schedule(RATE), 1e9)
    updates, _ = transformation.update(gradients, transformation.init(parameters), parameters)
    return updates  # pyright: ignore[reportReturnType]


def test_a_step_of_muon_turns_all_directions_of_a_matrix_alike_and_leaves_tables_to_adam() -> None:
    rng = np.random.default_rng(0)
    shapes = {"kernel": (16, 8), "heads": (3, 8, 8), "table": (ELEMENT_ROWS, 8), "bias": (8,), "row": (1, 8)}
    gradients = {name: jnp.asarray(rng.normal(size=shape), jnp.float32) for name, shape in shapes.items()}
    gradients["kernel"] = gradients["kernel"] * jnp.geomspace(1.0, 0.05, 8)[None, :]  # steep and flat directions
    updates = first_step({name: jnp.zeros(shape) for name, shape in shapes.items()}, gradients)
    for matrix, rows in ((updates["kernel"], 16), *((one, 8) for one in updates["heads"])):
        sizes = np.linalg.svd(np.asarray(matrix), compute_uv=False) / (RATE * RMS * rows**0.5)
        assert sizes.max() < 1.4
        assert sizes.min() > 0.4
    for name in ("table", "bias", "row"):
        size = np.abs(updates[name])
        np.testing.assert_allclose(size, size.flat[0], rtol=1e-3)  # whatever the gradient
        assert RATE <= size.flat[0] < 2 * RATE


def test_muon_learns_and_resumes_with_the_same_bits(tmp_path: Path) -> None:
    start = initial_fit(MUON, So3krates.create(1, SIZES))
    training, validation = data(slice(16)), data(slice(16, 24))
    states = list(fit(MUON, start, training, validation, steps_per_state=10))
    assert (
        mean_errors(MUON.loss, states[-1].best, validation)[0]
        < 0.7 * mean_errors(MUON.loss, start.potential, validation)[0]
    )
    save_checkpoint(tmp_path / "fit.npz", states[0])
    resumed = load_checkpoint(tmp_path / "fit.npz", start)
    *_, last = fit(MUON, resumed, training, validation, steps_per_state=10)
    for one, other in zip(leaves(states[-1]), leaves(last), strict=True):
        np.testing.assert_array_equal(one, other)


def test_other_names_are_refused_and_both_places_know_the_same_ones() -> None:
    with pytest.raises(ValueError, match="adam, muon, got 'sgd'"):
        Fit(optimiser="sgd")
    with pytest.raises(ValueError, match="optimiser"):
        TrainSettings(optimiser="sgd")
    assert [TrainSettings(optimiser=name).optimiser for name in OPTIMISERS] == list(OPTIMISERS)
