"""Relaxation of W walkers to their nearest minima, as a stream of states."""

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.geometry.bonds import find_bonds
from so3k_explore.geometry.neighbors import Neighbors, update_neighbors
from so3k_explore.observables.forces import forces_norm, neighbors_for
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.fire import FIRE
from so3k_explore.simulation.freedom import make_freedom
from so3k_explore.simulation.guards import Guard
from so3k_explore.simulation.lbfgs import LBFGS
from so3k_explore.simulation.model_hessian import model_hessian
from so3k_explore.simulation.run import judge
from so3k_explore.simulation.state import Status, batched, choose, evaluate, first_forces, renewed_neighbors
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, ScalarLike, pytree


@runtime_checkable
class Minimizer(Protocol):
    """Proposes a step and learns from the forces found there. Its memory has a field `step`, Å."""

    def start(self, systems: System, forces: Any) -> Any: ...

    def learn(
        self, memory: Any, systems: System, energy: Any, forces: Any, trial_energy: Any, trial_forces: Any
    ) -> tuple[Any, Any]: ...


METHODS = ("lbfgs", "fire")


@pytree
class RelaxState(Replaceable):
    """A relaxation under way. All but `step` and `guard` have a leading walkers axis."""

    system: System
    energy: Float[Array, "walkers"]  # eV
    forces: Float[Array, "walkers atoms 3"]  # eV/Å
    neighbors: Neighbors
    status: Int[Array, "walkers"]
    calls: Int[Array, "walkers"]  # force calls so far
    step: Int[Array, ""]
    free: Bool[Array, "walkers atoms"]
    memory: Any
    guard: Guard | None = None

    @property
    def running(self) -> Bool[Array, "walkers"]:
        """Which walkers still move."""
        return self.status == Status.RUNNING

    @property
    def max_force(self) -> Float[Array, "walkers"]:
        """Largest force on an atom that may move, eV/Å."""
        return forces_norm(self.pull)

    @property
    def pull(self) -> Float[Array, "walkers atoms 3"]:
        """Forces on atoms that may move, eV/Å; zero on the others."""
        return jnp.where(self.free[..., None], self.forces, 0.0)


def relax(
    potential: Potential,
    systems: System,
    *,
    method: str | Minimizer = "lbfgs",
    force_tolerance: float = 0.01,
    max_steps: int = 1000,
    steps_per_frame: int = 20,
    guard: Guard | None = None,
    fixed: Any = None,
) -> Iterator[RelaxState]:
    """Yields a state every `steps_per_frame` steps, the last one when every walker has stopped.

    Args:
        potential: gives the forces.
        systems: one system (becomes one walker) or a batch.
        method: "lbfgs" (with a model Hessian where there are bonds) or "fire", or a minimizer with its own settings.
        force_tolerance: a walker has converged when no atom feels more, eV/Å.
        max_steps: force calls after the first one until a walker gives up.
        steps_per_frame: steps between two states.
        guard: stops walkers whose bonds change or that fall apart.
        fixed: atoms that stay where they are, mask or indices.

    Raises:
        ValueError: unknown method, or limits that are not positive.
    """
    systems = batched(systems)
    minimizer = minimizer_of(method, systems)
    if not force_tolerance > 0 or max_steps < 1 or steps_per_frame < 1:
        raise ValueError(
            "`force_tolerance`, `max_steps` and `steps_per_frame` must be positive, "
            f"got {force_tolerance} eV/Å, {max_steps} and {steps_per_frame}."
        )
    state = _start(potential, minimizer, systems, guard, fixed, force_tolerance)
    while True:
        end = min(int(state.step) + steps_per_frame, max_steps)
        state = _stretch(minimizer, potential, state, end, max_steps, force_tolerance)
        yield state
        if not bool(state.running.any()):
            return


def relaxed(potential: Potential, systems: System, **settings: Any) -> RelaxState:
    """The last state of `relax`, with the same arguments."""
    *_, last = relax(potential, systems, **{"steps_per_frame": 1_000_000, **settings})
    return last


def minimizer_of(method: str | Minimizer, systems: System) -> Minimizer:
    """The minimizer with that name, its model Hessian made for the bonds of the first walker."""
    if not isinstance(method, str):
        return method
    if method not in METHODS:
        raise ValueError(f'`method` must be one of {", ".join(METHODS)}, got "{method}".')
    if method == "fire":
        return FIRE()
    numbers, positions = np.asarray(systems.numbers[0]), np.asarray(systems.positions[0], float)
    if systems.periodic or not np.isfinite(positions).all():
        return LBFGS()
    return LBFGS(model=model_hessian(systems, find_bonds(numbers, positions)))


