"""Minima joined by passes, and the profile of a way across them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from so3k_explore.app.panes.cursor import Cursor
from so3k_explore.app.panes.limits import Limits
from so3k_explore.app.panes.linked import STEM, LinkedChart

LOOK = {"saddle": "solid", "bound": "dashed", "move": "dotted"}
"""Kinds of joints → looks of lines."""
ALPHA_STEM = "#B4BDC6"  # moves without a continuous way, quieter than passes


class NetworkChart(LinkedChart):
    """A drawing of a network: saddles are solid, upper bounds dashed, moves of a search dotted lines."""

    _unseen = "xy"

    def __init__(self, title: str, *, on_select: Callable[[list[int]], None] | None = None, **options: Any) -> None:
        """`on_select` hears the places of the minima chosen."""
        super().__init__(title, "", "", on_select=on_select, size=9.0, **options)

    def draw(
        self, places: Any, edges: Any, kinds: Sequence[str], colors: str | Sequence[str], labels: Sequence[str]
    ) -> None:
        """Replaces the network.

        Args:
            places: (nodes, 2) of the minima.
            edges: (edges, 2) places in that order.
            kinds: of the edges, "saddle", "bound" or "move".
            colors: of the minima.
            labels: what hovering over each says.
        """
        places, edges = np.asarray(places, float).reshape(-1, 2), np.asarray(edges, int).reshape(-1, 2)
        lines = []
        for kind, look in LOOK.items():
            some = edges[np.array([one == kind for one in kinds], bool)] if len(edges) else edges
            ends = np.concatenate([places[some], np.full((len(some), 1, 2), np.nan)], axis=1).reshape(-1, 2)
            lines += [(look, ends[:, 0], ends[:, 1], ALPHA_STEM if kind == "move" else STEM)] if len(some) else []
        self.set_lines(lines)
        self.set(places[:, 0], places[:, 1], colors, labels)

    def _fit(self, x: Limits, y: Limits, *, from_zero: str = "") -> None:
        """All of it, with one scale for both directions: distances of a drawing have no unit."""
        before, room = dict(self._limits), 1.0
        self._limits = {"x_range": (x[0] - room, x[1] + room), "y_range": (y[0] - room, y[1] + room)}
        self._change_limits(before)


class ProfileChart(LinkedChart):
    """Energy along a way: minima and saddles as points, and a dashed line at the frame that is shown."""

    _unseen = "x"

    def __init__(
        self,
        title: str,
        *,
        on_select: Callable[[list[int]], None] | None = None,
        on_tap: Callable[[float], None] | None = None,
        **options: Any,
    ) -> None:
        """`on_select` hears the places of the stops chosen, `on_tap` the frame that was clicked."""
        super().__init__(title, "way", "ΔE", on_select=on_select, size=10.0, positive="y", **options)
        self.cursor = Cursor(self._write, on_tap)

    def draw(self, frames: Any, energies: Any, kinds: Sequence[str], colors: Sequence[str], labels: list[str]) -> None:
        """Replaces the way: frame, energy in the unit of the axis, kind, colour and words of each stop."""
        x, y = np.asarray(frames, float), np.asarray(energies, float)
        lines = []
        for k in range(len(x) - 1):
            share = np.linspace(0, 1, 25)
            smooth = y[k] + (y[k + 1] - y[k]) * (1 - np.cos(np.pi * share)) / 2
            look = "dashed" if "bound" in (kinds[k], kinds[k + 1]) else "solid"
            lines.append((look, x[k] + (x[k + 1] - x[k]) * share, smooth, STEM))
        self.set_lines(lines)
        self.set(x, y, colors, labels)

    def set_cursor(self, frame: float | None) -> None:
        """Moves the dashed line to a frame; None hides it."""
        self.cursor.move(frame)

    def _dress(self, figure: Any) -> None:
        super()._dress(figure)
        self.cursor.draw(figure)
