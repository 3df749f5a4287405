r"""Motions that change nothing: translations and rotations of each walker, and how to take them out of a vector.

The rotations about the three principal axes of the centred positions are orthogonal to each other and to translations,

.. math:: b_k \propto (a_k \times (r_1 - \bar r),\; a_k \times (r_2 - \bar r), \dots),
          \qquad |b_k|^2 = a_k^\top \Big(\sum_i |r_i|^2 - r_i r_i^\top\Big) a_k,

and one that moves nothing (that of a line about itself) is left out: its row is zero.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from so3k_explore.geometry.one_by_one import one_by_one

LINEAR = 1e-6  # moment relative to the largest, below which a rotation moves nothing


def rigid_motions(positions: Float[Array, "walkers atoms 3"]) -> Float[Array, "walkers 6 coordinates"]:
    """Orthonormal rigid motions; rows of motions that do not exist are zero."""
    return one_by_one(_rigid_motions, positions)


def _rigid_motions(positions: Float[Array, "atoms 3"]) -> Float[Array, "6 coordinates"]:
    atoms, dtype = positions.shape[0], positions.dtype
    arms = positions - positions.mean(axis=0)[None, :]
    moments, axes = jnp.linalg.eigh(jnp.sum(arms**2) * jnp.eye(3, dtype=dtype) - arms.T @ arms)
    turns = jnp.cross(axes.T[:, None, :], arms[None, :, :]).reshape(3, -1)
    real = moments > jnp.maximum(LINEAR * moments[2], 1e-12)
    turns = jnp.where(real[:, None], turns / jnp.sqrt(jnp.where(real, moments, 1.0))[:, None], 0.0)
    shifts = jnp.tile(jnp.eye(3, dtype=dtype), (1, atoms)) / atoms**0.5
    return jnp.concatenate([shifts, turns])


def without_rigid(
    vectors: Float[Array, "walkers atoms 3"], motions: Float[Array, "walkers 6 coordinates"]
) -> Float[Array, "walkers atoms 3"]:
    """Vectors without their components along rigid motions."""
    flat = vectors.reshape(vectors.shape[0], -1)
    along = jnp.einsum("wkc,wc->wk", motions, flat)
    return (flat - jnp.einsum("wk,wkc->wc", along, motions)).reshape(vectors.shape)
