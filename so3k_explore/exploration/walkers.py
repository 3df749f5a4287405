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

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.exploration.thermal import MASS, ThermalFlights, heated, pushed
from so3k_explore.exploration.walker_state import Phase, Rules, Walkers
from so3k_explore.geometry.neighbors import update_neighbors
from so3k_explore.observables.forces import forces_norm
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.evaluation import evaluate
from so3k_explore.simulation.minimizer import Minimizer
from so3k_explore.simulation.renewal import with_valid_neighbors
from so3k_explore.simulation.run import judge
from so3k_explore.simulation.state import Status, choose
from so3k_explore.typing import ScalarLike

DISPLACEMENT = 0.01  # Å, length of the displacement that is softened
RATE = 1e-3  # Å²/eV, of softening
GLIMPSE = 4  # steps between two looks of somebody who watches
EAGER = 4  # a block ends early when one walker in so many waits


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
    half, heat = _half_step(old, column(old.timestep))
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
    new, landed = _fly(rules, old, new, half, heat, going & flying)
    new = _begin_relaxation(minimizer, new, landed | (going & arriving))
    new = _finish_relaxation(rules, new, going & (new.phase == Phase.RELAXING))
    return _stop(new, failed, jnp.where(finite, verdict, int(Status.NOT_FINITE)))


def _half_step(
    old: Walkers, timestep: Float[Array, "walkers 1 1"]
) -> tuple[Float[Array, "walkers atoms 3"], Float[Array, "walkers"]]:
    """Momenta in the middle of a step: after the bath, and half a step of the forces; and the heat, eV."""
    if old.thermal is None:
        return old.momenta + 0.5 * timestep * old.forces, jnp.zeros_like(old.energy)
    momenta, heat = heated(old.thermal, old.momenta, old.timestep, old.progress)
    return momenta + 0.5 * timestep * (old.forces + old.thermal.push), heat


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
    rules: Rules,
    old: Walkers,
    new: Walkers,
    half: Float[Array, "walkers atoms 3"],
    heat: Float[Array, "walkers"],
    mine: Bool[Array, "walkers"],
) -> tuple[Walkers, Bool[Array, "walkers"]]:
    """Second half of a velocity Verlet step, and which flights end with it."""
    forces, thermal, level = new.forces, new.thermal, new.energy
    if thermal is not None:
        thermal = pushed(thermal.replace(heat=thermal.heat + heat), new.system.positions, new.progress, mine)
        forces = forces + thermal.push
        level = level + thermal.bias - thermal.heat
    momenta = half + 0.5 * new.timestep[:, None, None] * forces
    total = level + jnp.sum(momenta**2, axis=(1, 2)) / (2 * MASS)
    widened = lambda both, now: jnp.stack([jnp.minimum(both[:, 0], now), jnp.maximum(both[:, 1], now)], axis=1)
    rising = new.energy > old.energy
    passed = old.passed + (old.falling & rising)
    flown = old.replace(
        momenta=momenta,
        falling=~rising,
        passed=passed,
        potential_range=widened(old.potential_range, new.energy),
        total_range=widened(old.total_range, total),
        thermal=thermal,
    )
    names = ("momenta", "falling", "passed", "potential_range", "total_range", "thermal")
    new = new.replace(**{name: choose(mine, getattr(flown, name), getattr(new, name)) for name in names})
    over = (passed >= rules.minima) | (new.progress >= rules.flight)
    if new.thermal is None:
        return new, mine & over
    return _land(new, new.thermal, mine, over)


def _land(
    new: Walkers, thermal: ThermalFlights, mine: Bool[Array, "walkers"], over: Bool[Array, "walkers"]
) -> tuple[Walkers, Bool[Array, "walkers"]]:
    """Ends flights at a temperature after their time, others when they are `over`, and notes where that was."""
    landed = mine & jnp.where(thermal.length > 0, new.progress >= thermal.length, over)
    there = thermal.replace(landing=new.system.positions, landing_energy=new.energy)
    return new.replace(thermal=choose(landed, there, thermal)), landed


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
