"""Tab Minima: what has been found, how fast it grows, and which one is in the viewer."""

import numpy as np

from so3k_explore.app.models.display import counted
from so3k_explore.app.models.session import Session
from so3k_explore.app.panes.charts import LineChart, ScatterChart
from so3k_explore.app.panes.tables import TableCard
from so3k_explore.app.views.part import Part, pictures

COLUMNS = ("No.", "ΔE", "RMSD / Å", "Visits", "Shape", "Call")
WIDTHS = {"No.": 52, "ΔE": 118, "RMSD / Å": 92, "Visits": 72}  # px; the others share the rest
DECIMALS = {"ΔE": 3, "RMSD / Å": 2}


class MinimaTab(Part):
    """Energy against distance, growth, and the table of all minima; a click shows, several overlay."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        choose, waiting = session.minima.choose, "Appears with the first minimum that a search finds."
        self._scatter = ScatterChart(
            "Energy against distance", "RMSD to the lowest / Å", "ΔE", on_select=choose, positive="x", empty=waiting
        )
        self._growth = LineChart(
            "Minima found", "force calls", "minima", ["minima"], from_zero="xy", whole=True, empty=waiting
        )
        self._table = TableCard(
            "All minima, lowest first", COLUMNS, decimals=DECIMALS, widths=WIDTHS, on_select=choose, empty=waiting
        )
        self._layout = pictures(self._scatter, self._growth, wide=(self._table,))
        session.shown.param.watch(lambda *_: self._arrange(), "run")
        session.minima.param.watch(lambda *_: self._draw(), "minima")
        session.selection.param.watch(lambda *_: self._highlight(), ["focus", "selection"])
        session.display.param.watch(lambda *_: self._draw(), "energy_unit")
        self._draw()

    def _arrange(self) -> None:
        """Names the unit, and leaves out the shapes of a cluster, which has no torsions; before there are rows."""
        run = self.session.shown.run
        shapeless = run is not None and not len(run.molecule.torsions)
        titles = {"ΔE": f"ΔE / {self.session.display.energy_unit}"}
        self._table.arrange(titles, ("Shape",) if shapeless else ())

    def _draw(self) -> None:
        self._arrange()
        display, minima = self.session.display, self.session.minima.minima
        self._scatter.relabel("RMSD to the lowest / Å", f"ΔE / {display.energy_unit}")
        if minima is None or not len(minima):
            for chart in (self._scatter, self._growth, self._table):
                chart.clear()
            return
        energies = display.energies(minima.energies)
        labels = [
            f"{k + 1}: ΔE {display.energy_text(e)} {label}"
            for k, (e, label) in enumerate(zip(minima.energies, minima.labels, strict=True))
        ]
        self._scatter.set(minima.rmsd, energies, labels=labels)
        calls, count = minima.growth
        self._growth.set({"minima": (np.repeat(calls, 2)[1:], np.repeat(count, 2)[:-1])})
        self._table.title = f"{counted(len(minima), 'minimum')}, lowest first"
        values = (range(1, len(minima) + 1), energies, minima.rmsd, minima.visits, minima.labels, minima.calls)
        self._table.set({name: list(column) for name, column in zip(self._table.columns, values, strict=True)})
        self._highlight()

    def _highlight(self) -> None:
        model = self.session.minima
        if model.minima is None:
            return
        ranks = model.ranks()
        self._scatter.highlight(ranks)
        self._table.highlight(ranks)
