"""Is it a saddle, and which minima does it join? Index from frequencies, ends from relaxing off both sides of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from so3k_explore.exploration.following import FollowState
from so3k_explore.exploration.verification import IMAGINARY, downhill_push
from so3k_explore.observables.forces import neighbors_for
from so3k_explore.observables.hessian import normal_modes
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.guards import Guard
from so3k_explore.simulation.lbfgs import LBFGS
from so3k_explore.simulation.model_hessian import ModelHessian
from so3k_explore.simulation.relaxation import RelaxState, initial_relaxation, relax
from so3k_explore.simulation.state import Status
from so3k_explore.system import System, replicate
from so3k_explore.typing import take

PUSH = 0.05  # Å, off the saddle, of the atom that moves most
SHORT = 0.06  # Å, longest step of a relaxation that must not leave its basin
STEPS = 600  # of such a relaxation
PUSHES = 3  # off saddles that an end ran into

_PROBLEMS = {
    Status.NOT_FINITE: "energy or forces became infinite on the way down",
    Status.BOND_CHANGED: "a bond broke or formed on the way down",
    Status.EVAPORATED: "an atom or a fragment left the others on the way down",
    Status.MAX_STEPS: f"one side was not relaxed after {STEPS} steps",
}


@dataclass(frozen=True, eq=False)
class Saddle:
    """A structure of index one."""

    energy: float  # eV
    positions: np.ndarray  # (atoms, 3) Å
    frequency: float  # cm⁻¹, negative
    mode: np.ndarray  # (atoms, 3), displacements of the imaginary mode


@dataclass(frozen=True, eq=False)
class End:
    """Where a side of a saddle leads."""

    energy: float  # eV
    positions: np.ndarray  # (atoms, 3) Å
    minimum: int | None = None  # its number, if it is known
    problem: str = ""  # why it is no minimum, in words


def verified(potential: Potential, state: FollowState, walker: int) -> Saddle | str:
    """The saddle that a walker has found, or why it is none, in words."""
    system, neighbors = take((state.system, state.neighbors), walker)
    second = np.asarray(state.hessian[walker], float) if int(state.age[walker]) == 0 else None
    vibrations = normal_modes(potential, system, neighbors, second=second)
    negative = int((vibrations.frequencies < IMAGINARY).sum())
    lowest = float(vibrations.frequencies[0])
    if negative != 1:
        what = f"{negative} negative modes" if negative else f"no mode below {IMAGINARY:.0f} cm⁻¹"
        return f"no saddle of index one: {what}, the lowest at {lowest:.0f} cm⁻¹"
    return Saddle(float(state.energy[walker]), np.asarray(system.positions, float), lowest, vibrations.modes[0])


class Descent:
    """Relaxes structures off both sides of saddles, always the same number of them at a time."""

    def __init__(
        self,
        potential: Potential,
        system: System,
        walkers: int,
        tolerance: float,
        *,
        model: ModelHessian | None,
        guard: Guard | None,
        find: Callable[[float, np.ndarray], int | None],
    ) -> None:
        """`tolerance` is the largest force at an end, eV/Å; `find` tells which known minimum a structure is."""
        self._potential, self._system, self._guard, self._find = potential, system, guard, find
        self._walkers, self._tolerance = walkers, tolerance
        self._minimizer = LBFGS(max_step=SHORT, model=model)
        self.calls = 0
        self.state: RelaxState | None = None  # for those who watch

    def ends(self, saddles: list[Saddle]) -> Iterator[list[tuple[End, End]] | None]:
        """Yields None while it works, and at the end both ends of each saddle."""
        starts = [
            saddle.positions + sign * PUSH * saddle.mode / np.linalg.norm(saddle.mode, axis=1).max()
            for saddle in saddles
            for sign in (-1, 1)
        ]
        found: list[End | None] = [None] * len(starts)
        waiting = dict(enumerate(starts))
        for push in range(PUSHES + 1):
            rows = list(waiting)
            for first in range(0, len(rows), self._walkers):
                chunk = rows[first : first + self._walkers]
                yield from self._relax([waiting[row] for row in chunk])
                for place, row in enumerate(chunk):
                    found[row], pushed = self._look(place, last=push == PUSHES)
                    del waiting[row]
                    if pushed is not None:
                        waiting[row] = pushed
            if not waiting:
                break
        ends = [end for end in found if end is not None]
        yield [(ends[2 * k], ends[2 * k + 1]) for k in range(len(saddles))]

    def _relax(self, starts: list[np.ndarray]) -> Iterator[None]:
        padded = np.array([*starts, *[starts[-1]] * (self._walkers - len(starts))])
        systems = replicate(self._system, self._walkers)
        systems = systems.replace(positions=jnp.asarray(padded, systems.positions.dtype))
        state = initial_relaxation(self._potential, systems, method=self._minimizer, guard=self._guard)
        idle = np.arange(self._walkers) >= len(starts)
        state = state.replace(status=jnp.asarray(np.where(idle, int(Status.MAX_STEPS), int(Status.RUNNING)), jnp.int32))
        for later in relax(
            self._potential,
            systems,
            method=self._minimizer,
            force_tolerance=self._tolerance,
            max_steps=STEPS,
            guard=self._guard,
            state=state,
        ):
            self.state = later
            yield None
        self.calls += int(np.asarray(self.state.calls).sum()) if self.state is not None else 0

    def _look(self, place: int, *, last: bool) -> tuple[End, np.ndarray | None]:
        """What a relaxation ended in, and for another saddle the positions pushed off it."""
        state: Any = self.state
        status = Status(int(state.status[place]))
        energy, positions = float(state.energy[place]), np.asarray(state.system.positions[place], float)
        if status != Status.CONVERGED:
            return End(energy, positions, problem=_PROBLEMS[status]), None
        known = self._find(energy, positions)
        if known is not None:
            return End(energy, positions, minimum=known), None
        system = take(state.system, place)
        frequency, pushed, calls = downhill_push(self._potential, system, neighbors_for(self._potential, system))
        self.calls += calls
        if pushed is None or not last:
            return End(energy, positions), pushed
        return End(energy, positions, problem=f"it ends in another saddle, with a mode at {frequency:.0f} cm⁻¹"), None
