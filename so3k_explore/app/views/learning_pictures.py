"""Pictures of the tab Training: one set for each kind of run."""

from typing import Any

import numpy as np

from so3k_explore.app.models.learning import label_counts, learning_curves, round_errors
from so3k_explore.app.panes.charts import LineChart, ScatterChart, link_x
from so3k_explore.app.views.part import tall

CURVES = ("training", "validation")
FIT = {
    "force_error": ("Force error (dashed: the best model)", "mean error / meV/Å"),
    "energy_error": ("Energy error (dashed: the best model)", "mean error / meV per atom"),
}
LABELS = ("labelled", "failed")
ROUNDS = ("before", "after", "expected")
WAITING = {
    "train": "Appears when a training is started.",
    "label": "Appears when a labelling is started.",
    "loop": "Appears when a loop is started.",
}
SIZE = tall(260)


class FitPictures:
    """Learning curves, with a dashed line at the best model."""

    def __init__(self) -> None:
        self.charts: dict[str, Any] = {
            name: LineChart(title, "step", unit, CURVES, logarithmic=True, empty=WAITING["train"], **SIZE)
            for name, (title, unit) in FIT.items()
        }
        link_x(*self.charts.values())

    def draw(self, series: dict[str, np.ndarray]) -> None:
        """Takes over the curves of a run."""
        for column, chart in self.charts.items():
            chart.set(learning_curves(series, column))

    def tell(self, status: Any) -> None:
        """Takes over the status of a run; None for no run."""
        best = None if status is None else status.details.get("best_step")
        for chart in self.charts.values():
            chart.set_cursor(None if best is None else float(best))


class LabelPictures:
    """How many structures have a label, and how large forces are, which shows outliers."""

    def __init__(self) -> None:
        empty: dict[str, Any] = {"empty": WAITING["label"], **SIZE}
        self._counts = LineChart("Structures", "time / s", "number", LABELS, from_zero="xy", whole=True, **empty)
        self._forces = ScatterChart("Largest force in each", "structure", "force / eV/Å", positive="xy", **empty)
        self.charts: dict[str, Any] = {"counts": self._counts, "forces": self._forces}

    def draw(self, series: dict[str, np.ndarray]) -> None:
        """Takes over the numbers of a run."""
        self._counts.set(label_counts(series))
        if "force" in series:
            number, force = series["structure"][:, 0] + 1, series["force"][:, 0]
            said = [f"Structure {k:.0f}: {size:.3g} eV/Å" for k, size in zip(number, force, strict=True)]
            self._forces.set(number, force, labels=said)

    def tell(self, status: Any) -> None:
        """Everything is in the series."""


class LoopPictures:
    """Errors of the picks round by round, and the force error of all fits one after the other."""

    def __init__(self) -> None:
        options: dict[str, Any] = {"logarithmic": True, "empty": WAITING["loop"], **SIZE}
        self._rounds = LineChart("Force error of the picks", "round", "mean error / meV/Å", ROUNDS, **options)
        self._fits = LineChart("Force error of the fits", "step", "mean error / meV/Å", CURVES, **options)
        self.charts: dict[str, Any] = {"rounds": self._rounds, "force_error": self._fits}

    def draw(self, series: dict[str, np.ndarray]) -> None:
        """Takes over the curves of a run."""
        self._fits.set(learning_curves(series, "force_error"))

    def tell(self, status: Any) -> None:
        """Takes over the rounds of a run; None for no run."""
        found = round_errors(status)
        if status is not None and len(found["before"][0]):
            self._rounds.set(found)


PICTURES: dict[str, type[FitPictures] | type[LabelPictures] | type[LoopPictures]] = {
    "train": FitPictures,
    "label": LabelPictures,
    "loop": LoopPictures,
}
"""Pictures of each kind of run."""
