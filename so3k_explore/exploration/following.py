"""Uphill along one mode, downhill along all others: eigenvector following from anywhere to a saddle.

Steps are those of partitioned rational function optimisation (`prfo`). The followed mode is the one that resembles the
previous one most, so a methyl group that begins to turn cannot take its place.

The Hessian is exact, by forward derivatives of the forces. In between it may be updated by the formula of Bofill,
J. Comput. Chem. 15, 1 (1994), which serves clusters; in flexible molecules one step along a soft torsion changes the
forces of stiff bonds by more than the curvature that matters, and an updated Hessian loses the mode. For the same
reason steps bend with the molecule (`curvilinear`). Rigid motions are lifted to the top of the spectrum, where the
gradient vanishes. Steps are as long as the quadratic model has proved to be right.
"""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.exploration.curvature import selected_hessians
from so3k_explore.exploration.curvilinear import StiffDistances
from so3k_explore.exploration.prfo import prfo_step
from so3k_explore.exploration.rigid import rigid_motions
from so3k_explore.geometry.neighbors import Neighbors, update_neighbors
from so3k_explore.geometry.one_by_one import one_by_one
from so3k_explore.observables.forces import forces_norm, neighbors_for
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.evaluation import evaluate
from so3k_explore.simulation.guards import Guard
from so3k_explore.simulation.minimizer import longest_move
from so3k_explore.simulation.renewal import with_valid_neighbors
from so3k_explore.simulation.run import judge
from so3k_explore.simulation.state import Status, choose
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, ScalarLike, pytree, static

LIFT = 1e4  # eV/Å², curvature given to rigid motions
SMALLEST = 0.005  # Å, radius below which steps do not shrink
TRUSTED = (0.6, 1.5)  # ratios of true to expected change of energy for which the radius grows
DOUBTFUL = (0.2, 2.5)  # outside of these it shrinks


@pytree
class Following(Replaceable):
    """Settings of eigenvector following."""

    force_tolerance: ScalarLike = 1e-3  # eV/Å, largest force on an atom at the saddle
    max_step: ScalarLike = 0.15  # Å, of any atom
    first_step: ScalarLike = 0.05  # Å
    max_steps: ScalarLike = 100
    hessian_interval: ScalarLike = 1  # steps between two exact Hessians
    stiff: StiffDistances | None = None  # bonds and angles that bend the steps
    rigid: bool = static(default=True)  # whether rigid motions change nothing; False in an external field


@pytree
class FollowState(Replaceable):
    """Walkers on their way to saddles. All but `step` and `guard` have a leading walkers axis."""

    system: System
    energy: Float[Array, "walkers"]  # eV
    forces: Float[Array, "walkers atoms 3"]  # eV/Å
    neighbors: Neighbors
    hessian: Float[Array, "walkers coordinates coordinates"]  # eV/Å²
    mode: Float[Array, "walkers coordinates"]  # followed, of unit length
    curvature: Float[Array, "walkers"]  # along it, eV/Å²
    radius: Float[Array, "walkers"]  # Å
    status: Int[Array, "walkers"]
    calls: Int[Array, "walkers"]  # force calls; a column of a Hessian counts as one
    age: Int[Array, "walkers"]  # steps since the Hessian was exact; -1: never
    step: Int[Array, ""]
    guard: Guard | None = None

    @property
    def running(self) -> Bool[Array, "walkers"]:
        """Which walkers still move."""
        return self.status == Status.RUNNING


def follow(
    potential: Potential,
    systems: System,
    directions: Any,
    settings: Following | None = None,
    *,
    running: Any = None,
    guard: Guard | None = None,
    steps_per_frame: int = 10,
) -> Iterator[FollowState]:
    """Yields a state every few steps, the last one when every walker has found a saddle or given up.

    Args:
        potential: gives forces and their derivatives.
        systems: where to start, with a leading walkers axis.
        directions: displacements (walkers, atoms, 3) that the first followed modes resemble; zeros: the lowest mode.
        settings: see `Following`.
        running: which walkers to move; the others fill the batch. None: all.
        guard: stops walkers whose bonds change or that fall apart.
        steps_per_frame: steps between two states.
    """
    settings = settings or Following()
    state = _first(potential, systems, directions, settings, running, guard)
    while True:
        end = int(state.step) + steps_per_frame
        state = with_valid_neighbors(potential, lambda s, end=end: _advance(settings, potential, s, end), state)
        yield state
        if not (np.asarray(state.status) == Status.RUNNING).any():
            return


