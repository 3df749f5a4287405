"""Curves over one axis, such as the energy against time."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import holoviews as hv
import numpy as np
from bokeh.core.properties import value
from bokeh.models import HoverTool, LogTicker, NumeralTickFormatter
from jaxtyping import Shaped

from so3k_explore.app.panes.chart import Chart
from so3k_explore.app.panes.cursor import Cursor
from so3k_explore.app.theme import FAMILIES

BAND = "band"
MAX_POINTS = 2000  # of one curve in the browser; more are thinned, keeping the extremes
LEGEND = {
    "background_fill_alpha": 0.6,
    "border_line_alpha": 0,
    "padding": 4,
    "spacing": 0,
    "label_text_font_size": "9pt",
}

Series = Mapping[str, tuple[Any, Any]]
"""Name of a curve → (x, y)."""


def thinned(
    x: Shaped[np.ndarray, "points"], y: Shaped[np.ndarray, "points"], limit: int = MAX_POINTS
) -> tuple[Shaped[np.ndarray, "kept"], Shaped[np.ndarray, "kept"]]:
    """At most `limit` points of a curve: the lowest and the highest of each stretch, so that no peak is lost."""
    if len(x) <= limit:
        return x, y
    edges = np.linspace(0, len(x), limit // 2 + 1).astype(int)
    stretches = [(start, np.nan_to_num(y[start:stop])) for start, stop in pairwise(edges)]
    kept = sorted({start + pick for start, part in stretches for pick in (int(part.argmin()), int(part.argmax()))})
    return x[kept], y[kept]


class LineChart(Chart):
    """Curves with a legend, and a dashed line at the frame that is shown."""

    def __init__(
        self,
        title: str,
        x_label: str,
        y_label: str,
        series: Sequence[str],
        *,
        colors: Sequence[str] = FAMILIES,
        from_zero: str = "x",
        whole: bool = False,
        logarithmic: bool = False,
        on_tap: Callable[[float], None] | None = None,
        **options: Any,
    ) -> None:
        """Curves named `series`; time starts at zero unless told otherwise.

        Args:
            title: Says what is plotted.
            x_label: Quantity / unit.
            y_label: Quantity / unit.
            series: Names of the curves.
            colors: In the order of the curves, repeated when there are fewer.
            from_zero: The axes that start at zero: "x", "xy", or neither.
            whole: Whether y counts something, so that it has no fractions.
            logarithmic: Whether the y axis is, which leaves out what is not positive.
            on_tap: Hears the x value where the user clicks.
            **options: `empty` and the card's layout.
        """
        super().__init__(title, x_label, y_label, **options)
        self.series = self.names = tuple(series)
        self._colors = [colors[k % len(colors)] for k in range(len(self.series))]
        self._from_zero = from_zero
        self._whole = whole
        self._logarithmic = logarithmic
        self.cursor = Cursor(self._write, on_tap)
        self._columns = {name: {"x": np.zeros(0), "y": np.zeros(0)} for name in self.series}

    def set(self, data: Series) -> None:
        """Replaces the curves named in `data`; the others stay."""
        unknown = set(data) - set(self.series)
        if unknown:
            raise ValueError(f"The curves are {', '.join(self.series)}; got {', '.join(sorted(unknown))}.")
        for name, (x, y) in data.items():
            x, y = thinned(np.asarray(x, float), np.asarray(y, float))
            self._send(name, {"x": x, "y": y})
        self._fit_curves()

    def stream(self, data: Series) -> None:
        """Appends points; a curve that became too long is thinned."""
        for name, (x, y) in data.items():
            old = self._columns[name]
            x, y = np.append(old["x"], np.asarray(x, float)), np.append(old["y"], np.asarray(y, float))
            if len(x) > 2 * MAX_POINTS:
                x, y = thinned(x, y)
            self._send(name, {"x": x, "y": y})
        self._fit_curves()

    def name_curves(self, names: Sequence[str]) -> None:
        """Names of the first curves in the legend, which leaves out the others."""
        self.names = tuple(names)
        for figure in self._figures:
            self._letter(figure)

    def clear(self) -> None:
        """Removes all points; the empty state is shown again."""
        self._limits = {"x_range": None, "y_range": None}
        self.set_cursor(None)
        self.set(dict.fromkeys(self.series, ((), ())))

    def set_cursor(self, x: float | None) -> None:
        """Moves the dashed line to `x`; None hides it."""
        self.cursor.move(x)

    def _fit_curves(self) -> None:
        filled = [columns for columns in self._columns.values() if len(columns["x"])]
        if filled:
            x, y = (np.concatenate([columns[axis] for columns in filled]) for axis in "xy")
            finite = y[np.isfinite(y) & (y > 0)] if self._logarithmic else y[np.isfinite(y)]
            if len(finite):
                low, high = float(finite.min()), float(finite.max())
                self._fit((float(x.min()), float(x.max())), (low, high), from_zero=self._from_zero)
        self.filled = bool(filled)

    def _letter(self, figure: Any) -> None:
        super()._letter(figure)
        for tool in figure.select(HoverTool):
            tool.tooltips = [(self.x_label, "$x{0.[00]}"), (self.y_label, "$y{0.[000]}")]
        items = [item for legend in figure.legend for item in legend.items]
        for k, item in enumerate(items):
            item.update(label=value(self.names[k] if k < len(self.names) else ""), visible=k < len(self.names))

    def _dress(self, figure: Any) -> None:
        if self._whole:
            figure.yaxis.ticker.min_interval = 1
        if self._logarithmic:
            figure.yaxis.update(formatter=NumeralTickFormatter(format="0.[000]"), ticker=LogTicker(desired_num_ticks=4))
        self.cursor.draw(figure)

    def _plot(self) -> Any:
        start = 1.0 if self._logarithmic else 0.0
        curves = [
            hv.Curve([(0.0, start)], "x", "y", label=name).opts(
                color=color, line_width=1.8, hooks=[self._capture(name)]
            )
            for name, color in zip(self.series, self._colors, strict=True)
        ]
        hover = HoverTool(tooltips=[(self.x_label, "$x{0.[00]}"), (self.y_label, "$y{0.[000]}")], limit=1)
        shown = self._options(
            show_legend=len(curves) > 1, legend_position="top", legend_cols=len(curves), legend_opts=LEGEND
        )
        shown["tools"] = [hover]
        if self._logarithmic:
            shown |= {"logy": True, "ylim": (0.1, 10.0)}  # until there are data
        return hv.Overlay([*self._under(), *curves]).opts(**shown)

    def _under(self) -> list[Any]:
        """What a subclass draws below the curves."""
        return []


class BandChart(LineChart):
    """Curves over a band, such as an estimate with its interval."""

    def __init__(self, title: str, x_label: str, y_label: str, series: Sequence[str], **options: Any) -> None:
        """Arguments as of `LineChart`; the band has the colour of the last curve."""
        super().__init__(title, x_label, y_label, series, from_zero="xy", **options)
        self._columns[BAND] = {"x": np.zeros(0), "y": np.zeros(0)}

    def set_band(self, x: Any, low: Any, high: Any) -> None:
        """Replaces the band: its two edges at each x."""
        x, low, high = (np.asarray(values, float) for values in (x, low, high))
        outline = {"x": np.concatenate([x, x[::-1]]), "y": np.concatenate([low, high[::-1]])}
        self._send(BAND, outline)
        self._fit_curves()

    def clear(self) -> None:
        """Removes everything; the empty state is shown again."""
        self._send(BAND, {"x": np.zeros(0), "y": np.zeros(0)})
        super().clear()

    def _under(self) -> list[Any]:
        area = hv.Area(([0.0, 1.0], [0.0, 1.0]), "x", "y").opts(
            color=self._colors[-1], alpha=0.15, line_alpha=0, default_tools=[], hooks=[self._capture(BAND)]
        )
        return [area]
