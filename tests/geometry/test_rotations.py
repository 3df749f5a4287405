import jax
import numpy as np

from so3k_explore.geometry.rotations import random_rotation

ROTATIONS = np.asarray(jax.vmap(random_rotation)(jax.random.split(jax.random.key(0), 4000)))


def test_rotations_are_orthogonal_and_proper() -> None:
    products = ROTATIONS @ ROTATIONS.transpose(0, 2, 1)
    np.testing.assert_allclose(products, np.broadcast_to(np.eye(3), products.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(ROTATIONS), 1.0, atol=1e-12)


def test_rotations_are_uniform() -> None:
    # Over SO(3) the mean matrix vanishes, <tr R> = 0 and <(tr R)²> = 1.
    trace = np.trace(ROTATIONS, axis1=1, axis2=2)
    assert np.abs(ROTATIONS.mean(axis=0)).max() < 0.05
    assert abs(trace.mean()) < 0.08
    assert abs((trace**2).mean() - 1) < 0.1


def test_equal_keys_give_equal_rotations() -> None:
    key = jax.random.key(3)
    np.testing.assert_array_equal(random_rotation(key), random_rotation(key))
