"""A table whose rows can be chosen, such as the minima of a landscape."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import panel as pn
import param
from bokeh.models.widgets.tables import NumberFormatter

from so3k_explore.app.models.display import DASH
from so3k_explore.app.theme import CHART_HEIGHT, card, shown_when_filled

SMALL_ROWS = """
.tabulator .tabulator-cell, .tabulator .tabulator-col-title { font-size: 13px !important; }
.tabulator .tabulator-row .tabulator-cell { padding: 5px 8px !important; }
.tabulator .tabulator-header .tabulator-col .tabulator-col-content { padding: 4px 8px !important; }
"""


class ReadOnlyTable(pn.widgets.Tabulator):
    """A table that only Python fills: in a notebook browsers send rows back, which may be those of a moment ago."""

    def _process_data(self, data: Mapping[str, Any]) -> None:
        """Leaves rows from the browser alone."""


class TableCard(pn.viewable.Viewer):
    """Rows in the order given, sortable by clicking a heading; needs `pn.extension("tabulator")`."""

    title = param.String("", doc="Says what the rows are.")
    empty = param.String("Appears when a run is started.", doc="Shown while there are no rows.")
    filled = param.Boolean(False, doc="Whether there are rows to show.")

    def __init__(
        self,
        title: str,
        columns: Sequence[str],
        *,
        decimals: Mapping[str, int] | None = None,
        widths: Mapping[str, int] | None = None,
        unknown: Sequence[str] = (),
        on_select: Callable[[list[int]], None] | None = None,
        empty: str | None = None,
        **layout: Any,
    ) -> None:
        """Columns with units in their names; `decimals` of those that are numbers, `widths` in pixels.

        Numbers of the columns in `unknown` may be NaN, which is shown as a dash.
        """
        super().__init__(title=title, **({} if empty is None else {"empty": empty}))
        self.columns = tuple(columns)
        self._decimals = dict(decimals or {})
        self._unknown = tuple(unknown)
        self._on_select = on_select
        self._quiet = False
        self._widths = dict(widths or {})
        self._titles: dict[str, str] = {}
        self._hidden: list[str] = []
        self._table = self._make()
        self._place = pn.Column(self._table, sizing_mode="stretch_both", margin=0)
        self._card = card(self.param.title, shown_when_filled(self, self._place), **layout)

    def _make(self) -> ReadOnlyTable:
        """A table without rows."""
        formats: dict[str, Any] = {
            name: {"type": "money", "precision": digits, "thousand": " "} for name, digits in self._decimals.items()
        }
        for name in self._unknown:
            formats[name] = NumberFormatter(format=f"0.{'0' * self._decimals[name]}", nan_format=DASH)
        table = ReadOnlyTable(
            self._frame({name: [] for name in self.columns}),
            **{"formatters": formats, "text_align": dict.fromkeys(formats, "right"), "show_index": False},
            **{"selectable": True, "disabled": True, "layout": "fit_columns", "configuration": {"rowHeight": 28}},
            **{"widths": self._widths, "titles": self._titles, "hidden_columns": self._hidden},
            pagination=None,  # the browser draws the rows in sight; with pages, a chosen row could be on another one
            **{"theme": "simple", "stylesheets": [SMALL_ROWS], "sizing_mode": "stretch_both"},
            **{"min_height": CHART_HEIGHT, "margin": (4, 8)},
        )
        table.param.watch(self._chosen, "selection")
        return table

    def _frame(self, rows: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
        """Text columns are objects even without rows: the table chooses its formats by the first type it sees."""
        types = {name: float if name in self._decimals else object for name in self.columns}
        return pd.DataFrame({name: pd.Series(list(rows[name]), dtype=types[name]) for name in self.columns})

    def set(self, rows: Mapping[str, Sequence[Any]]) -> None:
        """Replaces the rows, given by column; chosen rows stay chosen."""
        missing = set(self.columns) - set(rows)
        if missing:
            raise ValueError(
                f"The table needs the columns {', '.join(self.columns)}; missing {', '.join(sorted(missing))}."
            )
        frame = self._frame(rows)
        chosen = [row for row in self._table.selection if row < len(frame)]
        self._table.value = frame
        self.highlight(chosen)
        if self._place[0] is not self._table:
            self._place.objects = [self._table]
        self.filled = bool(len(frame))

    def arrange(self, titles: Mapping[str, str], hidden: Sequence[str] = ()) -> None:
        """Headings that are not the names of their columns, such as for another unit, and columns to leave out.

        The table is made anew: the browser's one cannot take other columns before it is drawn for the first time. It
        appears with the rows that are set next: those that reach it while it is being drawn would be lost.
        """
        if (dict(titles), list(hidden)) == (self._titles, self._hidden):
            return
        self._titles, self._hidden = dict(titles), list(hidden)
        self._table = self._make()

    def clear(self) -> None:
        """Removes all rows; the empty state is shown again."""
        self.set({name: [] for name in self.columns})

    def highlight(self, rows: Sequence[int]) -> None:
        """Marks rows as chosen without calling `on_select`."""
        self._quiet = True
        try:
            self._table.selection = [int(row) for row in rows]
        finally:
            self._quiet = False

    def _chosen(self, event: Any) -> None:
        if self._on_select is not None and not self._quiet:
            self._on_select([int(row) for row in event.new])

    def __panel__(self) -> pn.viewable.Viewable:
        return self._card
