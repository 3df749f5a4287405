"""The minima of a landscape by what is attended to: map, agreement with other clusters, what separates families."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.attention_choice import FAMILIES
from so3k_explore.app.models.display import counted, typeset
from so3k_explore.app.models.session import Session
from so3k_explore.app.panes.scatter import ScatterChart
from so3k_explore.app.panes.tables import TableCard
from so3k_explore.app.theme import family_color
from so3k_explore.app.views.linked_card import LinkedCard
from so3k_explore.app.views.part import Part

HEIGHT = 340  # px
AGREEMENT = ("Clusters by", "Rand index", "p", "Clusters")
PAIRS = ("Listens", "To", "Change", "Larger in second", "FDR")


class FamilyCards:
    """Cards that follow the families and the selection."""

    def __init__(self, session: Session) -> None:
        agreement = TableCard(
            "Agreement with other ways to sort the minima",
            AGREEMENT,
            decimals={"Rand index": 3, "p": 3},
            empty="Appears when the minima are sorted.",
        )
        self._agreement, self._model = agreement, session.attention_families
        high = lambda part: pn.Column(part, sizing_mode="stretch_width", height=HEIGHT, margin=0)
        self.cards = tuple(high(part) for part in (MapCard(session), agreement, PairsCard(session)))
        self._model.param.watch(lambda *_: self._tabulate(), "found")
        self._tabulate()

    def _tabulate(self) -> None:
        found = self._model.found
        rows = [] if found is None else [(name, *values) for name, values in found.agreement.items()]
        columns: Any = zip(*rows, strict=True) if rows else [()] * len(AGREEMENT)
        self._agreement.set({name: list(column) for name, column in zip(AGREEMENT, columns, strict=True)})


class MapCard(LinkedCard):
    """Principal components of the residual maps; a click looks at a minimum."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._model = session.attention_families
        self._chart = ScatterChart("Map of attention", "PC 1", "PC 2", on_select=self.choose)
        self._button = pmui.Button(label="Sort the minima", icon="scatter_plot", variant="outlined", size="small")
        self._button.margin = (8, 8)
        self._button.on_click(lambda _: self._model.start())
        self._note = pmui.Typography("", variant="caption", color="text.secondary", margin=(12, 8))
        line = pn.Row(self._button, self._note, margin=0, sizing_mode="stretch_width")
        self._layout = pn.Column(line, self._chart, sizing_mode="stretch_both", margin=0)
        self._model.param.watch(lambda *_: self._draw(), ["found", "waiting", "reason"])
        session.minima.param.watch(lambda *_: self._offer(), "minima")
        self._draw()

    @property
    def chart(self) -> ScatterChart:
        return self._chart

    def _offer(self) -> None:
        """The button says how many minima it would sort."""
        count, found = self._model.minima, self._model.found
        known = 0 if found is None else len(found.ids)
        self._button.disabled = self._model.waiting or count < 5
        self._button.label = f"Sort {counted(count, 'minimum')}" if count != known else "Sort again"

    def _draw(self) -> None:
        self._offer()
        found, waiting = self._model.found, self._model.waiting
        self._chart.empty = "The minima are being sorted …" if waiting else self._model.reason or "Press the button."
        self._note.object = ""
        if found is None:
            self.keys = []
            self._chart.clear()
            return
        self.keys = [int(key) for key in found.ids]
        space = found.space
        second = space.scores[:, 1] if space.scores.shape[1] > 1 else 0 * space.scores[:, 0]
        shares = [f"{typeset(100 * float(share), 0)} %" for share in space.explained[:2]]
        self._chart.relabel(*(f"PC {k + 1} of attention ({share})" for k, share in enumerate([*shares, "0 %"][:2])))
        labels = [f"minimum {key}, family {family + 1}" for key, family in zip(found.ids, space.labels, strict=True)]
        self._chart.set(space.scores[:, 0], second, [family_color(k) for k in space.labels.tolist()], labels)
        self._note.object = f"{counted(len(found.ids), 'minimum')} by {self._model.made_of}"
        self.ring()


class PairsCard(Part):
    """Pairs whose attention separates two families; a click shows the pair and the change in the matrix."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._model = session.attention_families
        select = lambda name: pmui.Select.from_param(
            self._model.param[name], size="small", width=150, margin=(8, 6), description=""
        )
        self._table = TableCard(
            "Pairs that separate two families",
            PAIRS,
            decimals={"Change": 4, "Larger in second": 2},
            on_select=self._choose,
            empty="Appears when two families are chosen.",
        )
        controls = pn.FlexBox(select("first"), select("second"), margin=0, sizing_mode="stretch_width")
        self._layout = pn.Column(controls, self._table, sizing_mode="stretch_both", margin=0)
        self._model.param.watch(lambda *_: self._draw(), "difference")
        self._draw()

    def _draw(self) -> None:
        rows = self._model.separating
        columns: Any = zip(*rows, strict=True) if rows else [()] * len(PAIRS)
        self._table.set({name: list(column) for name, column in zip(PAIRS, columns, strict=True)})

    def _choose(self, rows: list[int]) -> None:
        entry = self._model.entry(rows[-1]) if rows else None
        if entry is not None:
            self.session.attention.choice.shown = FAMILIES
            self.session.attention.mark(*entry)
