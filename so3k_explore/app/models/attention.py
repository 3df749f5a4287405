"""Attention of the structure in the viewer: asked of a helper process, shown as a matrix, cylinders and colours."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from so3k_explore.app.models.attention_choice import BESIDE, DIFFERENCE, FAMILIES, AttentionChoice
from so3k_explore.app.models.attention_pictures import Picture, anchors, cylinders, full_colour
from so3k_explore.app.models.faithfulness import FaithfulnessModel
from so3k_explore.jobs.learning_settings import LEARNING

if TYPE_CHECKING:
    from so3k_explore.analysis.attention_blocks import Blocks
    from so3k_explore.analysis.attention_coefficients import Attention
    from so3k_explore.app.models.session import Session
    from so3k_explore.io.molecule import Molecule
    from so3k_explore.jobs.attention_helper import AttentionQuestion

PAIR = "lennard-jones"
FOLLOW_SECONDS = 0.5  # between two questions about moving atoms
WHICH = ("first", "second")

NO_ATTENTION = (
    "{model} has no attention: it is a sum over pairs of atoms, without a network to look into. "
    "Choose a SO3krates model in card 2 for a molecule that it knows, such as so3k-peptide-gfn2 for ethanol or "
    "Ac-AAA-NHMe. Minima, landscapes and dynamics work with {model} as well."
)


class AttentionModel(param.Parameterized):
    """Follows the viewer while somebody looks at attention."""

    pictures = param.List([], doc="One `Picture`, or two side by side.")
    marked = param.Tuple(None, length=2, allow_None=True, doc="Row and column chosen in the matrix or in the viewer.")
    reason = param.String("", doc="Why there is no picture, and what to do.")
    waiting = param.Boolean(False, doc="Whether it is being computed.")

    def __init__(self, session: "Session", answer: "Callable[[AttentionQuestion], Any] | None" = None) -> None:
        """`answer` computes attention, by default in a helper process."""
        super().__init__()
        self.session, self.choice = session, AttentionChoice()
        self.faithfulness = FaithfulnessModel(session.background)
        self._answer = answer or _answer
        self._asked: dict[str, Any] = dict.fromkeys(WHICH)
        self._seen: dict[str, Attention | None] = dict.fromkeys(WHICH)
        self._molecule: Molecule | None = None
        self.rows: Blocks | None = None
        self._next = 0.0
        self.between: Callable[[], tuple[np.ndarray, str] | None] = lambda: None  # what two families differ by
        watched = [name for name in self.choice.param if name != "name"]
        self.choice.param.watch(lambda *_: self.draw(), watched)
        session.scene.param.watch(self._picked, "picked")

    @property
    def looked_at(self) -> bool:
        """Whether anything on the page shows attention."""
        return self.session.tab == "attention" or self.session.scene.color == "attention"

    def tick(self, now: float) -> None:
        """Asks when the atoms are others than before."""
        if not self.looked_at:
            if self.session.scene.edges:
                self.session.scene.edges = []
            return
        molecule, obstacle = self._base()
        if molecule is not self._molecule:
            self._forget(molecule)
        if obstacle or molecule is None:
            self.param.update(reason=obstacle, pictures=[], waiting=False)
            self.faithfulness.forget()
            return
        if now >= self._next:
            self._next = now + FOLLOW_SECONDS
            self._ask("first", molecule, self.positions)
            self._ask("second", molecule, self._second() if self.choice.shown in (BESIDE, DIFFERENCE) else None)
        if self._seen["first"] is not None:
            self.faithfulness.follow(self._asked["first"], now)

    @property
    def positions(self) -> np.ndarray | None:
        """Of the structure in the viewer, (atoms, 3) in Å."""
        molecule, positions = self._base()[0], self.session.scene.positions
        if molecule is not None and molecule.system.cell is not None:
            return molecule.positions  # frames are turned onto the first one, which a cell does not survive
        fits = molecule is not None and positions is not None and len(positions) == molecule.n_atoms
        return positions if fits else None

    def question(self, what: str, molecule: "Molecule", positions: Any, **options: Any) -> "AttentionQuestion":
        """A question to the model of the run on show, or to the chosen one."""
        from so3k_explore.jobs.attention_helper import AttentionQuestion

        run, chosen = self.session.shown.run, self.session.potential
        if run is not None:
            model, precision, cutoff = run.model, run.precision, run.long_range_cutoff
        else:
            model, precision, cutoff = str(chosen.name_), str(chosen.precision), chosen.cutoff
        return AttentionQuestion.about(
            what, molecule, model, positions, precision=precision, long_range_cutoff=cutoff, **options
        )

    def mark(self, row: int, column: int) -> None:
        """Chooses an entry of the matrix, and its atoms in the viewer."""
        if self._molecule is None or self.rows is None or max(row, column) >= len(self.rows):
            return
        atoms = anchors(self.rows, self._molecule)
        self.marked = (row, column)
        self.session.scene.picked = list(dict.fromkeys([atoms[row], atoms[column]]))

    def draw(self) -> None:
        """Makes matrices, cylinders and colours from what is known."""
        first, molecule, choice = self._seen["first"], self._molecule, self.choice
        if first is None or molecule is None or first.atoms != molecule.n_atoms:
            self.pictures = []
            return
        choice.suit_network(first)
        pictures, matrix, blocks = self._matrices(first, molecule)
        shown = cylinders(matrix, anchors(blocks, molecule), choice.threshold) if choice.cylinders else []
        self.pictures = pictures
        self.session.scene.param.update(attention=self._of_atoms(first), edges=shown)

    def _matrices(self, first: "Attention", molecule: "Molecule") -> "tuple[list[Picture], np.ndarray, Blocks]":
        """The pictures, and the matrix whose entries become cylinders, with its rows."""
        choice, second = self.choice, self._seen["second"]
        self.rows = choice.blocks(molecule)
        change = self.between() if choice.shown == FAMILIES else None
        if change is not None:
            self.rows = choice.blocks(molecule, change[1])
            return [Picture.of(change[0], self.rows, "Second family minus the first")], change[0], self.rows
        one = self._map(first, self.rows)
        here = self.session.scene.title or "in the viewer"
        if choice.shown in (BESIDE, DIFFERENCE) and second is not None:
            other, title = self._map(second, self.rows), self._second_title()
            if choice.shown == DIFFERENCE:
                return [Picture.of(other - one, self.rows, f"{title} minus {here}")], other - one, self.rows
            limit = max(full_colour(one), full_colour(other))
            both = ((one, here), (other, title))
            return [Picture.of(each, self.rows, name, limit) for each, name in both], one, self.rows
        return [Picture.of(one, self.rows, here)], one, self.rows

    def _map(self, seen: "Attention", blocks: "Blocks") -> np.ndarray:
        from so3k_explore.analysis.attention_blocks import matrix_between

        return matrix_between(seen, self.choice.channel, blocks)

    def _of_atoms(self, seen: "Attention") -> np.ndarray:
        """How much each atom is listened to."""
        from so3k_explore.analysis.attention_coefficients import attention_map, is_listened_to

        return is_listened_to(attention_map(seen, self.choice.channel))

    def _base(self) -> "tuple[Molecule | None, str]":
        """The molecule, and what stands against looking into a network."""
        session = self.session
        run = session.shown.run
        if run is not None and run.kind in LEARNING:
            return None, "Structures to learn from have no attention yet: open a molecule in card 1, or another run."
        molecule = session.molecule.molecule if run is None else run.molecule
        if molecule is None:
            return None, "Choose a molecule in card 1."
        model = session.potential.name_ if run is None else run.model
        kind = session.potential.info.kind if run is None and session.potential.info is not None else model
        if PAIR in (kind, model):
            return molecule, NO_ATTENTION.format(model=model)
        return molecule, session.potential.obstacle if run is None else ""

    def _second(self) -> np.ndarray | None:
        """Positions of the first minimum that is chosen beside the one in focus."""
        session = self.session
        others = [key for key in session.selection.selection if key != session.selection.focus]
        ranks = [rank for rank in map(session.minima.rank, others) if rank is not None]
        return session.minima.minima.positions[ranks[0]] if ranks and session.minima.minima is not None else None

    def _second_title(self) -> str:
        session = self.session
        others = [key for key in session.selection.selection if key != session.selection.focus]
        ranks = [rank for rank in map(session.minima.rank, others) if rank is not None]
        return f"Minimum {ranks[0] + 1}" if ranks else "the second"

    def _ask(self, which: str, molecule: "Molecule", positions: np.ndarray | None) -> None:
        from so3k_explore.jobs.attention_helper import ATTENTION

        key = f"attention {which}"
        if positions is None:
            if self._seen[which] is not None:
                self._asked[which] = self._seen[which] = None
                self.draw()
            return
        question = self.question(ATTENTION, molecule, positions)
        if question == self._asked[which] or self.session.background.busy(key):
            return
        self._asked[which] = question
        self.waiting = self._seen[which] is None
        done, failed = partial(self._take, which, question), partial(self._fail, question)
        self.session.background.start(key, "", lambda: self._answer(question), done, failed)

    def _take(self, which: str, question: Any, seen: "Attention") -> None:
        if question == self._asked[which]:
            self._seen[which] = seen
            self.param.update(reason="", waiting=False)
            self.draw()

    def _fail(self, question: Any, error: Exception) -> None:
        if question in self._asked.values():
            self._seen = dict.fromkeys(WHICH)
            self.param.update(reason=str(error), waiting=False, pictures=[])

    def _forget(self, molecule: "Molecule | None") -> None:
        self._molecule, self.rows = molecule, None
        self._asked, self._seen = dict.fromkeys(WHICH), dict.fromkeys(WHICH)
        self.faithfulness.forget()
        self.session.scene.param.update(attention=None, edges=[])
        self.param.update(pictures=[], marked=None, reason="")
        if molecule is not None:
            self.choice.suit_molecule(molecule)

    def _picked(self, event: Any) -> None:
        """Marks the entry of two atoms that were clicked in the viewer."""
        if self.rows is None or not self.looked_at:
            return
        of_atom = self.rows.of_atom
        picked = [int(of_atom[atom]) for atom in event.new if atom < len(of_atom)]
        if self.marked is not None and sorted(set(self.marked)) == sorted(set(picked)):
            return  # the reader has clicked the matrix, where rows and columns have an order
        self.marked = (picked[0], picked[1]) if len(picked) == 2 else None


def _answer(question: "AttentionQuestion") -> Any:
    from so3k_explore.jobs.attention_helper import attention_answers

    return attention_answers(question)
