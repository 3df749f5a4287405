"""The search for saddles between the minima of a landscape, and the network that they make of it.

Every round takes the next tasks (`pairing`). Pairs of minima are joined by elastic bands (`band`) along first guesses
(`paths`), whose highest points are the starts of eigenvector following (`following`); single minima are left along
torsions, modes or at random. Whatever it ends in is verified (`passes`): one imaginary frequency, and two ends that are
minima of the landscape or become some. A task that fails, fails alone and with a reason; all that was tried is in the
landscape, so a search that is interrupted goes on where it was.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from so3k_explore.exploration.identity_record import recorded_identity
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.model_record import check_minimum, claim
from so3k_explore.exploration.network import Network
from so3k_explore.exploration.pairing import Task, propose
from so3k_explore.exploration.passes import Descent, End, Saddle, verified
from so3k_explore.exploration.records import Attempt
from so3k_explore.exploration.saddle_settings import SaddleSearch
from so3k_explore.exploration.search import check_molecule
from so3k_explore.exploration.starts import Start, Starts
from so3k_explore.exploration.state import SearchError
from so3k_explore.io.molecule import Molecule
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.guards import make_guard
from so3k_explore.simulation.model_hessian import model_hessian
from so3k_explore.system import System

Outcome = tuple[int | None, str]  # number of a saddle or None, and a remark or the reason


@dataclass(frozen=True, eq=False)
class SaddleState:
    """A search for saddles between two compiled calls."""

    phase: str  # "joining", "climbing", "descending" or "resting"
    strategy: str  # of the tasks in hand
    calls: int  # force calls of this search
    tried: int  # tasks finished by this search
    n_saddles: int
    n_minima: int
    connected: float  # fraction of the minima that hang together
    positions: np.ndarray  # (walkers, atoms, 3) where the search is, Å
    found: tuple[int, ...] = ()  # saddles new since the last state
    failures: tuple[str, ...] = ()  # reasons of tasks that failed since the last state
    finished: str | None = None  # why the search ended, in words; None: it goes on


def find_saddles(
    potential: Potential,
    molecule: Molecule,
    landscape: Landscape,
    settings: SaddleSearch | None = None,
    model: str = "",
) -> Iterator[SaddleState]:
    """Yields a state after every few steps, until nothing is left to try, a limit is reached, or the caller stops.

    Saddles, and minima found on the way, appear in `landscape` as they are found. A search of a landscape in which
    another search has been continues that one. Use double precision: forces at saddles of flexible molecules must be
    small, and soft modes are told from negative ones by their second derivatives.

    Args:
        potential: the one that the minima were found with.
        molecule: whose landscape this is.
        landscape: with at least one minimum.
        settings: see `SaddleSearch`.
        model: name of the potential, kept in the landscape.

    Raises:
        ValueError: the molecule cannot be explored.
        LandscapeError: the landscape belongs to another molecule, or was made with another model.
        SearchError: the landscape has no minima, or its energies are those of another potential.
    """
    check_molecule(potential, molecule)
    landscape.bind(molecule)
    claim(landscape, potential, model)
    yield from _Engine(potential, molecule, landscape, settings or SaddleSearch()).run()


class _Engine:
    """One search."""

    def __init__(self, potential: Potential, molecule: Molecule, landscape: Landscape, settings: SaddleSearch) -> None:
        self.landscape, self.settings = landscape, settings
        self.network = Network(landscape, settings.identity or recorded_identity(landscape), settings.energy_window)
        _check_minima(potential, molecule, self.network)
        self._molecule = molecule
        lowest = _at(molecule, self.network, self.network.minima[0])
        guard = make_guard(lowest, molecule.bonds)
        model = model_hessian(molecule.system, molecule.bonds)
        self._potential = potential
        self._starts = Starts(potential, molecule, self.network, settings, model=model, guard=guard)
        self._descent = Descent(
            potential,
            molecule.system,
            2 * settings.walkers,
            0.5 * settings.force_tolerance,
            model=model,
            guard=guard,
            find=self.network.known.find,
        )
        self._first_call, self._tried = landscape.calls, 0
        self._strategy = ""
        self._found: list[int] = []
        self._failures: list[str] = []

    @property
    def calls(self) -> int:
        """Force calls of this search."""
        return self._starts.calls + self._descent.calls

    def run(self) -> Iterator[SaddleState]:
        """Rounds of tasks."""
        torsions, modes = len(self._molecule.torsions), 3 * self._molecule.n_atoms - 6
        while (finished := self._limit_reached()) is None:
            tasks = propose(self.network, self.settings, torsions, modes, self.settings.pairs)
            if not tasks:
                finished = "nothing is left to try"
                break
            if tasks[0].second is None:
                tasks = propose(self.network, self.settings, torsions, modes, self.settings.walkers)
            self._strategy = tasks[0].method.split()[0]
            yield from self._round(tasks)
        yield self._state("resting", finished=finished)

    def _round(self, tasks: list[Task]) -> Iterator[SaddleState]:
        starts: list[Start] = []
        for found in self._starts.of(tasks):
            if found is None:
                yield self._state("joining")
            else:
                starts = found
        outcomes: dict[Task, list[Outcome]] = {task: [] for task in tasks}
        for first in range(0, len(starts), self.settings.walkers):
            yield from self._climb(starts[first : first + self.settings.walkers], outcomes)
        with self.landscape.transaction():
            for task in tasks:
                self._note(task, outcomes[task] or [(None, self._starts.problem(task))])
        self._tried += len(tasks)
        yield self._state("resting")

    def _climb(self, starts: list[Start], outcomes: dict[Task, list[Outcome]]) -> Iterator[SaddleState]:
        """Follows modes from some starts, and stores the saddles that this finds."""
        for _ in self._starts.climb(starts):
            yield self._state("climbing")
        verdicts: list[tuple[Task, Saddle | str]] = []
        for walker, start in enumerate(starts):
            reason = self._starts.climbing_problem(walker)
            verdicts.append((start.task, reason or verified(self._potential, self._starts.state, walker)))
        new = [saddle for _, saddle in verdicts if isinstance(saddle, Saddle) and self._known(saddle) is None]
        ends: list[tuple[End, End]] = []
        for done in self._descent.ends(new) if new else ():
            if done is None:
                yield self._state("descending")
            else:
                ends = done
        joined = {id(saddle): pair for saddle, pair in zip(new, ends, strict=True)}
        with self.landscape.transaction():
            for task, verdict in verdicts:
                is_saddle = isinstance(verdict, Saddle)
                outcome = self._stored(verdict, joined.get(id(verdict))) if is_saddle else (None, verdict)
                outcomes[task].append(outcome)

    def _known(self, saddle: Saddle) -> int | None:
        return self.network.saddles.find(saddle.energy, saddle.positions)

    def _stored(self, saddle: Saddle, ends: tuple[End, End] | None) -> Outcome:
        """Writes a saddle and its ends down, unless it is known by now."""
        known = self._known(saddle)
        if known is not None or ends is None:
            return known, "a saddle that was known"
        minima = [self._minimum(end) for end in ends]
        problems = [end.problem for end, number in zip(ends, minima, strict=True) if number is None]
        if problems:
            reason = f"a saddle with an end that is no minimum: {problems[0]}"
            self.landscape.set_aside(reason, saddle.energy, saddle.positions, call=self._now, strategy="saddles")
            return None, reason
        first, second = sorted(number for number in minima if number is not None)
        number = self.landscape.add_saddle(
            first,
            second,
            saddle.energy,
            saddle.positions,
            frequency=saddle.frequency,
            call=self._now,
            method=self._strategy,
        )
        self.network.add_saddle(number, (first, second), saddle.energy, saddle.positions)
        self._found.append(number)
        return number, ""

    def _minimum(self, end: End) -> int | None:
        """Number of the minimum at an end, which is stored if it is new; None where there is none."""
        if end.problem:
            return None
        known = self.network.known.find(end.energy, end.positions)
        if known is not None:
            return known
        number = self.landscape.add(end.energy, end.positions, call=self._now, strategy="saddles")
        self.network.add_minimum(number, end.energy, end.positions)
        return number

    def _note(self, task: Task, outcomes: list[Outcome]) -> None:
        """Writes an attempt down, with the best of what came of it."""
        joins = lambda number: number is not None and self.network.links[number] == (task.first, task.second)
        saddle, reason = min(outcomes, key=lambda outcome: (not joins(outcome[0]), outcome[0] is None))
        if saddle is not None and task.second is not None and not joins(saddle):
            first, second = self.network.links[saddle]
            reason = f"a saddle between {first} and {second} instead"
        attempt = Attempt(task.first, task.second, self._now, task.method, saddle, reason)
        self.landscape.add_attempt(attempt)
        self.network.add_attempt(attempt)
        if saddle is None:
            self._failures.append(reason)

    @property
    def _now(self) -> int:
        """Force calls that were made for this landscape."""
        return self._first_call + self.calls

    def _limit_reached(self) -> str | None:
        settings, network = self.settings, self.network
        if settings.saddles is not None and len(network.saddles) >= settings.saddles:
            return f"found {len(network.saddles)} saddles"
        if settings.max_calls is not None and self.calls >= settings.max_calls:
            return f"used {self.calls} force calls"
        if settings.connected is not None and network.connected >= settings.connected:
            return f"{network.connected:.0%} of the minima hang together"
        return None

    def _state(self, phase: str, finished: str | None = None) -> SaddleState:
        state = SaddleState(
            phase=phase,
            strategy=self._strategy,
            calls=self.calls,
            tried=self._tried,
            n_saddles=len(self.network.saddles),
            n_minima=len(self.network.known),
            connected=self.network.connected,
            positions=self._positions(phase),
            found=tuple(self._found),
            failures=tuple(self._failures),
            finished=finished,
        )
        self._found, self._failures = [], []
        return state

    def _positions(self, phase: str) -> np.ndarray:
        if phase == "descending" and self._descent.state is not None:
            return np.asarray(self._descent.state.system.positions)
        return self._starts.positions


def _check_minima(potential: Potential, molecule: Molecule, network: Network) -> None:
    """Refuses landscapes that are empty, or that another potential was used for."""
    if not network.minima:
        raise SearchError("The landscape has no minima yet. Search for some first: `so3k explore`.")
    lowest = network.minima[0]
    check_minimum(potential, _at(molecule, network, lowest), lowest, network.known.energy(lowest))


def _at(molecule: Molecule, network: Network, minimum: int) -> System:
    positions = jnp.asarray(network.known.positions(minimum), molecule.system.positions.dtype)
    return molecule.system.replace(positions=positions)
