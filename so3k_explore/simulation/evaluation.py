"""Forces of the walkers that still run, in blocks that stay in cache, side by side on several devices."""

from typing import Any

import jax
from jaxtyping import Array, Bool, Float

from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.forces import CPU_BLOCK, batched_energy_and_forces
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.lanes import dealt_out, in_place, lane_count, side_by_side
from so3k_explore.simulation.state import choose
from so3k_explore.system import System


def evaluate(
    potential: Potential,
    systems: System,
    neighbors: Neighbors,
    energy: Float[Array, "walkers"],
    forces: Float[Array, "walkers atoms 3"],
    running: Bool[Array, "walkers"],
) -> tuple[Float[Array, "walkers"], Float[Array, "walkers atoms 3"]]:
    """Energies (eV) and forces (eV/Å) of the running walkers; the others keep those given.

    On a CPU walkers come in blocks, one after the other, or one by one on each of its devices, and blocks without a
    running walker are not computed. Elsewhere each device computes its walkers in one call.
    """
    lanes = lane_count(systems.n_walkers)
    size = share = -(-systems.n_walkers // lanes)
    if jax.default_backend() == "cpu":
        size = min(share, CPU_BLOCK) if lanes == 1 else 1  # a core alone is faster with one walker at a time
    cast = lambda found: jax.tree.map(lambda leaf: leaf.astype(energy.dtype), found)
    if lanes == 1 and size == share:
        return choose(running, cast(batched_energy_and_forces(potential, systems, neighbors)), (energy, forces))

    def blocks(mine: Any, used: Any, potential: Any, *batch: Any) -> Any:
        def block(number: Any, found: Any) -> Any:
            part = jax.tree.map(lambda leaf: leaf[mine[number]], batch[:2])
            new = cast(batched_energy_and_forces(potential, *part))
            return jax.tree.map(lambda every, one: every.at[number].set(one), found, new)

        return jax.lax.fori_loop(0, used, block, jax.tree.map(lambda leaf: leaf[mine], batch[2:]))

    rows = dealt_out(running, lanes, size)
    found = side_by_side(blocks, rows, running, potential, systems, neighbors, energy, forces)
    return choose(running, in_place(rows, found, (energy, forces)), (energy, forces))
