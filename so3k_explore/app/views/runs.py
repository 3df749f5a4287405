"""The runs: the latest in the rail, all of them in a drawer."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.display import counted, simulated
from so3k_explore.app.models.runs import RunsModel, titled
from so3k_explore.app.views.part import ONE_LINE, Part
from so3k_explore.app.views.status import COLOURS

LATEST = 4


class RunRow(Part):
    """One run: a click shows it."""

    def __init__(self, runs: RunsModel, run: Any, *, full: bool) -> None:
        super().__init__()
        self._runs, self._run, self._full = runs, run, full
        self._name = pmui.Button(
            label=titled(run),
            variant="text",
            size="small",
            margin=(2, 4),
            sizing_mode="stretch_width",
            sx={"justifyContent": "flex-start", "textTransform": "none", **ONE_LINE},
        )
        self._name.on_click(lambda _: setattr(runs, "shown", run.id))
        self._state = pmui.Chip(label="", size="small", margin=(6, 2))
        self._bar = pmui.LinearProgress(
            value=0, variant="determinate", sizing_mode="stretch_width", margin=(0, 12), visible=False
        )
        self._sentence = pmui.Typography("", variant="caption", margin=(0, 12, 4, 12), visible=False)
        buttons = [
            self._button("play_arrow", "Resume", lambda: runs.act("resume", run.id)),
            self._button("delete_outline", "Delete (can be undone for 30 s)", lambda: runs.delete(run.id)),
        ]
        self._resume = buttons[0]
        head = pn.Row(
            self._name, self._state, *(buttons if full else buttons[:1]), margin=0, sizing_mode="stretch_width"
        )
        self._layout = pn.Column(head, self._bar, self._sentence, margin=0, sizing_mode="stretch_width")

    def _button(self, icon: str, tip: str, act: Any) -> pmui.IconButton:
        button = pmui.IconButton(icon=icon, size="small", icon_size="1.1em", description=tip, margin=(2, 0))
        button.on_click(lambda _: act())
        return button

    def draw(self, status: Any, shown: bool) -> None:
        """Takes over a new status."""
        self._name.variant = "contained" if shown else "text"
        self._name.disable_elevation = True
        self._state.param.update(label=brief(status), color=COLOURS.get(status.state, "default"))
        going = status.active and status.progress is not None
        self._bar.param.update(visible=going, value=round(100 * (status.progress or 0)))
        self._resume.visible = status.state in ("interrupted", "failed", "stopped")
        sentence = status.message if self._full or status.state in ("interrupted", "failed") else ""
        self._sentence.param.update(object=sentence, visible=bool(sentence))


class RunList(Part):
    """Rows of runs, kept in the order of the model."""

    def __init__(self, model: RunsModel, *, full: bool = False) -> None:
        super().__init__()
        self.model = model
        self.full = full
        self._rows: dict[str, RunRow] = {}
        self._empty = pmui.Typography("", variant="caption", color="text.secondary", margin=(4, 12))
        self._layout = pn.Column(self._empty, margin=0, sizing_mode="stretch_width")
        self.model.param.watch(lambda *_: self._draw(), ["entries", "loaded", "shown"])
        self._draw()

    def _draw(self) -> None:
        entries = self.model.entries if self.full else self.model.entries[:LATEST]
        rows = {run.id: self._rows.get(run.id) or RunRow(self.model, run, full=self.full) for run, _ in entries}
        for run, status in entries:
            rows[run.id].draw(status, run.id == self.model.shown)
        if list(rows) != list(self._rows) or not rows:
            self._empty.object = "" if rows else "No runs yet." if self.model.loaded else "Looking for runs …"
            self._layout.objects = [*rows.values()] if rows else [self._empty]
        self._rows = rows


def brief(status: Any) -> str:
    """State of a run in two words: `running 61 %`, `done 200 ps`, `done · 31 meV/Å`."""
    if status.state in ("running", "paused", "starting") and status.progress is not None:
        return f"{status.state} {100 * status.progress:.0f} %"
    if status.state == "done" and status.time_fs:
        return f"done · {simulated(status.time_fs)}"
    error = status.details.get("best_force_error")
    if error is not None:
        return f"{status.state} · {1000 * error:.3g} meV/Å"
    if status.details.get("labelled"):
        return f"{status.state} · {status.details['labelled']} labelled"
    minima = status.details.get("minima")
    return f"{status.state} · {counted(int(minima), 'minimum')}" if minima else status.state
