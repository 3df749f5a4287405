"""Tab Training: a form on the left; on the right how the training, labelling or loop on show is doing."""

import io
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from so3k_explore.app.models.learning import headlines, remarks, usable
from so3k_explore.app.models.session import Session
from so3k_explore.app.theme import card
from so3k_explore.app.views.learning_pictures import PICTURES, WAITING
from so3k_explore.app.views.molecule_card import message
from so3k_explore.app.views.part import Part
from so3k_explore.app.views.training_form import FORM_WIDTH, TrainingForm
from so3k_explore.jobs.learning_settings import LEARNING

TITLES = {"train": "Training", "label": "Labelling", "loop": "Active learning"}


class TrainingTab(Part):
    """The forms, the numbers to look at first, the pictures, and what to do with the results."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._sets: dict[str, Any] = {}  # pictures by kind of run, made when they are first shown
        self._numbers = Headlines()
        form = pn.Column(TrainingForm(session.training), width=FORM_WIDTH, margin=0, scroll="y-auto")
        form.sizing_mode = "stretch_height"
        self._place = pn.Column(sizing_mode="stretch_width", margin=0)
        right = pn.Column(
            *(self._numbers, UseModel(session), UseData(session), self._place),
            sizing_mode="stretch_both",
            min_width=300,
            margin=0,
            scroll="y-auto",
            styles={"flex": "1 1 300px"},
        )
        self._layout = pn.FlexBox(form, right, sizing_mode="stretch_both", margin=0, styles={"overflow-y": "auto"})
        session.shown.param.watch(lambda *_: self._begin(), "run")
        session.shown.param.watch(lambda *_: self._draw(), "series")
        session.shown.param.watch(lambda *_: self._tell(), "status")
        session.training.param.watch(lambda *_: self._follow_form(), "task")
        self._begin()

    @property
    def kind(self) -> str:
        """Of the run on show; where it is of another kind, what the form is about."""
        return self.session.training.task if self._run is None else self._run.kind

    @property
    def charts(self) -> dict[str, Any]:
        """Those on show, by name."""
        return self._pictures.charts

    @property
    def _run(self) -> Any:
        run = self.session.shown.run
        return run if run is not None and run.kind in LEARNING else None

    @property
    def _pictures(self) -> Any:
        kind = self.kind
        if kind not in self._sets:
            self._sets[kind] = PICTURES[kind]()
        return self._sets[kind]

    def _begin(self) -> None:
        """Forgets the last run."""
        if self._run is not None:
            self.session.training.task = self._run.kind
        for name, chart in self.charts.items():
            chart.clear()
            first = "the first round" if name == "rounds" else "the first steps"
            waiting = "Appears with the first labels." if self.kind == "label" else f"Appears with {first}."
            chart.empty = WAITING[self.kind] if self._run is None else waiting
        if self._place.objects != (charts := list(self.charts.values())):
            self._place.objects = charts
        self._tell()
        self._draw()

    def _follow_form(self) -> None:
        """With no run of these on show, the pictures are those of what the form is about; the form comes first."""
        if self._run is None:
            pn.state.execute(self._begin, schedule=True)

    def _draw(self) -> None:
        if self._run is not None:
            self._pictures.draw(self.session.shown.series)

    def _tell(self) -> None:
        status = self.session.shown.status if self._run is not None else None
        said = remarks(status, "" if self._run is None else self._run.model)
        self._numbers.tell(headlines(status, self.kind), said, TITLES[self.kind])
        self._pictures.tell(status)


class Headlines(Part):
    """A few numbers in a row, and a line below them."""

    title = param.String("Training", doc="What the numbers are about.")

    def __init__(self) -> None:
        super().__init__()
        text = lambda variant, colour: pmui.Typography("", variant=variant, color=colour, margin=(0, 0))
        self._tiles = [
            (text("caption", "text.secondary"), text("subtitle1", "text.primary"), text("caption", "text.secondary"))
            for _ in headlines(None)
        ]
        tiles = [pn.Column(*tile, margin=(6, 14, 2, 10), min_width=118) for tile in self._tiles]
        self._remarks = pmui.Typography("", variant="caption", margin=(2, 10, 8, 10), sizing_mode="stretch_width")
        content = pn.Column(
            pn.FlexBox(*tiles, margin=0, sizing_mode="stretch_width"), self._remarks, sizing_mode="stretch_width"
        )
        self._layout = card(self.param.title, content, enlarge=False, sizing_mode="stretch_width")

    @property
    def shown(self) -> dict[str, str]:
        """The numbers by title."""
        return {str(title.object): str(value.object) for title, value, _ in self._tiles}

    def tell(self, numbers: dict[str, tuple[str, str]], remarks: str, title: str) -> None:
        """Shows these numbers."""
        for tile, (name, (value, note)) in zip(self._tiles, numbers.items(), strict=True):
            for part, words in zip(tile, (name, value, note), strict=True):
                part.object = words
        self._remarks.param.update(object=remarks, visible=bool(remarks))
        self.title = title


class UseModel(Part):
    """Takes over the model of a training or a loop that has ended."""

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
        self.session.training.suggest(run if run is not None and run.kind in LEARNING else None)
        self._draw()

    def _draw(self) -> None:
        run, status, model = self.session.shown.run, self.session.shown.status, self.session.training
        self._layout.visible = run is not None and run.kind in LEARNING and usable(status)
        name = "" if run is None else model.added.get(run.id, "")
        self._name.disabled = self._button.disabled = bool(name)
        notes = [message("error", model.use_error)] if model.use_error else []
        if name:
            notes = [message("success", f"Added to your models as {name}, and chosen in card 2.")]
        self._notes.objects = notes


class UseData(Part):
    """What a labelling or a loop has made, as files, and as data for the next training."""

    FILES = {"data": "Save data set", "report": "Save report"}  # noqa: RUF012 - never changed

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._learn = pmui.Button(label="Train with these data", icon="model_training", variant="outlined")
        self._learn.param.update(size="small", margin=(8, 4, 8, 10))
        self._learn.on_click(lambda _: session.training.learn_from(session.shown.run, session.shown.status))
        options: dict[str, Any] = {"size": "small", "margin": (8, 4)}
        self._files = {
            name: pmui.FileDownload(callback=partial(self._content, name), filename=name, label=words, **options)
            for name, words in self.FILES.items()
        }
        self._layout = pn.FlexBox(self._learn, *self._files.values(), margin=0, sizing_mode="stretch_width")
        session.shown.param.watch(lambda *_: self._draw(), ["run", "status"])
        self._draw()

    def _content(self, name: str) -> io.BytesIO:
        run, status = self.session.shown.run, self.session.shown.status
        return io.BytesIO((run.folder / str(status.details[name])).read_bytes())

    def _draw(self) -> None:
        run, status = self.session.shown.run, self.session.shown.status
        details: dict[str, Any] = {}
        if run is not None and run.kind in LEARNING and status is not None and not status.active:
            details = status.details
        self._layout.visible = bool(details.get("data"))
        for name, button in self._files.items():
            file = details.get(name)
            button.visible = bool(file)
            if file:
                button.filename = f"{'' if run is None else run.name} {file}".strip()