def _first(
    potential: Potential, systems: System, directions: Any, settings: Following, running: Any, guard: Guard | None
) -> FollowState:
    walkers, dtype = systems.n_walkers, systems.positions.dtype
    coordinates = 3 * systems.n_atoms
    running = np.ones(walkers, bool) if running is None else np.asarray(running, bool)
    directions = jnp.asarray(directions, dtype).reshape(walkers, coordinates)
    norms = jnp.sqrt(jnp.sum(directions**2, axis=1, keepdims=True))
    none, zero = jnp.zeros(walkers, jnp.int32), jnp.zeros(walkers, dtype)
    return FollowState(
        system=systems,
        energy=zero,
        forces=jnp.zeros_like(systems.positions),
        neighbors=neighbors_for(potential, systems),
        hessian=jnp.zeros((walkers, coordinates, coordinates), dtype),
        mode=directions / jnp.where(norms > 0, norms, 1.0),
        curvature=zero,
        radius=zero + settings.first_step,
        status=jnp.asarray(np.where(running, int(Status.RUNNING), int(Status.MAX_STEPS)), jnp.int32),
        calls=none,
        age=none - 1,
        step=jnp.asarray(0, jnp.int32),
        guard=guard,
    )


@jax.jit
def _advance(settings: Following, potential: Potential, state: FollowState, end: ScalarLike) -> FollowState:
    going = lambda s: (s.step < end) & s.running.any() & ~s.neighbors.expired.any()
    return jax.lax.while_loop(going, lambda s: _step(settings, potential, s), state)


def _step(settings: Following, potential: Potential, old: FollowState) -> FollowState:
    """One force call of every running walker; the very first one is at its start."""
    first = old.age < 0
    moved, expected, mode, curvature = _propose(settings, old)
    if settings.stiff is not None:
        moved = settings.stiff.bent(old.system.positions, moved)
    moved = jnp.where((old.running & ~first)[:, None, None], moved, 0.0)
    system = old.system.replace(positions=old.system.positions + moved)
    neighbors = update_neighbors(old.neighbors, system)
    energy, forces = evaluate(potential, system, neighbors, old.energy, old.forces, old.running)
    expired = neighbors.expired & old.running
    taken = old.running & ~expired.any()

    finite = jnp.isfinite(energy) & jnp.isfinite(forces).all(axis=(1, 2))
    there = old.replace(system=system, energy=energy, forces=forces, neighbors=neighbors)
    verdict = judge(old.guard, there, finite, old.step + 1)
    tracked = taken & ~first
    there = there.replace(
        hessian=choose(tracked & finite, _updated(old.hessian, moved, old.forces - forces), old.hessian),
        mode=choose(tracked, mode, old.mode),
        curvature=choose(tracked, curvature, old.curvature),
        radius=choose(tracked, _next_radius(settings, old, moved, (energy - old.energy) / expected), old.radius),
        age=old.age + 1,
        calls=old.calls + 1,
        step=old.step,
    )
    there = _exact(settings, potential, there, taken & (verdict == Status.RUNNING))
    new = _choose(taken & finite, there, old)
    status = jnp.where(verdict == Status.RUNNING, _progress(settings, new), verdict)
    return new.replace(
        neighbors=neighbors.replace(expired=expired),
        step=old.step + jnp.where(expired.any(), 0, 1),
        status=jnp.where(taken, status, old.status).astype(jnp.int32),
    )


_PER_WALKER = ("system", "energy", "forces", "hessian", "mode", "curvature", "radius", "calls", "age")


