"""Runs that improve a model: explore, label what it knows least, learn again (`training.loop`)."""

import dataclasses
import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore.io.datasets import Dataset
from so3k_explore.io.molecule import Molecule
from so3k_explore.jobs.frames import LiveFrame, first_frame
from so3k_explore.jobs.job import fingerprint
from so3k_explore.jobs.learning_settings import LoopSettings
from so3k_explore.jobs.series import SeriesWriter
from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.store import read_json, write_atomic
from so3k_explore.jobs.task import Context, Outcome
from so3k_explore.jobs.training import TRAINING, VALIDATION, check_same
from so3k_explore.jobs.training_inputs import active_learning, architecture_of, explored, read_data, start_info
from so3k_explore.training.loop import learn_actively, save_fit
from so3k_explore.training.rounds import DONE, FITTING, LoopState, Round

MILLI = 1000.0  # eV → meV
NEXT = "next"  # phase between two rounds


class LoopTask:
    """Rounds of active learning. Its steps are those of all fits; its files are those of `training.loop`."""

    time_fs = 0.0

    def __init__(self, context: Context) -> None:
        assert isinstance(context.settings, LoopSettings)
        self.settings: LoopSettings = context.settings
        self._context = context
        self._data: Dataset
        self._molecules: list[Molecule]
        self._state = LoopState(FITTING, 0, self.settings.steps, (), self.settings.rounds, first=True)
        self._dataset = ""  # fingerprint of the data
        self._states: Iterator[LoopState] = iter(())
        self._series: SeriesWriter | None = None
        self._live = first_frame(context.molecule, self.settings.walkers)
        self._errors: dict[str, float | None] = {}
        self._began = time.monotonic()
        self._before = 0.0  # s of work in earlier sessions
        self._finished = False

    @property
    def step(self) -> int:
        """Batches of all fits."""
        state = self._state
        return state.fits * self.settings.steps + (state.done if state.phase == FITTING else 0)

    @property
    def calls(self) -> int:
        """As `step`."""
        return self.step

    @property
    def total(self) -> int:
        """Batches to do, of the fit before the rounds and of one in each."""
        return (self.settings.rounds + 1) * self.settings.steps

    @property
    def progress(self) -> float:
        """Share of the work that is done."""
        return self._state.progress

    @property
    def walkers(self) -> int:
        """That explore."""
        return self.settings.walkers

    def begin(self) -> None:
        """Reads the data, and goes on where the folder says; the first steps compile."""
        context, place = self._context, self._context.folder.path / "loop.json"
        self._data, found = context.wait(context.background(self._read), "Reading the data")
        known = read_json(place)
        if known is not None:
            check_same(f"data set {self.settings.dataset}", known["dataset"], found)
            self._before = float(known["seconds"])
        write_atomic(place, _json({"dataset": found, "seconds": self._before}))
        self._dataset = found
        self._continue()
        doing = f"Compiling for batches of {self.settings.molecules}"
        self._take(context.wait(context.background(lambda: next(self._states)), doing))
        context.folder.checkpoint.touch()

    def advance(self, seconds: float) -> None:
        """States for about `seconds`, at least one."""
        end = time.monotonic() + seconds
        while not self._finished:
            state = next(self._states, None)
            if state is None:
                self._finished = True
            else:
                self._take(state)
            if time.monotonic() > end:
                return

    def apply(self, settings: Settings) -> None:
        """Goes on with another number of rounds."""
        assert isinstance(settings, LoopSettings)
        self.save()
        self.close()
        self.settings, self._finished = settings, False
        self._continue()

    def outcome(self) -> Outcome | None:
        """Done when all rounds are."""
        return Outcome("done", self._words()) if self._finished else None

    def live(self) -> LiveFrame:
        """The walkers, while they explore the first molecule."""
        return self._live

    def details(self) -> dict[str, Any]:
        """Rounds, what is being done in the present one, and errors of the fit (eV/Å, eV an atom)."""
        state, folder = self._state, self._context.folder.path
        there = lambda name: name if (folder / name).is_file() else None
        return {
            "phase": DONE if self._finished else NEXT if state.phase == DONE else state.phase,
            "rounds": [dataclasses.asdict(found) for found in state.rounds],
            "round": 0 if state.first else min(len(state.rounds) + 1, state.wanted),
            "wanted": state.wanted,
            "phase_done": state.done,
            "phase_total": state.total,
            "labelled": sum(found.picked for found in state.rounds) + state.labelled,
            "failed": sum(found.failed for found in state.rounds) + state.failed,
            **self._errors,
            "level": self.settings.method,
            "seconds": self._seconds(),
            "model": there("model.npz"),
            "data": there("data.npz"),
            "report": there("report.md"),
        }

    def flush(self) -> None:
        """Brings numbers to the disk."""
        if self._series is not None:
            self._series.flush()

    def save(self) -> None:
        """Checkpoint of the fit; everything else is in its own file already."""
        self.flush()
        folder = self._context.folder
        save_fit(self._state, folder.path)
        write_atomic(folder.path / "loop.json", _json({"dataset": self._dataset, "seconds": self._seconds()}))
        folder.checkpoint.touch()

    def close(self) -> None:
        """Ends the processes that label."""
        self.flush()
        close = getattr(self._states, "close", None)
        if close is not None:
            close()

    def _read(self) -> tuple[Dataset, str]:
        settings, job = self.settings, self._context.job
        if settings.start is not None:
            check_same(f"model `{settings.start}`", job.model_sha256, fingerprint(start_info(settings.start).path))
        data = read_data(settings)
        self._molecules = explored(settings, data)
        return data, str(fingerprint(Path(settings.dataset)))

    def _continue(self) -> None:
        settings = self.settings
        self._states = learn_actively(
            active_learning(settings),
            self._molecules,
            self._data,
            self._context.folder.path,
            start=None if settings.start is None else start_info(settings.start).path,
            architecture=None if settings.start is not None else architecture_of(settings, self._data),
            **{name: getattr(settings, name) for name in ("validation", "test", "held_out")},
        )

    def _take(self, state: LoopState) -> None:
        before, self._state = self._state, state
        if state.positions is not None:
            self._live = LiveFrame(self.step, 0.0, state.positions.astype(np.float32), {})
        if state.fit is not None:
            self._row(state)
        if (before.phase, len(before.rounds)) != (state.phase, len(state.rounds)):
            self._tell(state)

    def _row(self, state: LoopState) -> None:
        """A row of the curves; those after the checkpoint that the fit goes on from are dropped first."""
        names = (*TRAINING, *VALIDATION)
        errors = {name: float(np.asarray(getattr(state.fit, name))) for name in names}
        self._errors = {name: value if math.isfinite(value) else None for name, value in errors.items()}
        if self._series is None:
            self._series = SeriesWriter(self._context.folder.series, self.step - 1)
        validated = state.done % self.settings.validate_every == 0 or state.done == state.total
        fresh = {name: errors[name] if validated else math.nan for name in VALIDATION}
        self._series.append(self.step, 0.0, **{name: errors[name] for name in TRAINING}, **fresh)

    def _tell(self, state: LoopState) -> None:
        if state.phase == DONE:
            last = state.rounds[-1]
            self._context.note("round", f"Round {last.number + 1}: {sentence(last)}", **dataclasses.asdict(last))
        elif not state.first:
            self._context.note("phase", f"Round {len(state.rounds) + 1}: {state.phase}.", step=self.step)

    def _seconds(self) -> float:
        return self._before + time.monotonic() - self._began

    def _words(self) -> str:
        rounds = list(self._state.rounds)
        failed = sum(found.failed for found in rounds)
        count = (
            f"{len(rounds)} round{'s' if len(rounds) > 1 else ''}, {sum(found.picked for found in rounds)} structures"
        )
        return f"{count} labelled{f', {failed} failed' if failed else ''}. Last one: {sentence(rounds[-1])}"


def sentence(found: Round) -> str:
    """What a round has brought."""
    return (
        f"{found.picked} structures labelled; there the forces were wrong by {MILLI * found.error_before:.3g} meV/Å "
        f"before they were learned, {MILLI * found.error_after:.3g} meV/Å afterwards."
    )


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content).encode()
