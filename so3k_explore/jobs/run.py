"""A run as the page, the command line and a notebook handle it: all is read from and asked through its folder."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore.jobs.frames import LiveFrame, read_live
from so3k_explore.jobs.job import Job
from so3k_explore.jobs.series import SeriesReader
from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.status import ACTIVE, RunStatus, read_status
from so3k_explore.jobs.store import RunFolder


class Run:
    """One run, wherever it is being worked on."""

    def __init__(self, folder: RunFolder, job: Job, submit: Callable[[RunFolder], None]) -> None:
        self._folder = folder
        self._job = job
        self._submit = submit
        self._series = SeriesReader(folder.series)

    def __repr__(self) -> str:
        return f"<Run {self.id} ({self.kind}, {self.status().state})>"

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self._folder.path.name

    @property
    def folder(self) -> Path:
        """Where everything about the run is."""
        return self._folder.path

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self._job.name

    @property
    def kind(self) -> str:
        """As the keys of `settings.SETTINGS`, such as ``dynamics``, ``minima``, ``train`` or ``label``."""
        return self._job.kind

    @property
    def molecule(self) -> Any:
        """The `Molecule` it started from."""
        return self._job.molecule

    @property
    def model(self) -> str:
        """Name or path of the potential."""
        return self._job.model

    @property
    def precision(self) -> str:
        """``float32`` or ``float64``."""
        return self._job.precision

    @property
    def long_range_cutoff(self) -> float | None:
        """Radius of electrostatics and dispersion, Å; None: all pairs."""
        return self._job.long_range_cutoff

    @property
    def settings(self) -> Settings:
        """What was asked, with all changes made since."""
        settings = self._job.settings
        for name, value in self._folder.control().values.items():
            if name in settings.live():
                with suppress(ValueError):
                    settings = settings.changed({name: value})
        return settings

    def status(self) -> RunStatus:
        """How it is doing now."""
        return read_status(self._folder)

    def pause(self) -> None:
        """Asks the worker to hold, keeping the state."""
        self._folder.wish(want="pause")

    def stop(self) -> None:
        """Asks the worker to end after saving a checkpoint."""
        self._folder.wish(want="stop")

    def resume(self) -> None:
        """Goes on: after a pause at once, after an end from the last checkpoint, through the queue."""
        self._folder.wish(want="run")
        status = self.status()
        released = self._folder.status().get("released", False)
        if status.state not in ("queued", *ACTIVE) or (status.state == "paused" and released):
            self._submit(self._folder)

    def change(self, **settings: Any) -> None:
        """New values of live settings, such as ``temperature`` in K, ``walkers`` or ``duration`` in ps.

        Raises:
            ValueError: a setting cannot be changed in a going run, or the value is not allowed.
        """
        checked = self.settings.changed(settings)
        self._folder.wish(**{name: getattr(checked, name) for name in settings})

    def live(self) -> LiveFrame | None:
        """The newest frame; None before the first."""
        return read_live(self._folder.live)

    def series(self) -> dict[str, np.ndarray]:
        """Numbers against time: ``step`` and ``time_fs`` (frames,), others (frames, walkers).

        The same arrays grow with every call, and only what is new is read.
        """
        return self._series.read()

    def trajectory(self) -> Any:
        """The stored frames as `io.trajectories.Trajectory`; None before the first.

        When the number of walkers changed, the frames since then; `trajectories` has all.
        """
        found = self.trajectories()
        return found[-1] if found else None

    def trajectories(self) -> list[Any]:
        """All stored frames, oldest first, one trajectory for each time the number of walkers changed."""
        from so3k_explore.io.trajectories import TrajectoryError, read_trajectory
        from so3k_explore.jobs.recorder import trajectory_paths

        found = []
        for path in trajectory_paths(self._folder):
            with suppress(TrajectoryError, FileNotFoundError):
                found.append(read_trajectory(path))
        return found

    def landscape(self) -> Any:
        """Minima found so far as `exploration.landscape.Landscape`; None where there are none.

        Of a run that works on the landscape of another one, that landscape.
        """
        from so3k_explore.exploration.landscape import Landscape

        folder = RunFolder(self._folder.path.parent / self.landscape_run)
        return Landscape.open(folder.landscape) if folder.landscape.exists() else None

    @property
    def landscape_run(self) -> str:
        """Id of the run in whose folder its landscape is."""
        return getattr(self._job.settings, "landscape", "") or self.id

    def events(self) -> list[dict[str, Any]]:
        """What happened, oldest first: ``time`` (s since 1970), ``kind``, ``message``."""
        return self._folder.events()

    def wait(self, timeout: float | int | None = None, states: tuple[str, ...] = ()) -> RunStatus:
        """Status once the run has ended (or has one of `states`).

        Raises:
            TimeoutError: it has not within `timeout` seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            status = self.status()
            if status.state in states or not status.active:
                return status
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"Run {self.id} is still {status.state} after {timeout:g} s: {status.message}")
            time.sleep(0.05)
