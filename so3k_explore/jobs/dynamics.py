"""Runs of molecular dynamics: first momenta, blocks of steps, frames, live changes, checkpoints."""

import itertools
import math
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from so3k_explore import units
from so3k_explore.analysis.alignment import rmsd
from so3k_explore.io.checkpoints import load_checkpoint, read_metadata, save_checkpoint
from so3k_explore.jobs.dynamics_programs import dipoles_of, make_integrator, observe
from so3k_explore.jobs.frames import LiveFrame
from so3k_explore.jobs.recorder import Recorder
from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.settings import DynamicsSettings
from so3k_explore.jobs.task import Context, Outcome
from so3k_explore.observables.forces import batched_energy_and_forces
from so3k_explore.observables.infrared import require_dipole
from so3k_explore.simulation import (
    FIRE,
    MDState,
    RelaxState,
    Status,
    advance,
    initial_relaxation,
    make_freedom,
    make_guard,
    relax,
    repartition_hydrogen,
    thermal_state,
)
from so3k_explore.simulation.state import check_finite
from so3k_explore.simulation.walkers import add_walkers, select_walkers
from so3k_explore.system import System
from so3k_explore.typing import take

RELAX_TOLERANCE = 0.05  # eV/Å: strain that would heat the molecule is gone
RELAX_STEPS = 500
RELAX_FRAME = 5  # steps between two looks at it
FIRST_BLOCK = 5  # steps, to learn how long one takes


