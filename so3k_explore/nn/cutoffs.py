"""Functions that are one at short and zero at long distance."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def polynomial_cutoff(distances: Float[Array, "pairs"], cutoff: float) -> Float[Array, "pairs"]:
    r"""Falls from one at zero to zero at `cutoff` (Å), twice continuously differentiable.

    .. math:: \phi(r) = 1 - 10 s^3 + 15 s^4 - 6 s^5, \qquad s = \min(r / r_c, 1)
    """
    s = jnp.minimum(distances / cutoff, 1.0)
    return 1 - s**3 * (10 - 15 * s + 6 * s**2)


def smooth_switch(distances: Float[Array, "pairs"], onset: float, cutoff: float) -> Float[Array, "pairs"]:
    r"""One below `onset`, zero above `cutoff` (Å), infinitely often differentiable.

    .. math:: f(r) = \frac{\sigma(1 - s)}{\sigma(1 - s) + \sigma(s)}, \qquad
              \sigma(x) = e^{-1/x}\ (x > 0),\ 0\ (x \le 0), \qquad s = \frac{r - r_{on}}{r_c - r_{on}}

    written as a logistic function of :math:`1/s - 1/(1-s)`, which within 1 % of either end is constant to 43 digits.
    """
    s = (distances - onset) / (cutoff - onset)
    inside = (s > 0.01) & (s < 0.99)
    safe = jnp.where(inside, s, 0.5)
    return jnp.where(inside, jax.nn.sigmoid(1 / safe - 1 / (1 - safe)), jnp.where(s < 0.5, 1.0, 0.0))
