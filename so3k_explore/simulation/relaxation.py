"""Relaxation of W walkers to their nearest minima, as a stream of states."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.geometry.bonds import find_bonds
from so3k_explore.geometry.neighbors import Neighbors, update_neighbors
from so3k_explore.observables.forces import forces_norm, neighbors_for
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.evaluation import evaluate
from so3k_explore.simulation.fire import FIRE
from so3k_explore.simulation.freedom import make_freedom
from so3k_explore.simulation.guards import Guard
from so3k_explore.simulation.lbfgs import LBFGS
from so3k_explore.simulation.minimizer import Minimizer
from so3k_explore.simulation.model_hessian import model_hessian
from so3k_explore.simulation.renewal import with_valid_neighbors
from so3k_explore.simulation.run import judge
from so3k_explore.simulation.state import QUICK_START, Status, batched, choose
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, ScalarLike, pytree

METHODS = ("lbfgs", "fire")


@pytree
class RelaxState(Replaceable):
    """A relaxation under way. All but `step` and `guard` have a leading walkers axis.

    It begins at step -1 with an infinite energy: the first force call tries a step of no length, and is accepted.
    """

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
    state: RelaxState | None = None,
    quick_start: bool = False,
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
        state: where to go on, with the same arguments otherwise; None to begin.
        quick_start: compile in half the time, for steps that take several times as long.

    Raises:
        ValueError: unknown method, or limits that are not positive.
    """
    if not force_tolerance > 0 or max_steps < 1 or steps_per_frame < 1:
        raise ValueError(
            "`force_tolerance`, `max_steps` and `steps_per_frame` must be positive, "
            f"got {force_tolerance} eV/Å, {max_steps} and {steps_per_frame}."
        )
    minimizer = minimizer_of(method, batched(systems))
    if state is None:
        state = initial_relaxation(potential, systems, method=minimizer, guard=guard, fixed=fixed)
    limit = jnp.asarray(force_tolerance, state.energy.dtype)
    compiled = _relax_quickly if quick_start else _relax
    while True:
        end = min(max(int(state.step), 0) + steps_per_frame, max_steps)
        go_on = lambda s, end=end: compiled(minimizer, potential, s, end, max_steps, limit)
        state = with_valid_neighbors(potential, go_on, state)
        yield state
        if not (np.asarray(state.status) == Status.RUNNING).any() or int(state.step) >= max_steps:
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


def initial_relaxation(
    potential: Potential,
    systems: System,
    *,
    method: str | Minimizer = "lbfgs",
    guard: Guard | None = None,
    fixed: Any = None,
) -> RelaxState:
    """State before the first force call; `load_checkpoint(path, like=initial_relaxation(...))` reads a saved one."""
    systems = batched(systems)
    count, dtype = jnp.zeros(systems.n_walkers, jnp.int32), systems.positions.dtype
    return RelaxState(
        system=systems,
        energy=jnp.full(systems.n_walkers, jnp.inf, dtype),
        forces=jnp.zeros_like(systems.positions),
        neighbors=neighbors_for(potential, systems),
        status=count,
        calls=count,
        step=jnp.asarray(-1, jnp.int32),
        free=make_freedom(systems, fixed=fixed).free,
        memory=_first_memory(minimizer_of(method, systems), systems),
        guard=guard,
    )


@partial(jax.jit, compiler_options=QUICK_START)
def _first_memory(minimizer: Minimizer, systems: System) -> Any:
    return minimizer.start(systems, jnp.zeros_like(systems.positions))


def _stretch(
    minimizer: Minimizer,
    potential: Potential,
    state: RelaxState,
    end: ScalarLike,
    last: ScalarLike,
    tolerance: ScalarLike,
) -> RelaxState:
    going = lambda s: (s.step < end) & s.running.any() & ~s.neighbors.expired.any()
    return jax.lax.while_loop(going, lambda s: relax_step(minimizer, potential, s, last, tolerance), state)


_relax = jax.jit(_stretch)
_relax_quickly = jax.jit(_stretch, compiler_options=QUICK_START)


def relax_step(
    minimizer: Minimizer, potential: Potential, state: RelaxState, last: ScalarLike, tolerance: ScalarLike
) -> RelaxState:
    """One trial of every running walker; nobody moves when a pair list runs out."""
    running, first = state.running, state.step < 0
    step = jnp.where((running[:, None] & state.free)[..., None], state.memory.step, 0.0)
    trial = state.system.replace(positions=state.system.positions + step)
    neighbors = update_neighbors(state.neighbors, trial)
    energy, forces = evaluate(potential, trial, neighbors, state.energy, state.forces, running)
    expired = neighbors.expired & running
    taken = running & ~expired.any()

    pull = jnp.where(state.free[..., None], forces, 0.0)
    memory, accepted = minimizer.learn(state.memory, state.energy, state.pull, energy, pull)
    there = state.replace(system=trial, energy=energy, forces=forces, neighbors=neighbors)
    verdict = judge(state.guard, there, jnp.ones_like(accepted), state.step + 1)
    found = jnp.where(accepted, int(Status.RUNNING), int(Status.NOT_FINITE))
    verdict = jnp.where(first, found, verdict).astype(jnp.int32)  # nobody can go back to before the first forces
    accepted = (accepted | first) & taken
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
