r"""Which atoms see each other.

Pair lists have a fixed capacity, so that compiled code keeps its shapes, and a flag that says when they no longer hold.
Three ways of making them, chosen from the system:

* *complete*: every pair, for infinite cutoffs and for molecules so small that a cutoff saves little; never expires.
* *device*: molecules up to `DEVICE_ATOMS` atoms; all distances are computed on the device whenever an atom has moved by
  half the skin, inside compiled code.
* *host*: periodic and large systems; the cell lists of `vesin`, rebuilt by the caller when `expired` is set,
  because an atom moved by half the skin, or because the cell changed.

Directed short-range pairs are sorted by receiver; long-range pairs are unordered and stored once.
"""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.geometry.one_by_one import one_by_one
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, pytree, static

DEVICE_ATOMS = 512
SKIN = {"complete": math.inf, "device": 0.1, "host": 0.5}
"""Å. Lists made on the device cost little, and longer lists would cost more than new ones save."""
CAPACITY_FACTOR = 1.15  # empty places cost as much as pairs
CAPACITY_STEP = 32


@pytree
class PairList(Replaceable):
    """Indices of pairs, padded to a capacity."""

    receivers: Int[Array, "*walkers edges"]
    senders: Int[Array, "*walkers edges"]
    mask: Bool[Array, "*walkers edges"]
    shifts: Float[Array, "*walkers edges 3"] | None = None  # in units of the cell vectors, added to the sender


@pytree
class Neighbors(Replaceable):
    """Pair lists of one system (or a batch of systems), with what is needed to know when they expire."""

    short: PairList
    long_range: PairList | None
    origin: Float[Array, "*walkers atoms 3"]  # positions the lists were made for
    cell: Float[Array, "*walkers 3 3"] | None  # cell they were made for
    expired: Bool[Array, "*walkers"]  # an overflow, or atoms moved and only the host can rebuild
    cutoff: float = static()  # Å
    long_range_cutoff: float = static()  # Å; 0: no long-range pairs
    skin: float = static()  # Å
    method: str = static()  # "complete" | "device" | "host"


def find_neighbors(
    system: System, cutoff: float, long_range_cutoff: float = 0.0, *, skin: float | None = None, capacity: int = 0
) -> Neighbors:
    """Pair lists for one system or a batch, made on the host.

    Args:
        system: a single system, or a batch with a leading walkers axis.
        cutoff: radius of the directed short-range pairs, Å; `math.inf` for all pairs.
        long_range_cutoff: radius of the unordered long-range pairs, Å; 0 for none, `math.inf` for all.
        skin: how much further than `cutoff` pairs are listed, Å; lists hold until an atom moved by half of it. By
            default what is quickest for the way they are made.
        capacity: lower bound for the number of short-range pairs that fit.

    Raises:
        ValueError: a periodic system with an infinite cutoff.
    """
    if system.periodic and math.isinf(max(cutoff, long_range_cutoff)):
        raise ValueError(
            "A periodic system needs finite cutoffs, got an infinite one. "
            "Give `long_range_cutoff` in Å, e.g. `load_potential(name, long_range_cutoff=12.0)`."
        )
    method = _choose_method(system, cutoff)
    skin = SKIN[method] if skin is None or method == "complete" else skin
    if system.positions.ndim == 2:
        batch = jax.tree.map(lambda leaf: leaf[None], system)
        found = _find_batch(batch, cutoff, long_range_cutoff, skin, capacity, method)
        return jax.tree.map(lambda leaf: leaf[0], found)
    return _find_batch(system, cutoff, long_range_cutoff, skin, capacity, method)


def update_neighbors(neighbors: Neighbors, system: System) -> Neighbors:
    """Neighbours that hold for the present positions, under `jax.jit`; otherwise `expired` is set.

    Works on a batch (leading walkers axis), where one test decides for all walkers whether lists are remade.
    """
    if neighbors.method == "complete":
        return neighbors
    carried, margin = _strained(neighbors, system)
    moved = jnp.sum((system.positions - carried) ** 2, axis=-1).max(axis=-1)
    stale = ~(moved < (margin / 2) ** 2)  # NaN counts as moved
    if neighbors.method == "host":
        return neighbors.replace(expired=neighbors.expired | stale)
    return jax.lax.cond(stale.any(), lambda: _rebuild(neighbors, system), lambda: neighbors)


def _strained(
    neighbors: Neighbors, system: System
) -> tuple[Float[Array, "*walkers atoms 3"], Float[Array, "*walkers"] | float]:
    r"""Where the change of the cell alone carries the atoms, Å, and what it leaves of the skin, Å.

    A deformation F shortens no distance by more than a factor :math:`1 - \|F - 1\|`, so that of the skin s beyond the
    cutoff R there remains :math:`s - \|F - 1\| (R + s)`, for the larger of the two cutoffs.
    """
    if neighbors.cell is None or system.cell is None:
        return neighbors.origin, neighbors.skin
    change = system.cell - neighbors.cell
    solve = jnp.linalg.solve if change.ndim == 2 else partial(one_by_one, jnp.linalg.solve)
    strain = solve(neighbors.cell, change)
    carried = neighbors.origin + neighbors.origin @ strain
    reach = max(neighbors.cutoff, neighbors.long_range_cutoff) + neighbors.skin
    left = neighbors.skin - reach * jnp.sqrt(jnp.sum(strain**2, axis=(-2, -1)))
    return carried, jnp.maximum(left, 0.0)


