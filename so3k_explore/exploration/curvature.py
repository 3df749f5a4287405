"""Hessians of some walkers of a batch, inside compiled code."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.forces import potential_energy
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.state import choose
from so3k_explore.system import System

COLUMNS = 24  # of a Hessian at a time


def selected_hessians(
    potential: Potential,
    systems: System,
    neighbors: Neighbors,
    wanted: Bool[Array, "walkers"],
    otherwise: Float[Array, "walkers coordinates coordinates"],
) -> Float[Array, "walkers coordinates coordinates"]:
    """Hessians (eV/Å²) of the wanted walkers; the others keep what they have.

    On a CPU one walker after the other, elsewhere one column of all walkers after the other.
    """

    def column(system: System, near: Neighbors, direction: Array) -> Array:
        energy = lambda positions: potential_energy(potential, system.replace(positions=positions), near)
        return jax.jvp(jax.grad(energy), (system.positions,), (direction,))[1].reshape(-1)

    unit = jnp.eye(3 * systems.n_atoms, dtype=systems.positions.dtype).reshape(-1, systems.n_atoms, 3)
    symmetric = lambda h: ((h + jnp.swapaxes(h, -1, -2)) / 2).astype(otherwise.dtype)
    if jax.default_backend() == "cpu":

        def one(row: Any) -> Array:
            system, near, yes, old = row
            whole = lambda: jax.lax.map(
                lambda direction: column(system, near, direction), unit, batch_size=min(COLUMNS, len(unit))
            )
            return jax.lax.cond(yes, lambda: symmetric(whole()), lambda: old)

        return jax.lax.map(one, (systems, neighbors, wanted, otherwise))
    every = jax.vmap(column, in_axes=(0, 0, None))
    all_columns = lambda: jnp.moveaxis(jax.lax.map(lambda d: every(systems, neighbors, d), unit), 0, 1)
    return jax.lax.cond(wanted.any(), lambda: choose(wanted, symmetric(all_columns()), otherwise), lambda: otherwise)
