"""Runs of the search for minima: many walkers, one landscape."""

import time
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from so3k_explore.exploration import Landscape, MinimaSearch, SearchState, explore_minima, initial_search
from so3k_explore.exploration.coverage import estimate_coverage
from so3k_explore.exploration.identity import Identity
from so3k_explore.exploration.walker_state import Walkers
from so3k_explore.io.checkpoints import load_checkpoint, read_metadata, save_checkpoint
from so3k_explore.io.molecule import Molecule
from so3k_explore.jobs.frames import LiveFrame
from so3k_explore.jobs.loading import model_name
from so3k_explore.jobs.on_landscape import landscape_lock
from so3k_explore.jobs.series import SeriesWriter
from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.settings import MinimaSettings
from so3k_explore.jobs.store import Lock
from so3k_explore.jobs.task import Context, Outcome

INTERVAL = 0.1  # s between two live frames within a block at least


class MinimaTask:
    """A search for minima. Its steps are force calls, all walkers together."""

    time_fs = 0.0

    def __init__(self, context: Context) -> None:
        assert isinstance(context.settings, MinimaSettings)
        self.settings: MinimaSettings = context.settings
        self._context = context
        self._lock: Lock | None = None
        self._landscape = Landscape.open(context.folder.landscape)
        self._lowest = float("nan")
        self._shown = 0.0
        self._state = initial_search(context.potential, self._molecule(), self._search(), self._landscape)
        self._states: Iterator[SearchState]
        self._series: SeriesWriter

    @property
    def step(self) -> int:
        """Force calls."""
        return int(self._state.calls)

    @property
    def calls(self) -> int:
        """Force calls."""
        return self.step

    @property
    def total(self) -> int | None:
        """Force calls allowed."""
        return self.settings.max_calls

    @property
    def walkers(self) -> int:
        """Walkers."""
        return self.settings.walkers

    @property
    def progress(self) -> float | None:
        """How near it is to the nearer of its limits."""
        state, settings = self._state, self.settings
        limits = [
            *((state.n_minima, settings.minima), (self.step, settings.max_calls)),
            (state.seconds / 60, settings.minutes),
        ]
        shares = [count / limit for count, limit in limits if limit]
        return min(1.0, max(shares)) if shares else None

    def begin(self) -> None:
        """A new search, or the one of the checkpoint."""
        folder = self._context.folder
        self._lock = landscape_lock(folder)
        resumed = folder.checkpoint.exists()
        if resumed:
            seconds = float(read_metadata(folder.checkpoint).get("seconds", 0.0))
            self._state = load_checkpoint(folder.checkpoint, self._state).replace(seconds=seconds)
        self._context.say(f"Compiling the search for {self._context.molecule.n_atoms} atoms.")
        self._series = SeriesWriter(folder.series, self.step if resumed else None)
        self._continue(self._state if resumed else None)
        self._find_lowest()
        if not resumed:
            self.save()

    def advance(self, seconds: float) -> None:
        """Blocks of force calls for about `seconds`, at least one."""
        end = time.monotonic() + seconds
        while self.outcome() is None:
            state = next(self._states, None)
            if state is None:  # the limits were reached before the first block
                self._state = self._state.replace(finished=f"found {self._state.n_minima} minima")
                return
            self._take(state)
            if time.monotonic() > end:
                return

    def apply(self, settings: Settings) -> None:
        """Goes on with other limits, temperature or number of walkers."""
        assert isinstance(settings, MinimaSettings)
        self.settings = settings
        self._continue(self._state.replace(finished=None))

    def outcome(self) -> Outcome | None:
        """Done when a limit is reached."""
        finished = self._state.finished
        return None if finished is None else Outcome("done", f"{finished[0].upper()}{finished[1:]}.")

    def live(self) -> LiveFrame:
        """Where the walkers are."""
        state = self._state
        scalars = {"energy": np.asarray(state.energies, float), "temperature": np.asarray(state.temperatures, float)}
        return LiveFrame(self.step, 0.0, np.asarray(state.positions, np.float32), scalars)

    def details(self) -> dict[str, Any]:
        """What was found, and how well it goes."""
        state = self._state
        coverage = estimate_coverage(list(self._landscape.visits().values()))
        return {
            "n_minima": int(state.n_minima),
            "estimated_minima": [round(number, 1) for number in (coverage.estimated_minima, *coverage.interval)],
            "unseen_probability": coverage.unseen_probability,
            "lowest_energy": _number(self._lowest),
            "acceptance": _number(state.acceptance),
            "fill": float(state.fill),
            "temperature": self.settings.temperature,
            "phases": list(state.phases),
            "strategies": list(state.walker_strategies),
        }

    def flush(self) -> None:
        """Brings numbers to the disk."""
        self._series.flush()

    def save(self) -> None:
        """Checkpoint of the search; the minima it speaks of are on the disk before it is."""
        self._series.flush()
        self._landscape.storage.sync()
        spent = {"step": self.step, "seconds": self._state.seconds}
        save_checkpoint(self._context.folder.checkpoint, self._state, kind="minima", **spent)

    def close(self) -> None:
        """Closes the landscape."""
        self._landscape.close()
        if self._lock is not None:
            self._lock.release()

    def _molecule(self) -> Molecule:
        molecule = self._context.molecule
        dtype = jnp.float64 if self._context.job.precision == "float64" else jnp.float32
        return molecule.replace(system=molecule.system.astype(dtype))

    def _search(self) -> MinimaSearch:
        values = self.settings.to_json()
        identity = Identity(chirality=values.pop("chirality"))
        return MinimaSearch(**values, identity=identity)

    def _continue(self, state: SearchState | None) -> None:
        self._states = explore_minima(
            self._context.potential,
            self._molecule(),
            self._search(),
            self._landscape,
            state,
            self._watch,
            model=model_name(self._context.job),
        )

    def _watch(self, walkers: Walkers) -> None:
        """Shows the walkers while a block is going on."""
        if time.monotonic() - self._shown > INTERVAL:
            self._shown = time.monotonic()
            positions, energy = np.asarray(walkers.system.positions, np.float32), np.asarray(walkers.energy, float)
            self._context.show(LiveFrame(self.step, 0.0, positions, {"energy": energy}))

    def _take(self, state: SearchState) -> None:
        self._state = state
        for reason in state.set_aside:
            self._context.note("set-aside", f"A structure was set aside: {reason}.", step=self.step)
        if state.found:
            self._find_lowest()
            what = "minimum" if len(state.found) == 1 else "minima"
            numbers = ", ".join(map(str, state.found))
            self._context.note("minima", f"New {what} {numbers}.", minima=list(state.found), step=self.step)
        self._series.append(
            self.step,
            0.0,
            n_minima=state.n_minima,
            lowest_energy=self._lowest,
            acceptance=state.acceptance,
            fill=state.fill,
        )

    def _find_lowest(self) -> None:
        """Of what this search knows: what a killed one had found later does not count yet."""
        minima = self._landscape.minima()
        energies = minima.energies[minima.calls <= self._state.first_call + self.step]
        self._lowest = float(energies.min()) if len(energies) else float("nan")


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if np.isfinite(value) else None
