"""How good a potential is: errors by molecule, element and size of the force, and what follows from them.

Labels of one molecule are compared after the mean energy error of each molecule is taken off as well, because absolute
energies carry the zero of the reference method. Everything is evaluated in the precision of the potential's parameters;
load it with ``precision="float64"`` to leave rounding out.
"""

import itertools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from so3k_explore.geometry.elements import symbol
from so3k_explore.io.datasets import Dataset
from so3k_explore.potentials.protocol import Potential
from so3k_explore.training.batches import Batches
from so3k_explore.training.loss import predict

FORCE_BINS = (0.0, 0.5, 1.0, 2.0, 5.0, np.inf)  # eV/Å


@dataclass(frozen=True)
class Scores:
    """Errors of one part of the data: mean absolute and root mean square; energies in eV, forces in eV/Å."""

    frames: int
    force_mae: float  # of components
    force_rmse: float
    energy_mae: float  # of the molecule
    energy_mae_per_atom: float
    relative_energy_mae: float  # after the mean error of each molecule is taken off
    force_mean: float  # mean size of the reference components, to compare with


@dataclass(frozen=True, eq=False)
class Predictions:
    """Labels and predictions of a data set, frame by frame."""

    dataset: Dataset
    energies: Float[np.ndarray, "frames"]  # eV, with the shifts of the elements
    forces: Float[np.ndarray, "atoms 3"]  # eV/Å
    stresses: Float[np.ndarray, "frames 3 3"] | None = None  # eV/Å³, where the data have any

    @property
    def force_errors(self) -> Float[np.ndarray, "atoms 3"]:
        """Prediction minus label, eV/Å."""
        return self.forces - self.dataset.forces

    @property
    def energy_errors(self) -> Float[np.ndarray, "frames"]:
        """Prediction minus label, eV."""
        return self.energies - self.dataset.energies


def predictions(
    potential: Potential, dataset: Dataset, shifts: Float[np.ndarray, "numbers"] | None = None, molecules: int = 8
) -> Predictions:
    """What a potential says about every structure of a data set.

    Args:
        potential: its precision is that of its parameters.
        dataset: the labelled structures.
        shifts: energies by atomic number (eV) that the potential leaves out.
        molecules: evaluated together at most.
    """
    dtype = np.result_type(*(np.asarray(leaf).dtype for leaf in jax.tree.leaves(potential)))
    batches = Batches(
        dataset,
        potential.cutoff,
        molecules,
        long_range=potential.long_range_cutoff > 0,
        shifts=shifts,
        dtype=dtype.type,
    )
    energies, forces = np.zeros(len(dataset)), np.zeros_like(dataset.forces)
    stresses = None if dataset.stresses is None else np.zeros_like(dataset.stresses)
    for frames in batches.in_order():
        found = _predict(potential, batches.collate(frames), stress=stresses is not None)
        first, last = int(dataset.offsets[frames[0]]), int(dataset.offsets[frames[-1] + 1])
        energies[frames] = np.asarray(found.energies, float)[: len(frames)]
        forces[first:last] = np.asarray(found.forces, float)[: last - first]
        if stresses is not None and found.stress is not None:
            stresses[frames] = np.asarray(found.stress, float)[: len(frames)]
    if shifts is not None:
        energies = energies + np.add.reduceat(shifts[dataset.numbers], dataset.offsets[:-1])
    return Predictions(dataset, energies, forces, stresses)


_predict = jax.jit(predict, static_argnames=("charges", "stress"))


def scores(found: Predictions, frames: Any = slice(None)) -> Scores:
    """Errors over some frames."""
    part = found.dataset.select(frames)
    rows = np.repeat(_mask(frames, len(found.dataset)), found.dataset.sizes)
    errors, energy = found.force_errors[rows], found.energy_errors[frames]
    names = part.molecules.astype(str)
    relative = energy - np.array([energy[names == name].mean() for name in names])
    return Scores(
        frames=len(part),
        force_mae=float(np.abs(errors).mean()),
        force_rmse=float(np.sqrt((errors**2).mean())),
        energy_mae=float(np.abs(energy).mean()),
        energy_mae_per_atom=float(np.abs(energy / part.sizes).mean()),
        relative_energy_mae=float(np.abs(relative).mean()),
        force_mean=float(np.abs(part.forces).mean()),
    )


def scores_by(found: Predictions, key: Callable[[Dataset], np.ndarray]) -> dict[str, Scores]:
    """Errors by what `key` says of every frame, e.g. ``lambda data: data.molecules``."""
    labels = key(found.dataset).astype(str)
    return {str(name): scores(found, labels == name) for name in np.unique(labels)}


def force_errors_by_element(found: Predictions) -> dict[str, float]:
    """Mean absolute error of force components on each element, eV/Å."""
    numbers, errors = found.dataset.numbers, np.abs(found.force_errors).mean(axis=1)
    return {symbol(int(n)): float(errors[numbers == n].mean()) for n in np.unique(numbers)}


def force_errors_by_size(found: Predictions) -> dict[str, float]:
    """Mean absolute error of force components by the size of the reference force on the atom, eV/Å."""
    norms, errors = np.linalg.norm(found.dataset.forces, axis=1), np.abs(found.force_errors).mean(axis=1)
    made = {}
    for low, high in itertools.pairwise(FORCE_BINS):
        inside = (norms >= low) & (norms < high)
        if inside.any():
            made[f"{low:g} to {high:g}" if np.isfinite(high) else f"above {low:g}"] = float(errors[inside].mean())
    return made


def stress_error(found: Predictions) -> float | None:
    """Mean absolute error of the components of the stress, eV/Å³; None where the data have none."""
    if found.stresses is None or found.dataset.stresses is None:
        return None
    return float(np.abs(found.stresses - found.dataset.stresses)[found.dataset.periodic].mean())


def report(found: Predictions) -> dict[str, Any]:
    """All errors as plain numbers, for a file or a card."""
    return {
        "level": found.dataset.level,
        "all": asdict(scores(found)),
        "molecules": {name: asdict(value) for name, value in scores_by(found, lambda d: d.molecules).items()},
        "sources": {name: asdict(value) for name, value in scores_by(found, lambda d: d.sources).items()},
        "elements": force_errors_by_element(found),
        "force_sizes": force_errors_by_size(found),
        "stress": stress_error(found),
    }


def learning_curve(
    sizes: list[int], train: Callable[[Dataset], Potential], training: Dataset, test: Dataset, seed: int = 0
) -> dict[int, Scores]:
    """Errors on `test` after training on random subsets of these sizes, each part of the next."""
    order = np.random.default_rng(seed).permutation(len(training))
    return {size: scores(predictions(train(training.select(np.sort(order[:size]))), test)) for size in sizes}


def _mask(frames: Any, count: int) -> np.ndarray:
    mask = np.zeros(count, bool)
    mask[frames] = True
    return mask
