"""Tab Attention: what the network attends to, whether that says anything, and how the minima differ by it."""

from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.attention_choice import BESIDE, AttentionChoice
from so3k_explore.app.models.attention_pictures import Picture
from so3k_explore.app.models.display import MINUS, typeset
from so3k_explore.app.models.session import Session
from so3k_explore.app.panes.matrix import MatrixChart
from so3k_explore.app.panes.tables import TableCard
from so3k_explore.app.views.attention_families import FamilyCards
from so3k_explore.app.views.molecule_card import message
from so3k_explore.app.views.part import Part

MATRIX_HEIGHT, CARD_HEIGHT = 430, 310  # px
COLUMNS = ("Measure", "Against", "All pairs", "At fixed distance", "Contacts", "Grade")
AXES = ("is listened to", "listens")
WAITING = "Attention is being computed …"


class AttentionTab(Part):
    """The matrix with its controls and its faithfulness, then the families of a landscape."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._model = session.attention
        self._problem = pn.Column(margin=0, sizing_mode="stretch_width")
        self._matrices = Matrices(session)
        families = FamilyCards(session)
        parts = (Controls(session.attention.choice), self._matrices, FaithfulnessCard(session))
        self._content = pn.Column(*parts, *families.cards, sizing_mode="stretch_width", margin=0)
        self._layout = pn.Column(self._problem, self._content, sizing_mode="stretch_both", margin=0)
        self._model.param.watch(lambda *_: self._tell(), "reason")
        self._tell()

    def _tell(self) -> None:
        """Says why there is nothing to see, instead of empty pictures."""
        reason = self._model.reason
        self._problem.objects = [message("info", reason)] if reason else []
        self._content.visible = not reason


class Controls(Part):
    """Which matrix, and which pairs become cylinders."""

    def __init__(self, choice: AttentionChoice, *, alone: bool = False) -> None:
        """`alone`: there is one structure, and nothing to compare it with."""
        super().__init__()
        self._choice = choice
        select = lambda name, width: pmui.Select.from_param(
            choice.param[name], size="small", width=width, margin=(8, 6), description=""
        )
        self._branch, self._layer, self._head = select("branch", 185), select("layer", 130), select("head", 130)
        threshold = pmui.FloatSlider.from_param(
            choice.param.threshold, size="small", width=190, margin=(4, 14), step=0.01, description=""
        )
        cylinders = pmui.Checkbox.from_param(choice.param.cylinders, size="small", margin=(6, 0, 0, 6), description="")
        self._layout = pn.FlexBox(
            *(select("quantity", 160), self._branch, self._layer, self._head, select("reduction", 130)),
            *(() if alone else (select("shown", 270),)),
            *(threshold, cylinders),
            sizing_mode="stretch_width",
            margin=(0, 4),
        )
        choice.param.watch(lambda *_: self._suit(), "quantity")
        self._suit()

    def _suit(self) -> None:
        """What a quantity does not have cannot be chosen."""
        self._layer.disabled = not self._choice.has_layers
        self._branch.disabled = self._head.disabled = not self._choice.has_heads


class Matrices(Part):
    """One matrix, or two side by side with the same colours."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._model = session.attention
        self._charts = [MatrixChart("Attention", *AXES, on_choose=self._model.mark, empty=WAITING) for _ in range(2)]
        self._note = pmui.Typography("", variant="caption", color="text.secondary", margin=(0, 12, 4, 12))
        self._second = pn.Column(self._charts[1], sizing_mode="stretch_both", margin=0, visible=False)
        row = pn.Row(self._charts[0], self._second, sizing_mode="stretch_width", margin=0, height=MATRIX_HEIGHT)
        self._layout = pn.Column(row, self._note, sizing_mode="stretch_width", margin=0)
        self._model.param.watch(lambda *_: self._draw(), "pictures")
        self._model.param.watch(lambda *_: self._mark(), "marked")
        self._draw()

    def _draw(self) -> None:
        pictures = self._model.pictures
        for chart, picture in zip(self._charts, pictures, strict=False):
            chart.title = f"Attention: {picture.title}"
            chart.set(picture.matrix, picture.names, picture.limit)
        for chart in self._charts[len(pictures) :]:
            chart.clear()
        self._second.visible = len(pictures) > 1
        self._charts[0].empty = self._missing()
        self._mark()

    def _missing(self) -> str:
        if self._model.waiting:
            return WAITING
        shown = "Two families are compared below, once the minima are sorted."
        return shown if self._model.choice.shown == "families" else "Nothing to compare: choose a second minimum."

    def _mark(self) -> None:
        marked, pictures = self._model.marked, self._model.pictures
        for chart in self._charts[: len(pictures)]:
            fits = marked is not None and max(marked) < len(chart.names)
            chart.mark(marked if fits else None)
        self._note.object = said(pictures[0], marked, beside=self._model.choice.shown == BESIDE) if pictures else ""


def said(picture: Picture, marked: tuple[int, int] | None, *, beside: bool) -> str:
    """The chosen entry in words, or how to read the colours."""
    if marked is not None and max(marked) < len(picture.names):
        row, column = marked
        back = picture.matrix[column, row]
        names = picture.names
        return (
            f"{names[row]} listens to {names[column]}: {_number(picture.matrix[row, column])}; "
            f"{names[column]} to {names[row]}: {_number(back)}"
        )
    both = " in both matrices" if beside else ""
    return (
        f"Rows listen to columns. Blue positive, red {MINUS}; full colour{both} from {_number(picture.limit)} on, "
        f"largest between different parts {_number(picture.largest)}. Signed and not normalised; click an entry."
    )


class FaithfulnessCard(Part):
    """The verdict, and the correlations behind it; always beside the matrix."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._model, self._choice = session.attention.faithfulness, session.attention.choice
        self._verdict = pmui.Typography(
            "", variant="body2", margin=(4, 12), sizing_mode="stretch_width", css_classes=["verdict"]
        )
        decimals: dict[str, int] = dict.fromkeys(COLUMNS[2:5], 2)
        self._table = TableCard(
            "Does attention say what matters? Rank correlations",
            COLUMNS,
            decimals=decimals,
            empty="Computed for a structure at rest.",
        )
        table = pn.Column(self._table, sizing_mode="stretch_width", height=CARD_HEIGHT, margin=0)
        self._layout = pn.Column(self._verdict, table, sizing_mode="stretch_width", margin=0)
        self._model.param.watch(lambda *_: self._draw(), ["table", "waiting", "reason"])
        self._choice.param.watch(lambda *_: self._tell(), "quantity")
        self._draw()

    def _tell(self) -> None:
        self._verdict.object = self._model.verdict(self._choice.quantity)

    def _draw(self) -> None:
        rows = self._model.rows()
        columns: Any = zip(*rows, strict=True) if rows else [()] * len(COLUMNS)
        self._table.set({name: list(column) for name, column in zip(COLUMNS, columns, strict=True)})
        self._tell()


def _number(value: float | np.floating) -> str:
    """Three digits, whatever the size."""
    digits = 3 if value == 0 else max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return typeset(float(value), min(digits, 6))
