"""Partial charges of what the viewer shows: asked of the run's model, or of the chosen one while no run is shown."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from so3k_explore.app.models.evaluation import Evaluation
from so3k_explore.jobs.learning_settings import LEARNING

if TYPE_CHECKING:
    from so3k_explore.app.models.session import Session
    from so3k_explore.jobs.single_point import Question, SinglePoint

FOLLOW_SECONDS = 1.0  # between two questions about moving atoms


class Charges:
    """Fills `charges` and `no_charges` of the scene, and follows its frames while somebody looks at charges."""

    def __init__(self, session: "Session", evaluate: "Callable[[Question], SinglePoint] | None" = None) -> None:
        self._session = session
        self._evaluation = Evaluation(session.background, "charges", evaluate)
        self._next = 0.0
        session.scene.param.watch(self._ask, "structure")
        session.shown.param.watch(self._ask, "run")
        session.potential.param.watch(self._ask, ["models", "name_"])
        self._evaluation.param.watch(self._tell, ["answer", "waiting", "reason"])

    def tick(self, now: float) -> None:
        """Asks again when the atoms have moved and their charges are looked at."""
        scene = self._session.scene
        looked_at = scene.color == "charge" or len(scene.picked) == 1
        if looked_at and scene.charges is not None and now >= self._next and not self._evaluation.waiting:
            self._next = now + FOLLOW_SECONDS
            self._ask()

    def _ask(self, *_: Any) -> None:
        session = self._session
        run, molecule = session.shown.run, session.molecule.molecule
        base = molecule if run is None else run.molecule
        positions = session.scene.positions
        if base is not None and base.system.cell is not None:
            positions = base.positions  # frames are turned onto the first one, which a cell does not survive
        if base is None or positions is None or len(positions) != base.n_atoms:
            return
        if run is not None and run.kind in LEARNING:
            self._evaluation.forget("Structures to learn from are shown without charges.")
        elif run is not None:
            self._evaluation.ask(_question_of(run, positions))
        elif session.potential.obstacle:
            self._evaluation.forget(session.potential.obstacle)
        else:
            self._evaluation.ask(session.potential.question(base, positions))

    def _tell(self, *_: Any) -> None:
        evaluation, scene = self._evaluation, self._session.scene
        answer, question = evaluation.answer, evaluation.question
        charges = None if answer is None else answer.charges
        reason = evaluation.reason
        if answer is not None and charges is None and question is not None:
            reason = f"{question.model} knows no charges."
        elif evaluation.waiting and charges is None:
            reason = "Charges are being computed."
        scene.param.update(charges=charges, no_charges=reason)


def _question_of(run: Any, positions: Any) -> "Question":
    from so3k_explore.jobs.single_point import Question

    return Question.about(
        run.molecule, run.model, positions=positions, precision=run.precision, long_range_cutoff=run.long_range_cutoff
    )
