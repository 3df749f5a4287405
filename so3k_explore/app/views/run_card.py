"""Card 3: what to do, its settings, and the one primary button."""

from collections.abc import Callable, Iterable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.run import BASICS, KINDS, VERBS, Form, RunModel, form_of, more
from so3k_explore.app.models.session import Session
from so3k_explore.app.views.fields import field
from so3k_explore.app.views.part import Part, folded, in_a_row

EMPTY = {
    "duration": "until stopped",
    "hydrogen_mass": "natural",
    "max_calls": "no limit",
    "minutes": "no limit",
    "minima": "no limit",
    "coverage": "no limit",
}


class RunCard(Part):
    """Kind of run, basics, the rest folded away, and the button that starts it."""

    def __init__(self, model: RunModel, start: Callable[[], None]) -> None:
        super().__init__()
        self.model = model
        kinds = {KINDS[kind]: kind for kind in self.model.forms}
        self._kind = pmui.RadioButtonGroup(
            options=kinds, value=self.model.kind, size="small", sizing_mode="stretch_width", margin=(5, 10)
        )
        self._kind.param.watch(lambda event: self.model.param.update(kind=event.new), "value")
        self._button = pmui.Button(
            label="Run", icon="play_arrow", variant="contained", sizing_mode="stretch_width", css_classes=["primary"]
        )
        self._button.on_click(lambda _: start())
        self._why = pmui.Typography("", variant="caption", color="text.secondary", margin=(0, 10), visible=False)
        self._forms = {kind: form_fields(form, kind) for kind, form in self.model.forms.items()}
        for form in self.model.forms.values():
            form.param.watch(lambda *_: self.refresh(), list(form.names()))
        self._body = pn.Column(sizing_mode="stretch_width", margin=0)
        self._layout = pn.Column(
            self._kind, self._body, self._button, self._why, sizing_mode="stretch_width", margin=(0, 0, 8, 0)
        )
        self.model.param.watch(lambda *_: self._draw(), ["kind"])
        self._draw()

    def _draw(self) -> None:
        self._kind.value = self.model.kind
        self._body.objects = [self._forms[self.model.kind]]
        self.refresh()

    def refresh(self) -> None:
        """Says anew whether the run can start."""
        obstacle = self.model.obstacle
        self._button.param.update(label=VERBS[self.model.kind], disabled=bool(obstacle))
        self._why.param.update(object=obstacle, visible=bool(obstacle))


class LiveFields(Part):
    """Settings that a going run takes over at once."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._layout = pn.Column(margin=0, sizing_mode="stretch_width")
        session.shown.param.watch(lambda *_: self._make(), "run")
        session.shown.param.watch(lambda *_: self._show(), "status")

    def _make(self) -> None:
        run: Any = self.session.shown.run
        self._layout.param.update(objects=[], visible=False)
        if run is None or not run.settings.live():
            return
        names = run.settings.live()
        form = form_of(type(run.settings))
        form.fill(run.settings)
        change = lambda event: self.session.runs.act("change", run.id, **{event.name: event.new})
        form.param.watch(change, list(names))
        self._layout.objects = [folded("Change the run on show", lambda: fields(form, names))]

    def _show(self) -> None:
        self._layout.visible = self.session.shown.active and bool(self._layout.objects)


def form_fields(form: Form, kind: str) -> pn.Column:
    """The basics of a form, and the rest under "More"."""
    basics = fields(form, [name for name in BASICS[kind] if name in form.names()])
    rest = folded("More", lambda: fields(form, more(form, kind)))
    return pn.Column(basics, rest, margin=0, sizing_mode="stretch_width")


def fields(form: Form, names: Iterable[str]) -> pn.FlexBox:
    """Fields of a form beside each other."""
    return in_a_row(*(field(form, name, placeholder=EMPTY.get(name, "")) for name in names))