def _rebuild(neighbors: Neighbors, system: System) -> Neighbors:
    one = lambda positions, numbers: device_pairs(
        positions, numbers, neighbors.cutoff + neighbors.skin, neighbors.short.receivers.shape[-1]
    )
    if system.positions.ndim == 3:
        one = jax.vmap(one)
    short, overflow = one(system.positions, system.numbers)
    return neighbors.replace(short=short, origin=system.positions, expired=neighbors.expired | overflow)


def device_pairs(
    positions: Float[Array, "atoms 3"], numbers: Int[Array, "atoms"], radius: float, capacity: int
) -> tuple[PairList, Bool[Array, ""]]:
    """Directed pairs closer than `radius` (Å), sorted by receiver, from all distances; and whether they overflowed."""
    atoms = positions.shape[0]
    square = jnp.sum((positions[None, :, :] - positions[:, None, :]) ** 2, axis=-1)
    real = numbers > 0
    near = (square < radius**2) & real[:, None] & real[None, :] & ~jnp.eye(atoms, dtype=bool)
    (flat,) = jnp.nonzero(near.reshape(-1), size=capacity, fill_value=atoms * atoms - 1)
    count = near.sum()
    mask = jnp.arange(capacity) < count
    receivers, senders = jnp.divmod(flat.astype(jnp.int32), jnp.int32(atoms))
    return PairList(receivers=receivers, senders=senders, mask=mask), count > capacity


def _choose_method(system: System, cutoff: float) -> str:
    if system.periodic:
        return "host"
    if math.isinf(cutoff):
        return "complete"
    return "device" if system.n_atoms <= DEVICE_ATOMS else "host"


def _find_batch(
    systems: System, cutoff: float, long_range_cutoff: float, skin: float, capacity: int, method: str
) -> Neighbors:
    walkers = [jax.tree.map(lambda leaf, w=w: np.asarray(leaf[w]), systems) for w in range(systems.positions.shape[0])]
    short = [_short_range(one, cutoff, skin, method) for one in walkers]
    long_range = None
    if long_range_cutoff > 0:
        found = [_long_range(one, long_range_cutoff, skin, method) for one in walkers]
        every_pair = method != "host" or math.isinf(long_range_cutoff)
        long_range = _pad(found, 0, systems.n_atoms, exact=every_pair)
    return Neighbors(
        short=_pad(short, 0 if method == "complete" else capacity, systems.n_atoms, exact=method == "complete"),
        long_range=long_range,
        origin=systems.positions,
        cell=systems.cell,
        expired=jnp.zeros(systems.positions.shape[0], bool),
        cutoff=cutoff,
        long_range_cutoff=long_range_cutoff,
        skin=skin,
        method=method,
    )


Found = tuple[np.ndarray, np.ndarray, np.ndarray | None]


def _short_range(system: Any, cutoff: float, skin: float, method: str) -> Found:
    if method == "complete":
        i, j = np.nonzero(~np.eye(system.n_atoms, dtype=bool))
        return i, j, None
    return _cell_list(system, cutoff + skin, full=True)


def _long_range(system: Any, cutoff: float, skin: float, method: str) -> Found:
    if method == "host" and math.isfinite(cutoff):
        return _cell_list(system, cutoff + skin, full=False)
    i, j = np.triu_indices(system.n_atoms, k=1)
    return i, j, None


def _cell_list(system: Any, radius: float, *, full: bool) -> Found:
    from vesin import NeighborList

    periodic = system.cell is not None
    real = np.flatnonzero(np.asarray(system.numbers) > 0)
    i, j, shifts = NeighborList(cutoff=radius, full_list=full).compute(
        points=np.asarray(system.positions, float)[real],
        box=np.asarray(system.cell, float) if periodic else np.zeros((3, 3)),
        periodic=periodic,
        quantities="ijS",
    )
    i, j = real[i.astype(int)], real[j.astype(int)]
    order = np.lexsort((j, i))
    return i[order], j[order], shifts[order].astype(float) if periodic else None


def _pad(lists: list[Found], capacity: int, atoms: int, *, exact: bool) -> PairList:
    most = max((len(found[0]) for found in lists), default=0)
    if not exact:
        wanted = math.ceil(max(most * CAPACITY_FACTOR, capacity, 1) / CAPACITY_STEP) * CAPACITY_STEP
        most = min(wanted, atoms * (atoms - 1)) if lists[0][2] is None else wanted
    most = max(most, 1)  # an empty list would break reductions
    columns = [_pad_one(found, most, atoms) for found in lists]
    receivers, senders, mask = (jnp.asarray(np.stack([c[k] for c in columns])) for k in range(3))
    shifts = None if lists[0][2] is None else jnp.asarray(np.stack([c[3] for c in columns]))
    return PairList(receivers=receivers, senders=senders, mask=mask, shifts=shifts)


def _pad_one(found: Found, size: int, atoms: int) -> tuple[Any, ...]:
    i, j, shifts = found
    last = np.full(size, atoms - 1, np.int32)  # keeps the order sorted
    receivers, senders = last.copy(), last.copy()
    receivers[: len(i)], senders[: len(j)] = i, j
    padded_shifts = None
    if shifts is not None:
        padded_shifts = np.zeros((size, 3))
        padded_shifts[: len(i)] = shifts
    return receivers, senders, np.arange(size) < len(i), padded_shifts
