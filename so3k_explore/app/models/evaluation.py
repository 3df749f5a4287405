"""What a model says about one structure before anything runs: energy, largest force, partial charges."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import param

from so3k_explore.app.models.background import Background

if TYPE_CHECKING:
    from so3k_explore.jobs.single_point import Question, SinglePoint


class Evaluation(param.Parameterized):
    """The answer to the latest question; it is computed in the background, and a repeated question costs nothing."""

    answer = param.Parameter(None, doc="The `SinglePoint`; None while it is being computed or cannot be.")
    waiting = param.Boolean(False, doc="Whether it is being computed.")
    reason = param.String("", doc="Why there is no answer.")

    def __init__(
        self, background: Background, key: str, evaluate: "Callable[[Question], SinglePoint] | None" = None
    ) -> None:
        """`key` tells this evaluation from others of the session; `evaluate` answers, by default a helper process."""
        super().__init__()
        self._background = background
        self._key = key
        self._evaluate = evaluate or _ask_helper
        self.question: Question | None = None

    def ask(self, question: "Question") -> None:
        """Begins to compute; the earlier answer stays until the new one is there if both are about the same atoms."""
        if question == self.question:
            return
        before, self.question = self.question, question
        alike = before is not None and (before.model, before.numbers) == (question.model, question.numbers)
        self.param.update(waiting=True, reason="", answer=self.answer if alike else None)

        def done(answer: "SinglePoint") -> None:
            if question is self.question:
                self.param.update(answer=answer, waiting=False)

        def failed(error: Exception) -> None:
            if question is self.question:
                self.param.update(answer=None, waiting=False, reason=str(error))

        self._background.start(self._key, "", lambda: self._evaluate(question), done, failed, patient=True)

    def forget(self, reason: str = "") -> None:
        """Asks nothing, for this reason."""
        self.question = None
        self.param.update(answer=None, waiting=False, reason=reason)


def _ask_helper(question: "Question") -> "SinglePoint":
    from so3k_explore.jobs.single_point import single_points

    return single_points(question)
