import jax
import jax.numpy as jnp
import numpy as np

from so3k_explore.nn.cutoffs import polynomial_cutoff, smooth_switch


def test_the_polynomial_ends_with_value_slope_and_curvature_zero() -> None:
    value = lambda r: polynomial_cutoff(r[None], 4.5)[0]
    slope, curvature = jax.grad(value), jax.grad(jax.grad(value))
    for r in (4.5 - 1e-9, 4.5, 7.0):
        np.testing.assert_allclose([f(jnp.asarray(r)) for f in (value, slope, curvature)], 0.0, atol=1e-8)
    np.testing.assert_allclose(value(jnp.asarray(0.0)), 1.0)
    np.testing.assert_allclose(value(jnp.asarray(2.25)), 0.5)


def test_the_switch_is_one_before_and_zero_after() -> None:
    np.testing.assert_array_equal(smooth_switch(jnp.array([0.0, 2.0, 6.0, 9.0]), 2.0, 6.0), [1, 1, 0, 0])
    np.testing.assert_allclose(smooth_switch(jnp.array([4.0]), 2.0, 6.0), 0.5)


def test_the_switch_is_the_ratio_of_exponentials() -> None:
    s = np.linspace(0.05, 0.95, 19)
    sigma = lambda x: np.exp(-1 / x)
    np.testing.assert_allclose(
        smooth_switch(jnp.asarray(1 + 2 * s), 1.0, 3.0), sigma(1 - s) / (sigma(1 - s) + sigma(s)), rtol=1e-12
    )


def test_the_slope_of_the_switch_is_finite_everywhere_in_single_precision() -> None:
    r = jnp.asarray([0.0, 1e-30, 1e-4, 0.7, 1.4999, 1.5, 1.6], jnp.float32)
    slope = jax.grad(lambda r: smooth_switch(r, 0.0, 1.5).sum())(r)
    assert np.isfinite(slope).all()
    assert (np.asarray(slope) <= 0).all()