def _start(
    potential: Potential, minimizer: Minimizer, systems: System, guard: Guard | None, fixed: Any, tolerance: float
) -> RelaxState:
    neighbors = neighbors_for(potential, systems)
    energy, forces = first_forces(potential, systems, neighbors)
    walkers = systems.n_walkers
    state = RelaxState(
        system=systems,
        energy=energy,
        forces=forces,
        neighbors=neighbors,
        status=jnp.zeros(walkers, jnp.int32),
        calls=jnp.ones(walkers, jnp.int32),
        step=jnp.asarray(0, jnp.int32),
        free=make_freedom(systems, fixed=fixed).free,
        memory=None,
        guard=guard,
    )
    return _begin(minimizer, state, jnp.asarray(tolerance, energy.dtype))


@jax.jit
def _begin(minimizer: Minimizer, state: RelaxState, tolerance: ScalarLike) -> RelaxState:
    finite = jnp.isfinite(state.energy) & jnp.isfinite(state.forces).all(axis=(1, 2))
    status = jnp.where(state.max_force < tolerance, int(Status.CONVERGED), int(Status.RUNNING))
    status = jnp.where(finite, status, int(Status.NOT_FINITE)).astype(jnp.int32)
    pull = jnp.where(finite[:, None, None], state.pull, 0.0)
    return state.replace(status=status, memory=minimizer.start(state.system, pull))


def _stretch(
    minimizer: Minimizer, potential: Potential, state: RelaxState, end: int, max_steps: int, tolerance: float
) -> RelaxState:
    """Steps up to number `end`, with new pair lists whenever the old ones run out."""
    limit = jnp.asarray(tolerance, state.energy.dtype)
    fresh = False
    while True:
        before = int(state.step)
        state = _relax(minimizer, potential, state, end, max_steps, limit)
        expired = state.neighbors.expired
        if not bool(expired.any()):
            return state
        if fresh and int(state.step) == before and state.neighbors.method == "host":
            state = state.replace(status=jnp.where(expired & state.running, int(Status.NOT_FINITE), state.status))
        state = state.replace(neighbors=renewed_neighbors(potential, state.system, state.neighbors))
        fresh = True


@jax.jit
def _relax(
    minimizer: Minimizer,
    potential: Potential,
    state: RelaxState,
    end: ScalarLike,
    last: ScalarLike,
    tolerance: ScalarLike,
) -> RelaxState:
    going = lambda s: (s.step < end) & s.running.any() & ~s.neighbors.expired.any()
    return jax.lax.while_loop(going, lambda s: relax_step(minimizer, potential, s, last, tolerance), state)


def relax_step(
    minimizer: Minimizer, potential: Potential, state: RelaxState, last: ScalarLike, tolerance: ScalarLike
) -> RelaxState:
    """One trial of every running walker; nobody moves when a pair list runs out."""
    running = state.running
    step = jnp.where((running[:, None] & state.free)[..., None], state.memory.step, 0.0)
    trial = state.system.replace(positions=state.system.positions + step)
    neighbors = update_neighbors(state.neighbors, trial)
    energy, forces = evaluate(potential, trial, neighbors, state.energy, state.forces, running)
    expired = neighbors.expired & running
    taken = running & ~expired.any()

    pull = jnp.where(state.free[..., None], forces, 0.0)
    memory, accepted = minimizer.learn(state.memory, state.system, state.energy, state.pull, energy, pull)
    there = state.replace(system=trial, energy=energy, forces=forces, neighbors=neighbors)
    verdict = judge(state.guard, there, jnp.ones_like(accepted), state.step + 1)
    accepted &= taken
    moves = accepted & (verdict == Status.RUNNING)
    state = state.replace(
        **{name: choose(moves, getattr(there, name), getattr(state, name)) for name in ("system", "energy", "forces")},
        neighbors=neighbors.replace(expired=expired),
        memory=choose(taken, memory, state.memory),
        status=jnp.where(accepted, verdict, state.status),
        calls=state.calls + taken,
        step=state.step + jnp.where(expired.any(), 0, 1),
    )
    done = state.running & (state.max_force < tolerance)
    given_up = state.running & ~done & (state.step >= last)
    status = jnp.where(done, int(Status.CONVERGED), jnp.where(given_up, int(Status.MAX_STEPS), state.status))
    return state.replace(status=status.astype(jnp.int32))
