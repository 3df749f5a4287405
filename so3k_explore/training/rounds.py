"""What active learning is told to do, where it stands, and what its rounds found out."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from so3k_explore.geometry.elements import symbol
from so3k_explore.io.datasets import Dataset, DatasetError
from so3k_explore.io.molecule import Molecule
from so3k_explore.io.reference import GFN2
from so3k_explore.training.fit import Fit, FitState
from so3k_explore.training.labelling import check_method
from so3k_explore.typing import Replaceable

EXPLORING, LABELLING, FITTING, DONE = "exploring", "labelling", "fitting", "done"
WORTH = {EXPLORING: 0.25, LABELLING: 0.25, FITTING: 1.0}  # how long the phases of a round take, for the progress


@dataclasses.dataclass(frozen=True)
class ActiveLearning(Replaceable):
    """How a loop explores and learns."""

    rounds: int = 3
    walkers: int = 4  # of each molecule
    temperature: float | int = 600.0  # K
    frames: int = 25  # of each walker
    interval: float | int = 20.0  # fs between frames
    picks: int = 32  # structures labelled in a round
    method: str = GFN2
    processes: int = 1
    seed: int = 0
    fit: Fit = dataclasses.field(default_factory=lambda: Fit(steps=2000, validate_every=200))

    def __post_init__(self) -> None:
        for name in ("rounds", "walkers", "frames", "picks", "processes", "temperature", "interval"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` must be positive, got {getattr(self, name)}.")


@dataclasses.dataclass(frozen=True)
class Round:
    """What a round found out. Errors are mean sizes of the error of the force on an atom, eV/Å."""

    number: int
    frames: int  # that its model was trained on, picks included
    validation_force_error: float  # eV/Å, mean absolute of components, of its model
    explored: int
    picked: int  # and labelled
    failed: int  # picks without a label
    score: float  # mean extrapolation score of the picks
    expected_error: float  # what the score promised for the picks
    error_before: float  # of the model that explored, on the picks
    error_after: float  # of the model that has learned the picks, on them


class LoopState(NamedTuple):
    """Where a loop stands."""

    phase: str  # fitting, exploring, labelling or done
    done: int  # of the phase: steps, frames or structures
    total: int
    rounds: tuple[Round, ...]  # that are complete
    wanted: int  # rounds
    labelled: int = 0  # of the picks of this round
    failed: int = 0
    fit: FitState | None = None  # while fitting
    first: bool = False  # whether this is the fit before the first round
    positions: np.ndarray | None = None  # (walkers, atoms, 3) in Å, while the first molecule is explored

    @property
    def fits(self) -> int:
        """Fits that have ended."""
        return 0 if self.first else len(self.rounds) + 1

    @property
    def progress(self) -> float:
        """Share of the work that is done."""
        if self.phase == DONE:
            done = WORTH[FITTING] + sum(WORTH.values()) * len(self.rounds)
        else:
            order = list(WORTH)
            before = [] if self.first else [FITTING, *order * len(self.rounds), *order[: order.index(self.phase)]]
            done = sum(WORTH[phase] for phase in before) + WORTH[self.phase] * self.done / max(self.total, 1)
        return min(1.0, done / (WORTH[FITTING] + sum(WORTH.values()) * self.wanted))


def check_loop(settings: ActiveLearning, molecules: Sequence[Molecule], dataset: Dataset) -> None:
    """Raises `DatasetError` where methods are mixed, or a molecule is of elements or charges that the data lack."""
    if dataset.level != settings.method:
        raise DatasetError(
            f"The data are of {dataset.level or 'an unnamed method'}, and picks would be labelled with "
            f"{settings.method}. Choose the method of the data, or label them anew with `so3k label`."
        )
    check_method(settings.method, dataset)
    for molecule in molecules:
        unseen = sorted(set(molecule.numbers.tolist()) - set(dataset.elements))
        if unseen:
            raise DatasetError(
                f"The data have no {', '.join(map(symbol, unseen))}, which {molecule.name} is made of. "
                "Label some structures of it first, or explore other molecules."
            )
        if (molecule.charge and not dataset.charge.any()) or (molecule.multiplicity > 1 and not dataset.spin.any()):
            raise DatasetError(
                f"The data have neutral molecules without unpaired electrons only, got {molecule.name} with charge "
                f"{molecule.charge:+g} and multiplicity {molecule.multiplicity}. Label some structures of it first."
            )
