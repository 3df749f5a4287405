"""From a list of molecules to a labelled data set, in pieces that survive an interruption, and the bundled model."""

import itertools
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from so3k_explore.io.datasets import Dataset, DatasetError, concatenate, load_dataset, save_dataset
from so3k_explore.io.reference import GFN2, single_threaded_pool
from so3k_explore.potentials.so3krates import Architecture
from so3k_explore.training.fit import Fit
from so3k_explore.training.loss import Loss
from so3k_explore.training.molecules import samples
from so3k_explore.training.prepare import Prepared, prepare
from so3k_explore.training.sampling import Sample, sample

logger = logging.getLogger(__name__)


class Sampled(NamedTuple):
    """One molecule done."""

    name: str
    frames: int
    done: int
    total: int
    problem: str = ""


def sample_all(
    samples: Sequence[Sample], folder: Path | str, *, seed: int = 0, method: str = GFN2, processes: int = 1
) -> Iterator[Sampled]:
    """Samples molecules in parallel and stores each in its own file; those already there are not made again."""
    folder, samples = Path(folder), tuple(dict.fromkeys(samples))
    missing = [what for what in samples if not shard(folder, what.name).is_file()]
    done = len(samples) - len(missing)
    work = [(what, folder, seed, method) for what in missing]
    with single_threaded_pool(processes) as run:
        for what, (frames, problem) in zip(missing, run(_sample_one, work), strict=True):
            done += 1
            if problem:
                logger.warning("%s was not sampled: %s", what.name, problem)
            yield Sampled(what.name, frames, done, len(samples), problem)


def gather(samples: Sequence[Sample], folder: Path | str) -> Dataset:
    """The stored structures of molecules in one data set; a molecule that is given twice counts twice.

    Copies of a structure belong to the same trajectory, so that no split parts them.

    Raises:
        DatasetError: nothing is stored.
    """
    files = [file for what in samples if (file := shard(Path(folder), what.name)).is_file()]
    stored = {file: load_dataset(file) for file in dict.fromkeys(files)}
    starts = itertools.accumulate((len(part) for part in stored.values()), initial=0)
    frames = {file: start + np.arange(len(part)) for start, (file, part) in zip(starts, stored.items(), strict=False)}
    together = concatenate([*stored.values()])
    return together.select(np.concatenate([frames[file] for file in files]))


def shard(folder: Path, name: str) -> Path:
    """File of one molecule."""
    return folder / "molecules" / f"{re.sub(r'[^A-Za-z0-9,-]', '_', name)}.npz"


def _sample_one(work: tuple[Sample, Path, int, str]) -> tuple[int, str]:
    what, folder, seed, method = work
    try:
        dataset = sample(what, seed, method)
    except (DatasetError, ValueError) as error:
        return 0, str(error)
    save_dataset(shard(folder, what.name), dataset)
    return len(dataset), ""


@dataclass(frozen=True)
class Recipe:
    """All that decides about a model of our own."""

    name: str
    description: str
    architecture: Architecture
    fit: Fit
    parts: tuple[str, ...]  # of `molecules.PARTS`; one that is named twice counts twice
    after: "Recipe | None" = None  # whose model this one goes on from
    seed: int = 1  # of the samples

    @property
    def stages(self) -> "tuple[Recipe, ...]":
        """The recipes before it, and itself."""
        return (self,) if self.after is None else (*self.after.stages, self)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The molecules it learns from."""
        return tuple(what for part in self.parts for what in samples(part))


_PEPTIDE_GFN2_FIRST = Recipe(
    name="so3k-peptide-gfn2-base",
    description="SO3krates for small organic molecules, sugars, fatty acids and peptides of H, C, N, O at GFN2-xTB",
    architecture=Architecture(
        features=96, heads=4, layers=2, degrees=(1, 2, 3), cutoff=5.0, charge_and_spin=False, repulsion_range=1.5
    ),
    fit=Fit(steps=50_000, molecules=8, learning_rate=2e-3, validate_every=1000, loss=Loss(energy=100.0, huber=0.5)),
    parts=("base",),
)
_PEPTIDE_GFN2_SECOND = replace(
    _PEPTIDE_GFN2_FIRST,
    name="so3k-peptide-gfn2-conformers",
    fit=replace(_PEPTIDE_GFN2_FIRST.fit, steps=30_000, learning_rate=1.5e-3),
    parts=("base", "conformers"),
    after=_PEPTIDE_GFN2_FIRST,
)
_PEPTIDE_GFN2_THIRD = replace(
    _PEPTIDE_GFN2_SECOND,
    name="so3k-peptide-gfn2-featured",
    fit=replace(_PEPTIDE_GFN2_SECOND.fit, steps=60_000, optimiser="muon", learning_rate=1.5e-3),
    parts=("base", "conformers", "featured"),
    after=_PEPTIDE_GFN2_SECOND,
)
PEPTIDE_GFN2 = replace(
    _PEPTIDE_GFN2_THIRD,
    name="so3k-peptide-gfn2",
    fit=replace(_PEPTIDE_GFN2_THIRD.fit, steps=30_000, learning_rate=1e-3),
    parts=("base", "conformers", *4 * ("featured",)),
    after=_PEPTIDE_GFN2_THIRD,
)
RECIPES = {"peptide-gfn2": PEPTIDE_GFN2}


def prepare_recipe(recipe: Recipe, folder: Path | str) -> Prepared:
    """Data of a recipe that were sampled into a folder, and the network that it starts from.

    Raises:
        CheckpointError: the recipe before it has left no model in the folder.
    """
    start = None if recipe.after is None else model_of(recipe.after, folder)
    return prepare(gather(recipe.samples, folder), recipe.fit, architecture=recipe.architecture, start=start)


def model_of(recipe: Recipe, folder: Path | str) -> Path:
    """File of the model that a recipe leaves in a folder."""
    return Path(folder) / f"{recipe.name}.npz"
