from functools import cache
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.analysis.extrapolation import load_extrapolation
from so3k_explore.io.datasets import Dataset, Frame, from_frames
from so3k_explore.potentials.checkpoints import save_potential
from so3k_explore.potentials.registry import load_potential
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.training.extrapolation import descriptors, fit_extrapolation
from tests.molecules import ETHANOL
from tests.training.test_fit import SIZES


@cache
def random_network() -> So3krates:
    return So3krates.create(3, SIZES, jnp.float64)


def distorted(size: float, count: int = 40, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    numbers, start = np.asarray(ETHANOL.numbers), np.asarray(ETHANOL.positions)
    shape = start.shape
    return from_frames(
        Frame(numbers, start + rng.normal(scale=size, size=shape), 0.0, np.zeros(shape)) for _ in range(count)
    )


@pytest.fixture(scope="module")
def fitted():
    held_out = distorted(0.15, seed=1)
    rng = np.random.default_rng(2)
    sizes = np.linspace(0.01, 0.5, len(held_out.numbers))
    return fit_extrapolation(
        random_network(), distorted(0.05), held_out, sizes[:, None] * rng.normal(size=(len(sizes), 3))
    )


def test_the_score_is_one_on_average_for_what_was_learned_and_grows_with_distortion(fitted) -> None:
    score = lambda data: fitted.score(data.numbers, descriptors(random_network(), data))
    assert np.mean(score(distorted(0.05)) ** 2) == pytest.approx(1.0, abs=0.15)
    means = [score(distorted(size, seed=5)).mean() for size in (0.05, 0.15, 0.4)]
    assert means[0] < means[1] < means[2]


def test_expected_errors_never_fall_with_the_score(fitted) -> None:
    errors = fitted.expected_error(np.linspace(0, 50, 200))
    assert (np.diff(errors) >= 0).all()
    assert 0 < errors[0] <= errors[-1] < 1.0


def test_elements_that_were_never_seen_are_infinitely_far(fitted) -> None:
    features = np.zeros((2, SIZES.features))
    assert np.isinf(fitted.score(np.array([16, 1]), features)).tolist() == [True, False]


def test_the_score_is_stored_with_the_model(fitted, tmp_path: Path) -> None:
    file = tmp_path / "mine.npz"
    save_potential(file, random_network(), extras={f"extrapolation/{k}": v for k, v in fitted.arrays().items()})
    restored = load_extrapolation(file)
    assert restored is not None
    expected = fitted.of(random_network(), ETHANOL)
    np.testing.assert_allclose(restored.of(load_potential(file, "float64"), ETHANOL), expected, rtol=1e-3)
    save_potential(file, random_network())
    assert load_extrapolation(file) is None


def test_descriptors_turn_with_nothing_and_follow_the_atoms() -> None:
    data = distorted(0.05, count=3)
    turned = from_frames(data[k]._replace(positions=-data[k].positions[:, [1, 0, 2]]) for k in range(3))
    np.testing.assert_allclose(descriptors(random_network(), turned), descriptors(random_network(), data), atol=1e-5)
