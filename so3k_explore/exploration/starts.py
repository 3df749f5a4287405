"""From tasks to structures near saddles: bands between pairs, ways out of single minima, and the climb that follows."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from so3k_explore.exploration.band import BandState, ElasticBand, broken_bands, relax_bands
from so3k_explore.exploration.basin_hopping import neighbor_distance
from so3k_explore.exploration.curvilinear import StiffDistances
from so3k_explore.exploration.following import Following, FollowState, follow
from so3k_explore.exploration.network import Network
from so3k_explore.exploration.pairing import Task
from so3k_explore.exploration.paths import PathGuesses
from so3k_explore.exploration.saddle_settings import SaddleSearch
from so3k_explore.io.molecule import Molecule
from so3k_explore.observables.hessian import normal_modes
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.guards import Guard
from so3k_explore.simulation.model_hessian import ModelHessian
from so3k_explore.simulation.state import Status
from so3k_explore.system import System, replicate

TURN = 20.0  # degrees, of a torsion along which a minimum is left
PUSH = 0.1  # Å, along a mode, of the atom that moves most
KICKS = (0.1, 1.5)  # of the distance between neighbours: lengths of random displacements of all coordinates together
PEAKS = 3  # highest points of a band that are climbed from
SMALL = 60  # atoms; above, Hessians are exact every few steps only
INTERVAL = 3  # steps between them then

_PROBLEMS = {
    Status.NOT_FINITE: "energy or forces became infinite",
    Status.BOND_CHANGED: "a bond broke or formed",
    Status.EVAPORATED: "an atom or a fragment left the others",
    Status.MAX_STEPS: "no saddle after the largest number of steps",
}


@dataclass(frozen=True, eq=False)
class Start:
    """Where to climb from, for which task."""

    task: Task
    positions: np.ndarray  # (atoms, 3) Å
    direction: np.ndarray  # (atoms, 3) displacement that the followed mode resembles; zero: the lowest mode


class Starts:
    """Makes starts of tasks, and climbs from them."""

    def __init__(
        self,
        potential: Potential,
        molecule: Molecule,
        network: Network,
        settings: SaddleSearch,
        *,
        model: ModelHessian | None,
        guard: Guard | None,
    ) -> None:
        self._potential, self._system, self._settings = potential, molecule.system, settings
        self._network, self._model, self._guard = network, model, guard
        self._torsions = molecule.torsions
        mirror = network.known.identity.chirality == "merge"
        self._guesses = PathGuesses(molecule.numbers, molecule.bonds, mirror=mirror)
        self._band = ElasticBand()
        self._following = Following(
            force_tolerance=settings.force_tolerance,
            hessian_interval=1 if molecule.n_atoms <= SMALL else INTERVAL,
            stiff=StiffDistances.of(model),
        )
        self._modes: dict[int, np.ndarray] = {}  # of minima that were left along some
        self._problems: dict[Task, str] = {}
        self._calls = 0
        self._bands: BandState | None = None
        self._state: FollowState | None = None
        self.positions = np.asarray(molecule.system.positions)[None]  # (walkers, atoms, 3), for those who watch

    @property
    def calls(self) -> int:
        """Force calls so far."""
        return self._calls

    @property
    def state(self) -> FollowState:
        """The walkers of the latest climb."""
        assert self._state is not None
        return self._state

    def problem(self, task: Task) -> str:
        """Why there was nothing to climb from, in words; empty where there was."""
        return self._problems.get(task, "")

    def of(self, tasks: list[Task]) -> Iterator[list[Start] | None]:
        """Yields None while bands relax, and at the end the starts."""
        self._problems = {}
        pairs = [task for task in tasks if task.second is not None]
        starts = [self._out_of(task) for task in tasks if task.second is None]
        if pairs:
            for _ in self._join(pairs):
                yield None
            starts += [start for band, task in enumerate(pairs) for start in self._peaks(band, task)]
        yield starts

    # Pairs

    def _join(self, tasks: list[Task]) -> Iterator[BandState]:
        """Bands of some pairs, always the same number of them at a time."""
        known, count = self._network.known, self._settings.pairs
        padded = [*tasks, *[tasks[-1]] * (count - len(tasks))]
        paths = np.array([self._path(task) for task in padded])
        energies = np.array([[known.energy(minimum) for minimum in task.pair] for task in padded])
        running = np.arange(count) < len(tasks)
        for state in relax_bands(
            self._potential, self._system, paths, energies, self._band, model=self._model, running=running
        ):
            self._bands = state
            self.positions = np.asarray(state.system.positions)
            yield state
        self._calls += int(np.asarray(self._bands.calls).sum()) if self._bands is not None else 0

    def _path(self, task: Task) -> np.ndarray:
        first, second = (self._network.known.positions(minimum) for minimum in task.pair)
        return self._guesses.path(first, second, self._settings.images, task.attempt, self._random(task))

    def _peaks(self, band: int, task: Task) -> list[Start]:
        """The highest points along a band."""
        assert self._bands is not None
        status = Status(int(self._bands.status[band]))
        positions, energies = self._bands.profile(band)
        if status == Status.NOT_FINITE or not np.isfinite(energies).all():
            self._problems[task] = f"the band failed: {_PROBLEMS[Status.NOT_FINITE]}"
            return []
        if broken_bands(self._bands, self._guard)[band]:
            self._problems[task] = "the band failed: a bond broke or formed along it"
            return []
        inner = np.arange(1, len(energies) - 1)
        tops = inner[(energies[inner] >= energies[inner - 1]) & (energies[inner] >= energies[inner + 1])]
        if not len(tops):
            self._problems[task] = "the band has no barrier between its ends"
            return []
        tops = tops[np.argsort(-energies[tops], kind="stable")][:PEAKS]
        return [Start(task, positions[k], positions[k + 1] - positions[k - 1]) for k in tops]

    # Single minima

    def _out_of(self, task: Task) -> Start:
        """A structure beside a minimum, and the direction in which it was left."""
        strategy, which = task.method.split()
        minimum = self._network.known.positions(task.first)
        if strategy == "kicks":
            return self._kicked(task, minimum)
        rank, sign = int(which[:-1]) - 1, 1.0 if which.endswith("+") else -1.0
        if strategy == "torsions":
            turned = self._guesses.turned_about(minimum, self._torsions[rank], sign * TURN)
            ahead = self._guesses.turned_about(turned, self._torsions[rank], sign * 1.0)
            return Start(task, turned, ahead - turned)
        mode = sign * self._modes_of(task.first)[rank]
        return Start(task, minimum + PUSH * mode / np.linalg.norm(mode, axis=1).max(), mode)

    def _kicked(self, task: Task, minimum: np.ndarray) -> Start:
        """All atoms displaced at random, near or far; half of the kicks go on in their direction."""
        rng = self._random(task)
        kick = rng.normal(size=minimum.shape)
        kick *= rng.uniform(*KICKS) * neighbor_distance(minimum) / np.linalg.norm(kick)
        return Start(task, minimum + kick, kick if rng.random() < 0.5 else np.zeros_like(kick))

    def _modes_of(self, minimum: int) -> np.ndarray:
        if minimum not in self._modes:
            positions = jnp.asarray(self._network.known.positions(minimum), self._system.positions.dtype)
            found = normal_modes(self._potential, self._system.replace(positions=positions))
            self._modes[minimum] = found.modes[: self._settings.modes]
            self._calls += 3 * self._system.n_atoms
        return self._modes[minimum]

    def _random(self, task: Task) -> np.random.Generator:
        """Random numbers that belong to the task, whenever it is done."""
        text = f"{self._settings.seed} {task.first} {task.second} {task.method} {task.attempt}"
        return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))

    # Climbing

    def climb(self, starts: list[Start]) -> Iterator[FollowState]:
        """Follows modes from some starts, always the same number of walkers at a time."""
        count = self._settings.walkers
        padded = [*starts, *[starts[-1]] * (count - len(starts))]
        systems: System = replicate(self._system, count)
        stacked: Any = np.array([start.positions for start in padded])
        systems = systems.replace(positions=jnp.asarray(stacked, systems.positions.dtype))
        directions = np.array([start.direction for start in padded])
        running = np.arange(count) < len(starts)
        for state in follow(self._potential, systems, directions, self._following, running=running, guard=self._guard):
            self._state = state
            self.positions = np.asarray(state.system.positions)
            yield state
        self._calls += int(np.asarray(self.state.calls).sum())

    def climbing_problem(self, walker: int) -> str | None:
        """Why a walker of the latest climb found nothing, in words; None if it found something."""
        status = Status(int(self.state.status[walker]))
        return None if status == Status.CONVERGED else _PROBLEMS[status]
