r"""Steps that bend with the molecule: a torsion turns on a circle, not along its tangent.

A straight step of 0.15 Å along a torsion stretches bonds by some 0.01 Å, and the forces of these bonds drown those that
matter. So after a straight step :math:`s` the atoms move on, as little as possible, until bond lengths and the
distances across angles are what they should be to first order,

.. math:: d_k(x) = d_k(x_0) + \nabla d_k \cdot s ,

by a few Gauss-Newton steps with the stiffness of bonds and angles in a model Hessian as weights. Where there are no
bonds, steps stay straight.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from so3k_explore.geometry.one_by_one import one_by_one
from so3k_explore.simulation.model_hessian import ANGLE, BOND, ModelHessian
from so3k_explore.typing import Replaceable, pytree

REST = 0.2  # eV/Å², keeps what no distance holds where the straight step put it
ITERATIONS = 3


@pytree
class StiffDistances(Replaceable):
    """Pairs of atoms whose distances hardly change."""

    pairs: Int[Array, "pairs 2"]
    stiffness: Float[Array, "pairs"]  # eV/Å²

    @classmethod
    def of(cls, model: ModelHessian | None) -> "StiffDistances | None":
        """Bonds and ends of angles of a model Hessian; None without one."""
        if model is None:
            return None
        weights = [jnp.full(len(model.bonds), BOND), jnp.full(len(model.ends), ANGLE)]
        return cls(pairs=jnp.concatenate([model.bonds, model.ends]), stiffness=jnp.concatenate(weights))

    def bent(
        self, positions: Float[Array, "walkers atoms 3"], steps: Float[Array, "walkers atoms 3"]
    ) -> Float[Array, "walkers atoms 3"]:
        """Displacements (Å) that begin as `steps` and end with distances as they should be."""
        return one_by_one(self._bent, positions, steps)

    def _bent(self, start: Float[Array, "atoms 3"], step: Float[Array, "atoms 3"]) -> Float[Array, "atoms 3"]:
        coordinates = 3 * start.shape[0]
        weights = self.stiffness.astype(start.dtype)
        distances, slopes = self._distances(start)
        wanted = distances + slopes @ step.reshape(-1)

        def correct(_: Any, positions: Array) -> Array:
            present, slope = self._distances(positions)
            weighted = slope.T * weights[None, :]
            matrix = weighted @ slope + REST * jnp.eye(coordinates, dtype=start.dtype)
            return positions + jnp.linalg.solve(matrix, weighted @ (wanted - present)).reshape(start.shape)

        return jax.lax.fori_loop(0, ITERATIONS, correct, start + step) - start

    def _distances(
        self, positions: Float[Array, "atoms 3"]
    ) -> tuple[Float[Array, "pairs"], Float[Array, "pairs coordinates"]]:
        """Distances, and their derivatives."""
        i, j = self.pairs[:, 0], self.pairs[:, 1]
        vectors = positions[j] - positions[i]
        lengths = jnp.sqrt(jnp.sum(vectors**2, axis=-1))
        units = vectors / jnp.maximum(lengths, 1e-12)[:, None]
        rows = jnp.arange(len(lengths))
        slopes = jnp.zeros((len(lengths), *positions.shape), positions.dtype)
        slopes = slopes.at[rows, j].add(units).at[rows, i].add(-units)
        return lengths, slopes.reshape(len(lengths), -1)
