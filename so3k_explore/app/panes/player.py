"""Buttons below the viewer: first, play, last, the frame, the pace. They talk to the viewer inside the browser."""

from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from so3k_explore.app.panes.molecule import MoleculePane
from so3k_explore.app.theme import ICONS

PACES = {"slow": 6.0, "half": 12.0, "normal": 24.0, "double": 48.0, "fast": 96.0}
"""Names of the pace → frames shown in a second."""
NORMAL, STROLL = PACES["normal"], PACES["slow"]


class PlayerBar(pn.viewable.Viewer):
    """Controls of a `MoleculePane`: it follows the pane's parameters and is hidden while there are no frames."""

    label = param.String("Frame", doc="What a frame is: Frame, Conformer …")

    def __init__(self, pane: MoleculePane, **params: Any) -> None:
        super().__init__(**params)
        self._pane = pane
        self._slider = pmui.IntSlider(
            label=self.label,
            start=0,
            end=1,
            value=pane.frame,
            sizing_mode="stretch_width",
            margin=(6, 14),
            size="small",
        )
        self._slider.jslink(pane, value="frame", bidirectional=True)
        self._play = pmui.IconButton(
            icon=ICONS["play"], description="Play or pause (space)", color="primary", margin=(8, 0)
        )
        self._play.js_on_click(args={"pane": pane}, code="pane.data.playing = !pane.data.playing")
        first = pmui.IconButton(icon=ICONS["first"], description="First frame", margin=(8, 0))
        first.js_on_click(args={"pane": pane}, code="pane.data.playing = false; pane.data.frame = 0")
        last = pmui.IconButton(icon=ICONS["last"], description="Last frame", margin=(8, 0))
        last.js_on_click(
            args={"pane": pane}, code="pane.data.playing = false; pane.data.frame = Math.max(pane.data.n_frames - 1, 0)"
        )
        self._pace = pmui.Select(label="Pace", options=PACES, value=NORMAL, width=100, size="small", margin=(8, 4))
        self._pace.param.watch(lambda event: pane.param.update(fps=event.new), "value")
        loop = pmui.ToggleIcon(icon=ICONS["repeat"], value=True, description="Repeat", margin=(8, 0))
        loop.jslink(pane, value="loop")
        self._row = pmui.Row(
            first, self._play, last, self._slider, self._pace, loop, sizing_mode="stretch_width", margin=0
        )
        pane.param.watch(self._follow, ["n_frames", "playing"])
        self._follow()

    def suit(self, *, conformers: bool) -> None:
        """Names the frames; conformers go by slowly, and their number from 1 stands above the viewer."""
        label = "Conformer" if conformers else "Frame"
        if label != self.label:
            self.label = label
            self._slider.show_value = not conformers
            self._pace.value = STROLL if conformers else NORMAL

    def _follow(self, *_: Any) -> None:
        """Length of the slider and face of the play button."""
        pane = self._pane
        self._row.visible = pane.n_frames > 1
        self._slider.end = max(pane.n_frames - 1, 1)
        self._play.icon = ICONS["pause"] if pane.playing else ICONS["play"]

    @param.depends("label", watch=True)
    def _rename_slider(self) -> None:
        self._slider.label = self.label

    def __panel__(self) -> pn.viewable.Viewable:
        return self._row
