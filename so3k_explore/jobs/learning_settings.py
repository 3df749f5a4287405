"""What runs that learn are told to do: training, labelling, active learning; the others are in `settings`."""

# ruff: noqa: RUF009 - `setting` makes a `dataclasses.field`

import dataclasses
from typing import ClassVar

from so3k_explore.jobs.setting import Real, Settings, setting

FITTING = ("train", "loop")  # kinds of runs that make a model
LEARNING = (*FITTING, "label")  # those whose molecule is one of many structures to learn from
REFERENCES = "Reference: GFN2-xTB, GFN1-xTB or module:Calculator"


@dataclasses.dataclass(frozen=True)
class TrainSettings(Settings):
    """Fit of a potential to labelled structures as `training.Fit`, with sizes and weights of the bundled model."""

    kind: ClassVar[str] = "train"

    dataset: str = setting("", "File of labelled structures: .npz of this program or of others, or extended XYZ")
    energy_unit: str | None = setting(
        None, "Of an .npz file of others that does not say", choices=("eV", "kcal/mol", "kJ/mol", "Hartree")
    )
    length_unit: str | None = setting(None, "Of such a file", choices=("Angstrom", "Bohr"))
    start: str | None = setting(None, "Trained model to go on from, with its sizes; without it, a fresh network")
    steps: int = setting(20_000, "Batches to learn from", minimum=1, live=True)
    molecules: int = setting(8, "Structures of a batch at most", minimum=1)
    optimiser: str = setting(
        "adam",
        "How gradients become steps; Muon learns faster, and costs a little more a step",
        choices=("adam", "muon"),
    )
    learning_rate: Real = setting(1e-3, "Step size of the optimiser between warm-up and decay", above=0.0)
    energy_weight: Real = setting(100.0, "Of squared energy errors an atom, against 1 for forces", minimum=0.0)
    stress_weight: Real = setting(
        0.0, "Of squared errors of stress; for periodic structures, 1000 is a start", minimum=0.0
    )
    dipole_weight: Real = setting(0.0, "Of squared errors of dipoles an atom; for models with charges", minimum=0.0)
    charge_weight: Real = setting(0.0, "Of squared errors of charges; for models with charges", minimum=0.0)
    huber: Real | None = setting(
        0.5, "Errors of forces beyond it count linearly; without it, none does", unit="eV/Å", above=0.0
    )
    features: int = setting(96, "Width of the network, a multiple of its heads", minimum=1)
    heads: int = setting(4, "Attention heads", minimum=1)
    layers: int = setting(2, "Rounds of attention between neighbours", minimum=1)
    degrees: tuple[int, ...] = setting((1, 2, 3), "Degrees of the spherical harmonics")
    cutoff: Real = setting(5.0, "Radius within which atoms see each other", unit="Å", above=0.0)
    repulsion_range: Real = setting(
        1.5, "Where a nuclear repulsion beside the network ends; 0: there is none", unit="Å", minimum=0.0
    )
    validation: Real = setting(0.05, "Share of the structures that chooses the best parameters", above=0.0)
    test: Real = setting(0.05, "Share of the structures that nothing is chosen by", minimum=0.0)
    held_out: tuple[str, ...] = setting((), "Molecules that are only tested with")
    validate_every: int = setting(500, "Steps between validations", minimum=1)
    patience: int | None = setting(
        None, "Validations without improvement before it ends; without it, all steps", minimum=1, live=True
    )
    seed: int = setting(0, "Divides the data, draws the parameters and orders the batches", minimum=0)
    description: str = setting("", "What the model says about itself")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.validation + self.test >= 1:
            raise ValueError(
                f"`validation` and `test` must be below 1 together, got {self.validation:g} and {self.test:g}."
            )


@dataclasses.dataclass(frozen=True)
class LabelSettings(Settings):
    """Structures labelled with a reference method, for training."""

    kind: ClassVar[str] = "label"

    source: str = setting("", "File of structures, trajectory, landscape or labelled data; or the folder of a run")
    method: str = setting("GFN2-xTB", REFERENCES)
    structures: int | None = setting(None, "So many, evenly spread; without it, all", minimum=1)
    processes: int = setting(1, "That label side by side with one thread each", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_name(self.method)


@dataclasses.dataclass(frozen=True)
class LoopSettings(TrainSettings):
    """Active learning: explore, label what the model knows least, learn again; as `training.ActiveLearning`."""

    kind: ClassVar[str] = "loop"

    steps: int = setting(2000, "Batches of each fit", minimum=1)
    validate_every: int = setting(200, "Steps between validations", minimum=1)
    validation: Real = setting(0.1, "Share of the structures that chooses the best parameters", above=0.0)
    test: Real = setting(0.1, "Share of the structures that nothing is chosen by", minimum=0.0)
    patience: int | None = setting(None, "Validations without improvement before a fit ends", minimum=1)
    explore: tuple[str, ...] = setting((), "Molecules: names, SMILES, sequences or files; else those of the data")
    rounds: int = setting(3, "Of exploring, labelling and learning", minimum=1, live=True)
    picks: int = setting(32, "Structures labelled in a round", minimum=1)
    walkers: int = setting(4, "That explore each molecule", minimum=1)
    temperature: Real = setting(600.0, "Of the exploration", unit="K", above=0.0)
    frames: int = setting(25, "Of each walker in a round", minimum=1)
    interval: Real = setting(20.0, "Between these frames", unit="fs", above=0.0)
    method: str = setting("GFN2-xTB", REFERENCES)
    processes: int = setting(1, "That label side by side with one thread each", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_name(self.method)


def check_name(method: str) -> None:
    """Raises ValueError where a text is not the name of a reference method."""
    module, colon, name = method.partition(":")
    if method not in ("GFN2-xTB", "GFN1-xTB") and not (colon and module and name):
        raise ValueError(f"`method` must be GFN2-xTB, GFN1-xTB or package.module:Calculator, got {method!r}.")
