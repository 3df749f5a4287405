"""A menu of files, and the button that saves the one that is ready."""

import io
from typing import Any

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.exports import NOTEBOOK, REPORT, STRUCTURES
from so3k_explore.app.models.session import Session
from so3k_explore.app.views.part import Part

WORDS = {**{f"Chosen minima as {name}": name for name in STRUCTURES}, "Notebook of this view": NOTEBOOK}
WORDS |= {"Report of the run (HTML)": REPORT}


class ExportBar(Part):
    """What is chosen, or all minima when nothing is."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._model = session.exports
        menu = pmui.MenuButton(
            items=[{"label": label} for label in WORDS],
            **{"label": "Export", "icon": "download", "variant": "outlined", "size": "small", "margin": (8, 6)},
            width=120,
        )
        menu.on_click(self._make)
        self._save = pmui.FileDownload(
            callback=self._content, filename="minima.extxyz", label="Save", size="small", margin=(8, 6), visible=False
        )
        self._message = pmui.Typography("", variant="caption", margin=(12, 6))
        self._layout = pn.Row(menu, self._save, self._message, margin=0, sizing_mode="stretch_width")
        self._model.param.watch(lambda *_: self._draw(), ["file", "message"])
        self._draw()

    def _make(self, item: Any) -> None:
        self._model.make(WORDS[item["label"]])

    def _content(self) -> io.BytesIO:
        return io.BytesIO(b"" if self._model.file is None else self._model.file[1])

    def _draw(self) -> None:
        file = self._model.file
        self._save.visible = file is not None
        if file is not None:
            size = len(file[1]) / 1e6
            self._save.param.update(filename=file[0], label=f"Save {file[0].rsplit('.', 1)[-1]} ({size:.1f} MB)")
        self._message.object = self._model.message
