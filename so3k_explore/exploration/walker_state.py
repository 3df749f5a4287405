"""The walkers of a search as arrays, and how they get something to do. What they do is in `walkers`."""

from enum import IntEnum
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.exploration.thermal import ThermalFlights, blank, thermal_flights
from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.forces import neighbors_for
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.guards import Guard
from so3k_explore.simulation.minimizer import Minimizer
from so3k_explore.simulation.state import Status, choose
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, ScalarLike, pytree

RELAXATION = 500  # steps until a relaxation gives up


class Phase(IntEnum):
    """What a walker does."""

    WAITING = 0  # for the host
    ARRIVING = 1  # the first force call at a new place; then it relaxes
    SOFTENING = 2
    FLYING = 3
    RELAXING = 4


@pytree
class Rules(Replaceable):
    """Limits of the phases, the same for all walkers."""

    softening: ScalarLike  # steps
    minima: ScalarLike  # of the potential energy along a flight, after which it ends
    flight: ScalarLike  # steps
    relaxation: ScalarLike = RELAXATION  # steps


@pytree
class Walkers(Replaceable):
    """State of all walkers. All but `step` and `guard` have a leading walkers axis."""

    system: System
    energy: Float[Array, "walkers"]  # eV
    forces: Float[Array, "walkers atoms 3"]  # eV/Å
    neighbors: Neighbors
    phase: Int[Array, "walkers"]
    status: Int[Array, "walkers"]  # why a waiting walker waits
    progress: Int[Array, "walkers"]  # steps in this phase
    calls: Int[Array, "walkers"]  # force calls since it last got something to do
    tolerance: Float[Array, "walkers"]  # eV/Å
    memory: Any  # of the minimizer
    direction: Float[Array, "walkers atoms 3"]  # Å, being softened
    momenta: Float[Array, "walkers atoms 3"]
    kinetic: Float[Array, "walkers"]  # eV, at the start of a flight
    timestep: Float[Array, "walkers"]  # internal time
    falling: Bool[Array, "walkers"]  # whether the potential energy falls along the flight
    passed: Int[Array, "walkers"]  # minima of the potential energy passed
    potential_range: Float[Array, "walkers 2"]  # eV, lowest and highest along the flight
    total_range: Float[Array, "walkers 2"]  # eV, the same of the total energy, which should be constant
    highest: Float[Array, "walkers"]  # eV, potential energy since the last minimum
    step: Int[Array, ""]
    guard: Guard | None = None
    thermal: ThermalFlights | None = None  # where a strategy flies at a temperature

    @property
    def busy(self) -> Bool[Array, "walkers"]:
        """Which walkers use force calls."""
        return self.phase != Phase.WAITING


@pytree
class Task(Replaceable):
    """What walkers get to do; rows of walkers that are not chosen are ignored."""

    chosen: Bool[Array, "walkers"]
    phase: Int[Array, "walkers"]
    positions: Float[Array, "walkers atoms 3"]  # Å
    energy: Float[Array, "walkers"]  # eV, of a minimum to fly from
    direction: Float[Array, "walkers atoms 3"]
    kinetic: Float[Array, "walkers"]  # eV
    timestep: Float[Array, "walkers"]
    tolerance: Float[Array, "walkers"]  # eV/Å
    momenta: Float[Array, "walkers atoms 3"] | None = None  # of flights at a temperature, which begin at once
    thermal: ThermalFlights | None = None


def waiting_walkers(
    potential: Potential, minimizer: Minimizer, systems: System, guard: Guard | None, *, thermal: bool = False
) -> Walkers:
    """Walkers that have nothing to do yet, and may fly at a temperature if `thermal`; no force call is made."""
    walkers, dtype = systems.n_walkers, systems.positions.dtype
    forces = jnp.zeros_like(systems.positions)
    zero, count = jnp.zeros(walkers, dtype), jnp.zeros(walkers, jnp.int32)
    return Walkers(
        system=systems,
        energy=zero,
        forces=forces,
        neighbors=neighbors_for(potential, systems),
        phase=count,
        status=count + int(Status.CONVERGED),
        progress=count,
        calls=count,
        tolerance=zero + 1.0,
        memory=_memory(minimizer, systems, forces),
        direction=forces,
        momenta=forces,
        kinetic=zero,
        timestep=zero,
        falling=jnp.zeros(walkers, bool),
        passed=count,
        potential_range=jnp.zeros((walkers, 2), dtype),
        total_range=jnp.zeros((walkers, 2), dtype),
        highest=zero,
        step=jnp.asarray(0, jnp.int32),
        guard=guard,
        thermal=thermal_flights(blank(walkers, systems.n_atoms), dtype) if thermal else None,
    )


@jax.jit
def _memory(minimizer: Minimizer, systems: System, forces: Float[Array, "walkers atoms 3"]) -> Any:
    return minimizer.start(systems, forces)


@jax.jit
def assign(walkers: Walkers, task: Task) -> Walkers:
    """Walkers with something new to do. A task to relax goes on from where the walker is."""
    fresh = task.chosen & (task.phase != Phase.RELAXING)
    none = jnp.zeros_like(walkers.progress)
    pick = lambda new, old: choose(fresh, new, old)
    if task.thermal is not None:
        level = jnp.stack([task.energy, task.energy], axis=1)
        walkers = walkers.replace(
            thermal=pick(task.thermal, walkers.thermal),
            momenta=pick(task.momenta, walkers.momenta),
            passed=pick(none, walkers.passed),
            falling=pick(jnp.zeros_like(walkers.falling), walkers.falling),
            potential_range=pick(level, walkers.potential_range),
            total_range=pick(level + (task.thermal.bias + task.kinetic)[:, None], walkers.total_range),
        )
    return walkers.replace(
        system=walkers.system.replace(positions=pick(task.positions, walkers.system.positions)),
        energy=pick(task.energy, walkers.energy),
        forces=pick(jnp.zeros_like(walkers.forces), walkers.forces),
        direction=pick(task.direction, walkers.direction),
        kinetic=pick(task.kinetic, walkers.kinetic),
        timestep=pick(task.timestep, walkers.timestep),
        highest=pick(task.energy, walkers.highest),
        phase=choose(task.chosen, task.phase, walkers.phase),
        status=choose(task.chosen, none, walkers.status),
        progress=choose(task.chosen, none, walkers.progress),
        calls=pick(none, walkers.calls),
        tolerance=choose(task.chosen, task.tolerance, walkers.tolerance),
    )
