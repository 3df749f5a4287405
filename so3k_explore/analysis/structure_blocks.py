"""Many structures of one molecule in blocks of one shape, so that a program which takes a block is compiled once."""

import math
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from so3k_explore.geometry.neighbors import CAPACITY_FACTOR, Neighbors, find_neighbors
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System, replicate

COUNTED = 64  # structures whose distances are in memory at once


def structure_blocks(
    potential: Potential, system: System, positions: Float[np.ndarray, "structures atoms 3"], size: int
) -> Iterator[tuple[System, Neighbors, int]]:
    """Blocks of `size` structures, the last one filled up, with pair lists of one capacity.

    Lists that the device can make are those of the first structure in every block: call `update_neighbors` on them.

    Args:
        potential: whose cutoffs the lists are for.
        system: numbers, charge and spin of the molecule.
        positions: Å.
        size: structures in a block.

    Yields:
        Systems, their pair lists, and how many of them are not there to fill up.
    """
    if not len(positions):
        return
    capacity = _room(_most_pairs(positions, potential.cutoff))
    lists = lambda of: find_neighbors(of, potential.cutoff, potential.long_range_cutoff, skin=0.0, capacity=capacity)
    template = replicate(system, size)
    first = lists(system.replace(positions=jnp.asarray(positions[0], system.positions.dtype)))
    repeated = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[None], (size, *leaf.shape)), first)
    for start in range(0, len(positions), size):
        some = positions[start : start + size]
        filled = np.concatenate([some, np.repeat(some[-1:], size - len(some), axis=0)])
        systems = template.replace(positions=jnp.asarray(filled, system.positions.dtype))
        yield systems, lists(systems) if first.method == "host" else repeated, len(some)


def _room(pairs: int) -> int:
    """A capacity in steps of a fifth or so: other structures of the molecule then fit what was compiled for these."""
    wanted = CAPACITY_FACTOR * max(pairs, 1)
    step = 2 ** max(int(math.log2(wanted)) - 2, 0)
    return math.ceil(wanted / step) * step


def _most_pairs(positions: np.ndarray, cutoff: float) -> int:
    """The largest number of directed pairs that any structure has."""
    most = 0
    for start in range(0, len(positions), COUNTED):
        some = positions[start : start + COUNTED]
        square = np.sum((some[:, :, None] - some[:, None]) ** 2, axis=-1)
        most = max(most, int((square < cutoff**2).sum(axis=(1, 2)).max()) - positions.shape[1])
    return most
