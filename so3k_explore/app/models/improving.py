"""What the next loop of active learning is to do; its data and what it starts from are those of a training."""

import re
from typing import TYPE_CHECKING, Any

import param

from so3k_explore.app.models.dataset import Summary
from so3k_explore.app.models.labelling import method_obstacle
from so3k_explore.app.models.run import form_of
from so3k_explore.app.models.runs import RunsModel
from so3k_explore.jobs.learning_settings import LoopSettings, check_name

if TYPE_CHECKING:
    from so3k_explore.app.models.training import TrainingModel

BASICS = ("rounds", "picks", "temperature", "walkers", "steps", "processes")
MORE = ("frames", "interval", "learning_rate", "molecules", "validate_every")
SEPARATOR = re.compile(r"[;\n]")


class ImprovingModel(param.Parameterized):
    """The form of active learning, and why it cannot start."""

    explore = param.String(
        "",
        label="Molecules to explore",
        doc="Names, SMILES, sequences or files, separated by semicolons; empty: those of the data set.",
    )
    name_ = param.String("", label="Name", doc="Of the run; empty: that of the file.")
    error = param.String("", doc="Why the last loop could not be started.")

    def __init__(self, runs: RunsModel, training: "TrainingModel") -> None:
        super().__init__()
        self._runs, self._training = runs, training
        self.form: Any = form_of(LoopSettings)
        self.form.param.degrees.objects = list(training.form.param.degrees.objects)
        training.dataset.param.watch(lambda event: self._suit(event.new), "summary")

    def settings(self) -> LoopSettings:
        """The filled form.

        Raises:
            ValueError: there is no data set yet, or values do not fit together.
        """
        texts = tuple(text.strip() for text in SEPARATOR.split(self.explore) if text.strip())
        return self.form.settings().replace(explore=texts, **self._training.given())

    @property
    def obstacle(self) -> str:
        """Why the loop cannot start; empty if nothing is known against it."""
        dataset, method = self._training.dataset, self.form.method
        if dataset.obstacle or dataset.summary is None:
            return dataset.obstacle
        try:
            settings = self.settings()
        except ValueError as error:
            return str(error)
        if dataset.summary.level != method:
            return (
                f"The data set is of {dataset.summary.level or 'an unnamed method'}, new labels would be of {method}. "
                "Choose the same method, or label the data anew under Label."
            )
        return method_obstacle(method) or self._training.start_obstacle(settings)

    def start(self) -> None:
        """Starts the loop."""
        if self.obstacle:
            return
        self.error = ""
        self._runs.submit(self.settings(), None, None, name=self.name_.strip() or None, failed=self._fail)

    def _fail(self, error: Exception) -> None:
        self.error = str(error)

    def _suit(self, summary: Summary | None) -> None:
        """New labels are of the method of the data, where that is one that can label."""
        several = [] if summary is None or len(summary.molecules) < 2 else list(summary.molecules)
        self.form.param.update(held_out=[])
        self.form.param.held_out.objects = several
        self.error = ""
        if summary is not None:
            try:
                check_name(summary.level)
            except ValueError:
                return
            self.form.method = summary.level