def _choose(mask: Bool[Array, "walkers"], new: FollowState, old: FollowState) -> FollowState:
    """Per walker the new or the old state."""
    return old.replace(**{name: choose(mask, getattr(new, name), getattr(old, name)) for name in _PER_WALKER})


def _propose(settings: Following, state: FollowState) -> tuple[Array, Array, Array, Array]:
    """Next displacements, the change of energy they should bring, and mode and curvature that they follow."""
    gradient = -state.forces.reshape(state.mode.shape)
    hessian = state.hessian
    if settings.rigid:
        motions = rigid_motions(state.system.positions)
        gradient = gradient - jnp.einsum("wk,wkc->wc", jnp.einsum("wkc,wc->wk", motions, gradient), motions)
        hessian = jax.vmap(_lifted)(hessian, motions)
    step, expected, mode, curvature = one_by_one(prfo_step, hessian, gradient, state.mode, state.radius)
    return step.reshape(state.forces.shape), expected, mode, curvature


def _lifted(
    hessian: Float[Array, "coordinates coordinates"], motions: Float[Array, "6 coordinates"]
) -> Float[Array, "coordinates coordinates"]:
    """The Hessian with rigid motions far above everything else."""
    half = hessian - motions.T @ (motions @ hessian)
    inner = half - (half @ motions.T) @ motions
    return (inner + inner.T) / 2 + LIFT * motions.T @ motions


def _updated(
    hessian: Float[Array, "walkers coordinates coordinates"],
    moved: Float[Array, "walkers atoms 3"],
    change: Float[Array, "walkers atoms 3"],
) -> Float[Array, "walkers coordinates coordinates"]:
    """Bofill's update from a step and the change of the gradient along it."""
    s, y = moved.reshape(hessian.shape[:2]), change.reshape(hessian.shape[:2])
    dot = lambda a, b: jnp.sum(a * b, axis=-1)
    outer = lambda a, b: a[:, :, None] * b[:, None, :]
    column = lambda a: a[:, None, None]
    error = y - jnp.einsum("wab,wb->wa", hessian, s)
    ss, ee, es = jnp.maximum(dot(s, s), 1e-20), jnp.maximum(dot(error, error), 1e-20), dot(error, s)
    share = es**2 / (ss * ee)
    symmetric_rank_one = column(es / (ss * ee)) * outer(error, error)
    powell = (outer(error, s) + outer(s, error)) / column(ss) - column(es / ss**2) * outer(s, s)
    return hessian + symmetric_rank_one + column(1 - share) * powell


def _next_radius(
    settings: Following, old: FollowState, moved: Float[Array, "walkers atoms 3"], ratio: Float[Array, "walkers"]
) -> Float[Array, "walkers"]:
    length = longest_move(moved)
    within = lambda limits: (ratio > limits[0]) & (ratio < limits[1])
    grown = jnp.minimum(jnp.maximum(old.radius, 1.5 * length), settings.max_step)
    shrunk = jnp.maximum(0.5 * jnp.minimum(length, old.radius), SMALLEST)
    return jnp.where(within(TRUSTED), grown, jnp.where(within(DOUBTFUL), old.radius, shrunk))


def _exact(
    settings: Following, potential: Potential, state: FollowState, wanted: Bool[Array, "walkers"]
) -> FollowState:
    """Exact Hessians of walkers whose Hessian is old."""
    due = wanted & ((state.age == 0) | (state.age >= settings.hessian_interval))
    hessian = selected_hessians(potential, state.system, state.neighbors, due, state.hessian)
    columns = state.mode.shape[1]
    return state.replace(
        hessian=hessian,
        age=jnp.where(due, 0, state.age),
        calls=state.calls + jnp.where(due, columns, 0),
    )


def _progress(settings: Following, state: FollowState) -> Int[Array, "walkers"]:
    """Found: forces are small and the energy falls along the mode; given up: too many steps."""
    found = (forces_norm(state.forces) < settings.force_tolerance) & (state.curvature < 0)
    late = state.step + 1 >= settings.max_steps
    return jnp.where(found, int(Status.CONVERGED), jnp.where(late, int(Status.MAX_STEPS), int(Status.RUNNING)))
