r"""The walkers of a search on the device: one force call advances each of them, whatever it is doing.

A walker *softens* a direction, *flies* (molecular dynamics), *relaxes*, or *waits* for the host to look at what it
found and to give it something new. All walkers share one compiled step, so those that are quick never wait for the
slow ones, and nothing is compiled again when they do different things.

*Softening* (Schönborn, Goedecker, Roy & Oganov, J. Chem. Phys. 130, 144108 (2009)): a few steps of

.. math:: d \leftarrow d + \alpha\,\bigl(F(x_0 + d) + c\, d\bigr), \qquad c = -\frac{F\cdot d}{d\cdot d}

turn a random displacement :math:`d` from a minimum :math:`x_0` towards soft directions, in which barriers are low.
*Flying*: velocity Verlet from the minimum along :math:`d`, with equal masses so that hydrogens do not limit the
timestep, until the potential energy has passed a few minima. The highest potential energy on the way is an upper bound
of the barrier between the two minima, and comes free of charge.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.geometry.neighbors import Neighbors, update_neighbors
from so3k_explore.observables.forces import forces_norm, neighbors_for
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.guards import Guard
from so3k_explore.simulation.minimizer import Minimizer
from so3k_explore.simulation.renewal import with_valid_neighbors
from so3k_explore.simulation.run import judge
from so3k_explore.simulation.state import Status, choose, evaluate
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, ScalarLike, pytree

MASS = 1.0  # u, of every atom in flight
DISPLACEMENT = 0.01  # Å, length of the displacement that is softened
RATE = 1e-3  # Å²/eV, of softening
RELAXATION = 500  # steps until a relaxation gives up
GLIMPSE = 4  # steps between two looks of somebody who watches
EAGER = 4  # a block ends early when one walker in so many waits


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


def waiting_walkers(potential: Potential, minimizer: Minimizer, systems: System, guard: Guard | None) -> Walkers:
    """Walkers that have nothing to do yet; no force call is made."""
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


def advance_walkers(
    rules: Rules,
    minimizer: Minimizer,
    potential: Potential,
    walkers: Walkers,
    steps: int,
    watch: Callable[[Walkers], None] | None = None,
) -> Walkers:
    """All walkers up to `steps` force calls later; fewer when many of them wait. `watch` sees them on the way."""
    lost = lambda w, some: _stop(w, some & w.busy, jnp.full_like(w.status, int(Status.NOT_FINITE)))
    end = int(walkers.step) + steps
    while True:
        goal = end if watch is None else min(end, int(walkers.step) + GLIMPSE)
        go_on = lambda w, goal=goal: _advance(rules, minimizer, potential, w, goal)
        walkers = with_valid_neighbors(potential, go_on, walkers, lost)
        if watch is not None:
            watch(walkers)
        waiting = int((np.asarray(walkers.phase) == Phase.WAITING).sum())
        if not goal <= int(walkers.step) < end or EAGER * waiting >= len(walkers.phase):
            return walkers


@jax.jit
def _advance(rules: Rules, minimizer: Minimizer, potential: Potential, walkers: Walkers, end: ScalarLike) -> Walkers:
    begin = walkers.step

    def going(w: Walkers) -> Bool[Array, ""]:
        waiting = (~w.busy).sum()
        few_wait = (EAGER * waiting < w.busy.shape[0]) | (w.step == begin)  # one step at least
        return (w.step < end) & w.busy.any() & few_wait & ~w.neighbors.expired.any()

    return jax.lax.while_loop(going, lambda w: _step(rules, minimizer, potential, w), walkers)


def _step(rules: Rules, minimizer: Minimizer, potential: Potential, old: Walkers) -> Walkers:
    """One force call of every busy walker; nobody moves when a pair list runs out."""
    flying, relaxing = old.phase == Phase.FLYING, old.phase == Phase.RELAXING
    softening, arriving = old.phase == Phase.SOFTENING, old.phase == Phase.ARRIVING
    column = lambda a: a[:, None, None]
    half = old.momenta + 0.5 * column(old.timestep) * old.forces
    move = jnp.where(column(relaxing), old.memory.step, 0.0)
    move = jnp.where(column(flying), column(old.timestep) * half / MASS, move)
    move = jnp.where(column(softening), old.direction, move)

    trial = old.system.replace(positions=old.system.positions + move)
    neighbors = update_neighbors(old.neighbors, trial)
    energy, forces = evaluate(potential, trial, neighbors, old.energy, old.forces, old.busy)
    expired = neighbors.expired & old.busy
    taken = old.busy & ~expired.any()
    there = old.replace(system=trial, energy=energy, forces=forces, neighbors=neighbors)

    finite = jnp.isfinite(energy) & jnp.isfinite(forces).all(axis=(1, 2))
    verdict = judge(old.guard, there, finite, old.step + 1)
    memory, accepted = minimizer.learn(old.memory, old.energy, old.forces, energy, forces)
    tried = taken & jnp.where(relaxing, accepted, True)
    failed = tried & jnp.where(softening, ~finite, verdict != Status.RUNNING)
    moved = tried & ~failed & ~softening

    new = old.replace(
        **{name: choose(moved, getattr(there, name), getattr(old, name)) for name in ("system", "energy", "forces")},
        neighbors=neighbors.replace(expired=expired),
        memory=choose(taken & relaxing, memory, old.memory),
        progress=old.progress + taken,
        calls=old.calls + taken,
        step=old.step + jnp.where(expired.any(), 0, 1),
        highest=jnp.where(moved & (flying | relaxing), jnp.maximum(old.highest, energy), old.highest),
    )
    going = taken & ~failed
    new = _soften(rules, new, forces, going & softening)
    new, landed = _fly(rules, old, new, half, going & flying)
    new = _begin_relaxation(minimizer, new, landed | (going & arriving))
    new = _finish_relaxation(rules, new, going & (new.phase == Phase.RELAXING))
    return _stop(new, failed, jnp.where(finite, verdict, int(Status.NOT_FINITE)))


def _soften(
    rules: Rules, new: Walkers, forces: Float[Array, "walkers atoms 3"], mine: Bool[Array, "walkers"]
) -> Walkers:
    """Turns the displacement to a softer direction; at the end the flight begins along it."""
    total = lambda a: jnp.sum(a, axis=(1, 2), keepdims=True)
    d = new.direction
    curvature = -total(d * forces) / jnp.maximum(total(d * d), 1e-30)
    softer = d + RATE * (forces + curvature * d)
    softer = softer * DISPLACEMENT / jnp.sqrt(jnp.maximum(total(softer**2), 1e-30))
    done = mine & (new.progress >= rules.softening)
    speed = jnp.sqrt(2 * MASS * new.kinetic)[:, None, None] / DISPLACEMENT
    level = jnp.stack([new.energy, new.energy], axis=1)
    take_off = new.replace(
        momenta=speed * softer,
        phase=jnp.full_like(new.phase, int(Phase.FLYING)),
        progress=jnp.zeros_like(new.progress),
        falling=jnp.zeros_like(new.falling),
        passed=jnp.zeros_like(new.passed),
        potential_range=level,
        total_range=level + new.kinetic[:, None],
        highest=new.energy,
    )
    names = ("momenta", "phase", "progress", "falling", "passed", "potential_range", "total_range", "highest")
    changes = {name: choose(done, getattr(take_off, name), getattr(new, name)) for name in names}
    return new.replace(direction=choose(mine, softer, d), **changes)


def _fly(
    rules: Rules, old: Walkers, new: Walkers, half: Float[Array, "walkers atoms 3"], mine: Bool[Array, "walkers"]
) -> tuple[Walkers, Bool[Array, "walkers"]]:
    """Second half of a velocity Verlet step, and which flights end with it."""
    momenta = half + 0.5 * new.timestep[:, None, None] * new.forces
    total = new.energy + jnp.sum(momenta**2, axis=(1, 2)) / (2 * MASS)
    widened = lambda both, now: jnp.stack([jnp.minimum(both[:, 0], now), jnp.maximum(both[:, 1], now)], axis=1)
    rising = new.energy > old.energy
    passed = old.passed + (old.falling & rising)
    flown = old.replace(
        momenta=momenta,
        falling=~rising,
        passed=passed,
        potential_range=widened(old.potential_range, new.energy),
        total_range=widened(old.total_range, total),
    )
    names = ("momenta", "falling", "passed", "potential_range", "total_range")
    new = new.replace(**{name: choose(mine, getattr(flown, name), getattr(new, name)) for name in names})
    return new, mine & ((passed >= rules.minima) | (new.progress >= rules.flight))


def _begin_relaxation(minimizer: Minimizer, new: Walkers, mine: Bool[Array, "walkers"]) -> Walkers:
    """The minimizer starts without memory, from where the walker is now."""
    start = lambda: choose(mine, minimizer.start(new.system, new.forces), new.memory)
    return new.replace(
        memory=jax.lax.cond(mine.any(), start, lambda: new.memory),
        phase=jnp.where(mine, int(Phase.RELAXING), new.phase),
        progress=jnp.where(mine, 0, new.progress),
    )


def _finish_relaxation(rules: Rules, new: Walkers, mine: Bool[Array, "walkers"]) -> Walkers:
    """Walkers wait when their forces are small, or when they took too many steps."""
    converged = mine & (forces_norm(new.forces) < new.tolerance)
    given_up = mine & ~converged & (new.progress >= rules.relaxation)
    verdict = jnp.where(converged, int(Status.CONVERGED), int(Status.MAX_STEPS))
    return _stop(new, converged | given_up, verdict)


def _stop(walkers: Walkers, mine: Bool[Array, "walkers"], status: Int[Array, "walkers"]) -> Walkers:
    return walkers.replace(
        phase=jnp.where(mine, int(Phase.WAITING), walkers.phase).astype(jnp.int32),
        status=jnp.where(mine, status, walkers.status).astype(jnp.int32),
    )
