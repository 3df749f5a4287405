"""The disconnectivity tree: minima as leaves that can be chosen, passes as the heights where branches meet."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore.app.panes.limits import Limits, grown
from so3k_explore.app.panes.linked import STEM, LinkedChart
from so3k_explore.app.panes.scatter import POINTS
from so3k_explore.app.theme import NOISE, PRIMARY

if TYPE_CHECKING:
    from so3k_explore.exploration.tree_layout import Strokes

CROWDED = 1000  # minima from which leaves are drawn smaller
SIZES = (7.0, 4.0)  # px, of few and of many leaves


class TreeChart(LinkedChart):
    """Leaves can be clicked (shift adds), boxed or lassoed; branches below upper bounds are dashed."""

    _unseen = "x"

    def __init__(self, title: str, *, on_select: Callable[[list[int]], None] | None = None, **options: Any) -> None:
        """`on_select` hears the places of the leaves chosen, in the order in which they were given to `draw`."""
        super().__init__(title, "minima", "ΔE", on_select=on_select, size=SIZES[0], **options)

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
        self.set_lines([self._line(one, groups or {}) for one in lines])
        self._resize(len(x))
        self.set(x, y, colors, labels)

    def _line(self, one: "Strokes", groups: Mapping[int, str]) -> tuple[str, Any, Any, str]:
        from so3k_explore.exploration.tree_layout import APART

        color = groups.get(one.group, NOISE if one.group == APART else STEM)
        return "dashed" if one.bound else "solid", one.x, one.energies, color

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
