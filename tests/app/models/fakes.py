"""Runs without a worker: what a view or a model asks of `jobs`, answered from memory."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore.jobs.frames import LiveFrame
from so3k_explore.jobs.settings import DynamicsSettings
from so3k_explore.jobs.single_point import Question, SinglePoint
from so3k_explore.jobs.status import RunStatus


@dataclass
class FakeTrajectory:
    """Frames (frames, walkers, atoms, 3) in Å at times in fs."""

    times: np.ndarray
    positions: np.ndarray

    @property
    def steps(self) -> np.ndarray:
        return np.arange(len(self.times))

    def __enter__(self) -> "FakeTrajectory":
        return self

    def __exit__(self, *_: object) -> None:
        pass


@dataclass
class FakeRun:
    """A run whose answers are set by the test."""

    id: str
    molecule: Any
    kind: str = "dynamics"
    name: str = "a run"
    model: str = "lennard-jones"
    state: str = "running"
    frames: int = 0
    walkers: int = 2
    found: Any = None
    precision: str = "float32"
    long_range_cutoff: float | None = None
    settings: Any = field(default_factory=DynamicsSettings)
    folder: Path = Path("nowhere")
    updated: float = 0.0
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def status(self) -> RunStatus:
        return RunStatus(
            state=self.state,
            progress=0.25,
            step=10 * self.frames,
            walkers=self.walkers,
            device="CPU",
            updated=self.updated,
        )

    def positions(self) -> np.ndarray:
        shape = (self.frames, self.walkers, *self.molecule.positions.shape)
        growth = 1 + 0.01 * np.arange(self.frames)[:, None, None, None]
        return np.broadcast_to(self.molecule.positions * growth, shape).astype("f4")

    def live(self) -> LiveFrame | None:
        if not self.frames:
            return None
        return LiveFrame(10 * self.frames, 5.0 * self.frames, self.positions()[-1], {})

    def series(self) -> dict[str, np.ndarray]:
        energies = np.zeros((self.frames, self.walkers))
        return {"time_fs": 5.0 * np.arange(self.frames), "energy": energies}

    def trajectory(self) -> FakeTrajectory | None:
        return FakeTrajectory(5.0 * np.arange(self.frames), self.positions()) if self.frames else None

    def landscape(self) -> Any:
        return self.found

    @property
    def landscape_run(self) -> str:
        return getattr(self.settings, "landscape", "") or self.id

    def pause(self) -> None:
        self.calls.append(("pause", {}))
        self.state = "paused"

    def change(self, **values: Any) -> None:
        self.calls.append(("change", values))


class FakeRuns:
    """A folder of runs in memory."""

    def __init__(self, *runs: FakeRun) -> None:
        self.runs = {run.id: run for run in runs}
        self.looked = 0.0
        self.trash: dict[str, FakeRun] = {}
        self.submitted: list[tuple[Any, Any, dict[str, Any]]] = []
        self.rehearsed: list[tuple[Any, str, Any]] = []

    def list(self) -> list[FakeRun]:
        return list(self.runs.values())

    def look(self) -> float:
        return self.looked

    def get(self, identifier: str) -> FakeRun:
        return self.runs[identifier]

    def submit(self, settings: Any, molecule: Any, model: Any, **options: Any) -> FakeRun:
        self.submitted.append((settings, model, options))
        run = FakeRun(f"new-{len(self.runs)}", molecule, kind=settings.kind)
        self.runs[run.id] = run
        return run

    def rehearse(self, settings: Any, molecule: Any, model: Any, **options: Any) -> None:
        self.rehearsed.append((settings, molecule.name, model))

    def delete(self, identifier: str) -> None:
        self.trash[identifier] = self.runs.pop(identifier)

    def restore(self, identifier: str) -> FakeRun:
        self.runs[identifier] = self.trash.pop(identifier)
        return self.runs[identifier]


def fake_point(question: Question) -> SinglePoint:
    """An energy that tells the positions apart; charges for everything but the pair potential."""
    positions = np.asarray(question.positions)
    charges = None if question.model == "lennard-jones" else 0.1 * (np.arange(len(positions)) - 1) * positions[0, 0]
    return SinglePoint(float(np.abs(positions).sum()), 0.25, charges)
