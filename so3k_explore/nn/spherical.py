r"""Real spherical harmonics and Euclidean variables.

A Euclidean variable of an atom holds, for each degree l of a chosen set, the 2l + 1 orders m = -l ... l, one after the
other in one `orders` axis. Harmonics are orthonormal on the sphere, without the Condon-Shortley
sign.
"""

from math import pi, sqrt

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

MAX_DEGREE = 4


def check_degrees(degrees: tuple[int, ...]) -> None:
    """Raises `ValueError` unless degrees are increasing numbers from 0 to `MAX_DEGREE`."""
    allowed = bool(degrees) and sorted(set(degrees)) == list(degrees) and 0 <= degrees[0] <= degrees[-1] <= MAX_DEGREE
    if not allowed:
        raise ValueError(f"`degrees` must be increasing and between 0 and {MAX_DEGREE}, got {degrees}.")


def orders_of(degrees: tuple[int, ...]) -> int:
    """Length of the orders axis: the sum of 2l + 1."""
    return sum(2 * l + 1 for l in degrees)


def membership(degrees: tuple[int, ...]) -> np.ndarray:
    """Matrix (degrees, orders) with a one where an order belongs to a degree."""
    sizes = [2 * l + 1 for l in degrees]
    return np.repeat(np.eye(len(degrees)), sizes, axis=1)


def contract(variables: Float[Array, "rows orders"], degrees: tuple[int, ...]) -> Float[Array, "rows degrees"]:
    r"""Invariant of each degree, the part that couples to l = 0: :math:`c_l = \sum_m w_{lm}^2 / \sqrt{2l + 1}`."""
    weights = membership(degrees) / np.sqrt([[2 * l + 1] for l in degrees])
    return variables**2 @ jnp.asarray(weights.T, variables.dtype)


def expand(values: Float[Array, "rows degrees"], degrees: tuple[int, ...]) -> Float[Array, "rows orders"]:
    """Repeats the value of a degree for each of its orders."""
    return values @ jnp.asarray(membership(degrees), values.dtype)


def parity(degrees: tuple[int, ...]) -> np.ndarray:
    """Sign (orders,) that each order takes when space is inverted, (-1)^l."""
    return np.array([(-1) ** l for l in degrees for _ in range(2 * l + 1)], float)


def spherical_harmonics(unit: Float[Array, "rows 3"], degrees: tuple[int, ...]) -> Float[Array, "rows orders"]:
    """Harmonics of unit vectors, degrees and orders in a row."""
    check_degrees(degrees)
    x, y, z = unit[:, 0], unit[:, 1], unit[:, 2]
    columns = [column for l in degrees for column in _HARMONICS[l](x, y, z)]
    return jnp.stack(columns, axis=-1)


def _degree_0(x: Array, y: Array, z: Array) -> list[Array]:
    return [jnp.full_like(x, 1 / sqrt(4 * pi))]


def _degree_1(x: Array, y: Array, z: Array) -> list[Array]:
    c = sqrt(3 / (4 * pi))
    return [c * y, c * z, c * x]


def _degree_2(x: Array, y: Array, z: Array) -> list[Array]:
    c, zonal = sqrt(15 / pi) / 2, sqrt(5 / pi) / 4
    return [c * x * y, c * y * z, zonal * (3 * z**2 - 1), c * x * z, c / 2 * (x**2 - y**2)]


def _degree_3(x: Array, y: Array, z: Array) -> list[Array]:
    c3, c2, c1, zonal = sqrt(35 / (2 * pi)) / 4, sqrt(105 / pi) / 2, sqrt(21 / (2 * pi)) / 4, sqrt(7 / pi) / 4
    return [
        c3 * y * (3 * x**2 - y**2),
        c2 * x * y * z,
        c1 * y * (5 * z**2 - 1),
        zonal * z * (5 * z**2 - 3),
        c1 * x * (5 * z**2 - 1),
        c2 / 2 * (x**2 - y**2) * z,
        c3 * x * (x**2 - 3 * y**2),
    ]


def _degree_4(x: Array, y: Array, z: Array) -> list[Array]:
    c4, c3 = 3 / 4 * sqrt(35 / pi), 3 / 4 * sqrt(35 / (2 * pi))
    c2, c1, zonal = 3 / 4 * sqrt(5 / pi), 3 / 4 * sqrt(5 / (2 * pi)), 3 / 16 * sqrt(1 / pi)
    xx, yy, zz = x**2, y**2, z**2
    return [
        c4 * x * y * (xx - yy),
        c3 * y * (3 * xx - yy) * z,
        c2 * x * y * (7 * zz - 1),
        c1 * y * z * (7 * zz - 3),
        zonal * (35 * zz**2 - 30 * zz + 3),
        c1 * x * z * (7 * zz - 3),
        c2 / 2 * (xx - yy) * (7 * zz - 1),
        c3 * x * (xx - 3 * yy) * z,
        c4 / 4 * (xx * (xx - 3 * yy) - yy * (3 * xx - yy)),
    ]


_HARMONICS = {0: _degree_0, 1: _degree_1, 2: _degree_2, 3: _degree_3, 4: _degree_4}
