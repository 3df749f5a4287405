"""A spectrum: density with its error, peaks that say where they are, and harmonic lines as sticks to click."""

from collections.abc import Callable, Sequence
from typing import Any

import holoviews as hv
import numpy as np
from bokeh.events import Tap
from bokeh.models import HoverTool

from so3k_explore.app.panes.chart import MARK, Chart
from so3k_explore.app.panes.lines import LEGEND
from so3k_explore.app.theme import FAMILIES, PRIMARY

BAND, DYNAMICS, HARMONIC, STICKS, PEAKS, CHOSEN = "band", "dynamics", "harmonic", "sticks", "peaks", "chosen"
LINES = FAMILIES[1]
NOTHING = {"x": np.zeros(0), "y": np.zeros(0)}
TALLEST = 0.92  # of the axis, of the strongest stick


class SpectrumChart(Chart):
    """Wavenumbers in cm⁻¹ along the axis, from 0 or, as printed spectra have it, towards 0."""

    def __init__(
        self, title: str, y_label: str, *, highest: float, on_tap: Callable[[float], None], **options: Any
    ) -> None:
        """`on_tap` hears the wavenumber where the user clicks."""
        super().__init__(title, "wavenumber / cm⁻¹", y_label, **options)
        self._highest, self._on_tap, self._reversed = highest, on_tap, False
        self._limits = {"x_range": (0.0, highest), "y_range": (0.0, 1.0)}
        self._sticks: tuple[np.ndarray, np.ndarray, Sequence[str]] = (np.zeros(0), np.zeros(0), ())
        self._mark: float | None = None
        self._columns = {name: dict(NOTHING) for name in (BAND, DYNAMICS, HARMONIC)}
        self._columns |= {PEAKS: _points([], [], []), STICKS: _segments([], [], []), CHOSEN: _segments([], [], [])}

    def set_dynamics(
        self, x: Any, density: Any, error: Any, peaks: Sequence[tuple[float, float, float]], unit: str
    ) -> None:
        """The curve of the dynamics with its standard error; `peaks` are place, height and error of its maxima."""
        x, density = np.asarray(x, float), np.asarray(density, float)
        error = np.nan_to_num(np.asarray(error, float))
        low, high = np.maximum(density - error, 0), density + error
        self._send(BAND, {"x": np.concatenate([x, x[::-1]]), "y": np.concatenate([low, high[::-1]])})
        self._send(DYNAMICS, {"x": x, "y": density})
        labels = [f"{place:.0f} cm⁻¹: {height:.3g} ± {wrong:.1g} {unit}" for place, height, wrong in peaks]
        self._send(PEAKS, _points([peak[0] for peak in peaks], [peak[1] for peak in peaks], labels))
        self._fit_all()

    def set_harmonic(self, x: Any, density: Any, places: Any, weights: Any, labels: Sequence[str]) -> None:
        """Harmonic lines as a curve and as sticks; `weights` are from 0 to 1, `labels` what hovering says."""
        self._send(HARMONIC, {"x": np.asarray(x, float), "y": np.asarray(density, float)})
        self._sticks = (np.asarray(places, float), np.asarray(weights, float), tuple(labels))
        self._fit_all()

    def mark(self, place: float | None) -> None:
        """Draws the line at this wavenumber in another colour, or none."""
        self._mark = place
        self._draw_sticks()

    def reverse(self, backwards: bool) -> None:
        """Large wavenumbers on the left, or on the right."""
        if backwards != self._reversed:
            self._reversed = backwards
            for figure in self._figures:
                self._write(figure, lambda figure=figure: self._aim(figure))

    def clear(self) -> None:
        """Removes everything; the empty state is shown again."""
        for name in (BAND, DYNAMICS, HARMONIC):
            self._send(name, dict(NOTHING))
        self._send(PEAKS, _points([], [], []))
        self._sticks, self._mark = (np.zeros(0), np.zeros(0), ()), None
        self._limits["y_range"] = None
        self._fit_all()

    def _fit_all(self) -> None:
        tops = [float(self._columns[name]["y"].max(initial=0.0)) for name in (BAND, DYNAMICS, HARMONIC)]
        self.filled = bool(len(self._columns[DYNAMICS]["x"]) or len(self._sticks[0]))
        if self.filled:
            self._fit((0.0, self._highest), (0.0, max(max(tops), 1e-6)), from_zero="xy")
        self._draw_sticks()

    def _draw_sticks(self) -> None:
        places, weights, labels = self._sticks
        top = (self._limits["y_range"] or (0.0, 1.0))[1]
        heights = TALLEST * top * weights
        self._send(STICKS, _segments(places, heights, labels))
        here = [k for k, place in enumerate(places.tolist()) if place == self._mark]
        self._send(CHOSEN, _segments(places[here], np.full(len(here), top), [labels[k] for k in here]))

    def _fit(self, x: Any, y: Any, *, from_zero: str = "") -> None:
        """The horizontal axis is always the same; its direction is that of `reverse`."""
        super()._fit(x, y, from_zero=from_zero)
        self._limits["x_range"] = (0.0, self._highest)

    def _apply_limits(self, figure: Any, before: Any) -> None:
        super()._apply_limits(figure, {**before, "x_range": self._limits["x_range"]})

    def _aim(self, figure: Any) -> None:
        ends = (self._highest, 0.0) if self._reversed else (0.0, self._highest)
        figure.x_range.update(start=ends[0], end=ends[1], reset_start=ends[0], reset_end=ends[1])

    def _dress(self, figure: Any) -> None:
        self._aim(figure)
        figure.on_event(Tap, lambda event: None if event.x is None else self._on_tap(float(event.x)))

    def _plot(self) -> Any:
        place = [(0.0, 0.0)]
        hover = lambda: HoverTool(tooltips="@label", limit=1)
        band = hv.Polygons([[(0.0, 0.0), (0.0, 1.0), (1.0, 0.0)]]).opts(
            color=PRIMARY, alpha=0.22, line_alpha=0, default_tools=[], hooks=[self._capture_band]
        )
        curve = hv.Curve(place, "x", "y", label="dynamics").opts(
            color=PRIMARY, line_width=1.8, hooks=[self._capture(DYNAMICS)]
        )
        lines = hv.Curve(place, "x", "y", label="harmonic").opts(
            color=LINES, line_width=1.2, line_dash="dashed", hooks=[self._capture(HARMONIC)]
        )
        sticks = lambda name, color, width, tools: hv.Segments(
            [(0.0, 0.0, 0.0, 0.0, "")], ["x0", "y0", "x1", "y1"], ["label"]
        ).opts(color=color, line_width=width, tools=tools, default_tools=[], hooks=[self._capture(name)])
        peaks = hv.Points([(0.0, 0.0, "")], ["x", "y"], ["label"]).opts(
            **{"color": PRIMARY, "size": 5, "fill_alpha": 0.9, "tools": [hover()], "default_tools": []},
            hooks=[self._capture(PEAKS)],
        )
        parts = [band, sticks(STICKS, LINES, 2, [hover()]), sticks(CHOSEN, MARK, 2.5, []), lines, curve, peaks]
        shown = self._options(show_legend=True, legend_position="top", legend_cols=2, legend_opts=LEGEND)
        return hv.Overlay(parts).opts(**shown)

    def _capture_band(self, plot: Any, element: Any) -> None:
        """A polygon's columns are lists of patches."""
        source = plot.handles["source"]
        if not any(source is known for known in self._sources.setdefault(BAND, [])):
            self._sources[BAND].append(source)
            source.data = _patch(self._columns[BAND])

    def _send(self, name: str, columns: dict[str, Any]) -> None:
        if name != BAND:
            super()._send(name, columns)
            return
        self._columns[BAND] = columns
        for source in self._sources.get(BAND, []):
            self._write(source, lambda source=source: source.update(data=_patch(columns)))


def _patch(columns: dict[str, Any]) -> dict[str, Any]:
    filled = len(columns["x"]) > 0
    return {axis + "s": [[[np.asarray(columns[axis])]]] if filled else [] for axis in "xy"}


def _points(x: Any, y: Any, labels: Any) -> dict[str, Any]:
    return {"x": np.asarray(x, float), "y": np.asarray(y, float), "label": list(labels)}


def _segments(places: Any, heights: Any, labels: Any) -> dict[str, Any]:
    places, heights = np.asarray(places, float), np.asarray(heights, float)
    return {"x0": places, "y0": np.zeros(len(places)), "x1": places, "y1": heights, "label": list(labels)}
