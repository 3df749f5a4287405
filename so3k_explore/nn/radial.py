"""Functions of a distance from which a network makes its filters."""

import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

BERNSTEIN_DECAY = 0.9448630809783936  # 1/Å: half an inverse Bohr radius, in the single precision it is trained with
SHORTEST = 0.3  # Å, where the range of `chebyshev` begins
BEYOND = 0.05  # Å, how far behind the cutoff it ends
EDGE = 1e-5  # of x, kept free at both ends, where the arc cosine has no derivative


def bernstein(
    distances: Float[Array, "pairs"], functions: int, cutoff: float, decay: float = BERNSTEIN_DECAY
) -> Float[Array, "pairs functions"]:
    r"""Exponential Bernstein polynomials (Unke et al., Nat. Commun. 12, 7273 (2021)).

    .. math:: b_k(r) = \binom{n}{k} t^k (1 - t)^{n-k}, \qquad t = e^{-\gamma r},\quad k = 0 \dots n = K - 1

    evaluated through logarithms, because the binomial coefficients are large and the powers small. They do not depend
    on `cutoff` (Å); `decay` is γ in 1/Å.
    """
    n = functions - 1
    k = np.arange(functions)
    binomial = np.array([math.lgamma(n + 1) - math.lgamma(m + 1) - math.lgamma(n - m + 1) for m in k])
    exponent = -decay * distances  # ln t
    rest = jnp.log(-jnp.expm1(exponent))  # ln (1 - t)
    dtype = distances.dtype
    row = lambda values: jnp.asarray(values, dtype)[None, :]
    return jnp.exp(row(binomial) + row(k) * exponent[:, None] + row(n - k) * rest[:, None])


def bessel(distances: Float[Array, "pairs"], functions: int, cutoff: float) -> Float[Array, "pairs functions"]:
    r"""Spherical Bessel functions of order zero (Gasteiger, Groß, Günnemann, ICLR 2020).

    .. math:: b_n(r) = \sqrt{2/r_c}\, \sin(n \pi r / r_c) / r, \qquad n = 1 \dots K
    """
    frequencies = jnp.asarray(np.arange(1, functions + 1) * math.pi / cutoff, distances.dtype)
    waves = jnp.sin(frequencies[None, :] * distances[:, None])
    return math.sqrt(2 / cutoff) * waves / distances[:, None]


def chebyshev(distances: Float[Array, "pairs"], functions: int, cutoff: float) -> Float[Array, "pairs functions"]:
    r"""Chebyshev polynomials :math:`T_k(x) = \cos(k \arccos x)`, :math:`k = 0 \dots K - 1`.

    .. math:: x = 2 \frac{s - s_-}{s_+ - s_-} - 1, \qquad s = e^{-\gamma r / 2}

    where x is 1 at `SHORTEST`, below which nothing changes any more, and -1 at `BEYOND` the cutoff. Smooth functions
    of exponential Bernstein polynomials have short series in them.
    """
    low, high = (math.exp(-BERNSTEIN_DECAY / 2 * distance) for distance in (cutoff + BEYOND, SHORTEST))
    x = (2 * jnp.exp(-BERNSTEIN_DECAY / 2 * distances) - low - high) / (high - low)
    angles = jnp.arccos(jnp.clip(x, -1 + EDGE, 1 - EDGE))
    orders = jnp.arange(functions, dtype=distances.dtype)
    return jnp.cos(jnp.matmul(angles[:, None], orders[None, :], precision="highest"))


def chebyshev_nodes(functions: int, cutoff: float) -> Float[np.ndarray, "functions"]:
    """Distances (Å) that a function must be known at for its series of so many functions: zeros of the next one."""
    low, high = (math.exp(-BERNSTEIN_DECAY / 2 * distance) for distance in (cutoff + BEYOND, SHORTEST))
    x = np.cos((np.arange(functions) + 0.5) * math.pi / functions)
    return -np.log((x * (high - low) + high + low) / 2) * 2 / BERNSTEIN_DECAY


def chebyshev_series(values: Float[np.ndarray, "functions features"]) -> Float[np.ndarray, "functions features"]:
    """Coefficients in `chebyshev` of the functions that have these values at the nodes."""
    orders = np.arange(len(values))
    weights = np.cos(np.outer(orders, (orders + 0.5) * math.pi / len(values))) * 2 / len(values)
    weights[0] /= 2
    return weights @ values


RADIAL_BASES: dict[str, Callable[..., Array]] = {"bernstein": bernstein, "bessel": bessel, "chebyshev": chebyshev}
