"""A table whose rows can be chosen, such as the minima of a landscape."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import panel as pn
import param

from so3k_explore.app.theme import CHART_HEIGHT, card, shown_when_filled

SMALL_ROWS = """
.tabulator .tabulator-cell, .tabulator .tabulator-col-title { font-size: 13px !important; }
.tabulator .tabulator-row .tabulator-cell { padding: 5px 8px !important; }
.tabulator .tabulator-col-title { white-space: normal !important; }
"""


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
        on_select: Callable[[list[int]], None] | None = None,
        empty: str | None = None,
        **layout: Any,
    ) -> None:
        """Columns with units in their names; `decimals` of those that are numbers."""
        super().__init__(title=title, **({} if empty is None else {"empty": empty}))
        self.columns = tuple(columns)
        self._decimals = dict(decimals or {})
        self._on_select = on_select
        self._quiet = False
        formats = {
            name: {"type": "money", "precision": digits, "thousand": " "} for name, digits in self._decimals.items()
        }
        self._table = pn.widgets.Tabulator(
            self._frame({name: [] for name in columns}),
            **{"formatters": formats, "text_align": dict.fromkeys(formats, "right"), "show_index": False},
            **{
                "selectable": True,
                "disabled": True,
                "layout": "fit_columns",
                "configuration": {"rowHeight": 28},
            },
            **{
                "theme": "simple",
                "stylesheets": [SMALL_ROWS],
                "sizing_mode": "stretch_both",
                "min_height": CHART_HEIGHT,
                "margin": (4, 8),
            },
        )
        self._table.param.watch(self._chosen, "selection")
        self._card = card(self.param.title, shown_when_filled(self, self._table), **layout)

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
        self.filled = bool(len(frame))

    def entitle(self, titles: Mapping[str, str]) -> None:
        """Headings of columns that are not their names, such as for another unit."""
        if self._table.titles != dict(titles):
            self._table.titles = dict(titles)

    def hide(self, names: Sequence[str]) -> None:
        """Leaves these columns out."""
        if self._table.hidden_columns != list(names):
            self._table.hidden_columns = list(names)

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
