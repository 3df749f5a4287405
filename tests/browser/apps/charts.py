"""Page for the charts' browser tests: one of each, filled and changed by buttons."""

import numpy as np
import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.panes import DensityChart, LineChart, MoleculePane, PlayerBar, ScatterChart, TableCard, link_x
from so3k_explore.app.theme import THEME_CONFIG, card, family_color
from tests.browser.apps.structures import ETHANOL, ETHANOL_BONDS, ETHANOL_NUMBERS, trajectory

pn.extension("tabulator")


class Demo:
    def __init__(self) -> None:
        self.heard = pn.pane.Str("nothing yet", css_classes=["heard"])
        self.energy = LineChart(
            "Energy against time", "time / ps", "ΔE / kcal/mol", ["potential", "conserved"], on_tap=self.tap
        )
        self.temperature = LineChart("Temperature against time", "time / ps", "T / K", ["T"])
        link_x(self.energy, self.temperature)
        self.points = ScatterChart(
            "Energy against distance", "RMSD to lowest / Å", "ΔE / kcal/mol", on_select=self.select
        )
        self.density = DensityChart("Ramachandran, residue 2")
        self.table = TableCard(
            "Minima", ["ΔE / kcal/mol", "family"], decimals={"ΔE / kcal/mol": 2}, on_select=self.choose
        )
        self.pane = MoleculePane(min_height=200)
        self.pane.show(ETHANOL_NUMBERS, ETHANOL, ETHANOL_BONDS)
        self.rng = np.random.default_rng(1)
        self.steps = 0

    def fill(self) -> None:
        rng = self.rng
        self.steps = 0
        self.energy.clear()
        self.more()
        family = rng.integers(-1, 5, 400)
        x, y = rng.gamma(3, 0.6, 400), rng.gamma(2, 1.6, 400)
        labels = [f"minimum {k}, {e:.2f} kcal/mol, family {f}" for k, (e, f) in enumerate(zip(y, family, strict=True))]
        self.points.set(x, y, [family_color(f) for f in family], labels)
        self.points.highlight([3, 7])
        self.density.set(rng.normal(-80, 22, 4000), rng.normal(75, 30, 4000))
        self.density.mark([-80.0], [75.0])
        self.table.set({"ΔE / kcal/mol": list(np.sort(y)), "family": [chr(65 + max(f, 0)) for f in family]})
        self.energy.set_cursor(1.0)
        self.pane.set_frames(trajectory(60))

    def more(self) -> None:
        time = (self.steps + np.arange(100)) * 0.02
        self.steps += 100
        noise = self.rng.normal(0, 1, (3, 100))
        self.energy.stream({"potential": (time, 5 + noise[0] + 0.2 * time), "conserved": (time, 20 + 0.1 * noise[1])})
        self.temperature.stream({"T": (time, 300 + 20 * noise[2])})

    def tap(self, x: float) -> None:
        self.energy.set_cursor(x)
        self.heard.object = f"tapped {x:.2f}"

    def select(self, indices: list[int]) -> None:
        self.heard.object = f"selected {len(indices)} first {indices[0] if indices else None}"

    def choose(self, rows: list[int]) -> None:
        self.points.highlight(rows)
        self.heard.object = f"rows {rows}"

    def page(self) -> pmui.Page:
        buttons = pmui.Row(
            pmui.Button(label="fill", on_click=lambda _: self.fill()),
            pmui.Button(label="more", on_click=lambda _: self.more()),
            self.heard,
        )
        viewer = card("Ethanol", pn.Column(self.pane, PlayerBar(self.pane), sizing_mode="stretch_both"))
        charts = (self.energy, self.points, self.temperature, self.density, self.table, viewer)
        grid = pn.GridBox(*charts, ncols=3, sizing_mode="stretch_both", min_height=640)
        page = pmui.Page(
            title="charts", main=[pn.Column(buttons, grid, sizing_mode="stretch_both")], theme_config=THEME_CONFIG
        )
        self.pane.dark = page.dark_theme
        page.param.watch(lambda event: self.pane.param.update(dark=event.new), "dark_theme")
        return page


Demo().page().servable()
