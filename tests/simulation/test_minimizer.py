import jax
import jax.numpy as jnp
import numpy as np

from so3k_explore.simulation import FIRE, LBFGS
from so3k_explore.simulation.minimizer import Minimizer, capped, finite, longest_move


def test_long_steps_are_shortened_without_turning_and_short_ones_stay() -> None:
    step = jax.random.normal(jax.random.key(0), (3, 5, 3)) * jnp.array([1.0, 1e-3, 0.0])[:, None, None]
    short = capped(step, 0.2)
    np.testing.assert_allclose(longest_move(short), [0.2, float(longest_move(step)[1]), 0.0], rtol=1e-12)
    np.testing.assert_allclose(short[0] * longest_move(step)[0], step[0] * 0.2, rtol=1e-12)
    np.testing.assert_array_equal(short[1:], step[1:])


def test_one_number_that_is_none_spoils_its_walker_only() -> None:
    energy, forces = jnp.array([0.0, jnp.inf, 0.0]), jnp.zeros((3, 2, 3)).at[2, 1, 0].set(jnp.nan)
    assert finite(energy, forces).tolist() == [True, False, False]


def test_both_optimisers_are_minimizers() -> None:
    assert isinstance(FIRE(), Minimizer)
    assert isinstance(LBFGS(), Minimizer)
