"""The bottom line: the truth about now."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.display import lasting, speed_text
from so3k_explore.app.models.session import Session
from so3k_explore.app.views.part import ONE_LINE, Lazy, Part

COLOURS: dict[str, Any] = {
    "running": "primary",
    "starting": "info",
    "queued": "info",
    "paused": "warning",
    "done": "success",
    "stopped": "default",
    "failed": "error",
    "interrupted": "warning",
}


class StatusLine(Part):
    """Device, model, speed, progress, time left, and what is being waited for."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        chip = lambda icon: pmui.Chip(
            label="", icon=icon, size="small", variant="outlined", margin=(6, 3), visible=False
        )
        self._device, self._model, self._speed = chip("memory"), chip("hub"), chip("speed")
        self._state = pmui.Chip(label="", size="small", margin=(6, 3), visible=False)
        self._spinner = pmui.CircularProgress(value=True, size=16, margin=(9, 4), visible=False)
        self._words = pmui.Typography("", variant="body2", margin=(8, 6), sx=ONE_LINE, sizing_mode="stretch_width")
        self._bar = pmui.LinearProgress(value=0, variant="determinate", width=140, margin=(16, 8), visible=False)
        self._left = pmui.Typography("", variant="body2", margin=(8, 8), sx=ONE_LINE)
        self._undo = pmui.Button(label="Undo", size="small", variant="outlined", margin=(4, 6), visible=False)
        self._undo.on_click(lambda _: self.session.runs.restore())
        self._buttons = ShownButtons(session)
        self._layout = pn.Row(
            *(self._device, self._model, self._state, self._speed, self._spinner, self._words),
            *(self._undo, self._bar, self._left, self._buttons),
            sizing_mode="stretch_width",
            height=40,
            margin=(0, 4),
            css_classes=["status-line"],
        )
        self.session.shown.param.watch(lambda *_: self._draw(), ["status", "error"])
        self.session.background.param.watch(lambda *_: self._draw(), ["doing", "fraction"])
        self.session.runs.param.watch(lambda *_: self._draw(), ["message", "deleted", "greeting"])
        self.session.bookmarks.param.watch(lambda *_: self._draw(), "message")
        self.session.potential.param.watch(lambda *_: self._draw(), ["name_", "long_range_cutoff"])
        self._draw()

    def _draw(self) -> None:
        status, background, runs = self.session.shown.status, self.session.background, self.session.runs
        _put(self._device, status.device if status else "")
        _put(self._model, self._model_text(status))
        _put(self._speed, speed_text(speeds(status)) if status else "")
        _put(self._state, status.state if status else "")
        if status:
            self._state.color = COLOURS.get(status.state, "default")
        waiting = bool(background.doing) or (status is not None and status.state in ("queued", "starting"))
        self._spinner.visible = waiting
        sentence = background.doing or runs.message or self.session.shown.error or (status.message if status else "")
        failed = not background.doing and (runs.failed or bool(self.session.shown.error))
        sentence = " ".join(part for part in (runs.greeting, self.session.bookmarks.message, sentence) if part)
        self._words.param.update(object=sentence, color="error" if failed else "text.primary")
        self._undo.visible = bool(runs.deleted)
        self._progress(status, background.fraction if background.doing else None)

    def _model_text(self, status: Any) -> str:
        """The model of the run on show, or the chosen one, with its cutoff unless that is all pairs."""
        run, potential = self.session.shown.run, self.session.potential
        name = (status.model if status else "") or potential.name_ or ""
        cutoff = potential.cutoff if run is None else run.long_range_cutoff
        return name if cutoff is None else f"{name}, long range to {cutoff:g} Å"

    def _progress(self, status: Any, fraction: float | None) -> None:
        known = fraction if fraction is not None else status.progress if status and status.active else None
        self._bar.visible = known is not None
        if known is not None:
            self._bar.value = round(100 * known)
        left = status.seconds_left if status and status.state == "running" else None
        self._left.object = "" if left is None else f"{lasting(left)} left"


class ShownButtons(Part):
    """Pause, resume and stop the run on show."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        runs = self.session.runs
        make = lambda label, icon, action: _action(label, icon, lambda: runs.act(action))
        self._pause, self._resume = make("Pause", "pause", "pause"), make("Resume", "play_arrow", "resume")
        self._stop = make("Stop", "stop", "stop")
        self._bar = pn.Row(self._pause, self._resume, self._stop, margin=0)
        self._layout = Lazy(lambda: self._bar, sizing_mode=None)
        self.session.shown.param.watch(lambda *_: self._draw(), "status")
        self._draw()

    def _draw(self) -> None:
        status = self.session.shown.status
        state = status.state if status else ""
        self._pause.visible = state in ("running", "starting", "queued")
        self._resume.visible = state in ("paused", "stopped", "failed", "interrupted")
        self._stop.visible = state in ("running", "starting", "queued", "paused")
        self._bar.visible = bool(state) and state != "done"
        if self._bar.visible:
            self._layout.open()


def _action(label: str, icon: str, act: Any) -> pmui.Button:
    button = pmui.Button(label=label, icon=icon, variant="outlined", size="small", width=96, margin=(3, 3))
    button.on_click(lambda _: act())
    return button


SPEED_UNITS = {"steps_per_second": "steps/s", "ns_per_day": "ns/day", "calls_per_second": "force calls/s"}


def speeds(status: Any) -> dict[str, float]:
    """Speeds of a run by the unit people read."""
    known = {unit: float(status.speed[name]) for name, unit in SPEED_UNITS.items() if name in status.speed}
    if "wanted" in status.details:
        return {}  # steps of a loop are not all of one kind
    if "counts" in status.details:
        return {f"{status.details['counts']}/s": known["steps/s"]} if "steps/s" in known else {}
    if "learning_rate" in status.details:
        known.pop("force calls/s", None)  # a step of a fit is no force call
    elif known.get("ns/day"):
        known.pop("force calls/s", None)  # in dynamics each step is one
    else:
        known.pop("steps/s", None)
    return known


def _put(chip: pmui.Chip, label: str) -> None:
    chip.param.update(label=label, visible=bool(label))
