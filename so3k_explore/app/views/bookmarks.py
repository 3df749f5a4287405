"""Bookmarks of the run on show: a button that makes one, the list to jump back, and a file for other programs."""

import io
from typing import Any

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.session import Session
from so3k_explore.app.views.part import Lazy, Part


class BookmarkBar(Part):
    """Hidden while no run is shown; list and file appear with the first bookmark."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        add = pmui.IconButton(icon="bookmark_add", description="Bookmark what is shown (B)", margin=(6, 0))
        add.on_click(lambda _: session.bookmarks.toggle())
        self._list = pmui.Select(
            label="Bookmarks", options={"jump to …": None}, value=None, size="small", width=130, margin=(8, 4)
        )
        self._list.param.watch(self._chosen, "value")
        self._save = pmui.FileDownload(
            callback=lambda: io.StringIO(session.bookmarks.as_xyz()),
            filename="bookmarks.xyz",
            label="XYZ",
            description="All bookmarks as extended XYZ",
            size="small",
            width=80,
            margin=(10, 0),
        )
        self._save.variant = "outlined"
        self._bar = pn.Row(add, self._list, self._save, margin=0)
        self._layout = Lazy(lambda: self._bar, sizing_mode=None)
        session.bookmarks.param.watch(lambda *_: self._draw(), "entries")
        session.shown.param.watch(lambda *_: self._draw(), "run")
        self._draw()

    def _draw(self) -> None:
        entries, run = self.session.bookmarks.entries, self.session.shown.run
        self._list.param.update(options={"jump to …": None, **{entry.label: entry for entry in entries}}, value=None)
        self._list.visible = self._save.visible = bool(entries)
        self._bar.visible = run is not None
        if run is not None:
            self._layout.open()
            self._save.filename = f"{run.name}-bookmarks.xyz".replace(" ", "-")

    def _chosen(self, event: Any) -> None:
        if event.new is not None:
            self.session.bookmarks.go(event.new)
            self._list.value = None  # so that the same one can be chosen again
