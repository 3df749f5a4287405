"""Tab Landscape: how the minima hang together, how many are missing, and the ways between them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from so3k_explore.app import theme
from so3k_explore.app.models.display import counted
from so3k_explore.app.models.landscape_pictures import Coloring
from so3k_explore.app.models.session import Session
from so3k_explore.app.panes.charts import NetworkChart, TreeChart
from so3k_explore.app.views.compared import ComparedCards
from so3k_explore.app.views.coverage import CoverageCards
from so3k_explore.app.views.exports import ExportBar
from so3k_explore.app.views.linked_card import LinkedCard
from so3k_explore.app.views.part import Part, folded, in_turns, tall
from so3k_explore.app.views.sharpening import RecheckCard, SharpeningBar
from so3k_explore.app.views.thermal import ThermalCards
from so3k_explore.app.views.way import WayCard

CHIPS = 9  # groups that the legend names
CARD = 270  # px, height of most cards
WITH_NOTE = CARD + 100  # px, where sentences stand below


class LandscapeTab(Part):
    """The tree over everything else; cards whose content takes time to make wait until they are opened."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        coverage = CoverageCards(session)
        self._sentence = pmui.Typography("", variant="body2", color="text.secondary", margin=(10, 14))
        self._sentence_of(session.landscape.sentence)
        session.landscape.param.watch(lambda event: self._sentence_of(event.new), "sentence")
        thermal = folded("Populations and heat capacity", lambda: ThermalCards(session))
        more = [thermal, folded("Compare with another run", lambda: ComparedCards(session))]
        bars = pn.Column(SharpeningBar(session), ExportBar(session), sizing_mode="stretch_width", margin=0)
        later = (
            *((WayCard(session), WITH_NOTE), (NetworkCard(session), WITH_NOTE)),
            *((coverage.growth, CARD), (RecheckCard(session), CARD), (coverage.table, CARD)),
        )
        tree = TreeCard(session)
        cards = (bars, tree, *in_turns(tree.chart, later), *more)
        widths = (12, 12, 6, 6, 6, 6, 12, 12, 12)
        cells = [
            pmui.Grid(card, size={"xs": 12, "lg": width}, sizing_mode="stretch_width")
            for card, width in zip(cards, widths, strict=True)
        ]
        grid = pmui.Grid(*cells, container=True, spacing=0, sizing_mode="stretch_width")
        self._layout = pn.Column(self._sentence, grid, sizing_mode="stretch_both", margin=0)

    def _sentence_of(self, sentence: str) -> None:
        self._sentence.param.update(object=sentence, visible=bool(sentence))


