"""Runs that stream: `advance` for one stretch, `simulate` for frames without end."""

from collections.abc import Iterator
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.freedom import remove_overall
from so3k_explore.simulation.guards import EVAPORATION_INTERVAL, Guard, bonds_changed, evaporated
from so3k_explore.simulation.integrators import Integrator
from so3k_explore.simulation.renewal import with_valid_neighbors
from so3k_explore.simulation.state import MDState, Status, choose
from so3k_explore.typing import ScalarLike

Step = TypeVar("Step")


def simulate(integrator: Integrator, potential: Potential, state: MDState, steps_per_frame: int) -> Iterator[MDState]:
    """Yields a state every `steps_per_frame` steps, until the caller stops or the last walker has stopped."""
    while bool(state.running.any()):
        state = advance(integrator, potential, state, steps_per_frame)
        yield state


def advance(integrator: Integrator, potential: Potential, state: MDState, n_steps: int) -> MDState:
    """The state `n_steps` steps later.

    All steps happen in one compiled call. When pair lists run out inside it, the step that would need them is not
    taken; lists are made anew here, and the remaining steps follow.
    """
    if n_steps < 0:
        raise ValueError(f"`n_steps` must not be negative, got {n_steps}.")
    state = integrator.prepare(state)
    integrator = per_walker(integrator, state.energy)
    end = int(state.step) + n_steps
    return with_valid_neighbors(potential, lambda s: _advance(integrator, potential, s, end), state)


def per_walker(integrator: Step, like: Any) -> Step:
    """Hyper-parameters as one array each, one value a walker, so that numbers and arrays share one compilation."""
    return jax.tree.map(lambda leaf: jnp.broadcast_to(jnp.asarray(leaf, like.dtype), like.shape), integrator)


@jax.jit
def _advance(integrator: Integrator, potential: Potential, state: MDState, end: ScalarLike) -> MDState:
    going = lambda s: (s.step < end) & s.running.any() & ~s.neighbors.expired.any()
    return jax.lax.while_loop(going, lambda s: guarded_step(integrator, potential, s), state)


def guarded_step(integrator: Integrator, potential: Potential, state: MDState) -> MDState:
    """One step for the running walkers; those that went wrong keep the state before it, and a status.

    If a pair list ran out, nobody moves: the state comes back unchanged but for `neighbors.expired`.
    """
    moved = integrator.step(potential, state)
    moved = moved.replace(momenta=_without_overall(moved, state.step + 1))
    finite = jnp.isfinite(moved.energy) & jnp.isfinite(moved.forces).all(axis=(1, 2))
    finite &= jnp.isfinite(moved.momenta).all(axis=(1, 2))
    expired = moved.neighbors.expired & state.running
    verdict = judge(state.guard, moved, finite, state.step + 1)
    good = state.running & (verdict == Status.RUNNING) & ~expired.any()
    kept = {name: choose(good, getattr(moved, name), getattr(state, name)) for name in _PER_WALKER}
    kept["neighbors"] = kept["neighbors"].replace(expired=expired)
    return state.replace(
        **kept,
        step=state.step + jnp.where(expired.any(), 0, 1),
        steps_taken=state.steps_taken + good,
        status=jnp.where(state.running & ~expired.any(), verdict, state.status),
    )


_PER_WALKER = ("system", "momenta", "energy", "forces", "neighbors", "key", "thermostat_energy", "chain")


def _without_overall(state: MDState, step: Int[Array, ""]) -> Any:
    interval = state.freedom.interval
    due = (interval > 0) & (step % jnp.maximum(interval, 1) == 0)
    remove = lambda: remove_overall(state.system, state.momenta, state.freedom)
    return jax.lax.cond(due, remove, lambda: state.momenta)


def judge(guard: Guard | None, state: Any, finite: Any, step: Int[Array, ""]) -> Int[Array, "walkers"]:
    """Status of every walker after a step: running, or why not."""
    verdict = jnp.where(finite, int(Status.RUNNING), int(Status.NOT_FINITE))
    if guard is None:
        return verdict.astype(jnp.int32)
    if guard.bonds.shape[0]:
        changed = bonds_changed(guard, state.system, state.neighbors)
        verdict = jnp.where(finite & changed, int(Status.BOND_CHANGED), verdict)
    if guard.separation is not None:
        due = step % EVAPORATION_INTERVAL == 0
        none = lambda: jnp.zeros(finite.shape, bool)
        apart = jax.lax.cond(due, lambda: evaporated(guard, state.system), none)
        verdict = jnp.where((verdict == Status.RUNNING) & apart, int(Status.EVAPORATED), verdict)
    return verdict.astype(jnp.int32)
