"""What runs that fit start from: their settings as those of `training`, their data, their jobs."""

import dataclasses
import time
from pathlib import Path
from typing import Any

from so3k_explore.io.dataset_formats import read_dataset
from so3k_explore.io.datasets import Dataset, DatasetError
from so3k_explore.io.molecule import Molecule
from so3k_explore.jobs.job import Job, fingerprint
from so3k_explore.jobs.learning_settings import LoopSettings, TrainSettings
from so3k_explore.potentials.registry import ModelInfo, model_info
from so3k_explore.potentials.so3krates import Architecture
from so3k_explore.training.exploring import molecules_of
from so3k_explore.training.fit import Fit
from so3k_explore.training.loss import Loss
from so3k_explore.training.prepare import Prepared, check_labels, divide, prepare
from so3k_explore.training.recipe import Recipe
from so3k_explore.training.rounds import ActiveLearning, check_loop

FRESH = "fresh network"  # in place of the name of a model
_FIT = ("steps", "molecules", "optimiser", "learning_rate", "validate_every", "patience", "seed")
_WEIGHTS = {
    "energy_weight": "energy",
    "stress_weight": "stress",
    "dipole_weight": "dipole",
    "charge_weight": "charges",
}
_SIZES = ("features", "heads", "layers", "degrees", "cutoff", "repulsion_range")
_LOOP = ("rounds", "walkers", "temperature", "frames", "interval", "picks", "method", "processes", "seed")
_PARTS = ("validation", "test", "held_out")


def fit_of(settings: TrainSettings) -> Fit:
    """The same as `training` calls it."""
    loss = Loss(huber=settings.huber, **{name: getattr(settings, setting) for setting, name in _WEIGHTS.items()})
    return Fit(loss=loss, **{name: getattr(settings, name) for name in _FIT})


def architecture_of(settings: TrainSettings, dataset: Dataset) -> Architecture:
    """Sizes of a fresh network, which knows charges and unpaired electrons if the data do.

    Raises:
        ValueError: sizes do not fit together.
    """
    electrons = bool(dataset.charge.any() or dataset.spin.any())
    return Architecture(charge_and_spin=electrons, **{name: getattr(settings, name) for name in _SIZES})


def settings_of(recipe: Recipe, dataset: Path, start: Path | None = None) -> TrainSettings:
    """A recipe as the settings of a run, which goes on from the model of the recipe before it."""
    fit, sizes = recipe.fit, recipe.architecture
    return TrainSettings(
        dataset=str(dataset),
        start=None if start is None else str(start),
        huber=fit.loss.huber,
        **{setting: getattr(fit.loss, name) for setting, name in _WEIGHTS.items()},
        description=recipe.description,
        **{name: getattr(fit, name) for name in _FIT},
        **{name: getattr(sizes, name) for name in _SIZES},
    )


def read_data(settings: TrainSettings) -> Dataset:
    """The labelled structures.

    Raises:
        DatasetError: no such file, unreadable, without units, or labels that are not finite.
    """
    if not settings.dataset:
        raise DatasetError("Training needs a `dataset`, got none. Make one with `so3k sample` or `so3k label`.")
    path = Path(settings.dataset).expanduser()
    return read_dataset(path, energy_unit=settings.energy_unit, length_unit=settings.length_unit)


def prepare_run(settings: TrainSettings) -> Prepared:
    """All that a fit needs, from the file.

    Raises:
        DatasetError: as in `read_data` and `training.prepare`.
        ValueError: there is no such model to start from, or sizes do not fit together.
    """
    dataset = read_data(settings)
    info = None if settings.start is None else start_info(settings.start)
    return prepare(
        dataset,
        fit_of(settings),
        architecture=architecture_of(settings, dataset),
        start=None if info is None else info.path,
        **{name: getattr(settings, name) for name in _PARTS},
    )


def start_info(start: str) -> ModelInfo:
    """The model to go on from.

    Raises:
        ValueError: there is none, or it has no parameters to train.
    """
    info = model_info(start)
    if info.path is None:
        raise ValueError(f"The model `{start}` cannot be trained. Start from a file, or leave `start` out.")
    return info


def make_training_job(
    settings: TrainSettings,
    name: str | None,
    precision: str,
    checkpoint_interval: float | int,
) -> Job:
    """A training job, after looking at its data as far as that is quick.

    Args:
        settings: paths may be relative.
        name: for people; default: that of the file.
        precision: training is in single precision.
        checkpoint_interval: seconds of work that may be lost.

    Raises:
        ValueError: another precision is asked for, or data, sizes or start are not usable.
    """
    if precision != "float32":
        raise ValueError(f'Training is in "float32", got {precision!r}. Choose the precision when the model is used.')
    dataset = read_data(settings)
    check_labels(dataset, fit_of(settings).loss)
    divide(dataset, settings.seed, **{name: getattr(settings, name) for name in _PARTS})
    architecture_of(settings, dataset)
    path = Path(settings.dataset).expanduser().resolve()
    info = None if settings.start is None else start_info(settings.start)
    start = None if info is None else info.name if info.name == settings.start else str(Path(str(info.path)).resolve())
    first = dataset[0]
    return Job(
        settings=settings.replace(dataset=str(path), start=start),
        molecule=Molecule.from_system(first.system, first.molecule or path.stem, str(path)),
        model=start or FRESH,
        name=name or path.stem,
        precision=precision,
        model_sha256=None if info is None else fingerprint(info.path),
        checkpoint_interval=checkpoint_interval,
        created=time.time(),
    )


def active_learning(settings: LoopSettings) -> ActiveLearning:
    """The same as `training` calls it."""
    return ActiveLearning(fit=fit_of(settings), **{name: getattr(settings, name) for name in _LOOP})


def explored(settings: LoopSettings, dataset: Dataset) -> list[Molecule]:
    """The molecules to explore: those named, else those of the data.

    Raises:
        ValueError: one of them is nothing that can be read, or the data have too many.
    """
    from so3k_explore.io.structures import load_molecule

    return [load_molecule(text) for text in settings.explore] or molecules_of(dataset)


def make_loop_job(
    settings: LoopSettings,
    name: str | None,
    precision: str,
    checkpoint_interval: float | int,
) -> Job:
    """A job of active learning, after looking at its data, its molecules and its method; arguments as of training.

    Raises:
        ValueError: as for training; or methods are mixed, or a molecule cannot be read or is of other elements.
    """
    job = make_training_job(settings, name, precision, checkpoint_interval)
    dataset = read_data(settings)
    molecules = explored(settings, dataset)
    check_loop(active_learning(settings), molecules, dataset)
    texts = tuple(
        str(path.resolve()) if (path := Path(text).expanduser()).is_file() else text for text in settings.explore
    )
    kept: Any = job.settings
    return dataclasses.replace(job, settings=kept.replace(explore=texts), molecule=molecules[0])
