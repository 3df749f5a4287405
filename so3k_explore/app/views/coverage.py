"""How many minima are missing: the estimate as the search went on, and by energy."""

from typing import Any

import numpy as np

from so3k_explore.app.models.session import Session
from so3k_explore.app.panes.charts import BandChart
from so3k_explore.app.panes.tables import TableCard
from so3k_explore.app.views.part import tall

FOUND, ESTIMATED = "found", "estimated"
COLUMNS = ("Up to ΔE", "Found", "Estimated", "95 % interval", "Next is new")
ROOM = 2.5  # times the last estimate, beyond which earlier ones are not drawn
WIDTHS = {"Up to ΔE": 120, "Found": 80, "Estimated": 100, "Next is new": 110}


class CoverageCards:
    """The curve and the table."""

    def __init__(self, session: Session) -> None:
        self.session = session
        waiting = "Appears with the first minimum that a search finds."
        self.growth = BandChart(
            "Minima found and estimated",
            "force calls",
            "minima",
            [FOUND, ESTIMATED],
            empty=waiting,
            whole=True,
            **tall(250),
        )
        self.table = TableCard("How sure is the list?", COLUMNS, widths=WIDTHS, empty=waiting, **tall(250))
        session.landscape.param.watch(lambda *_: self._draw(), "seen")
        session.display.param.watch(lambda *_: self._rows(), "energy_unit")
        self._draw()

    def _draw(self) -> None:
        seen = self.session.landscape.seen
        if seen is None or not len(seen.minima):
            self.growth.clear()
            self.table.clear()
            return
        growth = seen.growth
        if len(growth.calls):
            most = ROOM * max(growth.estimated[-1], growth.minima[-1])  # first estimates may be far off
            estimated = np.minimum(growth.estimated, most)
            self.growth.set({FOUND: (growth.calls, growth.minima), ESTIMATED: (growth.calls, estimated)})
            self.growth.set_band(growth.calls, np.minimum(growth.low, most), np.minimum(growth.high, most))
        self._rows()

    def _rows(self) -> None:
        seen, display = self.session.landscape.seen, self.session.display
        if seen is None or not len(seen.minima):
            return
        rows: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        for window, coverage in seen.windows:
            low, high = coverage.interval
            values = (
                "all" if window is None else display.energy_text(window),
                str(coverage.minima),
                f"{coverage.estimated_minima:.0f}",
                f"{np.floor(low):.0f} to {np.ceil(high):.0f}",
                f"{100 * coverage.unseen_probability:.1f} %",
            )
            for name, value in zip(COLUMNS, values, strict=True):
                rows[name].append(value)
        self.table.set(rows)
