"""Hessians of some walkers of a batch, inside compiled code."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.forces import potential_energy
from so3k_explore.observables.hessian import columns_at_a_time
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.lanes import dealt_out, in_place, lane_count, side_by_side
from so3k_explore.simulation.state import choose
from so3k_explore.system import System
from so3k_explore.typing import take


def selected_hessians(
    potential: Potential,
    systems: System,
    neighbors: Neighbors,
    wanted: Bool[Array, "walkers"],
    otherwise: Float[Array, "walkers coordinates coordinates"],
) -> Float[Array, "walkers coordinates coordinates"]:
    """Hessians (eV/Å²) of the wanted walkers; the others keep what they have.

    On a CPU one walker after the other on each device, elsewhere one column of all walkers after the other.
    """
    unit = jnp.eye(3 * systems.n_atoms, dtype=systems.positions.dtype).reshape(-1, systems.n_atoms, 3)
    symmetric = lambda h: ((h + jnp.swapaxes(h, -1, -2)) / 2).astype(otherwise.dtype)
    if jax.default_backend() == "cpu":

        def blocks(mine: Any, used: Any, potential: Potential, batch: Any, old: Array) -> Array:
            def block(number: Any, found: Array) -> Array:
                system, near = take(batch, mine[number, 0])
                whole = jax.lax.map(
                    lambda d: _column(potential, system, near, d), unit, batch_size=columns_at_a_time(len(unit))
                )
                return found.at[number, 0].set(symmetric(whole))

            return jax.lax.fori_loop(0, used, block, old[mine])

        rows = dealt_out(wanted, lane_count(systems.n_walkers))
        found = side_by_side(blocks, rows, wanted, potential, (systems, neighbors), otherwise)
        return choose(wanted, in_place(rows, found, otherwise), otherwise)
    every = jax.vmap(_column, in_axes=(None, 0, 0, None))
    all_columns = lambda: jnp.moveaxis(jax.lax.map(lambda d: every(potential, systems, neighbors, d), unit), 0, 1)
    return jax.lax.cond(wanted.any(), lambda: choose(wanted, symmetric(all_columns()), otherwise), lambda: otherwise)


def _column(potential: Potential, system: System, near: Neighbors, direction: Array) -> Array:
    energy = lambda positions: potential_energy(potential, system.replace(positions=positions), near)
    return jax.jvp(jax.grad(energy), (system.positions,), (direction,))[1].reshape(-1)
