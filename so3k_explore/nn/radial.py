"""Functions of a distance from which a network makes its filters."""

import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

BERNSTEIN_DECAY = 0.9448630809783936  # 1/Å: half an inverse Bohr radius, in the single precision it is trained with


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


RADIAL_BASES: dict[str, Callable[..., Array]] = {"bernstein": bernstein, "bessel": bessel}
