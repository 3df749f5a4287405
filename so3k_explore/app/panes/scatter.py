"""Points that stand for structures, such as minima: each can be chosen."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import holoviews as hv
import numpy as np
from bokeh.events import Tap
from bokeh.models import HoverTool

from so3k_explore.app.panes.chart import MARK, TOOLS, Chart
from so3k_explore.app.panes.limits import Limits
from so3k_explore.app.theme import CHART_HEIGHT, PRIMARY

POINTS, RINGS = "points", "rings"
ROOM = 0.025  # beyond the limits, as a share of them
MANY = 20_000  # with fewer points the plain canvas is quick, and much quicker where WebGL has no graphics card
REACH = 8.0  # pixels between a click and the point it chooses
FEW = 2000  # points; more are told what is chosen when nobody has clicked for a while: all are then drawn again
QUIET = 1500  # ms


class ScatterChart(Chart):
    """Points that can be clicked (shift adds or takes back), boxed or lassoed; rings mark the chosen ones.

    A click chooses the nearest point alone, however many lie over each other there.
    """

    def __init__(
        self,
        title: str,
        x_label: str,
        y_label: str,
        *,
        on_select: Callable[[list[int]], None] | None = None,
        size: float = 6.0,
        positive: str = "",
        **options: Any,
    ) -> None:
        """Axes named in `positive` ("x", "y") have no negative values.

        `on_select` hears the indices that the user chooses, an empty list for a click beside the points.
        """
        super().__init__(title, x_label, y_label, **options)
        self._on_select = on_select
        self._size = size
        self._positive = positive
        self._selected: list[int] = []
        self._quiet = False
        self._columns = {POINTS: _point_columns([], [], [], []), RINGS: {"x": np.zeros(0), "y": np.zeros(0)}}

    @property
    def selected(self) -> list[int]:
        """Indices of the points with rings."""
        return list(self._selected)

    def set(self, x: Any, y: Any, colors: str | Sequence[str] = PRIMARY, labels: Sequence[str] | None = None) -> None:
        """Replaces the points; those that were chosen stay chosen.

        Args:
            x: Values along the horizontal axis.
            y: Values along the vertical axis; points that are not finite are left out of the picture.
            colors: One for all, or one for each.
            labels: What hovering over each point says; its coordinates by default.
        """
        x, y = np.asarray(x, float), np.asarray(y, float)
        colors = [colors] * len(x) if isinstance(colors, str) else list(colors)
        labels = [f"{a:.3g}, {b:.3g}" for a, b in zip(x, y, strict=True)] if labels is None else list(labels)
        if not len(x) == len(y) == len(colors) == len(labels):
            lengths = f"{len(y)} y, {len(colors)} colours and {len(labels)} labels"
            raise ValueError(f"Expected one y, colour and label for each of {len(x)} x, got {lengths}.")
        finite = np.isfinite(x) & np.isfinite(y)
        if finite.any():
            pairs = [(float(values[finite].min()), float(values[finite].max())) for values in (x, y)]
            self._fit(*pairs, from_zero=self._positive)
        self._send(POINTS, _point_columns(x, y, colors, labels))
        self.filled = bool(len(x))
        self.highlight([index for index in self._selected if index < len(x)])

    def clear(self) -> None:
        """Removes all points; the empty state is shown again."""
        self._limits = {"x_range": None, "y_range": None}
        self._selected = []
        self.set([], [])

    def highlight(self, indices: Sequence[int]) -> None:
        """Draws rings around these points, as if the user had chosen them; `on_select` is not called."""
        self._selected = [int(index) for index in indices]
        self._ring()
        for source in self._sources.get(POINTS, []):
            self._write(source, partial(self._show_selection, source), self._patience)

    @property
    def _patience(self) -> int:
        """How long the points wait until they are told what is chosen, ms."""
        return 0 if len(self._columns[POINTS]["x"]) <= FEW else QUIET

    def _show_selection(self, source: Any) -> None:
        """Tells Bokeh what is chosen, so that shift adds to it."""
        if source.selected.indices == self._selected:
            return
        self._quiet = True
        try:
            source.selected.indices = list(self._selected)
        finally:
            self._quiet = False

    def _ring(self) -> None:
        points = self._columns[POINTS]
        chosen = [index for index in self._selected if index < len(points["x"])]
        self._send(RINGS, {"x": points["x"][chosen], "y": points["y"][chosen]})

    def _drawn(self, name: str, source: Any) -> None:
        if name == POINTS:
            source.selected.indices = self._selected
            source.selected.on_change("indices", self._chosen)

    def _chosen(self, attribute: str, old: list[int], new: list[int]) -> None:
        """Hears Bokeh; what Python set itself is not news."""
        indices = [int(index) for index in new]
        if self._quiet or indices == self._selected:
            return
        self._selected = indices
        self._ring()
        if self._on_select is not None:
            self._on_select(indices)

    def _tapped(self, figure: Any, event: Any) -> None:
        """Chooses the point next to a click, or none."""
        if event.x is None:
            return
        near = self._nearest(figure, float(event.x), float(event.y))
        chosen = [] if near is None else [near]
        if event.modifiers and event.modifiers["shift"]:
            chosen = [k for k in self._selected if k != near] + [k for k in chosen if k not in self._selected]
        if chosen != self._selected:
            self.highlight(chosen)
            if self._on_select is not None:
                self._on_select(chosen)

    def _nearest(self, figure: Any, x: float, y: float) -> int | None:
        """The point next to a place, if one is within reach."""
        points = self._columns[POINTS]
        if not len(points["x"]):
            return None
        dots = lambda side, axis: _pixels(figure, side) / abs(axis.end - axis.start)
        across = (points["x"] - x) * dots("inner_width", figure.x_range)
        up = (points["y"] - y) * dots("inner_height", figure.y_range)
        away = np.nan_to_num(np.hypot(across, up), nan=np.inf)
        near = int(away.argmin())
        return near if away[near] <= REACH + 0.5 * self._size else None

    def _around(self, limits: Limits | None) -> Limits | None:
        """A little more on both sides, so that points on the limits are drawn whole."""
        if limits is None:
            return None
        room = ROOM * (limits[1] - limits[0])
        return limits[0] - room, limits[1] + room

    def _dress(self, figure: Any) -> None:
        figure.output_backend = "canvas" if len(self._columns[POINTS]["x"]) < MANY else "webgl"
        figure.on_event(Tap, partial(self._tapped, figure))

    def _plot(self) -> Any:
        return hv.Overlay(self._marks()).opts(**self._options(show_legend=False))

    def _marks(self) -> list[Any]:
        """The points, and the rings around those chosen."""
        example = {"x": [0.0], "y": [0.0], "color": [PRIMARY], "label": [""]}
        points = hv.Points(example, ["x", "y"], ["color", "label"]).opts(
            **{"size": self._size, "alpha": 0.8, "line_alpha": 0, "hooks": [_color_by_column, self._capture(POINTS)]},
            **{"selection_alpha": 1.0, "nonselection_alpha": 0.8, "default_tools": list(TOOLS)},
            tools=["box_select", "lasso_select", HoverTool(tooltips="@label", limit=1)],
        )
        rings = hv.Points([(0.0, 0.0)], ["x", "y"]).opts(
            **{"fill_alpha": 0, "line_color": MARK, "line_width": 2, "size": self._size + 6, "default_tools": []},
            hooks=[_over_all_points, self._capture(RINGS)],
        )
        return [points, rings]


def _over_all_points(plot: Any, element: Any) -> None:
    """Hook: rings have a canvas of their own, so that no point is drawn again when they move."""
    plot.handles["glyph_renderer"].level = "overlay"


def _color_by_column(plot: Any, element: Any) -> None:
    """Hook: HoloViews would take the colours for categories and map them to others."""
    renderer = plot.handles["glyph_renderer"]
    renderer.name = POINTS
    for glyph in (renderer.glyph, renderer.selection_glyph, renderer.nonselection_glyph):
        glyph.update(fill_color="color", line_color="color")  # themes may draw an outline


def _point_columns(x: Any, y: Any, colors: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    return {"x": np.asarray(x, float), "y": np.asarray(y, float), "color": list(colors), "label": list(labels)}


def _pixels(figure: Any, side: str) -> float:
    """How long a side of the frame is; browsers tell it once they have drawn it."""
    return float(figure.properties_with_values(include_defaults=False).get(side) or CHART_HEIGHT)
