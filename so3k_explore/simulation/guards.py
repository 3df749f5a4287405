r"""When to stop a walker: broken bonds, formed bonds, evaporation. Evaluated on the device after every step.

* A bond is *broken* (or squeezed) when its length differs by more than `tolerance` = 0.5 Å from the reference
  (the stability criterion of Fu et al., Trans. Mach. Learn. Res. (2023), "Forces are not enough").
* A bond has *formed* when two atoms more than two bonds apart come closer than 1.2 times the sum of their covalent
  radii (Cordero et al., Dalton Trans. 2832 (2008)). Pairs one or two bonds apart are left out: angles squeeze them.
* A fragment has *evaporated* when it cannot be reached from the first atom by jumps shorter than `separation`, by
  default three times the typical distance between neighbouring fragments. Tested every `EVAPORATION_INTERVAL` steps.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.geometry.elements import COVALENT_RADII
from so3k_explore.geometry.graph import build_graph
from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, pytree

EVAPORATION_INTERVAL = 10
CONTACT = 1.2  # times the sum of covalent radii


@pytree
class Guard(Replaceable):
    """Reference bonds and distances of one molecule, shared by all walkers."""

    bonds: Int[Array, "bonds 2"]
    lengths: Float[Array, "bonds"]  # Å
    shifts: Float[Array, "bonds 3"] | None  # cell vectors between the two atoms of a bond
    tolerance: Float[Array, ""]  # Å; infinity switches the test off
    contacts: Float[Array, "atoms atoms"] | None  # Å: closer than this, a pair has bonded; 0: never
    separation: Float[Array, ""] | None  # Å; None for molecules of one piece and in a cell


def make_guard(
    system: System,
    bonds: Any,
    *,
    tolerance: float = 0.5,
    contact: float = CONTACT,
    separation: float | None = None,
) -> Guard:
    """Guard with the bonds and distances of a reference structure.

    Args:
        system: reference structure, a single system.
        bonds: bonded pairs, shape (bonds, 2); empty for clusters of atoms.
        tolerance: how much a bond may differ from its reference length, Å; `math.inf` for any.
        contact: bonds form at this multiple of the sum of covalent radii; 0 switches the test off.
        separation: distance at which a fragment has evaporated, Å; `math.inf` for never.

    Raises:
        ValueError: a batch instead of one system, or bonds to atoms that do not exist.
    """
    if system.positions.ndim != 2:
        raise ValueError("A guard needs one reference structure, got a batch. Pass `take(systems, 0)`.")
    bonds = np.asarray(bonds, int).reshape(-1, 2)
    if bonds.size and (bonds.min() < 0 or bonds.max() >= system.n_atoms):
        raise ValueError(f"Bonds must join atoms 0 … {system.n_atoms - 1}, got {bonds.min()} … {bonds.max()}.")
    positions = np.asarray(system.positions, float)
    vectors = positions[bonds[:, 1]] - positions[bonds[:, 0]]
    shifts = None
    if system.cell is not None:
        cell = np.asarray(system.cell, float)
        shifts = -np.round(vectors @ np.linalg.inv(cell))
        vectors = vectors + shifts @ cell
    steps = _bond_distances(bonds, system.n_atoms)
    if separation is None and not system.periodic:
        separation = _typical_separation(positions, steps, np.asarray(system.numbers) > 0)
    dtype = system.positions.dtype
    return Guard(
        bonds=jnp.asarray(bonds, jnp.int32),
        lengths=jnp.asarray(np.linalg.norm(vectors, axis=1), dtype),
        shifts=None if shifts is None else jnp.asarray(shifts, dtype),
        tolerance=jnp.asarray(tolerance, dtype),
        contacts=_contacts(np.asarray(system.numbers), steps, contact, dtype) if bonds.size and contact else None,
        separation=None if separation is None else jnp.asarray(separation, dtype),
    )


def _bond_distances(bonds: np.ndarray, atoms: int) -> np.ndarray:
    """Number of bonds between any two atoms; infinity between fragments."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import shortest_path

    links = coo_array((np.ones(len(bonds)), (bonds[:, 0], bonds[:, 1])), shape=(atoms, atoms))
    return shortest_path(links.tocsr(), directed=False, unweighted=True)


def _contacts(numbers: np.ndarray, steps: np.ndarray, contact: float, dtype: Any) -> Float[Array, "atoms atoms"]:
    radii = COVALENT_RADII[numbers]
    return jnp.asarray(np.where(steps > 2, contact * (radii[:, None] + radii[None, :]), 0.0), dtype)


def _typical_separation(positions: np.ndarray, steps: np.ndarray, real: np.ndarray) -> float | None:
    """Three times the median distance from a fragment to the nearest other one; None for a single fragment."""
    distances = np.linalg.norm(positions[:, None] - positions[None, :], axis=-1)
    between = np.isinf(steps) & real[:, None] & real[None, :]
    if not between.any():
        return None
    nearest = np.where(between, distances, np.inf).min(axis=1)[real]
    first = np.unique([np.flatnonzero(np.isfinite(row))[0] for row in steps[real]], return_inverse=True)[1]
    return 3.0 * float(np.median([nearest[first == fragment].min() for fragment in np.unique(first)]))


def bonds_changed(guard: Guard, systems: System, neighbors: Neighbors) -> Bool[Array, "walkers"]:
    """Which walkers have a broken, squeezed or formed bond."""
    return jax.vmap(lambda system, near: _bonds_changed(guard, system, near))(systems, neighbors)


def _bonds_changed(guard: Guard, system: System, neighbors: Neighbors) -> Bool[Array, ""]:
    vectors = system.positions[guard.bonds[:, 1]] - system.positions[guard.bonds[:, 0]]
    if guard.shifts is not None and system.cell is not None:
        vectors = vectors + guard.shifts @ system.cell
    lengths = jnp.linalg.norm(vectors, axis=-1)
    changed = (jnp.abs(lengths - guard.lengths) > guard.tolerance).any()
    if guard.contacts is None:
        return changed
    graph = build_graph(system, neighbors)  # every listed pair, so contacts beyond the cutoff need no second search
    limit = guard.contacts[graph.receivers, graph.senders]
    close = jnp.sum(graph.displacements**2, axis=-1) < limit**2
    return changed | (close & graph.mask).any()


def evaporated(guard: Guard, systems: System) -> Bool[Array, "walkers"]:
    """Which walkers have come apart: some atom cannot be reached from the first by jumps below `separation`."""
    if guard.separation is None:
        return jnp.zeros(systems.n_walkers, bool)
    return jax.vmap(lambda system: _apart(system, guard.separation))(systems)


def _apart(system: System, separation: Any) -> Bool[Array, ""]:
    square = jnp.sum((system.positions[None, :, :] - system.positions[:, None, :]) ** 2, axis=-1)
    real = system.numbers > 0
    linked = (square < separation**2) & real[:, None] & real[None, :]

    def spread(carry: Any) -> Any:
        reached, _ = carry
        wider = reached | (linked & reached[None, :]).any(axis=1)
        return wider, (wider != reached).any()

    start = jnp.arange(system.n_atoms) == jnp.argmax(real)
    reached, _ = jax.lax.while_loop(lambda carry: carry[1], spread, (start, jnp.asarray(True)))
    return (real & ~reached).any()
