"""Rotations of space."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def random_rotation(key: Array) -> Float[Array, "3 3"]:
    """A proper rotation matrix, uniform over SO(3), from a normalised Gaussian quaternion."""
    w, x, y, z = jax.random.normal(key, (4,))
    norm = jnp.sqrt(w**2 + x**2 + y**2 + z**2)
    w, x, y, z = w / norm, x / norm, y / norm, z / norm
    return jnp.array(
        [
            [1 - 2 * (y**2 + z**2), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x**2 + z**2), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x**2 + y**2)],
        ]
    )
