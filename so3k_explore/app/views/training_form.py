"""The form of a training: data set, what to start from, settings, and the button."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.dataset import MOST_BYTES, SUFFIXES, DatasetModel
from so3k_explore.app.models.training import BASICS, FRESH, MORE, NETWORK, TrainingModel
from so3k_explore.app.views.fields import WIDE, field
from so3k_explore.app.views.molecule_card import message
from so3k_explore.app.views.part import Part, folded

FORM_WIDTH = WIDE + 16  # px
EMPTY = {"patience": "all steps", "huber": "none", "description": "made from the data set"}


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
    """Everything a training needs, and the one button that starts it."""

    def __init__(self, model: TrainingModel) -> None:
        super().__init__()
        self.model = model
        form = model.form
        make = lambda name: field(form, name, placeholder=EMPTY.get(name, ""))
        start = pmui.Select.from_param(model.param.start_from, size="small", width=WIDE, margin=(8, 8))
        name = pmui.TextInput.from_param(
            model.param.name_, size="small", placeholder="that of the file", width=WIDE, margin=(6, 8)
        )
        self._network = folded("Network", *map(make, NETWORK))
        self._held_out = pmui.MultiChoice.from_param(form.param.held_out, width=WIDE, margin=(6, 8))
        self._error = pn.Column(margin=0, width=FORM_WIDTH)
        self._button = pmui.Button(label="Train", icon="model_training", variant="contained", width=WIDE, margin=(8, 8))
        self._button.on_click(lambda _: model.start())
        self._why = pmui.Typography("", variant="caption", color="text.secondary", margin=(0, 10), visible=False)
        basics = pn.FlexBox(*map(make, BASICS), margin=0, sizing_mode="stretch_width")
        self._layout = pn.Column(
            DatasetCard(model.dataset),
            *(start, basics, self._button, self._why, self._error),
            self._network,
            folded("More", name, *map(make, MORE), self._held_out),
            width=FORM_WIDTH,
            margin=0,
        )
        for owner, names in ((model, ["start_from", "error"]), (form, list(form.names()))):
            owner.param.watch(lambda *_: self._draw(), names)
        model.dataset.param.watch(lambda *_: self._draw(), ["summary", "error", "reading", "units_wanted"])
        self._draw()

    def _draw(self) -> None:
        model, summary = self.model, self.model.dataset.summary
        obstacle = model.obstacle
        self._button.disabled = bool(obstacle)
        self._why.param.update(object=obstacle, visible=bool(obstacle))
        self._network.visible = model.start_from == FRESH
        self._held_out.param.update(
            options=list(model.form.param.held_out.objects), visible=summary is not None and len(summary.molecules) > 1
        )
        self._error.objects = [message("error", model.error)] if model.error else []
