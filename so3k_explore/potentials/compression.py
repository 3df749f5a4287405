r"""So3krates with quicker filters: what a network makes of a distance alone, written as a series.

.. math:: \mathrm{MLP}(b(r)) \approx \sum_{k < K} c_k\, T_k(x(r))

The radial filters are most of the arithmetic of So3krates, but functions of one variable. Interpolated at the zeros of
a Chebyshev polynomial, 64 coefficients give those of SO3LR to 1e-8 of their size (48: 1e-6, 24: 1e-3), where single
precision has rounding errors of 6e-8. The result is a potential of the same kind with other parameters. Training and
double precision keep the networks, and so do networks of which no short series comes close.
"""

import dataclasses
import math
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Float

from so3k_explore.nn.radial import RADIAL_BASES, chebyshev_nodes, chebyshev_series
from so3k_explore.potentials.so3krates import Architecture, So3krates
from so3k_explore.potentials.so3lr import So3lr

LAYERS, PARTS = ("hidden", "out"), ("kernel", "bias")
LONGEST = 96  # functions of a series; twice as many are looked at to know what is left out
TOLERANCE = 1e-7  # bound of what is left out, as a share of the largest filter

type_of_network = TypeVar("type_of_network", bound=So3krates | So3lr)


def compressed(potential: type_of_network, tolerance: float = TOLERANCE) -> type_of_network:
    """The potential with series in place of its radial networks, as short as the tolerance allows.

    Unchanged where no series is short enough, or where there are series already.
    """
    sizes = potential.architecture
    if sizes.linear_filters:
        return potential
    leaves: dict[tuple[str, ...], Any] = dict(flatten_dict(potential.params))  # pyright: ignore[reportArgumentType]
    basis = _basis(sizes)
    networks = sorted({path[:-2] for path in leaves if "radial" in path})
    series = {path: chebyshev_series(_filters(leaves, path, basis)) for path in networks}
    functions = max(_length(coefficients, tolerance) for coefficients in series.values())
    if functions > LONGEST:
        return potential
    kept = {path: leaf for path, leaf in leaves.items() if "radial" not in path}
    dtype = jax.tree.leaves(potential.params)[0].dtype
    new = {(*path, "kernel"): jnp.asarray(found[:functions], dtype) for path, found in series.items()}
    linear = dataclasses.replace(sizes, radial_basis="chebyshev", radial_functions=functions, linear_filters=True)
    return potential.replace(params=unflatten_dict(kept | new), architecture=linear)


def _basis(sizes: Architecture) -> Float[np.ndarray, "nodes functions"]:
    """Radial functions at the nodes, in double precision."""
    evaluate = jax.jit(RADIAL_BASES[sizes.radial_basis], static_argnums=(1, 2))
    with jax.enable_x64(True):
        nodes = jnp.asarray(chebyshev_nodes(2 * LONGEST, sizes.cutoff))
        return np.asarray(evaluate(nodes, sizes.radial_functions, sizes.cutoff))


def _filters(
    leaves: dict[tuple[str, ...], Any], path: tuple[str, ...], basis: Float[np.ndarray, "nodes functions"]
) -> Float[np.ndarray, "nodes features"]:
    """What the network at this place makes of the radial functions: `nn.mlp.Mlp` in double precision."""
    kernel, bias = ({layer: np.asarray(leaves[(*path, layer, kind)], float) for layer in LAYERS} for kind in PARTS)
    hidden = basis @ kernel["hidden"] + bias["hidden"]
    return hidden * (1 + np.tanh(hidden / 2)) / 2 @ kernel["out"] + bias["out"]  # silu, without overflow


def _length(series: Float[np.ndarray, "functions features"], tolerance: float, step: int = 8) -> int:
    """How many functions are needed: those left out, which are at most one, add up to no more than the tolerance."""
    size = np.abs(series).sum(axis=0).max()
    left_out = np.abs(series)[::-1].cumsum(axis=0)[::-1].max(axis=1)  # without this function and all after it
    needed = np.count_nonzero(left_out > tolerance * size)
    return step * math.ceil(needed / step)
