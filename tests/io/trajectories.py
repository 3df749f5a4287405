"""Trajectories for the tests, from which it can be read off what belongs where."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from so3k_explore.io.trajectories import Trajectory
from so3k_explore.io.trajectory_writer import TrajectoryWriter
from tests.molecules import ETHANOL

ATOMS = ETHANOL.n_atoms


def frame(step: int, walkers: int = 2) -> np.ndarray:
    """Positions from which the step and the walker can be read off."""
    return np.zeros((walkers, ATOMS, 3)) + step + 1000 * np.arange(walkers)[:, None, None]


def write(path: Path, steps: range, **settings: int) -> TrajectoryWriter:
    writer = TrajectoryWriter(path, ETHANOL, walkers=2, **settings)
    for step in steps:
        writer.append(0.5 * step, step, frame(step), energy=[step, -step], temperature=300.0)
    return writer


def mdanalysis() -> Any:
    return pytest.importorskip("MDAnalysis", reason="This test needs MDAnalysis: pip install MDAnalysis")


def consistent(trajectory: Trajectory) -> bool:
    """Every frame holds what belongs to its step."""
    steps = trajectory.steps
    first = np.array_equal(trajectory.positions[:, 0][:, 0, 0], steps)
    second = np.array_equal(trajectory.positions[:, 1][:, 3, 2], steps + 1000)
    energy = np.array_equal(trajectory.scalar("energy"), np.stack([steps, -steps], axis=1))
    return first and second and energy and np.array_equal(trajectory.times, 0.5 * steps)


def moving(step: int) -> np.ndarray:
    return -0.25 * frame(step)
