"""Walkers dealt out to several devices, inside compiled code.

JAX may see several devices: GPUs, or the cores of a CPU, when ``JAX_NUM_CPU_DEVICES`` in the environment says how many
before JAX is imported (command line and workers see to it themselves). What costs time, forces and Hessians, is then
shared between them; everything else of a step is cheap, and done on all of them alike.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as Split
from jaxtyping import Array, Bool, Int

LANES = "lanes"


def lane_count(walkers: int) -> int:
    """Devices that so many walkers keep busy."""
    return min(jax.local_device_count(), walkers)


def dealt_out(wanted: Bool[Array, "walkers"], lanes: int, size: int = 1) -> Int[Array, "lanes blocks size"]:
    """Numbers of the walkers of each block: wanted ones first, blocks in turn to the lanes.

    The last walker fills what is left over.
    """
    order = jnp.argsort(~wanted)
    order = jnp.concatenate([order, jnp.broadcast_to(order[-1:], (-len(order) % (lanes * size),))])
    return order.reshape(-1, lanes, size).swapaxes(0, 1)


def side_by_side(
    work: Callable[..., Any], rows: Int[Array, "lanes blocks size"], wanted: Bool[Array, "walkers"], *shared: Any
) -> Any:
    """Results of all blocks, one after the other, shape (lanes · blocks, size, ...).

    Args:
        work: makes results of shape (blocks, size, ...) from rows (blocks, size), how many of its blocks have wanted
            walkers, and `shared`.
        rows: from `dealt_out`.
        wanted: walkers that count.
        shared: what all lanes know.
    """
    lanes = rows.shape[0]

    def lane(mine: Any, wanted: Any, *shared: Any) -> Any:
        return work(mine[0], wanted[mine[0][:, 0]].sum(), *shared)

    if lanes == 1:
        return lane(rows, wanted, *shared)
    return jax.shard_map(
        lambda *arguments: jax.lax.all_gather(lane(*arguments), LANES, tiled=True),
        mesh=_mesh(lanes),
        in_specs=(Split(LANES), *[Split()] * (1 + len(shared))),
        out_specs=Split(),
        check_vma=False,
    )(rows, wanted, *shared)


def in_place(rows: Int[Array, "lanes blocks size"], found: Any, old: Any) -> Any:
    """What `side_by_side` found, walker by walker; those that were not wanted may have any values."""
    numbers = rows.reshape(-1)
    put = lambda every, new: every.at[numbers].set(new.reshape(len(numbers), *new.shape[2:]))
    return jax.tree.map(put, old, found)


@cache
def _mesh(lanes: int) -> Mesh:
    return Mesh(np.asarray(jax.local_devices()[:lanes]), (LANES,))


def on_one_device(tree: Any) -> Any:
    """Arrays that compiled code left on several devices, as if one had made them."""
    return jax.tree.map(_brought_home, tree)


def _brought_home(leaf: Any) -> Any:
    if not isinstance(leaf, jax.Array) or len(leaf.devices()) == 1:
        return leaf
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(_brought_home(jax.random.key_data(leaf)), impl=jax.random.key_impl(leaf))
    return jnp.asarray(np.asarray(leaf.addressable_data(0)))
