"""Populations and heat capacity of a landscape against temperature."""

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.landscape_pictures import NAMED
from so3k_explore.app.models.session import Session
from so3k_explore.app.panes.charts import LineChart
from so3k_explore.app.theme import FAMILIES, NOISE
from so3k_explore.app.views.part import Part, tall

CURVES = [f"curve {k}" for k in range(NAMED + 1)]


class ThermalCards(Part):
    """Two charts, or what is missing."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        model = session.landscape
        self._sentence = pmui.Typography("", variant="body2", color="text.secondary", margin=(6, 12))
        waiting = "Needs vibrational frequencies."
        colors = [*FAMILIES[:NAMED], NOISE]
        self._shares = LineChart(
            "Populations", "T / K", "share", CURVES, colors=colors, empty=waiting, from_zero="xy", **tall(270)
        )
        self._capacity = LineChart("Heat capacity", "T / K", "C / k", ["C"], empty=waiting, **tall(270))
        cell = lambda chart: pmui.Grid(chart, size={"xs": 12, "lg": 6}, sizing_mode="stretch_width")
        grid = pmui.Grid(
            cell(self._shares), cell(self._capacity), container=True, spacing=0, sizing_mode="stretch_width"
        )
        self._layout = pn.Column(self._sentence, grid, sizing_mode="stretch_width", margin=0)
        model.param.watch(lambda *_: self._draw(), ["thermal", "no_thermal"])
        model.param.watch(lambda *_: self._cursor(), "temperature")
        self._draw()

    def _draw(self) -> None:
        picture, model = self.session.landscape.thermal, self.session.landscape
        sentence = model.no_thermal or ("" if picture is None else picture.sentence)
        self._sentence.param.update(object=sentence, visible=bool(sentence))
        if picture is None:
            self._shares.clear()
            self._capacity.clear()
            return
        curves = [*picture.shares, *[[]] * (len(CURVES) - len(picture.shares))]
        empty = len(picture.temperatures)
        columns = {
            name: (picture.temperatures if len(curve) == empty else [], curve)
            for name, curve in zip(CURVES, curves, strict=True)
        }
        self._shares.set(columns)
        rank = self.session.minima.rank
        names = [f"minimum {k if rank(k) is None else rank(k) + 1}" for k in picture.keys]  # pyright: ignore[reportOptionalOperand]
        self._shares.name_curves([*names, "others"])
        self._capacity.set({"C": (picture.temperatures, picture.heat_capacity)})
        self._cursor()

    def _cursor(self) -> None:
        """Marks the temperature of the tree."""
        for chart in (self._shares, self._capacity):
            chart.set_cursor(float(self.session.landscape.temperature))
