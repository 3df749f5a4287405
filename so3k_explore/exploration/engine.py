"""The host's side of a search: what happens to walkers between two blocks of force calls.

For each walker that waits, the host asks whether its structure is known (`identity`), relaxes new ones further, makes
sure that they are minima and no saddles (`verification`), writes down the hop (`history`), adapts temperature and
acceptance (`minima_hopping`), and gives it a new task (`choosing`), of a strategy (`scheduler`) and from a start
(`proposals`). Everything else happens on the device (`walkers`). Random numbers belong to tasks, not to processes: a
search that is resumed chooses the same.

Relaxations stop three times, each time at smaller forces, to be compared with what is known. Most walkers fall back
into known basins, and are spared the long way to the bottom; only new minima go all of it.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator

import jax.numpy as jnp
import numpy as np

from so3k_explore.exploration.choosing import PATIENCE, STAGES, TaskChooser
from so3k_explore.exploration.departures import FLIGHTS
from so3k_explore.exploration.history import History
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.limits import limit_reached
from so3k_explore.exploration.lowest_mode import LowestMode
from so3k_explore.exploration.records import Hop
from so3k_explore.exploration.scheduler import applicable
from so3k_explore.exploration.settings import MinimaSearch
from so3k_explore.exploration.state import NOT_BEGUN, SearchError, SearchState, first_ledger
from so3k_explore.exploration.tasks import Seen, TaskSheet
from so3k_explore.exploration.verification import downhill_push
from so3k_explore.exploration.walker_state import RELAXATION, Phase, Rules, Walkers, assign, waiting_walkers
from so3k_explore.exploration.walkers import advance_walkers
from so3k_explore.io.molecule import Molecule
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.guards import make_guard
from so3k_explore.simulation.lbfgs import LBFGS
from so3k_explore.simulation.model_hessian import model_hessian
from so3k_explore.simulation.state import Status
from so3k_explore.system import replicate
from so3k_explore.typing import take

logger = logging.getLogger(__name__)

BLOCK = 20  # force calls of each walker until the host looks
ABOVE = (0.03, 0.01, 0.0)  # eV, how much higher than its minimum a structure may lie at each stage
PUSHES = 3  # off saddles, until a structure is set aside
HOPELESS = 3  # failures of every walker until a search without any minimum gives up

_REASONS = {
    Status.NOT_FINITE: "energy or forces became infinite",
    Status.BOND_CHANGED: "a bond broke or formed",
    Status.EVAPORATED: "an atom or a fragment left the others",
    Status.MAX_STEPS: f"not relaxed after {RELAXATION} steps",
}


class Engine:
    """One search."""

    def __init__(
        self,
        potential: Potential,
        molecule: Molecule,
        settings: MinimaSearch,
        landscape: Landscape,
        watch: Callable[[Walkers], None] | None = None,
    ) -> None:
        self.potential, self.molecule, self.settings, self.watch = potential, molecule, settings, watch
        bonds = len(molecule.bonds)
        self.strategies = applicable(settings.strategies, bonds=bonds, torsions=len(molecule.torsions))
        self.history = History(molecule, settings.identity, landscape)
        self.chooser = TaskChooser(molecule, settings, self.strategies, self.history)
        self.minimizer = LBFGS(model=model_hessian(molecule.system, molecule.bonds))
        self._lowest = LowestMode.of(molecule)
        hopping = settings.hopping
        self.rules = Rules(hopping.softening, hopping.passes, hopping.max_flight)
        self.first_call = NOT_BEGUN
        self.fill = 0.0
        self.seconds = 0.0  # spent on blocks, not on what the caller does between them
        self._found: list[int] = []  # in this block
        self._reasons: list[str] = []
        self._go_on: dict[int, np.ndarray | None] = {}  # walkers that relax further, perhaps from pushed positions
        self._thermal = any(name in FLIGHTS for name in self.strategies)
        self.walkers = self._fresh_walkers()
        self.ledger = first_ledger(settings, self.strategies, molecule.n_atoms, self.chooser.proposals.novelty.size)

    def _fresh_walkers(self) -> Walkers:
        systems = replicate(self.molecule.system, self.settings.walkers)
        guard = make_guard(self.molecule.system, self.molecule.bonds)
        return waiting_walkers(self.potential, self.minimizer, systems, guard, thermal=self._thermal)

    # Beginning

    def start(self, first_call: int = NOT_BEGUN) -> None:
        """A new search, with the minima that the landscape has, or had after so many force calls."""
        self.first_call = self.history.landscape.calls if first_call == NOT_BEGUN else first_call
        self.history.recall(until=self._now)
        if len(self.history):
            self._guard_by(self.history.known.ids[0])
        self._give_tasks(range(self.settings.walkers))

    def restore(self, state: SearchState) -> None:
        """The search that was in `state`, with the temperature, walkers and strategies of the present settings."""
        if state.ledger.tasks == 0:  # saved before its first step
            self.start(state.first_call)
            return
        self.first_call, self.seconds = state.first_call, state.seconds
        fresh, before = self.ledger, self.walkers
        self.ledger, self.walkers = state.ledger.copy(), state.walkers
        self.history.recall(until=self._now)
        ratio = self.settings.temperature / self.ledger.first_temperature
        self.ledger = self.ledger.replace(
            temperature=self.ledger.temperature * ratio, first_temperature=self.settings.temperature
        )
        if len(self.ledger.current) != self.settings.walkers or state.strategies != self.strategies:
            self.ledger = self.ledger.moved_to(fresh, same_strategies=state.strategies == self.strategies)
            self.walkers = before.replace(guard=self.walkers.guard)
            self._give_tasks(range(self.settings.walkers))
        self.minimizer = self.minimizer.replace(memory=self.walkers.memory.steps.shape[1])  # of an earlier version

    # Running

    def run(self) -> Iterator[SearchState]:
        """Blocks of force calls, each followed by a look at the walkers that wait."""
        finished = self._finished()
        if finished is not None:
            yield self.snapshot(finished)
        while finished is None:
            began = time.monotonic()
            self._advance()
            self._found, self._reasons, self._go_on = [], [], {}
            with self.history.landscape.transaction():
                self._look(Seen.of(self.walkers))
            self.seconds += time.monotonic() - began
            finished = self._finished()
            yield self.snapshot(finished)

    def _finished(self) -> str | None:
        return limit_reached(self.settings, self.history, self.ledger.calls, self.seconds)

    def snapshot(self, finished: str | None = None) -> SearchState:
        """The search as a state."""
        return SearchState(
            walkers=self.walkers,
            ledger=self.ledger.copy(),
            first_call=self.first_call,
            n_minima=len(self.history),
            fill=self.fill,
            found=tuple(self._found),
            set_aside=tuple(self._reasons),
            strategies=self.strategies,
            seconds=self.seconds,
            finished=finished,
        )

    def _advance(self) -> None:
        before, step = np.asarray(self.walkers.calls), int(self.walkers.step)
        self.walkers = advance_walkers(self.rules, self.minimizer, self.potential, self.walkers, BLOCK, self.watch)
        spent = int((np.asarray(self.walkers.calls) - before).sum())
        self.fill = spent / max(self.settings.walkers * (int(self.walkers.step) - step), 1)
        self.ledger = self.ledger.replace(calls=self.ledger.calls + spent)

    @property
    def _now(self) -> int:
        """Force calls that were made for this landscape."""
        return self.first_call + self.ledger.calls

    # Decisions about walkers

    def _look(self, seen: Seen) -> None:
        """Decides about every waiting walker, and gives it something new to do."""
        waiting = np.flatnonzero(seen.phase == Phase.WAITING)
        idle = [int(w) for w in waiting if self._is_over(int(w), seen)]
        if not len(self.history) and (self.ledger.failures >= HOPELESS).all():
            raise SearchError(
                f"No walker found a minimum of {self.molecule.name}; the last one stopped because of this: "
                f"{self._reasons[-1]}. Check the starting structure, its charge and spin, or choose another model."
            )
        self._give_tasks(idle)

    def _is_over(self, w: int, seen: Seen) -> bool:
        """Whether the task of walker `w` has ended; if not, it relaxes further."""
        ledger, status, stage = self.ledger, Status(int(seen.status[w])), int(self.ledger.stage[w])
        last = stage == len(STAGES) - 1
        small = seen.force[w] < self.settings.force_tolerance  # good enough where float32 stops the last stage
        if status != Status.CONVERGED and not (status == Status.MAX_STEPS and last and small):
            self._fail(w, seen, _REASONS[status])
            return True
        minimum = self.history.known.find(seen.energy[w], seen.positions[w], above=ABOVE[stage])
        if minimum is not None:
            self._arrive(w, seen, minimum, new=False)
            return True
        if not last:
            ledger.stage[w] += 1
            self._go_on[w] = None
            return False
        if self.settings.identity.check_hessian and not self._is_minimum(w, seen):
            return w not in self._go_on
        self._arrive(w, seen, self._store(w, seen), new=True)
        return True

    def _is_minimum(self, w: int, seen: Seen) -> bool:
        """Whether all frequencies are real; a saddle is set aside, and the walker pushed off it, a few times."""
        there = take((self.walkers.system, self.walkers.neighbors), w)
        frequency, pushed, calls = downhill_push(self.potential, *there, self._lowest)
        self.ledger = self.ledger.replace(calls=self.ledger.calls + calls)
        if pushed is None:
            return True
        reason = f"a saddle: lowest frequency {frequency:.0f} cm⁻¹"
        if self.ledger.pushes[w] >= PUSHES:
            self._fail(w, seen, reason)
        else:
            self._set_aside(w, seen, reason)
            self.ledger.pushes[w] += 1
            self.ledger.stage[w] = 0
            self._go_on[w] = pushed
        return False

    def _store(self, w: int, seen: Seen) -> int:
        strategy = self.strategies[self.ledger.strategy[w]]
        number = self.history.store(seen.energy[w], seen.positions[w], call=self._now, walker=w, strategy=strategy)
        self._found.append(number)
        if len(self.history) == 1:
            self._guard_by(number)
        return number

    def _guard_by(self, number: int) -> None:
        """Bond lengths of a relaxed structure are a better reference than those of the start."""
        system = self.molecule.system
        relaxed = jnp.asarray(self.history.known.positions(number), system.positions.dtype)
        self.walkers = self.walkers.replace(guard=make_guard(system.replace(positions=relaxed), self.molecule.bonds))

    # Ends of tasks

    def _arrive(self, w: int, seen: Seen, minimum: int, *, new: bool) -> None:
        """Feedback of a task that ended in a minimum."""
        ledger, hopping = self.ledger, self.settings.hopping
        name, start, old = self.strategies[ledger.strategy[w]], int(ledger.start[w]), int(ledger.current[w])
        if name == "hopping" and start:
            visits = 0 if new else self.history.visits(minimum) + 1
            ledger.temperature[w] = hopping.next_temperature(ledger.temperature[w], visits, ledger.first_temperature)
        accepted = not old or bool(seen.energy[w] - self.history.known.energy(old) < ledger.window[w])
        if start and minimum != old:
            ledger.window[w] = hopping.next_window(ledger.window[w], accepted=accepted)
            ledger = self.ledger = ledger.replace(hops=ledger.hops + 1, accepted=ledger.accepted + accepted)
        if accepted:
            ledger.current[w] = minimum
        barrier = float(seen.highest[w]) if name in ("hopping", "metadynamics") and start else None
        self.history.hop(Hop(start or None, minimum, self._now, w, name, barrier, accepted))
        ledger.barren[w] = 0 if new else ledger.barren[w] + 1
        ledger.failures[w] = 0
        self._bring_back(w, seen, whole=True)
        self._account(w, seen, found=self.history.worth(seen.energy[w]) if new else 0.0)

    def _fail(self, w: int, seen: Seen, reason: str) -> None:
        """A task that ended in no minimum: cooler next time, and from somewhere else after several."""
        self._set_aside(w, seen, reason)
        ledger = self.ledger
        ledger.temperature[w] = self.settings.hopping.next_temperature(
            ledger.temperature[w], 0, ledger.first_temperature
        )
        ledger.failures[w] += 1
        ledger.barren[w] += PATIENCE // 3
        self._bring_back(w, seen, whole=False)
        self._account(w, seen, found=0.0)

    def _set_aside(self, w: int, seen: Seen, reason: str) -> None:
        strategy = self.strategies[self.ledger.strategy[w]]
        self._reasons.append(reason)
        self.history.landscape.set_aside(
            reason, seen.energy[w], seen.positions[w], call=self._now, walker=w, strategy=strategy
        )
        logger.info("walker %d: %s", w, reason)

    def _account(self, w: int, seen: Seen, *, found: float) -> None:
        """What the task cost, for the scheduler; and whether the flight was accurate, for the next timestep."""
        ledger = self.ledger
        self.chooser.scheduler(ledger).report(int(ledger.strategy[w]), int(seen.calls[w]), found)
        name = self.strategies[ledger.strategy[w]]
        if name in FLIGHTS or (name == "hopping" and ledger.start[w]):
            ledger.timestep[w] = self.settings.hopping.next_timestep(
                ledger.timestep[w], seen.potential_range[w], seen.total_range[w]
            )

    def _bring_back(self, w: int, seen: Seen, *, whole: bool) -> None:
        """The replica that a walker has carried rests where its stretch ended; where it was, if it came to harm."""
        replicas = self.ledger.replicas
        replica = None if replicas is None else replicas.carried_by(w)
        if replicas is None or replica is None or seen.landing is None or seen.landing_energy is None:
            return
        if not whole or not np.isfinite(seen.landing_energy[w]):
            replicas.lose(replica)
            return
        rng = np.random.default_rng([self.settings.seed, self.ledger.tasks, w])
        replicas.land(replica, seen.landing[w], float(seen.landing_energy[w]), rng)

    # New tasks

    def _give_tasks(self, idle: Iterable[int]) -> None:
        """New tasks for idle walkers; others relax further."""
        atoms, dtype = self.molecule.n_atoms, self.molecule.system.positions.dtype
        sheet = TaskSheet(self.settings.walkers, atoms, self.ledger.timestep, thermal=self._thermal)
        for w, pushed in self._go_on.items():
            self.chooser.go_on(w, pushed, self.ledger, sheet)
        for w in idle:
            self.ledger = self.chooser.give(w, self.ledger, sheet)
        if sheet.chosen.any():
            self.walkers = assign(self.walkers, sheet.task(dtype))