class DynamicsTask:
    """Molecular dynamics of W walkers."""

    def __init__(self, context: Context) -> None:
        assert isinstance(context.settings, DynamicsSettings)
        self.settings: DynamicsSettings = context.settings
        self.calls = 0
        self._context = context
        self._seconds_per_step = 0.0
        self._state: MDState
        self._start: np.ndarray  # (atoms, 3) Å, from which the RMSD is measured
        self._status = np.zeros(context.settings.walkers, int)
        self._live = LiveFrame(0, 0.0, np.zeros((context.settings.walkers, context.molecule.n_atoms, 3), np.float32))
        self._recorder: Recorder

    @property
    def step(self) -> int:
        """Steps done."""
        return self._live.step

    @property
    def total(self) -> int | None:
        """Steps to do."""
        return self.settings.total_steps

    @property
    def progress(self) -> float | None:
        """Share of the steps that is done."""
        return None if self.total is None else min(1.0, self.step / self.total)

    @property
    def time_fs(self) -> float:
        """Simulated time, fs."""
        return self._live.time_fs

    @property
    def walkers(self) -> int:
        """Walkers, those that stopped included."""
        return len(self._status)

    def begin(self) -> None:
        """Thermal momenta on the relaxed molecule, or the checkpoint."""
        folder = self._context.folder
        resumed = folder.checkpoint.exists()
        if "dipoles" in self.settings.record:
            require_dipole(self._context.potential, self._context.molecule.system)
        if resumed:
            self._restore()
        else:
            self._prepare()
        ready = self._context.background(lambda: self._compile(self._state))
        self._context.wait(ready, "Compiling the dynamics")
        self._status = np.asarray(self._state.status)
        self._observe()
        keep_until = self.step if resumed else None
        self._recorder = Recorder(folder, take(self._state.system, 0), keep_until=keep_until)
        if not resumed:
            self._record()
            self.save()
        if self.settings.walkers != self.walkers:
            self._set_walkers(self.settings.walkers)

    def advance(self, seconds: float) -> None:
        """Steps for about `seconds`, but not beyond the next frame that is to be stored."""
        started = time.monotonic()
        per_frame = self.settings.steps_per_frame
        steps = per_frame - self.step % per_frame
        known = self._seconds_per_step
        steps = max(1, min(steps, int(seconds / known) if known else FIRST_BLOCK))
        before = np.asarray(self._state.steps_taken).sum()
        self._state = advance(make_integrator(self.settings), self._context.potential, self._state, steps)
        self._observe()
        spent = (time.monotonic() - started) / steps
        self._seconds_per_step = spent if not known else 0.8 * known + 0.2 * spent
        self.calls += int(np.asarray(self._state.steps_taken).sum() - before)
        if self.step % per_frame == 0:
            self._record()
        self._tell_stopped()

    def apply(self, settings: Settings) -> None:
        """New temperature, duration or number of walkers, without compiling again unless walkers change."""
        assert isinstance(settings, DynamicsSettings)
        self.settings = settings
        if settings.walkers != self.walkers:
            self._set_walkers(settings.walkers)

    def outcome(self) -> Outcome | None:
        """Done when the time is reached; failed when no walker is left."""
        if (self._status != Status.RUNNING).all():
            return Outcome("failed", self._why_stopped())
        if self.total is not None and self.step >= self.total:
            return Outcome("done", f"{self.time_fs / 1000:g} ps of dynamics.")
        return None

    def live(self) -> LiveFrame:
        """Positions and energies of this moment."""
        return self._live

    def details(self) -> dict[str, Any]:
        """Target temperature and how many walkers still run."""
        running = int((self._status == Status.RUNNING).sum())
        return {"temperature": self.settings.temperature, "running": running}

    def flush(self) -> None:
        """Brings frames and numbers to the disk."""
        self._recorder.flush()

    def save(self) -> None:
        """Checkpoint of the state, with what the next worker must know."""
        self._recorder.flush()
        save_checkpoint(self._context.folder.checkpoint, self._state, **self._metadata())

    def close(self) -> None:
        """Closes the trajectory."""
        self._recorder.close()

    def _prepare(self) -> None:
        """A relaxed start; the dynamics is compiled while the molecule relaxes."""
        system, potential = self._molecule(), self._context.potential
        start = initial_relaxation(potential, system)
        # What both programs evaluate is traced here once; two threads would do it twice.
        jax.eval_shape(batched_energy_and_forces, potential, start.system, start.neighbors)
        compiling = self._context.background(lambda: self._compile(self._thermal_state(start, self.settings.walkers)))
        found = self._relaxed(start)
        self._start = np.asarray(found.system.positions[0], float)
        self._state = self._thermal_state(found, self.settings.walkers)
        self._context.wait(compiling, "Compiling the dynamics")

    def _compile(self, state: MDState) -> None:
        """Makes the programs of `advance`, `_observe` and `_record` without a step."""
        observe(advance(make_integrator(self.settings), self._context.potential, state, 0))
        if "dipoles" in self.settings.record:
            dipoles_of(self._context.potential, state)

    def _molecule(self) -> System:
        molecule, mass = self._context.molecule, self.settings.hydrogen_mass
        dtype = jnp.float64 if self._context.job.precision == "float64" else jnp.float32
        system = molecule.system.astype(dtype)
        return system if mass is None else repartition_hydrogen(system, molecule.bonds, mass)

    def _relaxed(self, start: RelaxState) -> RelaxState:
        """The relaxed molecule with its energy and forces, or the molecule as it is."""
        context, tolerance = self._context, RELAX_TOLERANCE if self.settings.relax_first else math.inf
        states = relax(
            context.potential,
            start.system,
            force_tolerance=tolerance,
            max_steps=RELAX_STEPS,
            steps_per_frame=RELAX_FRAME,
            state=start,
            quick_start=True,
        )
        compiling = context.background(lambda: next(states))
        first = context.wait(compiling, f"Compiling the model for {start.system.n_atoms} atoms")
        found = first
        for found in itertools.chain([first], states):
            positions = np.asarray(found.system.positions, np.float32).repeat(self.settings.walkers, axis=0)
            context.show(LiveFrame(0, 0.0, positions))
            if self.settings.relax_first:
                force = np.linalg.norm(np.asarray(found.forces), axis=-1).max()
                context.say(f"Relaxing first: the largest force is {force:.2g} eV/Å.")
        check_finite(found.energy, found.forces)
        return found

    def _thermal_state(self, found: RelaxState, walkers: int) -> MDState:
        """Copies of one walker, each with momenta of its own."""
        settings = self.settings
        known = (found.system, found.energy, found.forces, found.neighbors)
        systems, energy, forces, neighbors = jax.tree.map(lambda leaf: jnp.repeat(leaf, walkers, axis=0), known)
        guard = make_guard(take(found.system, 0), self._context.molecule.bonds) if settings.guard else None
        state = thermal_state(
            *(systems, energy, forces, neighbors, make_freedom(systems)),
            temperature=settings.temperature,
            seed=settings.seed,
            guard=guard,
        )
        return make_integrator(settings).prepare(state)

    def _restore(self) -> None:
        path = self._context.folder.checkpoint
        self._context.say("Reading the checkpoint.")
        metadata = read_metadata(path)
        self.calls, self._start = int(metadata["calls"]), np.asarray(metadata["start"])
        system = self._molecule()
        system = system.replace(positions=jnp.asarray(self._start, system.positions.dtype))
        # Only the kind of state counts here, the numbers come from the file.
        like = self._thermal_state(initial_relaxation(self._context.potential, system, method=FIRE()), 1)
        self._state = load_checkpoint(path, like)

    def _metadata(self) -> dict[str, Any]:
        return {"kind": "dynamics", "step": self.step, "calls": self.calls, "start": self._start.tolist()}

    def _set_walkers(self, wanted: int) -> None:
        """Drops walkers, stopped ones first, or adds copies of running ones with momenta of their own."""
        order = np.argsort(self._status != Status.RUNNING, kind="stable")
        if wanted <= len(order):
            self._state = select_walkers(self._state, np.sort(order[:wanted]))
        else:
            running = np.flatnonzero(self._status == Status.RUNNING)
            added = running[np.arange(wanted - len(order)) % len(running)]
            seed = jax.random.fold_in(jax.random.key(self.settings.seed), self.step)
            self._state = add_walkers(self._state, added, seed, self.settings.temperature * units.KB)
        self._status = np.asarray(self._state.status)
        self._seconds_per_step = 0.0
        self._observe()

    def _observe(self) -> None:
        positions, scalars, step = jax.device_get(observe(self._state))
        scalars["rmsd"] = rmsd(positions, self._start)
        self._live = LiveFrame(int(step), int(step) * self.settings.timestep, positions, scalars)

    def _record(self) -> None:
        frame, state = self._live, self._state
        velocities = moments = None
        if "velocities" in self.settings.record:
            velocities = units.FS * np.asarray(state.momenta) / np.asarray(state.system.masses)[..., None]
        if "dipoles" in self.settings.record:
            moments = np.asarray(dipoles_of(self._context.potential, state), float)
        self._recorder.append(frame.step, frame.time_fs, frame.positions, frame.scalars, velocities, moments)

    def _tell_stopped(self) -> None:
        status = np.asarray(self._state.status)
        for walker in np.flatnonzero(status != self._status):
            sentence = f"Walker {walker + 1} at {self.time_fs / 1000:.3g} ps: {Status(status[walker]).sentence}"
            self._context.note("walker-stopped", sentence, walker=int(walker), step=self.step)
        self._status = status

    def _why_stopped(self) -> str:
        reasons = [Status(value).sentence for value in np.unique(self._status)]
        who = "The walker" if self.walkers == 1 else f"All {self.walkers} walkers"
        return f"{who} stopped at {self.time_fs / 1000:.3g} ps. {' '.join(reasons)}"
