"""Does attention say what matters? Computed for each structure that somebody looks at for a moment."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import param

from so3k_explore.app.models.background import Background

if TYPE_CHECKING:
    from so3k_explore.jobs.attention_helper import AttentionQuestion

REST_SECONDS = 1.5  # after which a structure counts as looked at


class FaithfulnessModel(param.Parameterized):
    """Rank correlations of attention with masked pairs and with the Hessian."""

    table = param.List([], doc="Rows of `Agreement` of the structure in the viewer.")
    waiting = param.Boolean(False, doc="Whether they are being computed.")
    reason = param.String("", doc="Why there are none.")

    def __init__(self, background: Background, judge: "Callable[[AttentionQuestion], Any] | None" = None) -> None:
        """`judge` computes them, by default in a helper process."""
        super().__init__()
        self._background, self._judge = background, judge or _judge
        self._judged: Any = None
        self._still: tuple[Any, float] = (None, 0.0)

    def follow(self, question: "AttentionQuestion", now: float) -> None:
        """Judges the structure of a question about its attention, once it has been the same for a moment."""
        from so3k_explore.jobs.attention_helper import FAITHFULNESS

        if question is not self._still[0]:
            self._still = (question, now)
        rested = now - self._still[1] >= REST_SECONDS
        if question == self._judged or not rested or self._background.busy("faithfulness"):
            return
        self._judged = question
        asked = replace(question, what=FAITHFULNESS)
        self.param.update(waiting=True, reason="")

        def done(table: Any) -> None:
            if question == self._judged:
                self.param.update(table=list(table), waiting=False)

        def failed(error: Exception) -> None:
            if question == self._judged:
                self.param.update(table=[], waiting=False, reason=str(error))

        self._background.start("faithfulness", "", lambda: self._judge(asked), done, failed)

    def verdict(self, measure: str) -> str:
        """What may be concluded from a picture of this measure, in words."""
        if not self.table:
            waiting = "Faithfulness is being computed: how the energy changes when pairs are masked, and the Hessian."
            return waiting if self.waiting else self.reason
        from so3k_explore.analysis.attention_verdict import verdict

        old = "" if not self.waiting else " (Of the structure before; this one is being computed.)"
        return verdict(self.table, "magnitude" if measure == "signed" else measure) + old

    def rows(self) -> list[tuple[str, str, float, float, float, str]]:
        """Measure, reference, rank correlation for all pairs, at fixed distance, of contacts, grade."""
        return [(row.measure, row.reference, row.rho, row.partial, row.contacts, row.grade) for row in self.table]

    def forget(self) -> None:
        """Knows nothing."""
        self._judged, self._still = None, (None, 0.0)
        self.param.update(table=[], waiting=False, reason="")


def _judge(question: "AttentionQuestion") -> Any:
    from so3k_explore.jobs.attention_helper import slow_answers

    return slow_answers(question)
