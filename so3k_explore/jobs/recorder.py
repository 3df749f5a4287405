"""Frames of a run: numbers into its series, positions into its trajectory.

A trajectory file holds a fixed number of walkers. When that changes, the run goes on in another file:
``trajectory.h5``, ``trajectory-2.h5``, …
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore.io.trajectories import Trajectory
from so3k_explore.io.trajectory_writer import TrajectoryWriter
from so3k_explore.jobs.series import SeriesWriter
from so3k_explore.jobs.store import RunFolder
from so3k_explore.system import System

NEVER = 2**31  # frames between flushes; the worker flushes by the clock


class Recorder:
    """Appends frames to the files of a run.

    Args:
        folder: the run.
        system: for elements, masses and cell.
        keep_until: step of the checkpoint that the run continues from; frames after it are dropped. None: a new run.
    """

    def __init__(self, folder: RunFolder, system: System, keep_until: int | None = None) -> None:
        self._folder = folder
        self._system = system
        self._series = SeriesWriter(folder.series, keep_until)
        self._walkers = 0
        self._trajectory: TrajectoryWriter | None = None
        if keep_until is not None:
            self._go_back(keep_until)

    def append(
        self,
        step: int,
        time_fs: float,
        positions: np.ndarray,
        scalars: Mapping[str, Any],
        velocities: np.ndarray | None = None,
        dipoles: np.ndarray | None = None,
    ) -> None:
        """Adds a frame: positions (Å) and velocities (Å/fs) (walkers, atoms, 3), numbers (walkers,), dipoles in e·Å."""
        if self._trajectory is None or len(positions) != self._walkers:
            self._begin(len(positions))
        assert self._trajectory is not None
        self._trajectory.append(time_fs, step, positions, velocities=velocities, dipoles=dipoles, **scalars)
        self._series.append(step, time_fs, **scalars)

    def flush(self) -> None:
        """Makes all frames visible to readers, and safe from the end of this process."""
        if self._trajectory is not None:
            self._trajectory.flush()
        self._series.flush()

    def close(self) -> None:
        """Closes the files."""
        self._series.flush()
        if self._trajectory is not None:
            self._trajectory.close()

    def _begin(self, walkers: int) -> None:
        if self._trajectory is not None:
            self._trajectory.close()
        path = _next_path(self._folder)
        self._trajectory, self._walkers = self._writer(path, walkers), walkers

    def _go_back(self, step: int) -> None:
        for path in reversed(trajectory_paths(self._folder)):
            with Trajectory(path) as trajectory:
                walkers, steps = trajectory.walkers, trajectory.steps
            if len(steps) and steps[0] <= step:
                self._trajectory, self._walkers = self._writer(path, walkers), walkers
                self._trajectory.truncate(step)
                return
            path.unlink()

    def _writer(self, path: Path, walkers: int) -> TrajectoryWriter:
        return TrajectoryWriter(path, self._system, walkers=walkers, flush_every=NEVER)


def trajectory_paths(folder: RunFolder) -> list[Path]:
    """Trajectory files of a run, oldest first."""
    later = sorted(folder.path.glob("trajectory-*.h5"), key=lambda path: int(path.stem.split("-")[1]))
    return [path for path in [folder.trajectory, *later] if path.exists()]


def _next_path(folder: RunFolder) -> Path:
    number = len(trajectory_paths(folder)) + 1
    return folder.trajectory if number == 1 else folder.path / f"trajectory-{number}.h5"
