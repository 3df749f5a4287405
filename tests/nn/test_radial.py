import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.nn.radial import BERNSTEIN_DECAY, RADIAL_BASES, bernstein, bessel


def test_bernstein_polynomials_are_the_binomial_distribution_of_an_exponential() -> None:
    distances = np.array([0.3, 1.0, 2.7, 4.4])
    t = np.exp(-BERNSTEIN_DECAY * distances)
    expected = [[math.comb(5, k) * x**k * (1 - x) ** (5 - k) for k in range(6)] for x in t]
    np.testing.assert_allclose(bernstein(jnp.asarray(distances), 6, 4.5), expected, rtol=1e-12)


def test_bernstein_polynomials_add_up_to_one() -> None:
    distances = jnp.linspace(0.05, 8.0, 50)
    np.testing.assert_allclose(bernstein(distances, 32, 4.5).sum(axis=-1), 1.0, rtol=1e-12)


def test_bernstein_polynomials_keep_their_digits_in_single_precision() -> None:
    distances = np.linspace(0.2, 4.5, 40)
    exact = bernstein(jnp.asarray(distances), 32, 4.5)
    single = bernstein(jnp.asarray(distances, jnp.float32), 32, 4.5)
    np.testing.assert_allclose(single, exact, atol=5e-6)


def test_bessel_functions_vanish_at_the_cutoff_and_are_orthogonal() -> None:
    np.testing.assert_allclose(bessel(jnp.array([3.0]), 4, 3.0), 0.0, atol=1e-12)
    distances = np.linspace(1e-6, 3.0, 4001)
    waves = np.asarray(bessel(jnp.asarray(distances), 3, 3.0)) * distances[:, None]
    np.testing.assert_allclose(np.trapezoid(waves.T[:, None] * waves.T[None, :], distances), np.eye(3), atol=1e-4)


@pytest.mark.parametrize("name", sorted(RADIAL_BASES))
def test_gradients_are_finite(name: str) -> None:
    gradient = jax.grad(lambda r: RADIAL_BASES[name](r, 8, 4.5).sum())(jnp.array([0.1, 1.0, 4.5, 6.0]))
    assert np.isfinite(gradient).all()
