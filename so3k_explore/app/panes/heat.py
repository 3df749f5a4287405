"""A quantity on a grid as colours: a free-energy surface, or distances between all frames."""

from typing import Any

import holoviews as hv
import numpy as np
from bokeh.models import ColorBar, HoverTool, LinearColorMapper

from so3k_explore.app.panes.chart import Chart
from so3k_explore.app.theme import SEQUENTIAL

CELLS = "cells"


class HeatChart(Chart):
    """Colours from the lowest value (dark) to the highest (bright); cells without a value are transparent."""

    def __init__(self, title: str, x_label: str, y_label: str, **options: Any) -> None:
        """Arguments as of `Chart`."""
        super().__init__(title, x_label, y_label, **options)
        self._columns = {CELLS: _image(np.full((1, 1), np.nan), (0.0, 1.0), (0.0, 1.0))}
        self._range = (0.0, 1.0)
        self._mappers: list[LinearColorMapper] = []
        self._bars: list[ColorBar] = []
        self.unit = ""

    def set(self, values: Any, x: tuple[float, float], y: tuple[float, float], unit: str) -> None:
        """Shows `values` (rows from bottom to top, columns from left to right) between the ends of both axes."""
        values = np.asarray(values, float)
        finite = values[np.isfinite(values)]
        self.filled = bool(len(finite))
        if not self.filled:
            return
        self._range, self.unit = (float(finite.min()), max(float(finite.max()), float(finite.min()) + 1e-9)), unit
        self._send(CELLS, _image(values, x, y))
        before = dict(self._limits)
        self._limits.update(x_range=x, y_range=y)
        for figure in self._figures:
            self._write(figure, lambda figure=figure: self._apply_limits(figure, before))
        for mapper, bar in zip(self._mappers, self._bars, strict=True):
            self._write(mapper, lambda mapper=mapper, bar=bar: self._scale(mapper, bar))

    def clear(self) -> None:
        """The empty state is shown again."""
        self.filled = False

    def _scale(self, mapper: LinearColorMapper, bar: ColorBar) -> None:
        mapper.update(low=self._range[0], high=self._range[1])
        bar.title = self.unit

    def _dress(self, figure: Any) -> None:
        figure.xgrid.grid_line_color = figure.ygrid.grid_line_color = None
        for mapper in figure.select(LinearColorMapper):
            if not any(mapper is known for known in self._mappers):
                bar = ColorBar(color_mapper=mapper, width=8, title_text_font_size="9pt", padding=2)
                bar.update(background_fill_alpha=0, major_label_text_font_size="9pt")
                figure.add_layout(bar, "right")
                self._mappers.append(mapper)
                self._bars.append(bar)
                self._scale(mapper, bar)

    def _plot(self) -> Any:
        hover = HoverTool(tooltips=[("", "@image{0.[000]}"), (self.x_label, "$x"), (self.y_label, "$y")], limit=1)
        image = hv.Image(np.zeros((2, 2)), ["x", "y"], ["value"], bounds=(0, 0, 1, 1))
        shown = self._options()
        shown |= {"cmap": SEQUENTIAL, "clim": (0.0, 1.0), "clipping_colors": {"NaN": "rgba(0, 0, 0, 0)"}}
        shown |= {"tools": [hover], "hooks": [self._capture(CELLS), *shown["hooks"]]}
        return image.opts(**shown)


def _image(values: np.ndarray, x: tuple[float, float], y: tuple[float, float]) -> dict[str, Any]:
    return {"image": [values], "x": [x[0]], "y": [y[0]], "dw": [x[1] - x[0]], "dh": [y[1] - y[0]]}
