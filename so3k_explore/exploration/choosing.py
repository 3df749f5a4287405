"""What idle walkers do next: which minimum they start from, which strategy they follow, how they leave.

Every task has a stream of random numbers of its own, so that a search that is resumed chooses the same.
"""

import numpy as np

from so3k_explore import units
from so3k_explore.exploration.departures import FLIGHTS, biased_flight, stretch
from so3k_explore.exploration.history import History
from so3k_explore.exploration.proposals import Proposals
from so3k_explore.exploration.scheduler import Scheduler
from so3k_explore.exploration.settings import MinimaSearch
from so3k_explore.exploration.state import Ledger
from so3k_explore.exploration.tasks import Flight, TaskSheet
from so3k_explore.io.molecule import Molecule

STAGES = (5.0, 1.0, 0.2)  # forces at which relaxations stop to be looked at, in units of the tolerance
PATIENCE = 12  # tasks without a new minimum until a walker jumps elsewhere
FRESH = 0.05  # share of the random structures where a walker stays, however high they lie


class TaskChooser:
    """Chooses the tasks of one search."""

    def __init__(
        self, molecule: Molecule, settings: MinimaSearch, strategies: tuple[str, ...], history: History
    ) -> None:
        self.settings, self.strategies, self.history = settings, strategies, history
        mirrored = settings.identity.chirality == "merge"
        self.proposals = Proposals(molecule, mirrored=mirrored, amides=settings.amides)

    def give(self, w: int, ledger: Ledger, sheet: TaskSheet) -> Ledger:
        """Writes a new task for walker `w` on the sheet, and into the ledger, which it returns."""
        known = self.history.known
        rng = np.random.default_rng([self.settings.seed, ledger.tasks])
        ledger = ledger.replace(tasks=ledger.tasks + 1)
        ledger.stage[w], ledger.pushes[w], ledger.start[w] = 0, 0, 0
        if not len(known):
            ledger.strategy[w] = self.strategies.index("seeds") if "seeds" in self.strategies else 0
            first = w == 0 and ledger.failures[w] == 0
            begin = self.proposals.start if first else self.proposals.seed(None, self._near(ledger), rng)
            self._propose(w, begin, ledger, sheet)
            return ledger
        if ledger.current[w] == 0 or ledger.barren[w] >= PATIENCE:
            ledger.current[w], ledger.barren[w] = self.history.elsewhere(rng), 0
        ledger.strategy[w] = self.scheduler(ledger).choose(rng)
        name = self.strategies[ledger.strategy[w]]
        if name not in ("seeds", "tempering"):
            ledger.start[w] = ledger.current[w]
        self._leave(w, name, ledger, sheet, rng)
        if name == "seeds" and rng.random() < FRESH:
            ledger.current[w] = 0  # wherever it arrives, it goes on from there
        return ledger

    def go_on(self, w: int, pushed: np.ndarray | None, ledger: Ledger, sheet: TaskSheet) -> None:
        """Lets walker `w` relax to its next stage, or anew from where it was pushed (Å)."""
        tolerance = self.settings.force_tolerance
        if pushed is None:
            sheet.relax_further(w, STAGES[ledger.stage[w]] * tolerance)
        else:
            sheet.relax(w, pushed, STAGES[0] * tolerance)

    def scheduler(self, ledger: Ledger) -> Scheduler:
        """Chances of the strategies by the counts of the ledger, which it changes in place."""
        return Scheduler(self.strategies, ledger.strategy_calls, ledger.strategy_tasks, ledger.strategy_found)

    def _near(self, ledger: Ledger) -> np.ndarray:
        """Descriptions of what a proposal should not resemble: known minima, and the proposals before it."""
        proposed = ledger.proposed[np.isfinite(ledger.proposed).all(axis=1)]
        return np.concatenate([self.proposals.novelty.minima(self.history.known), proposed])

    def _propose(self, w: int, positions: np.ndarray, ledger: Ledger, sheet: TaskSheet) -> None:
        """Walker `w` relaxes from these positions (Å), which are remembered."""
        ledger.proposed[ledger.tasks % len(ledger.proposed)] = self.proposals.novelty.describe(positions)
        sheet.relax(w, positions, STAGES[0] * self.settings.force_tolerance)

    def _leave(self, w: int, name: str, ledger: Ledger, sheet: TaskSheet, rng: np.random.Generator) -> None:
        """The way of strategy `name` out of the minimum where walker `w` is."""
        known, tolerance = self.history.known, STAGES[0] * self.settings.force_tolerance
        current = int(ledger.current[w])
        positions = known.positions(current)
        if name in FLIGHTS:
            sheet.fly_at(w, self._flight(name, w, ledger, rng), tolerance)
            return
        if name != "hopping":
            self._propose(w, self.proposals.move(name, positions, self._near(ledger), rng), ledger, sheet)
            return
        kinetic = 0.5 * max(positions.size - 6, 1) * units.KB * ledger.temperature[w]
        sheet.fly(w, positions, known.energy(current), self.proposals.direction(positions, rng), kinetic, tolerance)

    def _flight(self, name: str, w: int, ledger: Ledger, rng: np.random.Generator) -> Flight:
        """A flight at a temperature out of the minimum where walker `w` is."""
        known, current = self.history.known, int(ledger.current[w])
        positions, energy = known.positions(current), known.energy(current)
        if name == "tempering" and ledger.replicas is not None:
            replica = ledger.replicas.pick(w)
            return stretch(ledger.replicas, replica, positions, energy, ledger.tasks, rng)
        return biased_flight(positions, energy, ledger.first_temperature, ledger.tasks, rng)
