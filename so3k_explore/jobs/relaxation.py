"""Runs of relaxation: one molecule to its nearest minimum, step by step for people to watch."""

import time
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from so3k_explore.analysis.alignment import rmsd
from so3k_explore.io.checkpoints import load_checkpoint, save_checkpoint
from so3k_explore.jobs.frames import LiveFrame
from so3k_explore.jobs.recorder import Recorder
from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.settings import RelaxSettings
from so3k_explore.jobs.task import Context, Outcome
from so3k_explore.simulation import RelaxState, Status, initial_relaxation, relax


class RelaxTask:
    """Relaxation of one molecule."""

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
        self._state: RelaxState
        self._states: Iterator[RelaxState]
        self._live: LiveFrame
        self._recorder: Recorder

    def begin(self) -> None:
        """First steps, from the structure that was given or from the checkpoint."""
        context, settings = self._context, self.settings
        dtype = jnp.float64 if context.job.precision == "float64" else jnp.float32
        system = context.molecule.system.astype(dtype)
        state = initial_relaxation(context.potential, system, method=settings.method)
        resumed = context.folder.checkpoint.exists()
        if resumed:
            state = load_checkpoint(context.folder.checkpoint, state)
        self._recorder = Recorder(context.folder, system, keep_until=int(state.step) if resumed else None)
        self._states = relax(
            context.potential,
            system,
            method=settings.method,
            force_tolerance=settings.force_tolerance,
            max_steps=settings.max_steps,
            steps_per_frame=settings.steps_per_frame,
            state=state,
        )
        first = context.background(lambda: next(self._states))
        self._take(context.wait(first, f"Compiling the model for {system.n_atoms} atoms"))

    def advance(self, seconds: float) -> None:
        """Frames for about `seconds`, at least one."""
        end = time.monotonic() + seconds
        while self.outcome() is None:
            self._take(next(self._states))
            if time.monotonic() > end:
                return

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
        """Checkpoint of the structure and of what the optimiser has learned."""
        self._recorder.flush()
        save_checkpoint(self._context.folder.checkpoint, self._state, kind="relax")

    def close(self) -> None:
        """Closes the trajectory."""
        self._recorder.close()

    def _take(self, state: RelaxState) -> None:
        self._state = state
        self.calls, self.step = int(state.calls[0]), int(state.step)
        positions, energy, force = jax.device_get((state.system.positions, state.energy, state.max_force))
        scalars = {"energy": energy, "max_force": force, "rmsd": rmsd(positions, self._start)}
        self._live = LiveFrame(self.step, 0.0, positions.astype(np.float32), scalars)
        self._recorder.append(self.step, 0.0, positions, scalars)
