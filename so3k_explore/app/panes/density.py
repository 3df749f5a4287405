"""How often pairs of values were visited: the Ramachandran map of a residue, or any two quantities."""

from typing import Any

import holoviews as hv
import numpy as np
from jaxtyping import Float

from so3k_explore.app.panes.chart import MARK, Chart
from so3k_explore.app.theme import SEQUENTIAL

CELLS, MARKS = "cells", "marks"
DECADES = 3.0  # range of the colours: from a thousandth of the fullest cell
TURN = (-180.0, -180.0, 180.0, 180.0)


class DensityChart(Chart):
    """Colours show the logarithm of the counts; by default of two torsion angles from −180° to 180°."""

    def __init__(
        self,
        title: str,
        x_label: str = "φ / °",
        y_label: str = "ψ / °",
        *,
        extent: tuple[float, float, float, float] = TURN,
        bins: int = 72,
        **options: Any,
    ) -> None:
        """`extent` is left, bottom, right, top; `bins` the number of cells along each axis."""
        super().__init__(title, x_label, y_label, **options)
        self.extent, self.bins = extent, bins
        left, bottom, right, top = extent
        self._limits = {"x_range": (left, right), "y_range": (bottom, top)}
        self._counts = np.zeros((bins, bins))
        self._columns = {CELLS: self._cell_columns(), MARKS: {"x": np.zeros(0), "y": np.zeros(0)}}

    @property
    def counts(self) -> Float[np.ndarray, "bins bins"]:
        """Number of visits to each cell: rows from bottom to top, columns from left to right."""
        return self._counts

    def set(self, x: Any, y: Any) -> None:
        """Counts these pairs, forgetting the earlier ones."""
        self._counts = np.zeros((self.bins, self.bins))
        self.add(x, y)

    def add(self, x: Any, y: Any) -> None:
        """Counts further pairs."""
        left, bottom, right, top = self.extent
        x, y = np.asarray(x, float).ravel(), np.asarray(y, float).ravel()
        new, _, _ = np.histogram2d(x, y, bins=self.bins, range=((left, right), (bottom, top)))
        self._counts = self._counts + new.T
        self._send(CELLS, self._cell_columns())
        self.filled = bool(self._counts.any())

    def mark(self, x: Any, y: Any) -> None:
        """Draws rings at these values, such as those of the frame that is shown."""
        self._send(MARKS, {"x": np.asarray(x, float).ravel(), "y": np.asarray(y, float).ravel()})

    def clear(self) -> None:
        """Forgets all pairs and marks; the empty state is shown again."""
        self.mark([], [])
        self.set([], [])

    def _cell_columns(self) -> dict[str, Any]:
        """Bokeh's columns for one image; empty cells are transparent."""
        left, bottom, right, top = self.extent
        with np.errstate(divide="ignore"):
            shade = np.log10(self._counts / max(self._counts.max(), 1.0))
        shade = np.where(self._counts > 0, np.maximum(shade, -DECADES), np.nan)
        return {"image": [shade], "x": [left], "y": [bottom], "dw": [right - left], "dh": [top - bottom]}

    def _plot(self) -> Any:
        ticks = list(range(-180, 181, 90)) if self.extent == TURN else None
        shown = self._options(xticks=ticks, yticks=ticks)
        image = hv.Image(np.full((2, 2), -DECADES), ["x", "y"], ["share"], bounds=self.extent).opts(
            **{"cmap": SEQUENTIAL, "clim": (-DECADES, 0.0), "clipping_colors": {"NaN": "rgba(0, 0, 0, 0)"}},
            hooks=[self._capture(CELLS)],
        )
        marks = hv.Points([(0.0, 0.0)], ["x", "y"]).opts(
            **{"fill_alpha": 0, "line_color": MARK, "line_width": 2.5, "size": 12, "default_tools": []},
            hooks=[self._capture(MARKS)],
        )
        return hv.Overlay([image, marks]).opts(**shown)
