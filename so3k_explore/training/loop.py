"""Active learning: explore with the model, pick what it knows least, label it, learn again.

Each round fits on all data so far, going on from the model of the round before, runs hot dynamics with the new model,
and chooses the structures that are farthest from the training set (`analysis.extrapolation`), no two alike. Their
labels tell how wrong the model was there, before they join the data. A round leaves its files in a folder of its own; a
loop that was interrupted goes on with the first round that is not complete.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore import units
from so3k_explore.analysis.extrapolation import Extrapolation, load_extrapolation
from so3k_explore.io.checkpoints import load_checkpoint, save_checkpoint
from so3k_explore.io.datasets import Dataset, DatasetError, Frame, concatenate, from_frames, load_dataset, save_dataset
from so3k_explore.io.molecule import Molecule
from so3k_explore.io.reference import GFN2
from so3k_explore.potentials.so3krates import Architecture, So3krates
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.simulation import Langevin, initial_state, simulate
from so3k_explore.system import System, replicate
from so3k_explore.training.evaluate import predictions
from so3k_explore.training.extrapolation import descriptors, fit_extrapolation
from so3k_explore.training.fit import Fit, FitState, fit, initial_fit
from so3k_explore.training.prepare import Prepared, prepare, save_model
from so3k_explore.training.reference import Failure, label_all
from so3k_explore.training.splits import distinct
from so3k_explore.typing import Replaceable

STEPS = 100  # of a fit, between two looks at it
CHECKPOINT_SECONDS = 30.0


@dataclass(frozen=True)
class ActiveLearning(Replaceable):
    """How a loop explores and learns."""

    rounds: int = 3
    walkers: int = 4  # of each molecule
    temperature: float = 600.0  # K
    frames: int = 25  # of each walker
    interval: float = 20.0  # fs between frames
    picks: int = 32  # structures labelled in a round
    method: str = GFN2
    processes: int = 1
    seed: int = 0
    fit: Fit = field(default_factory=lambda: Fit(steps=2000, validate_every=200))

    def __post_init__(self) -> None:
        for name in ("rounds", "walkers", "frames", "picks", "processes", "temperature", "interval"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` must be positive, got {getattr(self, name)}.")


@dataclass(frozen=True)
class Round:
    """What a round found out."""

    number: int
    frames: int  # that were trained on
    validation_force_error: float  # eV/Å, after the fit
    explored: int
    picked: int
    failed: int  # picks without a label
    score: float  # mean extrapolation score of the picks
    expected_error: float  # eV/Å, what the score promised for the force on an atom
    force_error: float  # eV/Å, mean size of the true error on an atom


def learn_actively(
    settings: ActiveLearning,
    molecules: Sequence[Molecule],
    dataset: Dataset,
    folder: Path | str,
    *,
    architecture: Architecture | None = None,
    start: Path | str | None = None,
    watch: Callable[[FitState], None] | None = None,
) -> Iterator[Round]:
    """Yields each round when it is complete; `folder/round_K/model.npz` is the model of round K.

    Args:
        settings: of the loop.
        molecules: whose surfaces are explored.
        dataset: labelled structures to begin with.
        folder: where rounds are kept.
        architecture: of a fresh network.
        start: model to go on from instead.
        watch: hears of the states of the fits.

    Raises:
        DatasetError: the data do not suit, or are of another method; or no pick could be labelled.
    """
    if dataset.level != settings.method:
        raise DatasetError(
            f"The data are of {dataset.level or 'an unnamed method'}, and picks would be labelled with "
            f"{settings.method}. Choose the method of the data, or label them anew with `so3k label`."
        )
    data, model = [dataset], start
    for number in range(settings.rounds):
        place = Path(folder) / f"round_{number}"
        if not (place / "report.json").is_file():
            place.mkdir(parents=True, exist_ok=True)
            _complete(settings, number, molecules, concatenate(data), place, architecture, model, watch)
        model = place / "model.npz"
        data.append(load_dataset(place / "picks.npz"))
        yield Round(**json.loads((place / "report.json").read_text()))


def _complete(
    settings: ActiveLearning,
    number: int,
    molecules: Sequence[Molecule],
    dataset: Dataset,
    place: Path,
    architecture: Architecture | None,
    start: Path | str | None,
    watch: Callable[[FitState], None] | None,
) -> None:
    """One round, its report written last."""
    ready = prepare(dataset, settings.fit, architecture=architecture, start=start, validation=0.1, test=0.1)
    state = _fitted(settings.fit, ready, place / "fit.npz", watch)
    save_model(
        place / "model.npz",
        state.best,
        ready,
        f"round {number} of active learning",
        extrapolation=_extrapolation(state.best, ready),
    )
    found = explore(settings, state.best, molecules, number)
    cloud = load_extrapolation(place / "model.npz")
    assert cloud is not None
    worst = pick(cloud, state.best, found, settings.picks)
    labels = list(label_all([found[k].system.to_ase() for k in worst], settings.method, settings.processes))
    made = [
        frame._replace(molecule=found[k].molecule, source=f"round {number}", group=place_in_round)
        for place_in_round, (k, frame) in enumerate(zip(worst, labels, strict=True))
        if isinstance(frame, Frame)
    ]
    if not made:
        raise DatasetError(f"None of {len(labels)} picked structures could be labelled in round {number}.")
    picks = from_frames(made, settings.method)
    save_dataset(place / "picks.npz", picks)
    report = _report(number, ready, float(state.validation_force_error), cloud, state.best, picks)
    failed = sum(isinstance(frame, Failure) for frame in labels)
    text = json.dumps({**report, "explored": len(found), "failed": failed}, indent=1)
    temporary = place / ".report.json"
    temporary.write_text(text)
    temporary.replace(place / "report.json")
    (place / "fit.npz").unlink(missing_ok=True)


def _fitted(settings: Fit, ready: Prepared, checkpoint: Path, watch: Callable[[FitState], None] | None) -> FitState:
    """The end of a fit, which goes on where an interrupted one was saved last."""
    fresh = initial_fit(settings, ready.potential)
    state = start = load_checkpoint(checkpoint, fresh) if checkpoint.is_file() else fresh
    saved = time.monotonic()
    for state in fit(settings, start, ready.training, ready.validation, STEPS):
        if watch is not None:
            watch(state)
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            save_checkpoint(checkpoint, state)
            saved = time.monotonic()
    return state


def explore(
    settings: ActiveLearning, potential: So3krates | So3lr, molecules: Sequence[Molecule], number: int
) -> Dataset:
    """Structures of hot dynamics with a model, without labels; walkers that go astray end early."""
    made: list[Frame] = []
    timestep = 0.5 * units.FS
    thermostat = Langevin(timestep=timestep, kT=settings.temperature * units.KB, friction=0.01 / units.FS)
    for molecule in molecules:
        system: System = molecule.system.astype(np.float32)
        state: Any = initial_state(
            potential,
            replicate(system, settings.walkers),
            temperature=settings.temperature,
            seed=settings.seed + 1000 * number,
        )
        frames = simulate(thermostat, potential, state, max(1, round(settings.interval / 0.5)))
        for _, state in zip(range(settings.frames), frames, strict=False):
            positions = np.asarray(state.system.positions, float)
            whole = np.asarray(state.running) & np.isfinite(positions).all(axis=(1, 2))
            made += [_bare(molecule, positions[walker]) for walker in np.flatnonzero(whole)]
    if not made:
        raise DatasetError("No walker survived its first frames. Train longer, or explore at a lower temperature.")
    return from_frames(made)


def pick(cloud: Extrapolation, potential: So3krates | So3lr, found: Dataset, count: int) -> list[int]:
    """Frames with the largest score on any atom, farthest first, none a copy of another."""
    each = cloud.score(found.numbers, descriptors(potential, found))
    worst = np.maximum.reduceat(each, found.offsets[:-1])
    order = np.argsort(-worst)
    return [int(order[k]) for k in distinct(found.select(order))[:count]]


def _bare(molecule: Molecule, positions: np.ndarray) -> Frame:
    return Frame(molecule.numbers, positions, 0.0, np.zeros_like(positions), molecule.name, charge=molecule.charge)


def _extrapolation(potential: So3krates | So3lr, ready: Prepared) -> Extrapolation:
    """Calibrated on the frames that were set aside."""
    aside = ready.dataset.select(np.sort(np.concatenate([ready.parts.test, ready.parts.validation])))
    errors = predictions(potential, aside, ready.shifts).force_errors
    return fit_extrapolation(potential, ready.part("training"), aside, errors)


def _report(
    number: int, ready: Prepared, validation: float, cloud: Extrapolation, potential: So3krates | So3lr, picks: Dataset
) -> dict[str, Any]:
    each = cloud.score(picks.numbers, descriptors(potential, picks))
    errors = np.linalg.norm(predictions(potential, picks, ready.shifts).force_errors, axis=1)
    made = Round(
        number=number,
        frames=len(ready.parts.training),
        validation_force_error=validation,
        explored=0,
        picked=len(picks),
        failed=0,
        score=float(each.mean()),
        expected_error=float(cloud.expected_error(each).mean()),
        force_error=float(errors.mean()),
    )
    return asdict(made)
