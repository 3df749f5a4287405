"""Runs that work on the landscape of a search: saddles between its minima, reference checks, vibrations.

Everything they find is written into that landscape as it is found, so the landscape is their memory: a run that is
resumed looks at what is missing. Of their own they keep only how much they have done. A lock beside the landscape sees
to it that one run writes at a time, be it the search or one of these.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from so3k_explore.exploration import Landscape
from so3k_explore.exploration.recheck import recheck, stored_recheck
from so3k_explore.exploration.saddle_settings import SaddleSearch
from so3k_explore.exploration.saddles import SaddleState, find_saddles
from so3k_explore.exploration.vibrations import MINIMUM, SADDLE, stored_frequencies, vibrations
from so3k_explore.io.molecule import Molecule
from so3k_explore.io.reference import reference_calculator
from so3k_explore.jobs.frames import LiveFrame
from so3k_explore.jobs.loading import model_name
from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.settings import RecheckSettings, SaddlesSettings, VibrationsSettings
from so3k_explore.jobs.store import Lock, RunFolder, StoreError, read_json, write_atomic
from so3k_explore.jobs.task import Context, Outcome

PATIENCE = 5.0  # s that a run waits for another one to let go of the landscape
CHUNK = 4  # structures whose vibrations are computed between two looks at the wishes


def landscape_lock(folder: RunFolder, patience: float | int | None = None) -> Lock:
    """The right to write the landscape of a run.

    Raises:
        StoreError: another run has it.
    """
    lock = Lock(folder.path / "landscape.lock")
    if not lock.acquire(PATIENCE if patience is None else patience):
        raise StoreError(
            f"Another run is writing the landscape of {folder.path.name}. Wait until it has ended or stop it, then "
            "try again."
        )
    return lock


class LandscapeTask:
    """What these runs have in common. `_work` does a little at a time, and yields after each bit."""

    time_fs = 0.0
    walkers = 1
    total: int | None = None

    def __init__(self, context: Context) -> None:
        settings: Any = context.settings
        self._context, self.settings = context, settings
        self._target = RunFolder(context.folder.path.parent / settings.landscape)
        if not self._target.landscape.exists():
            raise StoreError(
                f"The run {settings.landscape} has no landscape here. It was deleted, or never found a minimum; "
                "restore it, or start this from another search."
            )
        self._lock: Lock | None = None
        self.landscape = Landscape.open(self._target.landscape, create=False)
        self._before = int((read_json(context.folder.path / "progress.json") or {}).get("step", 0))
        self._done = 0
        self._finished: str | None = None
        self._positions = np.asarray(context.molecule.positions, np.float32)[None]
        self._bits: Iterator[None] = iter(())

    @property
    def step(self) -> int:
        """How much has been done, in force calls or structures, earlier times included."""
        return self._before + self._done

    @property
    def calls(self) -> int:
        """As `step`."""
        return self.step

    @property
    def progress(self) -> float | None:
        """Unknown unless a kind knows."""
        return None

    def begin(self) -> None:
        """From here on the landscape tells what is left to do."""
        self._lock = landscape_lock(self._target)
        self._prepare()
        self._bits = self._work()
        self.save()

    def advance(self, seconds: float) -> None:
        """Bits of work for about `seconds`, at least one."""
        end = time.monotonic() + seconds
        while self._finished is None:
            if next(self._bits, self) is self:
                self._finished = self._finished or self._sentence()
            if time.monotonic() > end:
                return

    def apply(self, settings: Settings) -> None:
        """Nothing can be changed."""

    def outcome(self) -> Outcome | None:
        """Done when nothing is left, failed when the landscape is gone."""
        if not self._target.landscape.exists():
            return Outcome("failed", "The run whose landscape this works on was deleted. Restore it, then resume.")
        return None if self._finished is None else Outcome("done", f"{self._finished[0].upper()}{self._finished[1:]}.")

    def live(self) -> LiveFrame:
        """The structures that are being worked on."""
        return LiveFrame(self.step, 0.0, self._positions, {})

    def details(self) -> dict[str, Any]:
        """What is in the landscape by now."""
        return {}

    def flush(self) -> None:
        """There is nothing that waits."""

    def save(self) -> None:
        """How much was done; results are in the landscape already."""
        write_atomic(self._context.folder.path / "progress.json", f'{{"step": {self.step}}}'.encode())
        self._context.folder.checkpoint.touch()

    def close(self) -> None:
        """Lets others work on the landscape."""
        self.landscape.close()
        if self._lock is not None:
            self._lock.release()

    def _prepare(self) -> None:
        """Loads what is needed."""

    def _work(self) -> Iterator[None]:
        raise NotImplementedError

    def _sentence(self) -> str:
        """What was done, in words."""
        raise NotImplementedError

    def _show(self, positions: Any) -> None:
        self._positions = np.asarray(positions, np.float32).reshape(-1, *self._positions.shape[1:])


class SaddlesTask(LandscapeTask):
    """A search for saddles. Its steps are force calls."""

    settings: SaddlesSettings
    _state: SaddleState | None = None

    def _prepare(self) -> None:
        self._context.say(f"Compiling the search for saddles of {self._context.molecule.n_atoms} atoms.")
        self.walkers = self.settings.walkers

    @property
    def progress(self) -> float | None:
        """How near it is to the nearer of its limits."""
        state, settings = self._state, self.settings
        if state is None:
            return None
        limits = [(state.n_saddles, settings.saddles), (self.step, settings.max_calls)]
        shares = [count / limit for count, limit in limits if limit]
        shares += [state.connected / settings.connected] if settings.connected else []
        return min(1.0, max(shares)) if shares else None

    def details(self) -> dict[str, Any]:
        state = self._state
        if state is None:
            return {}
        return {
            "n_saddles": state.n_saddles,
            "n_minima": state.n_minima,
            "connected": state.connected,
            "phase": f"{state.phase} ({state.strategy})" if state.strategy else state.phase,
            "tried": state.tried,
        }

    def _work(self) -> Iterator[None]:
        values = {name: value for name, value in self.settings.to_json().items() if name != "landscape"}
        if values["max_calls"] is not None:
            values["max_calls"] = max(1, values["max_calls"] - self._before)
        search = SaddleSearch(**values)
        model = model_name(self._context.job)
        for state in find_saddles(self._context.potential, self._molecule(), self.landscape, search, model):
            self._state, self._done = state, state.calls
            if len(state.positions):
                self._show(state.positions)
            for number in state.found:
                self._context.note("saddle", f"New saddle {number}.", saddle=number, step=self.step)
            if state.finished:
                self._finished = state.finished
                return
            yield

    def _molecule(self) -> Molecule:
        molecule = self._context.molecule
        dtype = jnp.float64 if self._context.job.precision == "float64" else jnp.float32
        return molecule.replace(system=molecule.system.astype(dtype))

    def _sentence(self) -> str:
        return "nothing is left to try"


class _EachTask(LandscapeTask):
    """Goes through structures of the landscape one after the other. Its steps are structures."""

    _todo: Sequence[tuple[str, int]] = ()

    @property
    def progress(self) -> float | None:
        """Share of the structures."""
        return self._done / len(self._todo) if self._todo else None

    def _prepare(self) -> None:
        self._todo = self._find_todo()
        self.total = self.step + len(self._todo)

    def _find_todo(self) -> list[tuple[str, int]]:
        """Kinds and numbers of the structures."""
        raise NotImplementedError

    def _lowest(self, kind: str, most: int | None) -> list[int]:
        """Numbers of minima or saddles, the lowest first."""
        points = self.landscape.minima() if kind == MINIMUM else self.landscape.saddles()
        return points.ids[np.lexsort((points.ids, points.energies))][:most].tolist()


class RecheckTask(_EachTask):
    """Minima relaxed again, and saddles evaluated, with a reference method."""

    settings: RecheckSettings

    def _find_todo(self) -> list[tuple[str, int]]:
        reference_calculator(self.settings.method)  # refuses before anything is begun
        found = []
        for kind, most in ((MINIMUM, self.settings.minima), (SADDLE, self.settings.saddles)):
            known = stored_recheck(self.landscape, self.settings.method, kind)
            done = set(known.ids[known.fine].tolist())
            found += [(kind, number) for number in self._lowest(kind, most) if number not in done]
        return found

    def _work(self) -> Iterator[None]:
        options = {"force_tolerance": self.settings.force_tolerance, "max_steps": self.settings.max_steps}
        for kind, number in self._todo:
            found = recheck(self.landscape, [number], self.settings.method, kind=kind, **options)
            self._show(found.positions[:1])
            if found.problems[0]:
                self._context.note("recheck", f"{kind.capitalize()} {number}: {found.problems[0]}.", number=number)
            self._done += 1
            yield

    def _sentence(self) -> str:
        found = stored_recheck(self.landscape, self.settings.method)
        return f"{int(found.fine.sum())} minima checked with {self.settings.method}"


class VibrationsTask(_EachTask):
    """Frequencies of minima and saddles, for free energies and rates."""

    settings: VibrationsSettings

    def _find_todo(self) -> list[tuple[str, int]]:
        found = []
        for kind, most in ((MINIMUM, self.settings.minima), (SADDLE, None)):
            done = stored_frequencies(self.landscape, kind)
            found += [(kind, number) for number in self._lowest(kind, most) if number not in done]
        self._context.say(f"Compiling second derivatives of {self._context.molecule.n_atoms} atoms.")
        return found

    def _work(self) -> Iterator[None]:
        for start in range(0, len(self._todo), CHUNK):
            some = self._todo[start : start + CHUNK]
            for kind in (MINIMUM, SADDLE):
                numbers = [number for which, number in some if which == kind]
                if numbers:
                    vibrations(self.landscape, kind, self._context.potential, numbers)
            self._done += len(some)
            yield

    def _sentence(self) -> str:
        counts = [len(stored_frequencies(self.landscape, kind)) for kind in (MINIMUM, SADDLE)]
        return f"frequencies of {counts[0]} minima and {counts[1]} saddles are stored"


TASKS: dict[str, type[LandscapeTask]] = {"saddles": SaddlesTask, "recheck": RecheckTask, "vibrations": VibrationsTask}
"""Task of each kind of run that works on a landscape."""
