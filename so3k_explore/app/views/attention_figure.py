"""Attention of one structure by itself, for a notebook: controls, matrix and molecule, linked both ways."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.attention_choice import AttentionChoice
from so3k_explore.app.models.attention_pictures import Picture, anchors, cylinders
from so3k_explore.app.panes.bundle import OneBundle
from so3k_explore.app.panes.matrix import MatrixChart
from so3k_explore.app.panes.molecule import MoleculePane
from so3k_explore.app.views.attention import AXES, Controls, said
from so3k_explore.app.views.part import Part
from so3k_explore.app.views.viewer import join

if TYPE_CHECKING:
    from so3k_explore.analysis.attention_coefficients import Attention
    from so3k_explore.analysis.attention_verdict import Agreement
    from so3k_explore.io.molecule import Molecule

HEIGHT = 460  # px


class AttentionFigure(Part):
    """A click on an entry shows its atoms; two atoms that are clicked mark their entry."""

    def __init__(self, molecule: "Molecule", seen: "Attention", table: "Sequence[Agreement]" = ()) -> None:
        """`table` is that of `faithfulness`; without it the figure says that nothing is known about it."""
        super().__init__()
        self.choice = AttentionChoice()
        self.marked: tuple[int, int] | None = None
        self._molecule, self._seen, self._table = molecule, seen, table
        self.choice.suit_molecule(molecule)
        self.choice.suit_network(seen)
        self.matrix = MatrixChart(molecule.name, *AXES, on_choose=self._choose)
        self.pane = MoleculePane(page_keys=False)
        self.pane.show(molecule.numbers, molecule.positions, molecule.bonds, cell=molecule.system.cell)
        self._note = pmui.Typography("", variant="caption", color="text.secondary", margin=(0, 12, 4, 12))
        self._verdict = pmui.Typography("", variant="body2", margin=(4, 12))
        pictures = pn.Row(self.pane, self.matrix, sizing_mode="stretch_width", height=HEIGHT)
        parts = (Controls(self.choice, alone=True), pictures, self._note, self._verdict)
        self._layout = OneBundle(*parts, sizing_mode="stretch_width", margin=0)
        self.choice.param.watch(lambda *_: self._draw(), [name for name in self.choice.param if name != "name"])
        self.pane.param.watch(lambda event: self._picked(event.new), "picked")
        self._draw()

    def _draw(self) -> None:
        from so3k_explore.analysis.attention_blocks import matrix_between
        from so3k_explore.analysis.attention_verdict import verdict

        self.choice.suit_network(self._seen)
        self._blocks = self.choice.blocks(self._molecule)
        matrix = matrix_between(self._seen, self.choice.channel, self._blocks)
        self._picture = Picture.of(matrix, self._blocks, self._molecule.name)
        self.matrix.set(matrix, self._picture.names, self._picture.limit)
        self._anchors = anchors(self._blocks, self._molecule)
        shown = cylinders(matrix, self._anchors, self.choice.threshold) if self.choice.cylinders else []
        join(self.pane, shown)
        measure = "magnitude" if self.choice.quantity == "signed" else self.choice.quantity
        unknown = "Whether this says what matters is not known: pass `judge=True`."
        self._verdict.object = verdict(self._table, measure) if self._table else unknown
        self._mark(self.marked)

    def _choose(self, row: int, column: int) -> None:
        self._mark((row, column))
        self.pane.picked = list(dict.fromkeys([self._anchors[row], self._anchors[column]]))

    def _picked(self, atoms: list[int]) -> None:
        blocks = [int(self._blocks.of_atom[atom]) for atom in atoms]
        if self.marked is None or sorted(set(self.marked)) != sorted(set(blocks)):
            self._mark((blocks[0], blocks[1]) if len(blocks) == 2 else None)

    def _mark(self, entry: tuple[int, int] | None) -> None:
        self.marked = entry if entry is not None and max(entry) < len(self._blocks) else None
        self.matrix.mark(self.marked)
        self._note.object = said(self._picture, self.marked, beside=False)
