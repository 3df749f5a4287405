"""Runs of relaxation: one molecule to its nearest minimum, step by step for people to watch."""

import time
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from so3k_explore.analysis.alignment import rmsd
from so3k_explore.io.checkpoints import load_checkpoint, read_metadata, save_checkpoint
from so3k_explore.jobs.frames import LiveFrame
from so3k_explore.jobs.recorder import Recorder
from so3k_explore.jobs.settings import RelaxSettings, Settings
from so3k_explore.jobs.task import Context, Outcome
from so3k_explore.simulation import RelaxState, Status, relax


class RelaxTask:
    """Relaxation of one molecule. Resuming starts the optimiser anew from the last structure."""

    time_fs = 0.0
    walkers = 1
    total = progress = None  # most relaxations end long before `max_steps`, so there is no telling

    def __init__(self, context: Context) -> None:
        assert isinstance(context.settings, RelaxSettings)
        self.settings: RelaxSettings = context.settings
        self.step = 0
        self.calls = 0
        self._context = context
        self._start = np.asarray(context.molecule.system.positions, float)
        self._offset = 0  # steps done by earlier workers
        self._state: RelaxState
        self._states: Iterator[RelaxState]
        self._live: LiveFrame
        self._recorder: Recorder

    def begin(self) -> None:
        """First forces, at the structure that was given or at that of the checkpoint."""
        folder = self._context.folder
        dtype = jnp.float64 if self._context.job.precision == "float64" else jnp.float32
        system = self._context.molecule.system.astype(dtype)
        resumed = folder.checkpoint.exists()
        if resumed:
            saved = load_checkpoint(folder.checkpoint, {"positions": system.positions})
            metadata = read_metadata(folder.checkpoint)
            self._offset, self.calls = int(metadata["step"]), int(metadata["calls"])
            system = system.replace(positions=saved["positions"])
        self._recorder = Recorder(folder, system, keep_until=self._offset if resumed else None)
        self._states = relax(
            self._context.potential,
            system,
            method=self.settings.method,
            force_tolerance=self.settings.force_tolerance,
            max_steps=max(1, self.settings.max_steps - self._offset),
            steps_per_frame=self.settings.steps_per_frame,
        )
        self._take(next(self._states))

    def advance(self, seconds: float) -> None:
        """Frames for about `seconds`."""
        end = time.monotonic() + seconds
        while self.outcome() is None and time.monotonic() < end:
            self._take(next(self._states))

    def apply(self, settings: Settings) -> None:
        """Nothing can be changed."""

    def outcome(self) -> Outcome | None:
        """Done when forces are small; failed when they do not become so."""
        status = Status(int(self._state.status[0]))
        if status == Status.RUNNING:
            return None
        force = self.details()["max_force"]
        if status == Status.CONVERGED:
            return Outcome("done", f"Largest force {force:.2g} eV/Å after {self.step} steps.")
        return Outcome("failed", f"{status.sentence} The largest force is {force:.2g} eV/Å after {self.step} steps.")

    def live(self) -> LiveFrame:
        """The present structure."""
        return self._live

    def details(self) -> dict[str, Any]:
        """Energy (eV) and largest force (eV/Å)."""
        return {name: float(self._live.scalars[name][0]) for name in ("energy", "max_force")}

    def flush(self) -> None:
        """Brings frames and numbers to the disk."""
        self._recorder.flush()

    def save(self) -> None:
        """Checkpoint of the structure."""
        self._recorder.flush()
        tree = {"positions": self._state.system.positions[0]}
        save_checkpoint(self._context.folder.checkpoint, tree, kind="relax", step=self.step, calls=self.calls)

    def close(self) -> None:
        """Closes the trajectory."""
        self._recorder.close()

    def _take(self, state: RelaxState) -> None:
        before = int(self._state.calls[0]) if hasattr(self, "_state") else 0
        self._state = state
        self.calls += int(state.calls[0]) - before
        self.step = self._offset + int(state.step)
        positions, energy, force = jax.device_get((state.system.positions, state.energy, state.max_force))
        scalars = {"energy": energy, "max_force": force, "rmsd": rmsd(positions, self._start)}
        self._live = LiveFrame(self.step, 0.0, positions.astype(np.float32), scalars)
        self._recorder.append(self.step, 0.0, positions, scalars)
