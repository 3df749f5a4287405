"""Stretches of compiled steps that outlive their pair lists: new ones are made on the host in between."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from so3k_explore.geometry.neighbors import Neighbors, PairList
from so3k_explore.observables.forces import neighbors_for
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.lanes import on_one_device
from so3k_explore.simulation.state import Status
from so3k_explore.system import System

Streaming = TypeVar("Streaming")

GROWTH = 1.125  # of the capacity, at least; what is empty costs as much as pairs, and a new capacity a compilation


def with_valid_neighbors(
    potential: Potential,
    go_on: Callable[[Streaming], Streaming],
    state: Streaming,
    lost: Callable[[Any, Any], Any] | None = None,
) -> Streaming:
    """What `go_on` makes of a state, called again with new pair lists whenever they run out inside of it.

    `go_on` must stop before the step that would need new lists, with `neighbors.expired` set.

    Args:
        potential: tells which pairs are needed.
        go_on: a compiled stretch of steps.
        state: has `step`, `system` and `neighbors`.
        lost: stops the walkers for which lists do not hold for a single step; by default through `status`.
    """
    fresh = False
    moving: Any = state
    while True:
        before = int(moving.step)
        moving = on_one_device(go_on(moving))
        if not np.asarray(moving.neighbors.expired).any():  # `jnp` would wait for programs compiled in other threads
            return moving
        if fresh and int(moving.step) == before and moving.neighbors.method == "host":
            moving = (lost or _lose)(moving, moving.neighbors.expired)  # an atom flew through half the skin at once
        moving = moving.replace(neighbors=renewed_neighbors(potential, moving.system, moving.neighbors))
        fresh = True


def _lose(state: Any, walkers: Bool[Array, "walkers"]) -> Any:
    return state.replace(status=jnp.where(walkers & state.running, int(Status.NOT_FINITE), state.status))


def renewed_neighbors(potential: Potential, systems: System, neighbors: Neighbors) -> Neighbors:
    """Fresh lists on the host. They keep their shapes where the pairs fit, so that nothing is compiled again.

    On the device lists end only because they overflowed: then the capacity grows, which ends at all pairs.
    """
    size = neighbors.short.receivers.shape[-1]
    wanted = math.ceil(GROWTH * size) if neighbors.method == "device" else size
    fresh = neighbors_for(potential, systems, skin=neighbors.skin, capacity=wanted)
    if neighbors.method == "device":
        return fresh
    far = fresh.long_range
    if far is not None and neighbors.long_range is not None:
        far = _resized(far, neighbors.long_range.receivers.shape[-1])
    return fresh.replace(short=_resized(fresh.short, size), long_range=far)


def _resized(pairs: PairList, size: int) -> PairList:
    present = pairs.receivers.shape[-1]
    if present == size or int(pairs.mask.sum(axis=-1).max()) > size:
        return pairs
    if present > size:
        return jax.tree.map(lambda leaf: leaf[:, :size], pairs)
    fill = lambda leaf: jnp.concatenate([leaf, jnp.repeat(leaf[:, -1:], size - present, axis=1)], axis=1)
    padded = jax.tree.map(fill, pairs)
    return padded.replace(mask=padded.mask & (jnp.arange(size) < present)[None, :])