class TreeCard(LinkedCard):
    """The tree, what its heights and colours are, and its legend."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._model = model = session.landscape
        self._tree = TreeChart("Disconnectivity tree", on_select=self.choose, empty=model.sentence, **tall(340))
        self._legend = pn.FlexBox(margin=(0, 8), sizing_mode="stretch_width")
        self._note = pmui.Typography("", variant="caption", color="text.secondary", margin=(0, 12, 6, 12))
        slider = lambda name, width, step: pmui.FloatSlider.from_param(
            model.param[name], size="small", width=width, margin=(4, 12), step=step, throttled=True, description=""
        )
        select = lambda name: pmui.Select.from_param(
            model.param[name], size="small", width=132, margin=(8, 4), description=""
        )
        self._temperature = slider("temperature", 200, 10)
        depth = pmui.FloatInput.from_param(
            model.param.depth, size="small", width=140, margin=(8, 6), step=0.5, description=""
        )
        hops = pmui.Checkbox.from_param(model.param.bounds, size="small", margin=(8, 0, 0, 4), width=80, description="")
        shown = (select("energy"), select("color_by"), hops, depth, self._temperature)
        controls = pn.FlexBox(*shown, margin=0, sizing_mode="stretch_width")
        self._layout = pn.Column(controls, self._tree, self._legend, self._note, sizing_mode="stretch_width", margin=0)
        model.param.watch(lambda *_: self._draw(), "tree")
        model.param.watch(lambda *_: self._controls(), ["energy", "seen", "temperature"])
        model.param.watch(lambda event: self._tree.param.update(empty=event.new or "…"), "sentence")
        session.display.param.watch(lambda *_: self._draw(), "energy_unit")
        self._controls()
        self._draw()

    @property
    def chart(self) -> TreeChart:
        return self._tree

    def _controls(self) -> None:
        self._temperature.visible = self._model.energy != "Potential energy"

    def _draw(self) -> None:
        picture, display = self._model.tree, self.session.display
        free = self._model.energy != "Potential energy"
        name = f"ΔF at {self._model.temperature:.0f} K" if free else "ΔE"
        self._tree.relabel("minima", f"{name} / {display.energy_unit}")
        if picture is None:
            self.keys = []
            self._tree.clear()
            self._note.object, self._legend.objects = "", []
            return
        self.keys = picture.keys.tolist()
        colors = colors_of(picture.coloring)
        lines = [replace(line, energies=display.energies(line.energies)) for line in picture.lines]
        groups = {group: color_of(picture.coloring, group) for group in picture.coloring.names if group >= 0}
        words = group_words(picture.coloring)
        labels = minimum_labels(self.session, self.keys, picture.energies, words, "ΔF" if free else "ΔE")
        self._tree.draw((picture.x, display.energies(picture.energies)), lines, colors, labels, groups=groups)
        self._tree.title = f"Disconnectivity tree of {counted(len(picture.tree), 'minimum')}"
        self._legend.objects = legend(picture.coloring)
        dashes = "Solid lines hang from saddles, dashed ones from upper bounds that hops gave, grey ones from nothing."
        self._note.object = f"{dashes} {picture.sentence}"
        self.ring()


class NetworkCard(LinkedCard):
    """The transition graph."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._network = NetworkChart(
            "Transition graph", on_select=self.choose, empty=session.landscape.sentence, **tall(CARD)
        )
        self._note = pmui.Typography("", variant="caption", color="text.secondary", margin=(0, 12, 6, 12))
        self._layout = pn.Column(self._network, self._note, sizing_mode="stretch_width", margin=0)
        session.landscape.param.watch(lambda *_: self._draw(), "network")
        session.landscape.param.watch(lambda event: self._network.param.update(empty=event.new or "…"), "sentence")
        self._draw()

    @property
    def chart(self) -> NetworkChart:
        return self._network

    def _draw(self) -> None:
        picture = self.session.landscape.network
        if picture is None:
            self.keys, self._note.object = [], ""
            self._network.clear()
            return
        self.keys = picture.keys.tolist()
        labels = minimum_labels(self.session, self.keys, picture.energies, group_words(picture.coloring))
        self._network.draw(picture.places, picture.edges, picture.kinds, colors_of(picture.coloring), labels)
        kinds = {kind: picture.kinds.count(kind) for kind in ("saddle", "bound", "move")}
        words = f"Solid: {counted(kinds['saddle'], 'saddle')}; dashed: {counted(kinds['bound'], 'bound')} from hops; "
        words += f"dotted: {counted(kinds['move'], 'move')} of the search without a way in between."
        self._note.object = f"{words} {picture.sentence}"
        self.ring()


def color_of(coloring: Coloring, group: int) -> str:
    """Colour of one group."""
    return coloring.colors.get(group) or theme.family_color(group)


def colors_of(coloring: Coloring) -> list[str] | str:
    """A colour for each minimum, or one for all."""
    if coloring.values is not None:
        return theme.sequential_colors(coloring.values)
    if coloring.groups is None:
        return theme.PRIMARY
    known = {group: color_of(coloring, group) for group in set(coloring.groups.tolist())}
    return [known[group] for group in coloring.groups.tolist()]


def group_words(coloring: Coloring) -> Callable[[int], str]:
    """What to say about the group of the k-th minimum."""
    groups = coloring.groups
    return lambda k: "" if groups is None else coloring.names.get(int(groups[k]), "")


def minimum_labels(
    session: Session, keys: Sequence[int], energies: Any, words: Callable[[int], str], symbol: str = "ΔE"
) -> list[str]:
    """What hovering over each minimum says: its place by energy, energy, shape and family."""
    ranked = session.minima.minima
    places = {} if ranked is None else ranked.places
    found = []
    for k, (key, energy) in enumerate(zip(keys, energies, strict=True)):
        rank = places.get(key)
        name = f"Minimum {key if rank is None else rank + 1}"
        shape = "" if rank is None or ranked is None else ranked.labels[rank]
        parts = (f"{name}: {symbol} {session.display.energy_text(float(energy))}", shape, words(k))
        found.append(" · ".join(part for part in parts if part))
    return found


def legend(coloring: Coloring) -> list[Any]:
    """A chip for each group, as far as there is room."""
    chip = lambda text, color: pmui.Chip(
        label=text, size="small", variant="outlined", margin=(1, 3), sx={"borderColor": color, "borderWidth": "2px"}
    )
    if coloring.values is not None:
        few, many = theme.sequential_colors(np.array([0.0, 1.0]))
        return [chip("few visits", few), chip("many visits", many)]
    groups = sorted(coloring.names, key=lambda group: (group < 0, group))
    chips = [chip(coloring.names[group], color_of(coloring, group)) for group in groups[:CHIPS]]
    return [*chips, *([pmui.Typography(f"and {len(groups) - CHIPS} more")] if len(groups) > CHIPS else [])]
