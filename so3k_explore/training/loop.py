"""Active learning: explore with the model, pick what it knows least, label it, learn again.

A loop begins with a fit to the data there are. Each round runs hot dynamics with the latest model, chooses the
structures that are farthest from the training set (`analysis.extrapolation`), no two alike, labels them, and fits again
with them, going on from the model before. Their labels tell how wrong the model was there before it learned them, and
how wrong it is afterwards. All is in a folder: a loop that was interrupted goes on, and labels nothing twice.

===================  ================================================================================
``start/model.npz``  the model before the first round
``round_K/``         ``candidates.npz`` (picked), ``labels.jsonl``, ``picks.npz`` (labelled),
                     ``model.npz`` (which has learned them), ``report.json``
``model.npz``        the latest model
``data.npz``         all that it has learned from
``report.md``        the rounds as a table
===================  ================================================================================
"""

import dataclasses
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore.analysis.extrapolation import Extrapolation, load_extrapolation
from so3k_explore.io.checkpoints import load_checkpoint, save_checkpoint
from so3k_explore.io.datasets import Dataset, DatasetError, Frame, concatenate, from_frames, load_dataset, save_dataset
from so3k_explore.io.molecule import Molecule
from so3k_explore.potentials import checkpoints
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.training.cards import rounds_text
from so3k_explore.training.evaluate import predictions
from so3k_explore.training.exploring import explore, pick
from so3k_explore.training.extrapolation import descriptors, fit_extrapolation
from so3k_explore.training.fit import fit, initial_fit
from so3k_explore.training.labelling import Journal, Labelling, label_structures
from so3k_explore.training.prepare import Prepared, prepare, save_model
from so3k_explore.training.rounds import (
    DONE,
    EXPLORING,
    FITTING,
    LABELLING,
    ActiveLearning,
    LoopState,
    Round,
    check_loop,
)

STEPS = 10  # of a fit, between two looks at it
CHECKPOINT_SECONDS = 30.0


def learn_actively(
    settings: ActiveLearning,
    molecules: Sequence[Molecule],
    dataset: Dataset,
    folder: Path | str,
    *,
    start: Path | str | None = None,
    **options: Any,
) -> Iterator[LoopState]:
    """Yields where the loop stands, often; a state whose phase is ``done`` ends each round.

    Args:
        settings: of the loop.
        molecules: whose surfaces are explored.
        dataset: labelled structures to begin with.
        folder: where everything is kept.
        start: model to go on from; without it, a fresh network.
        **options: of `training.prepare`: architecture of a fresh network, validation, test, held_out.

    Raises:
        DatasetError: the data do not suit, or are of another method; or no pick could be labelled.
    """
    check_loop(settings, molecules, dataset)
    return _Loop(settings, molecules, [dataset], Path(folder), {"validation": 0.1, "test": 0.1, **options}).run(start)


def save_fit(state: LoopState, folder: Path) -> None:
    """Checkpoint of the fit that is going on."""
    if state.fit is not None:
        place = folder / ("start" if state.first else f"round_{len(state.rounds)}")
        save_checkpoint(place / "fit.npz", state.fit)


