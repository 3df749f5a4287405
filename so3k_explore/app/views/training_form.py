"""The forms of training, labelling and active learning: data, what to start from, settings, and the button."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.dataset import MOST_BYTES, SUFFIXES, DatasetModel
from so3k_explore.app.models.improving import BASICS as LOOP_BASICS
from so3k_explore.app.models.improving import MORE as LOOP_MORE
from so3k_explore.app.models.labelling import FORMATS, LabellingModel
from so3k_explore.app.models.training import BASICS, FRESH, MORE, NETWORK, TASKS, TrainingModel
from so3k_explore.app.views.fields import EMPTY_SHOWN, WIDE, field
from so3k_explore.app.views.molecule_card import message
from so3k_explore.app.views.part import Part, folded, in_a_row

FORM_WIDTH = WIDE + 16  # px
EMPTY = {"patience": "all steps", "huber": "none", "description": "made from the data set", "structures": "all"}
BUTTONS = {
    "train": ("Train a model", "model_training"),
    "label": ("Label structures", "label"),
    "loop": ("Improve a model", "autorenew"),
}


class DatasetCard(Part):
    """Where the data are, and what is in them or why they cannot be read."""

    def __init__(self, model: DatasetModel) -> None:
        super().__init__()
        self.model = model
        self._path = pmui.TextInput.from_param(
            model.param.path, size="small", placeholder="data.npz · data.xyz", width=WIDE, margin=(10, 8, 4, 8)
        )
        self._file = pmui.FileInput(
            label="Upload a file",
            variant="outlined",
            size="small",
            accept=",".join(SUFFIXES),
            max_file_size=MOST_BYTES,
            width=WIDE,
            margin=(4, 8),
        )
        self._file.param.watch(self._uploaded, "value")
        unit = lambda name: pmui.Select.from_param(model.param[name], size="small", width=134, margin=(8, 4, 4, 8))
        question = pmui.Typography("This file does not say its units:", variant="caption", margin=(4, 10, 0, 10))
        self._units = pn.Column(question, pn.Row(unit("energy_unit"), unit("length_unit"), margin=0), margin=0)
        self._notes = pn.Column(margin=0, width=FORM_WIDTH)
        self._layout = pn.Column(self._path, self._file, self._units, self._notes, margin=0, width=FORM_WIDTH)
        model.param.watch(lambda *_: self._draw(), ["summary", "error", "reading", "units_wanted"])
        self._draw()

    def _uploaded(self, event: Any) -> None:
        if event.new is not None:
            self.model.open_file(bytes(event.new), str(self._file.filename or ""))

    def _draw(self) -> None:
        model = self.model
        self._units.visible = model.units_wanted
        lines = ("reading …",) if model.reading else () if model.summary is None else model.summary.sentences
        said = [pmui.Typography(line, variant="caption", margin=(1, 10)) for line in lines]
        self._notes.objects = [message("error", model.error)] if model.error else said


class TrainingForm(Part):
    """What to do (train, label, improve), on which data, and the button that starts it."""

    def __init__(self, model: TrainingModel) -> None:
        super().__init__()
        self.model = model
        self._task = pmui.RadioButtonGroup(
            options={words: task for task, words in TASKS.items()},
            value=model.task,
            **{"size": "small", "width": WIDE, "margin": (8, 8, 2, 8)},
        )
        self._task.param.watch(lambda event: model.param.update(task=event.new), "value")
        start = pmui.Select.from_param(model.param.start_from, size="small", width=WIDE, margin=(8, 8))
        self._data = pn.Column(DatasetCard(model.dataset), start, margin=0, width=FORM_WIDTH)
        self.forms = {"train": FitForm(model), "label": LabelForm(model.labelling), "loop": LoopForm(model)}
        self._body = pn.Column(margin=0, width=FORM_WIDTH)
        self._layout = pn.Column(self._task, self._data, self._body, width=FORM_WIDTH, margin=0)
        model.param.watch(lambda *_: self._draw(), "task")
        self._draw()

    def _draw(self) -> None:
        task = self.model.task
        self._task.value = task
        self._data.visible = task != "label"
        self._body.objects = [self.forms[task]]


class StartForm(Part):
    """Fields, the one button, and why it cannot be pressed. Subclasses place them in `_layout`."""

    def __init__(self, model: Any, label: str, icon: str) -> None:
        super().__init__()
        self.model = model
        self._error = pn.Column(margin=0, width=FORM_WIDTH)
        self._button = pmui.Button(label=label, icon=icon, variant="contained", width=WIDE, margin=(8, 8))
        self._button.on_click(lambda _: model.start())
        self._why = pmui.Typography("", variant="caption", color="text.secondary", margin=(0, 10), visible=False)
        self._start = (self._button, self._why, self._error)
        form = model.form
        form.param.watch(lambda *_: self._draw(), list(form.names()))
        model.param.watch(lambda *_: self._draw(), "error")

    def _field(self, name: str) -> Any:
        return field(self.model.form, name, placeholder=EMPTY.get(name, ""))

    def _fields(self, *names: str) -> pn.FlexBox:
        return in_a_row(*map(self._field, names))

    def _draw(self) -> None:
        obstacle = self.model.obstacle
        self._button.disabled = bool(obstacle)
        self._why.param.update(object=obstacle, visible=bool(obstacle))
        self._error.objects = [message("error", self.model.error)] if self.model.error else []


class FitForm(StartForm):
    """Settings of a training."""

    def __init__(self, model: TrainingModel, owner: Any = None, basics: Any = None, more: tuple[Any, ...] = ()) -> None:
        """Those of `owner`, which is `model` itself unless told; `basics` and `more` replace and precede the usual."""
        super().__init__(model if owner is None else owner, *BUTTONS["train" if owner is None else "loop"])
        self._training, form = model, self.model.form
        self._network = folded("Network", lambda: self._fields(*NETWORK))
        self._held_out = pmui.MultiChoice.from_param(form.param.held_out, width=WIDE, margin=(6, 8))
        name = pmui.TextInput.from_param(
            self.model.param.name_, size="small", placeholder="that of the file", width=WIDE, margin=(6, 8)
        )
        self._layout = pn.Column(
            *((self._fields(*BASICS),) if basics is None else basics(self)),
            *self._start,
            self._network,
            folded("More", lambda: in_a_row(name, *map(self._field, (*more, *MORE)), self._held_out)),
            **{"width": FORM_WIDTH, "margin": 0},
        )
        model.param.watch(lambda *_: self._draw(), "start_from")
        model.dataset.param.watch(lambda *_: self._draw(), ["summary", "error", "reading", "units_wanted"])
        self._draw()

    def _draw(self) -> None:
        super()._draw()
        summary = self._training.dataset.summary
        self._network.visible = self._training.start_from == FRESH
        self._held_out.param.update(
            options=list(self.model.form.param.held_out.objects),
            visible=summary is not None and len(summary.molecules) > 1,
        )


class LoopForm(FitForm):
    """Settings of active learning: what to explore before what to fit with."""

    def __init__(self, model: TrainingModel) -> None:
        super().__init__(model, model.improving, _loop_basics, LOOP_MORE)
        model.improving.param.watch(lambda *_: self._draw(), "explore")


def _loop_basics(form: LoopForm) -> tuple[Any, ...]:
    explore = pmui.TextInput.from_param(
        form.model.param.explore,
        **{"size": "small", "placeholder": "those of the data", "sx": EMPTY_SHOWN, "width": WIDE, "margin": (6, 8)},
    )
    return explore, form._fields(*LOOP_BASICS), form._field("method")


class LabelForm(StartForm):
    """Structures, method, and the button."""

    def __init__(self, model: LabellingModel) -> None:
        super().__init__(model, *BUTTONS["label"])
        path = pmui.TextInput.from_param(
            model.param.path, size="small", placeholder="file or run folder", width=WIDE, margin=(10, 8, 4, 8)
        )
        self._run = pmui.Button(
            label="The run on show", icon="movie", variant="outlined", size="small", width=WIDE, margin=(4, 8)
        )
        self._run.on_click(lambda _: model.take_run())
        self._file = pmui.FileInput(
            label="Upload a file",
            variant="outlined",
            size="small",
            accept=",".join(FORMATS),
            max_file_size=MOST_BYTES,
            width=WIDE,
            margin=(4, 8),
        )
        self._file.param.watch(self._uploaded, "value")
        self._notes = pn.Column(margin=0, width=FORM_WIDTH)
        self._layout = pn.Column(
            *(path, self._run, self._file, self._notes),
            *(self._field("method"), self._fields("structures", "processes")),
            *self._start,
            **{"width": FORM_WIDTH, "margin": 0},
        )
        model.param.watch(lambda *_: self._draw(), ["found", "problem", "reading", "run"])
        self._draw()

    def _uploaded(self, event: Any) -> None:
        if event.new is not None:
            self.model.open_file(bytes(event.new), str(self._file.filename or ""))

    def _draw(self) -> None:
        super()._draw()
        model = self.model
        self._run.disabled = model.run is None
        lines = ("reading …",) if model.reading else () if model.found is None else model.found.sentences
        said = [pmui.Typography(line, variant="caption", margin=(1, 10)) for line in lines]
        self._notes.objects = [message("error", model.problem)] if model.problem else said
