import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.nn.radial import (
    BERNSTEIN_DECAY,
    BEYOND,
    RADIAL_BASES,
    SHORTEST,
    bernstein,
    bessel,
    chebyshev,
    chebyshev_nodes,
    chebyshev_series,
)


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


def test_chebyshev_functions_are_those_polynomials_and_stay_finite_everywhere() -> None:
    cutoff, orders = 3.0, 9
    inside = np.linspace(SHORTEST + 0.1, cutoff, 50)
    low, high = (np.exp(-BERNSTEIN_DECAY / 2 * r) for r in (cutoff + BEYOND, SHORTEST))
    x = 2 * (np.exp(-BERNSTEIN_DECAY / 2 * inside) - low) / (high - low) - 1
    expected = np.polynomial.chebyshev.chebvander(x, orders - 1)
    np.testing.assert_allclose(chebyshev(jnp.asarray(inside), orders, cutoff), expected, atol=1e-10)
    slopes = jax.grad(lambda r: chebyshev(r, orders, cutoff).sum())(jnp.asarray([1e-6, SHORTEST, cutoff, 2 * cutoff]))
    assert np.isfinite(slopes).all()
    assert (np.asarray(slopes)[[0, 3]] == 0).all()


def test_a_chebyshev_series_meets_a_smooth_function() -> None:
    cutoff = 4.0
    function = lambda r: np.stack([np.exp(-r), np.sin(r)], axis=1)
    series = chebyshev_series(function(chebyshev_nodes(24, cutoff)))
    distances = np.linspace(SHORTEST + 0.01, cutoff, 100)
    found = chebyshev(jnp.asarray(distances), 24, cutoff) @ series
    np.testing.assert_allclose(found, function(distances), atol=1e-9)
