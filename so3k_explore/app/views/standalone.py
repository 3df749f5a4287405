"""Pictures of landscapes by themselves, for notebooks; made at once, and linked with a molecule of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import panel as pn

from so3k_explore.app import theme
from so3k_explore.app.models.display import Display, counted
from so3k_explore.app.models.families import MAPS
from so3k_explore.app.models.family_maker import NETWORKLESS, FamilyMaker
from so3k_explore.app.models.family_pictures import FamilyPicture, Wish
from so3k_explore.app.models.minima import Ranking
from so3k_explore.app.panes.bundle import OneBundle
from so3k_explore.app.panes.charts import ScatterChart
from so3k_explore.app.panes.molecule import MoleculePane
from so3k_explore.app.views.part import Part

if TYPE_CHECKING:
    from so3k_explore.exploration.landscape import Landscape
    from so3k_explore.io.molecule import Molecule

OVERLAID = 30  # structures
HEIGHT = 380  # px


@dataclass(frozen=True, eq=False)
class Source:
    """A landscape in place of a run."""

    found: "Landscape"
    molecule: "Molecule"
    model: str

    def landscape(self) -> "Landscape":
        return self.found


class MapView(Part):
    """Map, energies, and the structures that are chosen in either."""

    def __init__(self, picture: FamilyPicture, molecule: "Molecule") -> None:
        super().__init__()
        self.picture, self._display = picture, Display()
        options: dict[str, Any] = {"on_select": self.choose, "height": HEIGHT, "sizing_mode": "stretch_width"}
        name = next(word for word, meant in MAPS.items() if meant == picture.wish.projection)
        axes = [f"{name} 1", f"{name} 2"]
        if np.isfinite(picture.explained).all():
            axes = [f"{axis} ({100 * share:.0f} %)" for axis, share in zip(axes, picture.explained, strict=True)]
        self.map = ScatterChart(f"{counted(len(picture.minima), 'minimum')} by family", axes[0], axes[1], **options)
        unit = self._display.energy_unit
        self.energies = ScatterChart("Energies", "RMSD to the lowest / Å", f"ΔE / {unit}", positive="x", **options)
        self.molecule = MoleculePane(sizing_mode="stretch_width", height=HEIGHT, margin=4, page_keys=False)
        self.caption = pn.pane.Str("", margin=(4, 12))
        self.molecule.show(molecule.numbers, picture.minima.positions[0], molecule.bonds)
        heights = self._display.energies(picture.minima.energies)
        labels = [f"{k + 1}: {self._words(k)}" for k in range(len(picture.minima))]
        self.map.set(picture.coordinates[:, 0], picture.coordinates[:, 1], picture.colors, labels)
        self.energies.set(picture.minima.rmsd, heights, picture.colors, labels)
        self.choose([0])
        column = pn.Column(self.molecule, self.caption, sizing_mode="stretch_width")
        row = pn.Row(self.map, self.energies, column, sizing_mode="stretch_width")
        self._layout = OneBundle(row, sizing_mode="stretch_width")

    def choose(self, places: Sequence[int]) -> None:
        """Shows the first of these minima, by place from the lowest, with the others laid over it."""
        from so3k_explore.analysis.alignment import superpose

        chosen = [int(place) for place in places] or [0]
        positions, first = self.picture.minima.positions, chosen[0]
        for chart in (self.map, self.energies):
            chart.highlight(chosen)
        others = chosen[1 : OVERLAID + 1]
        laid = superpose(positions[others], positions[first]) if others else []
        self.molecule.set_frames(positions[first][None])
        self.molecule.overlays = [(one, theme.family_color(k + 1), 0.8) for k, one in enumerate(laid)]
        self.caption.object = f"Minimum {first + 1} of {len(positions)}: {self._words(first)}"

    def _words(self, place: int) -> str:
        minima, cluster = self.picture.minima, int(self.picture.clusters[place])
        words = (f"ΔE {self._display.energy_text(float(minima.energies[place]))}", minima.labels[place])
        return ", ".join(word for word in (*words, self.picture.labelling.name_of(cluster)) if word)


def map_view(landscape: "Landscape", by: str, method: str, projection: str, model: str) -> MapView:
    """Map of the minima of a landscape; see `so3k_explore.views.map`."""
    from so3k_explore.exploration.labels import list_labellings
    from so3k_explore.exploration.merging import molecule_of

    molecule = molecule_of(landscape)
    minima = Ranking(molecule).rank(landscape.minima())
    stored = method if method in list_labellings(landscape) else ""
    wish = Wish(by, -1, projection, "hdbscan" if stored else method, 0, stored)
    picture = FamilyMaker(Source(landscape, molecule, model or NETWORKLESS)).make(minima, wish, lambda *_: None)
    if not np.isfinite(picture.coordinates).all() or not len(picture.coordinates):
        raise ValueError(" ".join(picture.notes))
    return MapView(picture, molecule)
