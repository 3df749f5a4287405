"""From labelled data to what a fit needs, and from a fit to a model that says what it is."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from so3k_explore.analysis.extrapolation import Extrapolation
from so3k_explore.geometry.elements import SYMBOLS, symbol
from so3k_explore.io.datasets import Dataset, DatasetError
from so3k_explore.potentials.checkpoints import load_checkpoint, save_potential
from so3k_explore.potentials.so3krates import Architecture, So3krates
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.training.batches import Batches
from so3k_explore.training.fit import Fit, average_neighbors, energy_shifts
from so3k_explore.training.loss import Loss
from so3k_explore.training.splits import Split, check_forces, reasonable, split


@dataclass(frozen=True, eq=False)
class Prepared:
    """Everything a fit starts from."""

    dataset: Dataset  # without structures of unreasonable force
    parts: Split
    shifts: Float[np.ndarray, "numbers"]  # eV by atomic number
    training: Batches
    validation: Batches
    potential: So3krates | So3lr

    def part(self, name: str) -> Dataset:
        """A part of the data by its name in `Split`."""
        return self.dataset.select(getattr(self.parts, name))


def prepare(
    dataset: Dataset,
    settings: Fit,
    *,
    architecture: Architecture | None = None,
    start: Path | str | None = None,
    validation: float = 0.05,
    test: float = 0.05,
    held_out: Collection[str] = (),
    generations: Int[np.ndarray, "frames"] | None = None,
) -> Prepared:
    """Checks and divides data, and makes the network to be fitted, a fresh one or one that was fitted before.

    Args:
        dataset: labelled structures.
        settings: of the fit; its seed divides the data and draws the parameters, too.
        architecture: of a fresh network; its average number of neighbours is taken from the data.
        start: checkpoint to go on from instead.
        validation: fraction of the frames that chooses the best parameters.
        test: fraction of the frames that nothing is chosen by.
        held_out: molecules kept out of all that.
        generations: of the frames, where data came one after the other; see `splits.split`.

    Raises:
        DatasetError: forces and energies do not belong together, nothing is left, or an element is new to `start`.
    """
    check_labels(dataset, settings.loss)
    fractions = {"validation": validation, "test": test}
    kept, parts = divide(dataset, settings.seed, **fractions, held_out=held_out, generations=generations)
    seen = kept.select(parts.training)
    if start is None:
        shifts = energy_shifts(seen)
        sizes = architecture or Architecture(charge_and_spin=bool(kept.charge.any() or kept.spin.any()))
        counted = Batches(seen, sizes.cutoff, settings.molecules)
        sizes = replace(sizes, average_neighbors=round(average_neighbors(counted), 4))
        potential: So3krates | So3lr = So3krates.create(settings.seed, sizes)
    else:
        checkpoint = load_checkpoint(start)
        potential = checkpoint.potential()
        known = checkpoint.metadata.get("energy_shifts")
        shifts = energy_shifts(seen) if known is None else shifts_from_json(known)
    if settings.loss.dipole + settings.loss.charges > 0 and not hasattr(potential, "charges"):
        raise DatasetError(
            "The loss counts dipoles or charges, but this network has no charges. "
            "Start from a model that has, such as SO3LR, or set these weights to 0."
        )
    potential = potential.replace(elements=_elements(potential, kept, start))
    batches = lambda part: Batches(
        part, potential.cutoff, settings.molecules, long_range=potential.long_range_cutoff > 0, shifts=shifts
    )
    return Prepared(kept, parts, shifts, batches(seen), batches(kept.select(parts.validation)), potential)


def check_labels(dataset: Dataset, loss: Loss) -> None:
    """Raises `DatasetError` where a loss counts what the data do not have."""
    for name, labels in (("dipole", dataset.dipoles), ("charges", dataset.charges), ("stress", dataset.stresses)):
        if getattr(loss, name) > 0 and labels is None:
            raise DatasetError(
                f"The weight of `{name}` is {getattr(loss, name):g}, but not all structures have a label for it. "
                "Set the weight to 0, or label them all."
            )


def divide(
    dataset: Dataset,
    seed: int,
    *,
    validation: float = 0.05,
    test: float = 0.05,
    held_out: Collection[str] = (),
    generations: Int[np.ndarray, "frames"] | None = None,
) -> tuple[Dataset, Split]:
    """The structures of reasonable force, and what each is for.

    Raises:
        DatasetError: forces and energies do not belong together, or nothing is left to train or to validate with.
    """
    check_forces(dataset)
    frames = reasonable(dataset)
    kept, generations = dataset.select(frames), None if generations is None else generations[frames]
    parts = split(kept, validation=validation, test=test, held_out=held_out, seed=seed, generations=generations)
    if len(parts.validation) == 0:
        raise DatasetError("No frame is left for validation. Raise `validation`, or give more trajectories.")
    return kept, parts


def _elements(potential: So3krates | So3lr, dataset: Dataset, start: Path | str | None) -> frozenset[int]:
    if start is None or potential.elements is None:
        return frozenset(dataset.elements)
    unseen = sorted(set(dataset.elements) - potential.elements)
    if unseen:
        raise DatasetError(
            f"The model {start} does not know {', '.join(map(symbol, unseen))}. Train a fresh one for these data."
        )
    return potential.elements


def save_model(
    path: Path | str,
    potential: So3krates | So3lr,
    prepared: Prepared,
    description: str,
    extrapolation: Extrapolation | None = None,
    **about: Any,
) -> Path:
    """Writes a trained potential with what is needed to use and judge it: shifts, level of theory, size of the data."""
    single = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), potential)
    return save_potential(
        path,
        single,
        {} if extrapolation is None else {f"extrapolation/{k}": v for k, v in extrapolation.arrays().items()},
        description=description,
        level=prepared.dataset.level,
        energy_shifts=shifts_to_json(prepared.shifts),
        frames={name: len(getattr(prepared.parts, name)) for name in prepared.parts._fields},
        **about,
    )


def shifts_to_json(shifts: Float[np.ndarray, "numbers"]) -> dict[str, float]:
    """Energies of elements by symbol, eV."""
    return {symbol(number): float(shifts[number]) for number in np.flatnonzero(shifts).tolist()}


def shifts_from_json(values: dict[str, float]) -> Float[np.ndarray, "numbers"]:
    """Energies of elements (eV) by atomic number."""
    shifts = np.zeros(len(SYMBOLS))
    for name, value in values.items():
        shifts[SYMBOLS.index(name)] = value
    return shifts
