"""Two runs beside each other: counts in a table, minima below each energy, and energies of common minima."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.compared import levels
from so3k_explore.app.models.session import Session
from so3k_explore.app.panes.charts import LineChart, ScatterChart
from so3k_explore.app.panes.tables import TableCard
from so3k_explore.app.views.linked_card import LinkedCard
from so3k_explore.app.views.part import tall

THIS, OTHER = "this run", "the other"
COLUMNS = ("", "This run", "The other")
WAITING = "Choose another run above."


class ComparedCards(LinkedCard):
    """The choice of the other run, and three pictures."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._model = model = session.compared
        choice = pmui.Select.from_param(
            model.param.other, size="small", sizing_mode="stretch_width", margin=(8, 12), description=""
        )
        self._sentence = pmui.Typography("", variant="body2", color="text.secondary", margin=(2, 12))
        self._levels = LineChart(
            *("Minima below an energy", "ΔE", "minima", [THIS, OTHER]),
            **{"from_zero": "xy", "whole": True, "empty": WAITING, **tall(270)},
        )
        self._energies = ScatterChart(
            *("Common minima", "ΔE of this run", "ΔE of the other"), on_select=self.choose, empty=WAITING, **tall(270)
        )
        self._table = TableCard("Side by side", COLUMNS, empty=WAITING, **tall(250))
        cell = lambda card, width: pmui.Grid(card, size={"xs": 12, "lg": width}, sizing_mode="stretch_width")
        cards = (cell(self._levels, 6), cell(self._energies, 6), cell(self._table, 12))
        grid = pmui.Grid(*cards, container=True, spacing=0, sizing_mode="stretch_width")
        self._layout = pn.Column(choice, self._sentence, grid, sizing_mode="stretch_width", margin=0)
        model.param.watch(lambda *_: self._draw(), ["found", "sentence"])
        session.display.param.watch(lambda *_: self._draw(), "energy_unit")
        self._draw()

    @property
    def chart(self) -> ScatterChart:
        return self._energies

    def _draw(self) -> None:
        found, display = self._model.found, self.session.display
        self._sentence.object = self._model.sentence
        unit = display.energy_unit
        self._levels.relabel(f"ΔE / {unit}", "minima")
        self._energies.relabel(f"ΔE of this run / {unit}", f"ΔE of the other / {unit}")
        self._energies.empty = "No common minima." if found is not None else WAITING
        if found is None:
            self.keys = []
            for card in (self._levels, self._energies, self._table):
                card.clear()
            return
        curves = {name: levels(side) for name, side in ((THIS, found.one), (OTHER, found.other))}
        self._levels.set({name: (display.energies(x), y) for name, (x, y) in curves.items()})
        self.keys = found.pairs[:, 0].tolist()
        x, y = display.energies(found.energies[:, 0]), display.energies(found.energies[:, 1])
        labels = [f"{a:.2f} and {b:.2f} {unit}, RMSD {r:.2f} Å" for a, b, r in zip(x, y, found.rmsd, strict=True)]
        if len(x):
            self._energies.set(x, y, labels=labels)
        else:
            self._energies.clear()
        self._table.set(self._rows(found))
        self.ring()

    def _rows(self, found: Any) -> dict[str, list[str]]:
        read = {
            "Molecule": lambda side: side.name,
            "Minima found": lambda side: str(side.coverage.minima),
            "Estimated (95 %)": lambda side: estimate_text(side.coverage),
            "Next is new": lambda side: f"{100 * side.coverage.unseen_probability:.1f} %",
            "Saddles": lambda side: str(side.saddles),
        }
        columns = [list(read), *([how(side) for how in read.values()] for side in (found.one, found.other))]
        return dict(zip(COLUMNS, columns, strict=True))


def estimate_text(coverage: Any) -> str:
    """An estimated number of minima with its interval."""
    low, high = coverage.interval
    return f"{coverage.estimated_minima:.0f} ({low:.0f} to {high:.0f})"
