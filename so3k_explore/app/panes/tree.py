"""The disconnectivity tree: minima as leaves that can be chosen, passes as the heights where branches meet.

All lines of one look are one polyline with gaps, so that trees of ten thousand minima are a handful of WebGL calls.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import holoviews as hv
import numpy as np

from so3k_explore.app.panes.limits import Limits, grown
from so3k_explore.app.panes.scatter import POINTS, ScatterChart
from so3k_explore.app.theme import NOISE, PRIMARY

if TYPE_CHECKING:
    from so3k_explore.exploration.tree_layout import Strokes

LINES, BOUNDS = "lines", "bounds"
STEM = "#7A8793"  # branches without a colour of their own, legible in light and in dark
CROWDED = 1000  # minima from which leaves are drawn smaller
SIZES = (7.0, 4.0)  # px, of few and of many leaves


class TreeChart(ScatterChart):
    """Leaves can be clicked (shift adds), boxed or lassoed; branches below upper bounds are dashed."""

    def __init__(self, title: str, *, on_select: Callable[[list[int]], None] | None = None, **options: Any) -> None:
        """`on_select` hears the places of the leaves chosen, in the order in which they were given to `draw`."""
        super().__init__(title, "minima", "ΔE", on_select=on_select, size=SIZES[0], **options)
        self._reach: tuple[Limits, Limits] | None = None
        self._columns |= {LINES: _line_columns([], {}), BOUNDS: _line_columns([], {})}

    def draw(
        self,
        leaves: tuple[Any, Any],
        lines: "Sequence[Strokes]",
        colors: str | Sequence[str] = PRIMARY,
        labels: Sequence[str] | None = None,
        *,
        groups: Mapping[int, str] | None = None,
    ) -> None:
        """Replaces the tree; leaves that were chosen stay chosen.

        Args:
            leaves: places from left to right, and energies in the unit of the axis.
            lines: `tree_layout.strokes` with energies in that unit.
            colors: of the leaves, one for all or one for each.
            labels: what hovering over each leaf says.
            groups: colours of the groups of branches; others are grey.
        """
        x, y = (np.asarray(values, float) for values in leaves)
        ends = [y, *(stroke.energies for stroke in lines)]
        if len(x):
            high = max(float(np.nanmax(values)) for values in ends if len(values))
            self._reach = (-0.5, len(x) - 0.5), (float(y.min()), high)
        for name, bound in ((LINES, False), (BOUNDS, True)):
            self._send(name, _line_columns([one for one in lines if one.bound == bound], groups or {}))
        self._resize(len(x))
        self.set(x, y, colors, labels)

    def clear(self) -> None:
        """Removes the tree; the empty state is shown again."""
        self._reach = None
        for name in (LINES, BOUNDS):
            self._send(name, _line_columns([], {}))
        super().clear()

    def _resize(self, leaves: int) -> None:
        """Smaller leaves where there are many."""
        if SIZES[leaves > CROWDED] != self._size:
            self._size = SIZES[leaves > CROWDED]
            for figure in self._figures:
                self._write(figure, partial(self._size_leaves, figure))

    def _size_leaves(self, figure: Any) -> None:
        for renderer in figure.select({"name": POINTS}):
            for glyph in (renderer.glyph, renderer.selection_glyph, renderer.nonselection_glyph):
                glyph.size = self._size

    def _dress(self, figure: Any) -> None:
        super()._dress(figure)
        self._size_leaves(figure)

    def _fit(self, x: Limits, y: Limits, *, from_zero: str = "") -> None:
        """The whole width, and heights that grow in steps; the highest pass counts, not the highest minimum."""
        if self._reach is None:
            return
        before, (wide, high) = dict(self._limits), self._reach
        self._limits = {"x_range": wide, "y_range": grown(before["y_range"], *high, from_zero=True)}
        self._change_limits(before)

    def _plot(self) -> Any:
        path = lambda dash, name: hv.Path([[(0.0, 0.0), (0.0, 1.0)]]).opts(
            line_width=1.1, line_dash=dash, default_tools=[], hooks=[self._capture(name), _color_lines]
        )
        lines = [path("dashed", BOUNDS), path("solid", LINES)]
        return hv.Overlay([*lines, *self._marks()]).opts(**self._options(show_legend=False, xaxis="bare"))


def _color_lines(plot: Any, element: Any) -> None:
    """Hook: colours are a column; a click beside the leaves changes nothing about the lines."""
    renderer = plot.handles["glyph_renderer"]
    renderer.glyph.line_color = "color"
    renderer.update(selection_glyph=None, nonselection_glyph=None, muted_glyph=None)


def _line_columns(lines: "Sequence[Strokes]", groups: Mapping[int, str]) -> dict[str, Any]:
    from so3k_explore.exploration.tree_layout import APART

    return {
        "xs": [np.asarray(one.x, float) for one in lines],
        "ys": [np.asarray(one.energies, float) for one in lines],
        "color": [groups.get(one.group, NOISE if one.group == APART else STEM) for one in lines],
    }
