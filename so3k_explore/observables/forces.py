"""Energies and forces, of one system or of many walkers in one call."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from so3k_explore.geometry.graph import build_graph
from so3k_explore.geometry.neighbors import Neighbors, find_neighbors
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System

CPU_BLOCK = 4  # walkers whose pair arrays together stay in cache


def potential_energy(potential: Potential, system: System, neighbors: Neighbors) -> Float[Array, ""]:
    """Potential energy of one system in eV, differentiable in positions and cell."""
    return potential(build_graph(system, neighbors)).sum()


def energy_and_forces(
    potential: Potential, system: System, neighbors: Neighbors | None = None
) -> tuple[Float[Array, ""], Float[Array, "atoms 3"]]:
    """Potential energy in eV and forces in eV/Å of one system.

    Without `neighbors` they are made here, which cannot happen under `jax.jit`.
    """
    if neighbors is None:
        neighbors = neighbors_for(potential, system, skin=0.0)
    return _energy_and_forces(potential, system, neighbors)


@jax.jit
def _energy_and_forces(
    potential: Potential, system: System, neighbors: Neighbors
) -> tuple[Float[Array, ""], Float[Array, "atoms 3"]]:
    at = lambda positions: potential_energy(potential, system.replace(positions=positions), neighbors)
    value, gradient = jax.value_and_grad(at)(system.positions)
    return value, -gradient


def batched_energy_and_forces(
    potential: Potential, systems: System, neighbors: Neighbors
) -> tuple[Float[Array, "walkers"], Float[Array, "walkers atoms 3"]]:
    """Energies in eV and forces in eV/Å of W walkers: cache-sized blocks on a CPU, all at once elsewhere."""
    one = lambda pair: _energy_and_forces(potential, *pair)
    if systems.n_walkers == 1:
        single = jax.tree.map(lambda leaf: leaf[0], (systems, neighbors))
        return jax.tree.map(lambda leaf: leaf[None], one(single))
    if jax.default_backend() == "cpu" and systems.n_walkers > CPU_BLOCK:
        return jax.lax.map(one, (systems, neighbors), batch_size=CPU_BLOCK)
    return jax.vmap(one)((systems, neighbors))


def neighbors_for(potential: Potential, systems: System, *, skin: float | None = None, capacity: int = 0) -> Neighbors:
    """Pair lists that `potential` needs, for one system or a batch."""
    return find_neighbors(systems, potential.cutoff, potential.long_range_cutoff, skin=skin, capacity=capacity)


def forces_norm(forces: Float[Array, "*walkers atoms 3"]) -> Float[Array, "*walkers"]:
    """Largest force on any atom, eV/Å."""
    return jnp.sqrt(jnp.sum(forces**2, axis=-1)).max(axis=-1)
