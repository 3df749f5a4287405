"""Card 2: choose the model that computes the forces, or get it."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.potential import PotentialModel, described
from so3k_explore.app.views.fields import NumberField
from so3k_explore.app.views.molecule_card import message
from so3k_explore.app.views.part import Part, folded, in_a_row

ADD = "Add a model from a file"


class ModelCard(Part):
    """The model and how exactly it is evaluated."""

    def __init__(self, model: PotentialModel) -> None:
        super().__init__()
        self.model = model
        self._select = pmui.Select(
            label="Model", options={}, size="small", sizing_mode="stretch_width", description=self.model.param.name_.doc
        )
        self._select.param.watch(self._chosen, "value")
        self._about = pmui.Typography("", variant="caption", margin=(2, 10), sx={"lineHeight": 1.4})
        self._get = pmui.Button(label="Get", icon="download", sizing_mode="stretch_width", size="small")
        self._get.on_click(lambda _: self._fetch())
        self._upload = pmui.FileInput(
            label=ADD, variant="outlined", size="small", sizing_mode="stretch_width", accept=".pkl,.npz"
        )
        self._upload.param.watch(self._uploaded, "value")
        self._install = pn.Row(self._get, self._upload, sizing_mode="stretch_width", margin=0)
        self._notes = pn.Column(sizing_mode="stretch_width", margin=0)
        self._cutoff = NumberField(self.model, "long_range_cutoff", placeholder="all pairs", width=166)
        precision = pmui.Select.from_param(self.model.param.precision, size="small", width=104, margin=(6, 4, 6, 8))
        self._layout = pn.Column(
            self._select,
            self._about,
            self._notes,
            self._install,
            folded("Precision and cutoff", lambda: in_a_row(precision, self._cutoff)),
            sizing_mode="stretch_width",
            margin=0,
        )
        self.model.param.watch(lambda *_: self._draw(), ["models", "name_", "error"])
        self._draw()

    def _chosen(self, event: Any) -> None:
        if event.new and event.new != self.model.name_:
            self.model.name_ = event.new

    def _uploaded(self, event: Any) -> None:
        if event.new is not None:
            self.model.open_file(bytes(event.new), str(self._upload.filename))

    def _fetch(self) -> None:
        if self.model.wanted is not None:
            self.model.get(self.model.wanted.name)

    def _draw(self) -> None:
        names = {self.model.label(model): model.name for model in self.model.models}
        undecided = {} if self.model.name_ else {"Choose a model": ""}  # else the browser takes the first one
        self._select.param.update(options={**undecided, **names}, value=self.model.name_ or "")
        info, wanted = self.model.info, self.model.wanted
        self._about.object = "" if info is None or self.model.notice else described(info)
        self._get.visible = wanted is not None
        self._upload.label = ADD if wanted is None else "From a file"
        self._cutoff._layout.visible = self.model.has_long_range
        if wanted is not None:
            self._get.label = f"Get {wanted.name}"
        notes = [message("info", self.model.notice)] if self.model.notice else []
        self._notes.objects = [*notes, *([message("error", self.model.error)] if self.model.error else [])]
