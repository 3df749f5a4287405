"""A matrix between atoms or residues as colours; each entry can be chosen."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import holoviews as hv
import numpy as np
from bokeh.models import ColumnDataSource, CustomJSHover, FixedTicker, HoverTool

from so3k_explore.app.panes.chart import MARK, Chart
from so3k_explore.app.theme import DIVERGING

CELLS, MARKED = "cells", "marked"
MOST_TICKS = 12
SAY = """
const {names, scale} = source.data, n = names.length
const row = n - 1 - Math.floor(special_vars.y), column = Math.floor(special_vars.x)
if (names[row] === undefined || names[column] === undefined) return ""
const weight = value === null || isNaN(value) ? "nothing" : (value * scale[0]).toPrecision(3).replace("-", "\\u2212")
return `${names[row]} → ${names[column]}: ${weight}`
"""
"""Text of a hover: who listens, to whom, how much."""


class MatrixChart(Chart):
    """Rows from top to bottom, columns from left to right; blue is positive, red negative, nothing is transparent."""

    def __init__(
        self,
        title: str,
        x_label: str,
        y_label: str,
        *,
        on_choose: Callable[[int, int], None] | None = None,
        **options: Any,
    ) -> None:
        """`on_choose` hears row and column of the entry that is clicked."""
        super().__init__(title, x_label, y_label, **options)
        self._on_choose = on_choose
        self._names: tuple[str, ...] = ()
        self._words = ColumnDataSource({"names": [], "scale": []})
        self._limits = {"x_range": (0.0, 1.0), "y_range": (0.0, 1.0)}
        self._columns = {CELLS: _cells(np.full((1, 1), np.nan)), MARKED: _frame(None, 1)}

    @property
    def names(self) -> tuple[str, ...]:
        """Of rows and columns."""
        return self._names

    def set(self, matrix: Any, names: Sequence[str], limit: float | int) -> None:
        """Shows a square matrix; colours are full at ± `limit`."""
        matrix, names = np.asarray(matrix, float), tuple(names)
        if matrix.shape != (len(names), len(names)):
            raise ValueError(f"Expected a row and a column for each of {len(names)} names, got shape {matrix.shape}.")
        size = len(names)
        scaled = np.where(matrix == 0, np.nan, matrix / (limit or 1.0))
        self._write(self._words, partial(self._words.update, data=_words(names, limit or 1.0)))
        self._send(CELLS, _cells(scaled))
        if names != self._names:
            self._names = names
            before = dict(self._limits)
            self._limits.update(x_range=(0.0, float(size)), y_range=(0.0, float(size)))
            for figure in self._figures:
                self._write(figure, partial(self._rename, figure, before))
            self.mark(None)
        self.filled = True

    def mark(self, entry: tuple[int, int] | None) -> None:
        """Draws a frame around an entry, given by row and column, or none."""
        self._send(MARKED, _frame(entry, len(self._names)))

    def clear(self) -> None:
        """Shows no matrix; the empty state is shown again."""
        self.filled = False

    def _rename(self, figure: Any, before: Any) -> None:
        self._apply_limits(figure, before)
        self._letter(figure)

    def _letter(self, figure: Any) -> None:
        super()._letter(figure)
        places = ticks(len(self._names))
        for axis, flipped in ((figure.xaxis, False), (figure.yaxis, True)):
            where = {len(self._names) - place - 0.5 if flipped else place + 0.5: self._names[place] for place in places}
            axis.ticker = FixedTicker(ticks=list(where))
            axis.major_label_overrides = where
        figure.xaxis.major_label_orientation = 0.9 if max(map(len, self._names), default=0) > 3 else 0.0

    def _dress(self, figure: Any) -> None:
        figure.on_event("tap", self._tapped)
        figure.xgrid.grid_line_color = figure.ygrid.grid_line_color = None

    def _tapped(self, event: Any) -> None:
        size = len(self._names)
        row, column = size - 1 - int(np.floor(event.y)), int(np.floor(event.x))
        if self._on_choose is not None and 0 <= row < size and 0 <= column < size:
            self._on_choose(row, column)

    def _plot(self) -> Any:
        say = CustomJSHover(args={"source": self._words}, code=SAY)
        hover = HoverTool(tooltips="@image{custom}", formatters={"@image": say}, limit=1)
        image = hv.Image(np.zeros((2, 2)), ["x", "y"], ["share"], bounds=(0, 0, 1, 1)).opts(
            **{"cmap": DIVERGING, "clim": (-1.0, 1.0), "clipping_colors": {"NaN": "rgba(0, 0, 0, 0)"}},
            **{"tools": [hover], "hooks": [self._capture(CELLS)]},
        )
        frame = hv.Rectangles([(0.0, 0.0, 1.0, 1.0)]).opts(
            **{"fill_alpha": 0, "line_color": MARK, "line_width": 2.5, "default_tools": []},
            hooks=[self._capture(MARKED)],
        )
        return hv.Overlay([image, frame]).opts(**self._options(xaxis="top"))


def ticks(size: int) -> range:
    """Places of the names that are written: all, or every n-th."""
    return range(0, size, max(1, -(-size // MOST_TICKS)))


def _words(names: tuple[str, ...], limit: float | int) -> dict[str, Any]:
    return {"names": list(names), "scale": [float(limit)] * len(names)}


def _cells(scaled: np.ndarray) -> dict[str, Any]:
    """Bokeh's columns for one image, whose first row is at the bottom."""
    size = len(scaled)
    return {"image": [np.ascontiguousarray(scaled[::-1])], "x": [0.0], "y": [0.0], "dw": [size], "dh": [size]}


def _frame(entry: tuple[int, int] | None, size: int) -> dict[str, Any]:
    names = ("left", "bottom", "right", "top")
    if entry is None:
        return {name: np.zeros(0) for name in names}
    row, column = entry
    corners = (column, size - 1 - row, column + 1, size - row)
    return {name: np.array([float(value)]) for name, value in zip(names, corners, strict=True)}
