"""Runs that label structures with a reference method; every label is on the disk as soon as it is known."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from so3k_explore.io.datasets import DatasetError, load_dataset, save_dataset
from so3k_explore.jobs.frames import LiveFrame, first_frame
from so3k_explore.jobs.labelling_inputs import read_structures
from so3k_explore.jobs.learning_settings import LabelSettings
from so3k_explore.jobs.series import SeriesReader, SeriesWriter
from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.task import Context, Outcome
from so3k_explore.training.labelling import Journal, Labelling, label_structures

NAMED = 5  # failures told one by one


class LabelTask:
    """Labels structures. Its steps are structures; ``data.npz`` holds those that have a label."""

    time_fs = 0.0
    walkers = 1

    def __init__(self, context: Context) -> None:
        assert isinstance(context.settings, LabelSettings)
        self.settings: LabelSettings = context.settings
        self._context = context
        self._data = context.folder.path / "data.npz"
        self._journal: Journal
        self._series: SeriesWriter
        self._began = 0.0  # clock (s) when it would have begun without interruptions
        self._states: Iterator[Labelling] = iter(())
        self._state = Labelling(0, 0, 0)
        self._written = 0  # labels in the data set
        self._finished = False
        self._live = first_frame(context.molecule, 1)

    @property
    def step(self) -> int:
        """Structures that were tried."""
        return self._state.done

    @property
    def calls(self) -> int:
        """As `step`."""
        return self.step

    @property
    def total(self) -> int:
        """Structures there are."""
        return self._state.total

    @property
    def progress(self) -> float:
        """Share of them that is done."""
        return self.step / max(1, self.total)

    def begin(self) -> None:
        """Keeps the structures as they are now, and looks which have a label already."""
        context, folder = self._context, self._context.folder
        kept, method = folder.path / "structures.npz", self.settings.method
        if not kept.is_file():
            read = lambda: read_structures(self.settings.source, self.settings.structures)[1]
            save_dataset(kept, context.wait(context.background(read), "Reading the structures"))
        labels = folder.path / "labels.jsonl"
        self._journal = Journal(labels, load_dataset(kept), method)
        if not self._journal.missing and not self._journal.state().labelled:
            labels.unlink()  # nothing worked, and somebody has resumed: what was wrong may have been put right
            self._journal = Journal(labels, self._journal.structures, method)
        self._states = label_structures(self._journal, self.settings.processes)
        self._state = next(self._states)
        self._series = SeriesWriter(folder.series, self.step)
        earlier = SeriesReader(folder.series).read().get("seconds", np.zeros((0, 1)))
        self._began = time.monotonic() - (float(earlier[-1, 0]) if len(earlier) else 0.0)
        folder.checkpoint.touch()

    def advance(self, seconds: float) -> None:
        """Takes in labels for about `seconds`, at least one or nothing for a moment."""
        end = time.monotonic() + seconds
        while not self._finished:
            state = next(self._states, None)
            if state is None:
                self._finished = True
            elif state.newest is None:
                return
            else:
                self._take(state, state.newest)
            if time.monotonic() > end:
                return

    def apply(self, settings: Settings) -> None:
        """Nothing can be changed."""

    def outcome(self) -> Outcome | None:
        """Done when all were tried, failed when not one has a label."""
        if not self._finished:
            return None
        try:
            self._write()
        except DatasetError as error:
            return Outcome("failed", str(error))
        failed = f" {self._state.failed} failed: {self._problems()[0]}" if self._state.failed else ""
        return Outcome("done", f"{self._state.labelled} structures labelled with {self.settings.method}.{failed}")

    def live(self) -> LiveFrame:
        """The structure that was done last, if it is one of the molecule on show."""
        return self._live

    def details(self) -> dict[str, Any]:
        """How many have a label, and why some have none."""
        return {
            "phase": "done" if self._finished else "labelling",
            "counts": "structures",
            "labelled": self._state.labelled,
            "failed": self._state.failed,
            "structures": self._state.total,
            "problems": self._problems(),
            "level": self.settings.method,
            "data": self._data.name if self._written else None,
        }

    def flush(self) -> None:
        """Brings numbers to the disk."""
        self._series.flush()

    def save(self) -> None:
        """The data set as it is now; the labels are on the disk already."""
        self._series.flush()
        if self._state.labelled:
            self._write()
        self._context.folder.checkpoint.touch()

    def close(self) -> None:
        """Ends the processes that label."""
        close = getattr(self._states, "close", None)
        if close is not None:
            close()

    def _take(self, state: Labelling, newest: int) -> None:
        self._state = state
        frame = self._journal.structures[newest]
        if np.array_equal(frame.numbers, self._context.molecule.numbers):
            self._live = LiveFrame(state.done, 0.0, frame.positions[None], {})
        numbers = {"labelled": state.labelled, "failed": state.failed, "force": state.force}
        numbers["seconds"] = time.monotonic() - self._began
        self._series.append(state.done, 0.0, structure=newest, **numbers)
        if state.failed and self._journal.failures[-1].structure == newest:
            self._context.note("failed label", f"Structure {newest}: {self._journal.failures[-1].reason}")

    def _write(self) -> None:
        if self._written < self._state.labelled or not self._state.labelled:
            save_dataset(self._data, self._journal.dataset())
            self._written = self._state.labelled

    def _problems(self) -> list[str]:
        return [f"structure {number}: {reason}" for number, reason in self._journal.failures[:NAMED]]