@dataclasses.dataclass
class _Loop:
    """A loop in its folder."""

    settings: ActiveLearning
    molecules: Sequence[Molecule]
    data: list[Dataset]  # to begin with, then the picks of each round
    folder: Path
    options: dict[str, Any]
    rounds: tuple[Round, ...] = ()

    def run(self, start: Path | str | None) -> Iterator[LoopState]:
        model = self.folder / "start" / "model.npz"
        if not model.is_file():
            yield from self._fit(model.parent, start, "the fit before active learning", first=True)
        for number in range(self.settings.rounds):
            place = self.folder / f"round_{number}"
            if not (place / "report.json").is_file():
                yield from self._round(number, place, model)
            else:
                self.data.append(load_dataset(place / "picks.npz"))
            model = place / "model.npz"
            self.rounds += (Round(**json.loads((place / "report.json").read_text())),)
            self._publish(model)
            yield self._state(DONE, 1, 1)

    def _round(self, number: int, place: Path, model: Path) -> Iterator[LoopState]:
        place.mkdir(parents=True, exist_ok=True)
        candidates = place / "candidates.npz"
        if not candidates.is_file():
            yield from self._explore(number, candidates, model)
        journal = Journal(place / "labels.jsonl", load_dataset(candidates), self.settings.method)
        for state in label_structures(journal, self.settings.processes):
            yield self._state(LABELLING, state.done, state.total, labelled=state.labelled, failed=state.failed)
        picks = journal.dataset()
        save_dataset(place / "picks.npz", picks)
        self.data.append(picks)
        learned = place / "model.npz"
        if not learned.is_file():
            yield from self._fit(place, model, f"round {number} of active learning", labelling=journal.state())
        explored, about = (
            json.loads((place / "explored.json").read_text()),
            checkpoints.load_checkpoint(learned).metadata,
        )
        report = Round(
            number=number,
            frames=about["frames"]["training"],
            validation_force_error=about["validation_force_error"],
            explored=explored["frames"],
            picked=len(picks),
            failed=len(journal.failures),
            **_errors(model, learned, picks),
        )
        _write(place / "report.json", json.dumps(dataclasses.asdict(report), indent=1))

    def _explore(self, number: int, candidates: Path, model: Path) -> Iterator[LoopState]:
        """Chooses what to label, and keeps it."""
        settings, potential, cloud = self.settings, _potential(model), load_extrapolation(model)
        assert cloud is not None
        names = ("walkers", "temperature", "frames", "interval")
        given = {name: getattr(settings, name) for name in names} | {"seed": settings.seed + 1000 * number}
        found: list[Frame] = []
        total = settings.frames * len(self.molecules)
        for step, seen in enumerate(explore(potential, self.molecules, **given), 1):
            found += seen.frames
            yield self._state(EXPLORING, step, total, positions=None if seen.molecule else seen.positions)
        if not found:
            raise DatasetError("No walker survived its first frames. Train longer, or explore at a lower temperature.")
        every = from_frames(found)
        worst = pick(cloud, potential, every, settings.picks)
        about = {"source": f"round {number}"}
        chosen = [every[k]._replace(**about, group=group) for group, k in enumerate(worst)]
        _write(candidates.with_name("explored.json"), json.dumps({"frames": len(found)}))
        save_dataset(candidates, from_frames(chosen))

    def _fit(
        self,
        place: Path,
        start: Path | str | None,
        description: str,
        *,
        first: bool = False,
        labelling: Labelling | None = None,
    ) -> Iterator[LoopState]:
        """Fits to all data so far, going on where an interrupted fit was saved last, and writes the model."""
        place.mkdir(parents=True, exist_ok=True)
        settings, checkpoint = self.settings.fit, place / "fit.npz"
        generations = np.repeat(np.arange(len(self.data)), [len(part) for part in self.data])
        ready = prepare(concatenate(self.data), settings, start=start, generations=generations, **self.options)
        state = begun = initial_fit(settings, ready.potential)
        if checkpoint.is_file():
            state = begun = load_checkpoint(checkpoint, begun)
        counts = {} if labelling is None else {"labelled": labelling.labelled, "failed": labelling.failed}
        saved = time.monotonic()
        for state in fit(settings, begun, ready.training, ready.validation, STEPS):
            shown = self._state(FITTING, int(state.step), settings.steps, fit=state, first=first, **counts)
            yield shown
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                save_fit(shown, self.folder)
                saved = time.monotonic()
        about = {"validation_force_error": float(state.validation_force_error)}
        save_model(
            *(place / "model.npz", state.best, ready, description),
            extrapolation=_extrapolation(state.best, ready),
            **about,
        )
        checkpoint.unlink(missing_ok=True)

    def _publish(self, model: Path) -> None:
        """The latest model, its data and the report at the top of the folder."""
        save_dataset(self.folder / "data.npz", concatenate(self.data))
        checkpoints.save_checkpoint(self.folder / "model.npz", checkpoints.load_checkpoint(model))
        _write(self.folder / "report.md", rounds_text(self.rounds))

    def _state(self, phase: str, done: int, total: int, **values: Any) -> LoopState:
        return LoopState(phase, done, total, self.rounds, self.settings.rounds, **values)


def _potential(model: Path) -> So3krates | So3lr:
    return checkpoints.load_checkpoint(model).potential()


def _extrapolation(potential: So3krates | So3lr, ready: Prepared) -> Extrapolation:
    """Calibrated on the frames that were set aside."""
    aside = ready.dataset.select(np.sort(np.concatenate([ready.parts.test, ready.parts.validation])))
    errors = predictions(potential, aside, ready.shifts).force_errors
    return fit_extrapolation(potential, ready.part("training"), aside, errors)


def _errors(before: Path, after: Path, picks: Dataset) -> dict[str, float]:
    """How wrong two models are on the picks, and what the score of the first one promised."""
    cloud = load_extrapolation(before)
    assert cloud is not None
    each = cloud.score(picks.numbers, descriptors(_potential(before), picks))
    wrong = lambda model: float(np.linalg.norm(predictions(_potential(model), picks).force_errors, axis=1).mean())
    return {
        "score": float(each.mean()),
        "expected_error": float(cloud.expected_error(each).mean()),
        "error_before": wrong(before),
        "error_after": wrong(after),
    }


def _write(path: Path, text: str) -> None:
    """Replaces a file in one piece."""
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(text)
    temporary.replace(path)
