"""Runs that fit a potential to labelled structures: blocks of steps, curves of errors, the best model so far."""

import dataclasses
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from so3k_explore.io.checkpoints import load_checkpoint, read_metadata, save_checkpoint
from so3k_explore.jobs.frames import LiveFrame, first_frame
from so3k_explore.jobs.job import fingerprint
from so3k_explore.jobs.learning_settings import TrainSettings
from so3k_explore.jobs.series import SeriesWriter
from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.task import Context, Outcome
from so3k_explore.jobs.training_inputs import fit_of, prepare_run, start_info
from so3k_explore.training.fit import Fit, FitState, fit, initial_fit, mean_errors
from so3k_explore.training.prepare import Prepared, save_model

STEPS = 10  # of a row of the curves; the means of a row are over these
TRAINING = ("loss", "force_error", "energy_error")
VALIDATION = ("validation_loss", "validation_force_error", "validation_energy_error")


class TrainTask:
    """Fit of a potential. The molecule of the run is the first structure of its data."""

    time_fs = 0.0
    walkers = 1

    def __init__(self, context: Context) -> None:
        assert isinstance(context.settings, TrainSettings)
        self.settings: TrainSettings = context.settings
        self.step = 0
        self._context = context
        self._fit: Fit = fit_of(context.settings)
        self._prepared: Prepared
        self._state: FitState
        self._states: Iterator[FitState]
        self._series: SeriesWriter
        self._numbers: dict[str, float] = {}  # of the present state
        self._best: dict[str, float] = {}  # step and errors of the best model
        self._tested: dict[str, float] = {}  # its errors on what it has not seen
        self._data = ""  # fingerprint of the data set
        self._seconds = 0.0  # of work, in all sessions

    @property
    def calls(self) -> int:
        """Batches."""
        return self.step

    @property
    def total(self) -> int:
        """Steps to do."""
        return self.settings.steps

    @property
    def progress(self) -> float:
        """Share of the steps that is done."""
        return min(1.0, self.step / self.total)

    def begin(self) -> None:
        """A fresh network or the one to start from, or the checkpoint; then the first steps, which compiles."""
        context, began = self._context, time.monotonic()
        self._prepared = context.wait(context.background(self._prepare), "Reading and dividing the data")
        self._state = initial_fit(self._fit, self._prepared.potential)
        resumed = context.folder.checkpoint.exists()
        if resumed:
            self._restore()
        self._observe()
        self._series = SeriesWriter(context.folder.series, self.step if resumed else None)
        self._continue()
        if not resumed:
            self.save()
        if self.outcome() is None:
            first = context.background(lambda: next(self._states))
            self._take(context.wait(first, f"Compiling for batches of {self.settings.molecules}"))
        self._seconds += time.monotonic() - began

    def advance(self, seconds: float) -> None:
        """Steps for about `seconds`, at least those of one row."""
        began = time.monotonic()
        while self.outcome() is None:
            self._take(next(self._states))
            if time.monotonic() - began > seconds:
                break
        self._seconds += time.monotonic() - began

    def apply(self, settings: Settings) -> None:
        """Goes on with other limits; the learning rate follows the new number of steps, which compiles again."""
        assert isinstance(settings, TrainSettings)
        self.settings, self._fit = settings, fit_of(settings)
        self._continue()

    def outcome(self) -> Outcome | None:
        """Done when all steps are done or patience has run out."""
        patience = self.settings.patience
        if self.step >= self.settings.steps:
            return Outcome("done", f"{self.step} steps. {self._words()}".rstrip())
        if patience is not None and self._numbers["since_best"] >= patience:
            return Outcome("done", f"No improvement in {patience} validations. {self._words()}")
        return None

    def live(self) -> LiveFrame:
        """The first structure of the data."""
        return dataclasses.replace(first_frame(self._context.molecule, 1), step=self.step)

    def details(self) -> dict[str, Any]:
        """Losses, errors (eV/Å, eV an atom) and what they belong to; None before there is one."""
        numbers, parts = self._numbers, self._prepared.parts
        best = {f"best_{name}": self._best.get(name) for name in ("step", "loss", "force_error", "energy_error")}
        return {
            "phase": self._phase(),
            "epoch": int(numbers["epoch"]),
            **{name: _number(numbers[name]) for name in (*TRAINING, *VALIDATION)},
            **best,
            "since_best": int(numbers["since_best"]),
            "learning_rate": numbers["learning_rate"],
            **self._tested,
            "seconds": self._seconds,
            "frames": {name: len(getattr(parts, name)) for name in parts._fields},
            "parameters": sum(leaf.size for leaf in jax.tree.leaves(self._prepared.potential.params)),
            "level": self._prepared.dataset.level,
            "model": self._context.folder.model.name if self._best else None,
        }

    def flush(self) -> None:
        """Brings numbers to the disk."""
        self._series.flush()

    def save(self) -> None:
        """Checkpoint of the fit; the best model is in its own file already."""
        self._series.flush()
        save_checkpoint(
            self._context.folder.checkpoint,
            self._state,
            kind="train",
            step=self.step,
            dataset=self._data,
            architecture=self._architecture(),
            best=self._best,
            tested=self._tested,
            seconds=self._seconds,
        )

    def close(self) -> None:
        """Writes what is left of the curves."""
        self._series.flush()

    def _prepare(self) -> Prepared:
        job = self._context.job
        if self.settings.start is not None:
            check_same(
                f"model `{self.settings.start}`", job.model_sha256, fingerprint(start_info(self.settings.start).path)
            )
        prepared = prepare_run(self.settings)
        self._data = str(fingerprint(Path(self.settings.dataset)))
        return prepared

    def _restore(self) -> None:
        path = self._context.folder.checkpoint
        about = read_metadata(path)
        check_same(f"data set {self.settings.dataset}", about["dataset"], self._data)
        wanted, found = self._architecture(), about["architecture"]
        other = [
            f"{name} {found.get(name)} instead of {value}" for name, value in wanted.items() if found.get(name) != value
        ]
        if other:
            raise ValueError(f"The checkpoint {path} holds another network ({', '.join(other)}). Start a new run.")
        self._state = load_checkpoint(path, self._state)
        self._best, self._tested, self._seconds = about["best"], about["tested"], about["seconds"]

    def _architecture(self) -> dict[str, Any]:
        return json.loads(json.dumps(dataclasses.asdict(self._prepared.potential.architecture)))

    def _continue(self) -> None:
        data = self._prepared
        steps = min(STEPS, self.settings.validate_every)
        self._states = fit(self._fit, self._state, data.training, data.validation, steps)

    def _take(self, state: FitState) -> None:
        self._state = state
        self._observe()
        validated = self.step % self.settings.validate_every == 0 or self.step == self.settings.steps
        shown = {name: self._numbers[name] for name in (*TRAINING, "learning_rate", "epoch")}
        fresh = {name: self._numbers[name] if validated else math.nan for name in VALIDATION}
        self._series.append(self.step, 0.0, **shown, **fresh)
        if validated and self._numbers["since_best"] == 0:
            self._keep_model()
        if self.outcome() is not None:
            self._tested = self._errors_of("test") | self._errors_of("unseen")

    def _observe(self) -> None:
        names = ("step", "epoch", "since_best", "best_loss", *TRAINING, *VALIDATION)
        values = jax.device_get([getattr(self._state, name) for name in names])
        self._numbers = {name: float(value) for name, value in zip(names, values, strict=True)}
        self.step = int(self._numbers["step"])
        self._numbers["learning_rate"] = float(np.asarray(self._fit.schedule()(self.step)))

    def _keep_model(self) -> None:
        best = {name.removeprefix("validation_"): self._numbers[name] for name in VALIDATION}
        self._best = {"step": self.step, **best}
        settings, data = self.settings, self._prepared
        file, level = Path(settings.dataset), f" ({data.dataset.level})" if data.dataset.level else ""
        description = settings.description or f"Trained on {len(data.dataset)} structures of {file.stem}{level}"
        about = {"dataset": {"name": file.name, "sha256": self._data}, "best": self._best}
        save_model(self._context.folder.model, self._state.best, data, description, **about)

    def _errors_of(self, part: str) -> dict[str, float]:
        """Errors of the best model on a part of the data; empty where there is none."""
        data = self._prepared.part(part)
        if len(data) == 0 or not self._best:
            return {}
        batches = dataclasses.replace(self._prepared.validation, dataset=data)
        _, energy, forces = mean_errors(self._fit.loss, self._state.best, batches)
        return {f"{part}_force_error": forces, f"{part}_energy_error": energy}

    def _phase(self) -> str:
        if self.outcome() is not None:
            return "done"
        return "warm-up" if self.step < min(self._fit.warmup, self._fit.steps // 2) else "fitting"

    def _words(self) -> str:
        if not self._best:
            return ""
        errors = {"validation": self._best, "test": {k.removeprefix("test_"): v for k, v in self._tested.items()}}
        said = [
            f"{1000 * found['force_error']:.3g} meV/Å and {1000 * found['energy_error']:.3g} meV an atom in {part}"
            for part, found in errors.items()
            if "force_error" in found
        ]
        return f"The best model, of step {self._best['step']}, errs by {', '.join(said)}."


def check_same(what: str, then: str | None, now: str | None) -> None:
    """Raises ValueError where a file is not what it was when the run was made."""
    if then != now:
        raise ValueError(
            f"The {what} has changed since this run was made (SHA-256 {str(then)[:12]}… then, {str(now)[:12]}… now). "
            "Put the old file back, or start a new run."
        )


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
