"""Tab Conformers: a map of the minima, their energies and torsions, coloured by family, and a table of all."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from so3k_explore.app import theme
from so3k_explore.app.models.conformer_colors import DIPOLE, Scale, scale_of
from so3k_explore.app.models.display import counted
from so3k_explore.app.models.families import DESCRIPTORS, MAPS
from so3k_explore.app.models.family_pictures import FamilyPicture
from so3k_explore.app.models.session import Session
from so3k_explore.app.panes.angles import AnglesChart
from so3k_explore.app.panes.charts import ScatterChart
from so3k_explore.app.panes.tables import TableCard
from so3k_explore.app.views.families import FamiliesCard
from so3k_explore.app.views.part import Part, in_turns, tall

MOMENT = "μ / D"
COLUMNS = ("No.", "ΔE", "RMSD / Å", "Rg / Å", "H bonds", MOMENT, "Family", "Visits", "Shape")
WIDTHS = {"No.": 56, "ΔE": 118, "RMSD / Å": 92, "Rg / Å": 80, "H bonds": 84, MOMENT: 72, "Visits": 72}  # px
DECIMALS = {"ΔE": 3, "RMSD / Å": 2, "Rg / Å": 2, MOMENT: 2}
LOOK: dict[str, Any] = {"decimals": DECIMALS, "widths": WIDTHS, "unknown": (MOMENT,)}
CARD = 310  # px, height of a card
WAITING = "Appears with the first minima that a search finds."


def _cells(*cards: tuple[Any, int]) -> pmui.Grid:
    """Cards of these widths in twelfths of a wide page, one below the other on a narrow one."""
    cells = [pmui.Grid(card, size={"xs": 12, "lg": width}, sizing_mode="stretch_width") for card, width in cards]
    return pmui.Grid(*cells, container=True, spacing=0, sizing_mode="stretch_width")


def legend(scale: Scale | None) -> list[Any]:
    """The two ends of a scale in their colours; nothing for families, which have a card."""
    ends = None if scale is None else scale.ends
    if ends is None:
        return []
    chip = lambda text, color: pmui.Chip(
        label=text, size="small", variant="outlined", margin=(1, 3), sx={"borderColor": color, "borderWidth": "3px"}
    )
    colors = theme.sequential_colors(np.array([0.0, 1.0]))
    return [chip(text, color) for text, color in zip(ends, colors, strict=True)]


class ConformersTab(Part):
    """Every picture chooses and follows the page's selection."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._model = model = session.families
        options: dict[str, Any] = {"on_select": self._choose, "empty": WAITING, **tall(CARD)}
        self._map = ScatterChart("Map of conformers", "", "", **options)
        self._energies = ScatterChart(
            "Energy against distance", "RMSD to the lowest / Å", "ΔE", positive="x", **options
        )
        self._angles = AnglesChart("Torsions", "φ / °", "ψ / °", **options)
        self._pair = pmui.Select(label="Torsions of", options=[], size="small", width=170, margin=(8, 4), visible=False)
        self._pair.param.watch(lambda *_: self._draw_angles(), "value")
        self._table = TableCard("All conformers, lowest first", COLUMNS, **LOOK, **options)
        self._seen: tuple[list[str], list[str]] = ([], [])  # colours and labels of the minima
        self._offering = False
        cards = (self._energies, self._angles, FamiliesCard(session), self._table)
        later = in_turns(self._map, [(card, CARD) for card in cards])
        grid = _cells((self._map, 6), *zip(later, (6, 6, 6, 12), strict=True))
        self._layout = pn.Column(self._controls(), self._second_line(), grid, sizing_mode="stretch_both", margin=0)
        model.param.watch(lambda *_: self._say(), ["sentence", "doing"])
        session.dipoles.param.watch(lambda *_: self._say(), ["doing", "reason"])
        session.dipoles.param.watch(lambda *_: self._draw(), "offered")
        session.dipoles.param.watch(lambda *_: self._fill(), "known")
        model.param.watch(lambda *_: self._draw(), "color")
        model.param.watch(lambda *_: self._draw(), "picture")
        model.param.watch(lambda *_: self._suit(), ["by", "method", "source"])
        session.selection.param.watch(lambda *_: self._highlight(), ["focus", "selection"])
        session.display.param.watch(lambda *_: self._draw(), "energy_unit")
        self._say()
        self._suit()
        self._draw()

    def _controls(self) -> pn.FlexBox:
        """What tells minima apart, how they are mapped and sorted."""
        model = self._model
        widget = lambda kind, name, width: kind.from_param(
            model.param[name], size="small", width=width, margin=(8, 4), description=""
        )
        self._layer = widget(pmui.Select, "layer", 110)
        self._count = widget(pmui.IntInput, "clusters", 130)
        self._method = widget(pmui.Select, "method", 150)
        shown = (
            *(widget(pmui.Select, "by", 150), self._layer, widget(pmui.Select, "projection", 110)),
            *(self._method, self._count, widget(pmui.Select, "source", 165)),
        )
        return pn.FlexBox(*shown, margin=0, sizing_mode="stretch_width")

    def _second_line(self) -> pn.FlexBox:
        """What is drawn, what colours mean, and what is being done or wrong: beside a control, nothing jumps."""
        color = pmui.Select.from_param(self._model.param.color, size="small", width=178, margin=(8, 4), description="")
        self._legend = pn.Row(margin=(0, 4))
        self._sentence = pmui.Typography("", variant="body2", color="text.secondary", margin=(4, 10))
        shown = (self._pair, color, self._legend, self._sentence)
        return pn.FlexBox(*shown, align_items="center", margin=0, sizing_mode="stretch_width")

    def _suit(self) -> None:
        """Leaves out the controls that say nothing now."""
        made = self._model.source == self._model.param.source.objects[0]
        self._layer.visible = self._model.by == "features"
        self._method.visible = made
        self._count.visible = made and self._model.method not in ("hdbscan", "tree")

    def _say(self) -> None:
        model, dipoles = self._model, self.session.dipoles
        doing = model.doing or dipoles.doing
        words = [f"{doing} …" if doing else "", model.sentence, dipoles.reason]
        self._sentence.object = " ".join(word for word in words if word)

    def _draw(self) -> None:
        picture, display = self._model.picture, self.session.display
        self._energies.relabel("RMSD to the lowest / Å", f"ΔE / {display.energy_unit}")
        residues = picture is None or not len(picture.pairs)
        hidden = (*(("Shape",) if residues else ()), *(() if self.session.dipoles.offered else (MOMENT,)))
        self._table.arrange({"ΔE": f"ΔE / {display.energy_unit}"}, hidden)
        self._legend.objects = legend(None if picture is None else scale_of(self.session, picture))
        if picture is None:
            for chart in (self._map, self._energies, self._angles, self._table):
                chart.clear()
            self._table.title = "All conformers, lowest first"
            return
        energies, self._seen = display.energies(picture.minima.energies), self._look(picture)
        self._draw_map(picture, *self._seen)
        self._energies.set(picture.minima.rmsd, energies, *self._seen)
        self._angles.empty = "" if picture.pairs else "This molecule has no two torsions that follow each other."
        self._offer([pair.title for pair in picture.pairs])
        self._draw_table(picture, energies)
        self._draw_angles()
        self._highlight()

    def _fill(self) -> None:
        """More dipole moments are known."""
        picture = self._model.picture
        if self._model.color == DIPOLE or picture is None:
            self._draw()
        else:
            self._draw_table(picture, self.session.display.energies(picture.minima.energies))

    def _offer(self, titles: list[str]) -> None:
        """Pairs of torsions to choose from."""
        if self._pair.options != titles:
            value = self._pair.value if self._pair.value in titles else next(iter(titles), None)
            self._offering = True  # and what is chosen is drawn afterwards, once
            try:
                self._pair.param.update(options=titles, value=value, visible=len(titles) > 1)
            finally:
                self._offering = False

    def _look(self, picture: FamilyPicture) -> tuple[list[str], list[str]]:
        """Colours of the minima, and what hovering over them says."""
        texts, minima, scale = self.session.display, picture.minima, scale_of(self.session, picture)
        colors = picture.colors if scale is None else theme.sequential_colors(scale.values)
        names = {cluster: picture.labelling.name_of(cluster) for cluster in set(picture.clusters.tolist())}
        labels = []
        for k, (energy, label) in enumerate(zip(minima.energies.tolist(), minima.labels, strict=True)):
            words = f"{k + 1}: ΔE {texts.energy_text(energy)} {label}, {names[int(picture.clusters[k])]}"
            more = "" if scale is None else scale.label(k)
            labels.append(f"{words}, {more}" if more and more not in words else words)
        return colors, labels

    def _draw_map(self, picture: FamilyPicture, colors: list[str], labels: list[str]) -> None:
        wish = picture.wish
        name = lambda known, value: next(word for word, meant in known.items() if meant == value)
        axes = [f"{name(MAPS, wish.projection)} {k}" for k in (1, 2)]
        if np.isfinite(picture.explained).all():
            axes = [f"{axis} ({100 * share:.0f} %)" for axis, share in zip(axes, picture.explained, strict=True)]
        self._map.relabel(axes[0], axes[1])
        self._map.title = f"Map of conformers by {name(DESCRIPTORS, wish.by).lower().replace('rmsd', 'RMSD')}"
        if not len(picture.coordinates) or not np.isfinite(picture.coordinates).all():
            self._map.empty = "No map: " + " ".join(picture.notes) if picture.notes else WAITING
            self._map.clear()
            return
        self._map.set(picture.coordinates[:, 0], picture.coordinates[:, 1], colors, labels)

    def _draw_angles(self) -> None:
        if self._offering:
            return
        picture = self._model.picture
        pair = next((one for one in picture.pairs if one.title == self._pair.value), None) if picture else None
        if picture is None or pair is None:
            self._angles.clear()
            return
        self._angles.relabel(pair.labels[0], pair.labels[1])
        self._angles.title = f"{'Ramachandran' if pair.labels[0].startswith('φ') else 'Torsions'}: {pair.title}"
        phi, psi = pair.angles.T
        self._angles.set(phi, psi, *self._seen)

    def _draw_table(self, picture: FamilyPicture, energies: np.ndarray) -> None:
        minima = picture.minima
        ion = self.session.dipoles.offered and self.session.shown.run.molecule.charge
        about = "; μ about the centre of mass" if ion else ""
        self._table.title = f"{counted(len(minima), 'minimum')}, lowest first{about}"
        moments = self.session.dipoles.of(minima.keys)
        families = [picture.labelling.name_of(cluster) for cluster in picture.clusters.tolist()]
        values = (
            *(range(1, len(minima) + 1), energies, minima.rmsd, picture.radii, picture.hydrogen_bonds.tolist()),
            *(moments, families, minima.visits, minima.labels),
        )
        self._table.set({name: list(column) for name, column in zip(COLUMNS, values, strict=True)})

    def _choose(self, places: Sequence[int]) -> None:
        """Selects the minima of these points; the one clicked last is looked at."""
        picture, selection = self._model.picture, self.session.selection
        if picture is None:
            return
        keys = [picture.minima.keys[place] for place in places if place < len(picture.minima)]
        new = [key for key in keys if key not in selection.selection]
        selection.choose(keys, focus=new[0] if new else None)

    def _highlight(self) -> None:
        """Rings around the chosen minima, and their rows."""
        picture = self._model.picture
        if picture is None:
            return
        known = picture.minima.places
        places = [known[key] for key in self.session.selection.selection if key in known]
        for chart in (self._map, self._energies, self._angles, self._table):
            chart.highlight(places)
