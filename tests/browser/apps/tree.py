"""Page for the browser tests of the tree: how many minima it has is in the address, ``?minima=10000``."""

import numpy as np
import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.panes.charts import TreeChart
from so3k_explore.app.theme import THEME_CONFIG, family_color
from so3k_explore.exploration.tree_layout import layout, strokes
from tests.browser.apps.landscapes import funnel_tree

pn.extension()


class Demo:
    def __init__(self, minima: int) -> None:
        self.heard = pn.pane.Str("nothing yet", css_classes=["heard"])
        self.chart = TreeChart("Disconnectivity tree", on_select=self.select)
        self.minima = minima
        if minima:
            self.fill()

    def fill(self) -> None:
        tree = funnel_tree(self.minima)
        drawn, groups = layout(tree, slant=0.02), np.arange(len(tree)) % 3
        labels = [f"minimum {number}" for number in tree.ids]
        self.chart.draw(
            (drawn.x[: len(tree)], tree.energies),
            strokes(tree, drawn, groups),
            [family_color(int(group)) for group in groups],
            labels,
            groups={group: family_color(group) for group in range(3)},
        )

    def select(self, places: list[int]) -> None:
        self.heard.object = f"chosen {sorted(places)}"


wanted = pn.state.session_args.get("minima", [b"12"])[0] if pn.state.session_args else b"12"
demo = Demo(int(wanted))
highlight = pmui.Button(label="Highlight")
highlight.on_click(lambda _: demo.chart.highlight([1, 2]))
clear = pmui.Button(label="Clear")
clear.on_click(lambda _: demo.chart.clear())
pmui.Container(
    demo.chart,
    demo.heard,
    pn.Row(highlight, clear),
    sizing_mode="stretch_both",
    theme_config=THEME_CONFIG,
    min_height=560,
).servable()
