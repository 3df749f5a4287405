"""Points that can be chosen, over lines that join them: trees, networks, profiles.

All lines of one look and colour are one polyline with gaps, so that ten thousand of them are a handful of WebGL calls.
"""

from collections.abc import Sequence
from typing import Any

import holoviews as hv
import numpy as np

from so3k_explore.app.panes.limits import Limits
from so3k_explore.app.panes.scatter import ScatterChart

STEM = "#7A8793"  # lines without a colour of their own, legible in light and in dark
LOOKS = {"solid": "solid", "dashed": "dashed", "dotted": "dotted"}
"""Looks of lines → Bokeh's dashes."""


class LinkedChart(ScatterChart):
    """Points over lines. Limits are as wide as the points and as high as points and lines."""

    _unseen = ""  # axes without a meaning: "x", "xy"

    def __init__(self, title: str, x_label: str, y_label: str, **options: Any) -> None:
        """Arguments as of `ScatterChart`."""
        super().__init__(title, x_label, y_label, **options)
        self._reach: tuple[Limits, Limits] | None = None
        self._columns |= {look: _line_columns([]) for look in LOOKS}

    def set_lines(self, lines: "Sequence[tuple[str, Any, Any, str]]") -> None:
        """Replaces the lines: (look, x, y, colour) of each, NaN where a line ends and the next begins."""
        for look in LOOKS:
            self._send(look, _line_columns([line for line in lines if line[0] == look]))

    def clear(self) -> None:
        """Removes all points and lines; the empty state is shown again."""
        self._reach = None
        self.set_lines(())
        super().clear()

    def _plot(self) -> Any:
        lines = [
            hv.Path([[(0.0, 0.0), (0.0, 1.0)]]).opts(
                line_width=1.2, line_dash=dash, default_tools=[], hooks=[self._capture(look), _color_lines]
            )
            for look, dash in LOOKS.items()
        ]
        return hv.Overlay([*lines, *self._marks()]).opts(**self._options(show_legend=False))

    def _dress(self, figure: Any) -> None:
        super()._dress(figure)
        for name, axis, grid in (("x", figure.xaxis, figure.xgrid), ("y", figure.yaxis, figure.ygrid)):
            axis.visible = grid.visible = name not in self._unseen


def _color_lines(plot: Any, element: Any) -> None:
    """Hook: colours are a column; a click beside the points changes nothing about the lines."""
    renderer = plot.handles["glyph_renderer"]
    renderer.glyph.line_color = "color"
    renderer.update(selection_glyph=None, nonselection_glyph=None, muted_glyph=None)


def _line_columns(lines: "Sequence[tuple[str, Any, Any, str]]") -> dict[str, Any]:
    return {
        "xs": [np.asarray(x, float) for _, x, _, _ in lines],
        "ys": [np.asarray(y, float) for _, _, y, _ in lines],
        "color": [color for *_, color in lines],
    }
