"""Tab Training: a form on the left; on the right how the training on show is doing."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.learning import headlines, learning_curves, remarks, usable
from so3k_explore.app.models.session import Session
from so3k_explore.app.panes.charts import LineChart, link_x
from so3k_explore.app.theme import card
from so3k_explore.app.views.molecule_card import message
from so3k_explore.app.views.part import Part
from so3k_explore.app.views.training_form import FORM_WIDTH, TrainingForm

CURVES = ("training", "validation")
COLUMNS = {
    "force_error": ("Force error (dashed: the best model)", "mean error / meV/Å"),
    "energy_error": ("Energy error (dashed: the best model)", "mean error / meV per atom"),
}
WAITING = "Appears when a training is started."


class TrainingTab(Part):
    """The form, the numbers to look at first, the learning curves, and what to do with the model."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._charts = {
            name: LineChart(title, "step", unit, CURVES, logarithmic=True, empty=WAITING, min_height=240)
            for name, (title, unit) in COLUMNS.items()
        }
        link_x(*self._charts.values())
        self._numbers = Headlines()
        form = pn.Column(TrainingForm(session.training), width=FORM_WIDTH, margin=0, scroll="y-auto")
        form.sizing_mode = "stretch_height"
        right = pn.Column(
            *(self._numbers, UseModel(session), *self._charts.values()),
            sizing_mode="stretch_both",
            min_width=300,
            margin=0,
            styles={"flex": "1 1 300px"},
        )
        self._layout = pn.FlexBox(form, right, sizing_mode="stretch_both", margin=0)
        session.shown.param.watch(lambda *_: self._begin(), "run")
        session.shown.param.watch(lambda *_: self._draw(), "series")
        session.shown.param.watch(lambda *_: self._tell(), "status")
        self._begin()

    @property
    def _run(self) -> Any:
        run = self.session.shown.run
        return run if run is not None and run.kind == "train" else None

    def _begin(self) -> None:
        """Forgets the last run."""
        for chart in self._charts.values():
            chart.clear()
            chart.empty = WAITING if self._run is None else "Appears with the first steps."
        self._tell()
        self._draw()

    def _draw(self) -> None:
        if self._run is None:
            return
        for column, chart in self._charts.items():
            chart.set(learning_curves(self.session.shown.series, column))

    def _tell(self) -> None:
        status = self.session.shown.status if self._run is not None else None
        self._numbers.tell(headlines(status), remarks(status, "" if self._run is None else self._run.model))
        best = None if status is None else status.details.get("best_step")
        for chart in self._charts.values():
            chart.set_cursor(None if best is None else float(best))


class Headlines(Part):
    """A few numbers in a row, and a line below them."""

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[str, Any] = {}
        self._notes: dict[str, Any] = {}
        tiles = []
        for title in headlines(None):
            text = lambda variant, colour: pmui.Typography("", variant=variant, color=colour, margin=(0, 0))
            self._values[title] = text("subtitle1", "text.primary")
            self._notes[title] = text("caption", "text.secondary")
            heading = pmui.Typography(title, variant="caption", color="text.secondary", margin=(0, 0))
            tile = pn.Column(heading, self._values[title], self._notes[title], margin=(6, 14, 2, 10), min_width=118)
            tiles.append(tile)
        self._remarks = pmui.Typography("", variant="caption", margin=(2, 10, 8, 10), sizing_mode="stretch_width")
        content = pn.Column(
            pn.FlexBox(*tiles, margin=0, sizing_mode="stretch_width"), self._remarks, sizing_mode="stretch_width"
        )
        self._layout = card("Training", content, enlarge=False)

    def tell(self, numbers: dict[str, tuple[str, str]], remarks: str) -> None:
        """Shows these numbers."""
        for title, (value, note) in numbers.items():
            self._values[title].object = value
            self._notes[title].object = note
        self._remarks.param.update(object=remarks, visible=bool(remarks))


class UseModel(Part):
    """Takes over the model of a training that has ended."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        model = session.training
        self._name = pmui.TextInput.from_param(model.param.model_name, size="small", width=200, margin=(8, 4, 8, 10))
        self._button = pmui.Button(label="Use this model", icon="check", variant="contained", size="small", height=38)
        self._button.margin = (8, 8)
        self._button.on_click(lambda _: model.use(session.shown.run, session.shown.status))
        self._notes = pn.Column(margin=0, sizing_mode="stretch_width")
        self._layout = pn.Column(
            pn.Row(self._name, self._button, margin=0), self._notes, margin=0, sizing_mode="stretch_width"
        )
        session.shown.param.watch(lambda *_: self._begin(), "run")
        session.shown.param.watch(lambda *_: self._draw(), "status")
        session.potential.param.watch(lambda *_: self._begin(), "models")
        model.param.watch(lambda *_: self._draw(), ["added", "use_error"])
        self._begin()

    def _begin(self) -> None:
        run = self.session.shown.run
        self.session.training.suggest(run if run is not None and run.kind == "train" else None)
        self._draw()

    def _draw(self) -> None:
        run, status, model = self.session.shown.run, self.session.shown.status, self.session.training
        self._layout.visible = run is not None and run.kind == "train" and usable(status)
        name = "" if run is None else model.added.get(run.id, "")
        self._name.disabled = self._button.disabled = bool(name)
        notes = [message("error", model.use_error)] if model.use_error else []
        if name:
            notes = [message("success", f"Added to your models as {name}, and chosen in card 2.")]
        self._notes.objects = notes
