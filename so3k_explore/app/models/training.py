"""What the next training is to do, and what becomes of a trained model or of new labels."""

import math
import re
from typing import TYPE_CHECKING, Any

import param

from so3k_explore.app.models.background import Background
from so3k_explore.app.models.dataset import DatasetModel, Summary
from so3k_explore.app.models.improving import ImprovingModel
from so3k_explore.app.models.labelling import LabellingModel
from so3k_explore.app.models.potential import PAIR, PotentialModel
from so3k_explore.app.models.run import form_of
from so3k_explore.app.models.runs import RunsModel
from so3k_explore.jobs.learning_settings import TrainSettings

if TYPE_CHECKING:
    from so3k_explore.jobs import Run, RunStatus

FRESH = "fresh network"
BASICS = ("steps", "learning_rate", "molecules", "validate_every")
NETWORK = ("features", "heads", "layers", "degrees", "cutoff", "repulsion_range")
ELSEWHERE = ("dataset", "energy_unit", "length_unit", "start")  # have fields of their own
MORE = tuple(
    name
    for name in form_of(TrainSettings).names()
    if name not in (*BASICS, *NETWORK, *ELSEWHERE) and name != "held_out"
)
DEGREES = (1, 2, 3, 4)
TASKS = {"train": "Train", "label": "Label", "loop": "Improve"}
NAME = re.compile(r"[A-Za-z0-9][\w.+-]{0,59}")


class TrainingModel(param.Parameterized):
    """The form of a training, and why it cannot start; beside it those of labelling and of active learning."""

    task = param.Selector(default="train", objects=list(TASKS), label="What to do", doc="Kind of the next run.")
    name_ = param.String("", label="Name", doc="Of the run; empty: that of the file.")
    start_from = param.Selector(
        default=FRESH,
        objects=[FRESH],
        label="Start from",
        doc="A fresh network, or an installed model to go on from with its sizes.",
    )
    error = param.String("", doc="Why the last training could not be started.")
    model_name = param.String("", label="Name of the model", doc="Under which the trained model is added to yours.")
    use_error = param.String("", doc="Why the trained model could not be added.")
    added = param.Dict({}, doc="Names that trained models have been added under, by run.")

    def __init__(self, background: Background, runs: RunsModel, potential: PotentialModel) -> None:
        super().__init__()
        self._runs, self._potential = runs, potential
        self.dataset = DatasetModel(background, runs.root)
        self.form: Any = form_of(TrainSettings)
        self.form.param.degrees.objects = list(DEGREES)
        self.labelling = LabellingModel(background, runs)
        self.improving = ImprovingModel(runs, self)
        potential.param.watch(lambda *_: self._offer(), "models")
        self.dataset.param.watch(lambda event: self._suit(event.new), "summary")

    def settings(self) -> TrainSettings:
        """The filled form.

        Raises:
            ValueError: there is no data set yet, or values do not fit together.
        """
        return self.form.settings().replace(**self.given())

    def given(self) -> dict[str, Any]:
        """Settings that have fields of their own.

        Raises:
            ValueError: there is no data set yet.
        """
        summary = self.dataset.summary
        if summary is None:
            raise ValueError(self.dataset.obstacle)
        return {"dataset": str(summary.path), "start": self._start(), **self.dataset.units}

    def start(self) -> None:
        """Starts the training."""
        if self.obstacle:
            return
        self.error = ""
        self._runs.submit(self.settings(), None, None, name=self.name_.strip() or None, failed=self._fail)

    @property
    def obstacle(self) -> str:
        """Why the training cannot start; empty if it can."""
        if self.dataset.obstacle:
            return self.dataset.obstacle
        try:
            settings = self.settings()
        except ValueError as error:
            return str(error)
        return self.start_obstacle(settings)

    def start_obstacle(self, settings: TrainSettings) -> str:
        """Why a fit cannot begin with what is chosen; empty if it can."""
        return _fresh_obstacle(settings) if self._start() is None else self._start_obstacle()

    def learn_from(self, run: "Run", status: "RunStatus") -> None:
        """Fills the form of a training with the data set that a run has made."""
        self.task = "train"
        self.dataset.path = str(run.folder / str(status.details["data"]))

    def suggest(self, run: "Run | None") -> None:
        """A name for the model of this run that no other has."""
        name = "" if run is None else self.added.get(run.id, "")
        if run is not None and not name:
            taken = {model.name for model in self._potential.models}
            plain = re.sub(r"[^\w.+-]+", "-", run.name).strip("-._") or "model"
            name = next(name for name in (plain, *(f"{plain}-{k}" for k in range(2, 1000))) if name not in taken)
        self.param.update(model_name=name, use_error="")

    def use(self, run: "Run", status: "RunStatus") -> None:
        """Adds the best model of a run to the user's, and chooses it for the next run."""
        name = self.model_name.strip()
        if not NAME.fullmatch(name):
            self.use_error = "A name has letters, digits, dots and dashes only, and begins with a letter or digit."
            return

        def done() -> None:
            self.param.update(added={**self.added, run.id: name}, use_error="")

        self.use_error = ""
        self._potential.add(run.folder / str(status.details["model"]), name, done, self._refuse)

    def _offer(self) -> None:
        """Models that can be trained further."""
        names = [model.name for model in self._potential.models if model.installed and model.kind != PAIR]
        self.param.start_from.objects = [FRESH, *names]
        if self.start_from not in names:
            self.start_from = FRESH
        self.param.trigger("start_from")

    def _suit(self, summary: Summary | None) -> None:
        """Molecules that can be held out are those of the data, if there are several."""
        names = [] if summary is None or len(summary.molecules) < 2 else list(summary.molecules)
        self.form.param.update(held_out=[])
        self.form.param.held_out.objects = names
        self.error = ""

    def _start(self) -> str | None:
        return None if self.start_from == FRESH else str(self.start_from)

    def _start_obstacle(self) -> str:
        summary = self.dataset.summary
        info = next((model for model in self._potential.models if model.name == self.start_from), None)
        if summary is None or info is None or info.elements is None:
            return ""
        missing = sorted(set(summary.elements) - set(info.elements))
        if not missing:
            return ""
        from ase.data import chemical_symbols

        symbols = ", ".join(chemical_symbols[number] for number in missing)
        return f"The model {info.name} does not know {symbols}. Start from a fresh network."

    def _fail(self, error: Exception) -> None:
        self.error = str(error)

    def _refuse(self, error: Exception) -> None:
        self.use_error = str(error)


def _fresh_obstacle(settings: TrainSettings) -> str:
    if not settings.degrees:
        return "Choose at least one degree of the spherical harmonics."
    step = math.lcm(settings.heads, len(settings.degrees), 4)
    if settings.features % step:
        return (
            f"With {settings.heads} heads and {len(settings.degrees)} degrees, "
            f"the features must be a multiple of {step}, got {settings.features}."
        )
    return ""
