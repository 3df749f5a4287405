"""The disconnectivity tree by itself, for notebooks; leaves that are chosen are drawn beside it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import panel as pn

from so3k_explore.app.models.display import Display, counted
from so3k_explore.app.models.landscape_pictures import tree_picture
from so3k_explore.app.models.landscape_reader import read
from so3k_explore.app.panes.bundle import OneBundle
from so3k_explore.app.panes.charts import TreeChart
from so3k_explore.app.panes.molecule import MoleculePane
from so3k_explore.app.views.landscape import color_of, colors_of, legend
from so3k_explore.app.views.part import Part

if TYPE_CHECKING:
    from so3k_explore.exploration.landscape import Landscape

HEIGHT = 380  # px


class TreeFigure(Part):
    """A tree and a molecule, linked."""

    def __init__(self, landscape: "Landscape", color_by: str, chosen: Sequence[int], *, bounds: bool) -> None:
        super().__init__()
        from so3k_explore.app.models.landscape import tree_of
        from so3k_explore.exploration.merging import molecule_of

        molecule = molecule_of(landscape)  # refuses a landscape without minima
        self.seen, self._display = read(landscape), Display()
        picture = tree_picture(self.seen, tree_of(self.seen, bounds=bounds), color_by, 0.0, free=False)
        assert picture is not None
        self.keys = picture.keys.tolist()
        name = f"Disconnectivity tree of {counted(len(self.keys), 'minimum')}"
        self.chart = TreeChart(name, on_select=self.choose, height=HEIGHT, sizing_mode="stretch_width")
        unit, energies = self._display.energy_unit, self._display.energies
        self.chart.relabel("minima", f"ΔE / {unit}")
        names = picture.coloring.names
        groups = picture.coloring.groups
        family = lambda k: "" if groups is None else names.get(int(groups[k]), "")
        texts = [
            f"Minimum {key}: ΔE {self._display.energy_text(e)}"
            for key, e in zip(self.keys, picture.energies, strict=True)
        ]
        labels = [" · ".join(part for part in (words, family(k)) if part) for k, words in enumerate(texts)]
        lines = [replace(line, energies=energies(line.energies)) for line in picture.lines]
        colors = {group: color_of(picture.coloring, group) for group in names if group >= 0}
        self.chart.draw(
            (picture.x, energies(picture.energies)), lines, colors_of(picture.coloring), labels, groups=colors
        )
        self.molecule = MoleculePane(sizing_mode="stretch_width", height=HEIGHT, margin=4, page_keys=False)
        self.molecule.show(molecule.numbers, molecule.positions, molecule.bonds)
        self._positions = dict(zip(self.seen.minima.ids.tolist(), self.seen.minima.positions, strict=True))
        self._show(list(chosen))
        self.chart.highlight([self.keys.index(key) for key in chosen if key in self.keys])
        self._layout = OneBundle(
            pn.Row(self.chart, self.molecule, sizing_mode="stretch_width"),
            pn.FlexBox(*legend(picture.coloring)),
            pn.pane.Str(picture.sentence, margin=(0, 12)),
            sizing_mode="stretch_width",
        )

    def choose(self, places: list[int]) -> None:
        """Shows these leaves."""
        self._show([self.keys[place] for place in places])

    def _show(self, keys: list[int]) -> None:
        from so3k_explore.analysis.alignment import superpose

        known: list[Any] = [self._positions[key] for key in keys if key in self._positions]
        if known:
            self.molecule.set_frames(superpose(known, [known[0]] * len(known)).astype("f4"), frame=0)
