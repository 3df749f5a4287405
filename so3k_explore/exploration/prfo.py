r"""One step of partitioned rational function optimisation: up along one eigenvector of the Hessian, down along others.

With curvatures :math:`w_i` and gradients :math:`g_i` along the eigenvectors (Banerjee, Adams, Simons & Shepard,
J. Phys. Chem. 89, 52 (1985); Baker, J. Comput. Chem. 7, 385 (1986)),

.. math:: s_i = \frac{g_i}{\lambda - w_i}, \qquad
          \lambda_\text{followed} = \tfrac12\Big(w + \sqrt{w^2 + 4 g^2}\Big), \qquad
          \lambda_\text{others} = \sum_i \frac{g_i^2}{\lambda_\text{others} - w_i} \le 0 .
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from so3k_explore.simulation.minimizer import longest_move

SHARE = 0.05  # of the followed mode in one along which the energy falls, for that to be followed instead
BISECTIONS = 60


def prfo_step(
    hessian: Float[Array, "coordinates coordinates"],
    gradient: Float[Array, "coordinates"],
    mode: Float[Array, "coordinates"],
    radius: Float[Array, ""],
) -> tuple[Array, Array, Array, Array]:
    """Displacement, the change of energy it should bring, the followed eigenvector and its curvature.

    Followed is the eigenvector that resembles `mode` most; where `mode` has mixed with some of negative curvature, one
    of those. A `mode` of zeros means the lowest one.

    Args:
        hessian: without rigid motions, eV/Å².
        gradient: eV/Å.
        mode: of unit length, or zero.
        radius: how far an atom may move, Å.
    """
    w, vectors = jnp.linalg.eigh(hessian)
    overlaps = vectors.T @ mode
    falling = (w < 0) & (overlaps**2 > SHARE)
    alike = jnp.where(falling.any() & ~falling, 0.0, jnp.abs(overlaps))
    followed = jnp.where((mode == 0).all(), 0, jnp.argmax(alike))
    chosen = jnp.arange(len(w)) == followed
    vectors = vectors * jnp.where(overlaps < 0, -1.0, 1.0)[None, :]
    g = vectors.T @ gradient

    up = (w + jnp.sqrt(w**2 + 4 * g**2)) / 2
    down = _lowest_root(jnp.where(chosen, jnp.inf, w), jnp.where(chosen, 0.0, g))
    tiny = 1e-12
    along = jnp.where(chosen, g / jnp.maximum(up - w, tiny), -g / jnp.maximum(w - down, tiny))
    still = chosen & (jnp.abs(g) < 1e-10) & (w > 0)  # exactly at a minimum: leave it along the mode
    along = jnp.where(still, radius, along)
    step = vectors @ along
    scale = jnp.minimum(1.0, radius / jnp.maximum(longest_move(step.reshape(1, -1, 3))[0], 1e-30))
    along = scale * along
    expected = jnp.sum(g * along + 0.5 * w * along**2)
    return vectors @ along, expected, vectors[:, followed], w[followed]


def _lowest_root(w: Float[Array, "coordinates"], g: Float[Array, "coordinates"]) -> Float[Array, ""]:
    """The solution λ of λ = Σ g²/(λ - w) below zero and below all curvatures; the difference of both sides rises."""
    top = jnp.minimum(0.0, w.min())
    width = jnp.sqrt(jnp.sum(g**2)) + 1e-12

    def halve(_: Any, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = (low + high) / 2
        below = middle + jnp.sum(jnp.where(g == 0, 0.0, g**2 / (w - middle))) < 0
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    low, _ = jax.lax.fori_loop(0, BISECTIONS, halve, (top - width, top))
    return low
