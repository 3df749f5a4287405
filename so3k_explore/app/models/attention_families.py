"""All minima of the run on show by what is attended to: a map, families, what separates them."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from so3k_explore.app.models.attention_choice import ATOMS, HEAVY
from so3k_explore.app.models.display import MINUS

if TYPE_CHECKING:
    from so3k_explore.app.models.session import Session
    from so3k_explore.jobs.attention_helper import AttentionQuestion, Families

FEWEST = 5  # minima
AT_ONCE = 400  # minima that are sorted without being asked for
PAIRS = 30  # in the table


class AttentionFamilies(param.Parameterized):
    """Map and families, as of the moment they were asked for."""

    found = param.Parameter(None, doc="The `Families`; None as long as there are none.")
    first = param.Selector(default=None, objects=[None], allow_None=True, label="First family", doc="To compare.")
    second = param.Selector(default=None, objects=[None], allow_None=True, label="Second family", doc="To compare.")
    difference = param.Parameter(None, doc="The `Difference` of the two families.")
    waiting = param.Boolean(False, doc="Whether it is being computed.")
    reason = param.String("", doc="Why there is nothing, and what to do.")

    def __init__(self, session: "Session", answer: "Callable[[AttentionQuestion], Any] | None" = None) -> None:
        """`answer` computes families, by default in a helper process."""
        super().__init__()
        self.session, self._answer = session, answer or _answer
        self._run: Any = None
        self._reduction, self.made_of = HEAVY, ""
        self.param.watch(self._compare, ["first", "second"])
        session.attention.between = self._between

    @property
    def minima(self) -> int:
        """How many minima there are now."""
        found = self.session.minima.minima
        return 0 if found is None else len(found)

    def tick(self) -> None:
        """Sorts few minima of a run that has ended without being asked."""
        session = self.session
        run = session.shown.run
        if run is not self._run:
            self._run = run
            self._forget("")
        if session.tab != "attention":
            return
        self._explain()
        known = session.attention.faithfulness
        judged = bool(known.table or known.reason)  # it comes first: no picture without it
        idle = judged and self.found is None and not self.waiting and not self.reason
        if idle and FEWEST <= self.minima <= AT_ONCE and not session.shown.active:
            self.start()

    def start(self) -> None:
        """Sorts all minima that are known now."""
        from so3k_explore.jobs.attention_helper import FAMILIES

        session, run = self.session, self.session.shown.run
        if run is None or self.minima < FEWEST:
            return
        options = {"landscape": str(run.folder / "landscape.db"), "minima": self.minima}
        choice = session.attention.choice
        reduction = HEAVY if choice.reduction == ATOMS else choice.reduction  # equal hydrogens may trade places
        options |= {"channel": asdict(choice.channel), "reduction": reduction}
        question = session.attention.question(FAMILIES, run.molecule, None, **options)
        self.param.update(waiting=True, reason="")

        def done(found: "Families") -> None:
            if run is self._run:
                self.made_of = f"{choice.channel.quantity} between {reduction}"
                self._take(found, reduction)

        def failed(error: Exception) -> None:
            if run is self._run:
                self.param.update(waiting=False, reason=str(error), found=None)

        session.background.start("attention families", "", lambda: self._answer(question), done, failed)

    @property
    def separating(self) -> list[tuple[Any, ...]]:
        """Who listens, to whom, change of the mean, chance to be larger, false-discovery rate; the best pairs first."""
        difference, found = self.difference, self.found
        if difference is None or found is None:
            return []
        places, names = difference.strongest(PAIRS), found.names
        columns = difference.change, difference.superiority
        rate = lambda entry: f"{difference.rates[entry]:.0e}".replace("-", MINUS)
        return [(names[i], names[j], *(float(values[i, j]) for values in columns), rate((i, j))) for i, j in places]

    def entry(self, row: int) -> tuple[int, int] | None:
        """Row and column of the matrix for a row of the table."""
        places = [] if self.difference is None else self.difference.strongest(PAIRS)
        return places[row] if row < len(places) else None

    def _take(self, found: "Families", reduction: str) -> None:
        self._reduction = reduction
        labels = found.space.labels
        count = int(labels.max(initial=-1)) + 1
        sizes = np.bincount(labels[labels >= 0], minlength=count)
        names = {f"Family {k + 1} ({size})": k for k, size in enumerate(sizes.tolist())}
        self.param.update(found=found, waiting=False, reason="")
        for name, value in (("first", 0), ("second", 1)):
            self.param[name].objects = {"None": None, **names}
            setattr(self, name, value if value < count else None)
        self._compare()

    def _compare(self, *_: Any) -> None:
        from so3k_explore.analysis.attention_statistics import compare_maps

        found = self.found
        if found is None or self.first is None or self.second is None or self.first == self.second:
            self.difference = None
        else:
            one, other = (found.maps[found.space.labels == family] for family in (self.first, self.second))
            self.difference = compare_maps(one, other)
        self.session.attention.draw()

    def _between(self) -> tuple[np.ndarray, str] | None:
        """Change between the two families, and between what parts, for the matrix."""
        return None if self.difference is None else (self.difference.change, self._reduction)

    def _explain(self) -> None:
        obstacle = self.session.attention.reason
        if self.session.shown.run is None or self.session.shown.run.kind != "minima":
            obstacle = "Show a search for minima to sort them by what is attended to."
        elif not obstacle and self.minima < FEWEST:
            obstacle = f"At least {FEWEST} minima are needed to sort them; there are {self.minima}."
        elif not obstacle and self.reason.startswith(("At least", "Show")):
            self.reason = ""
        if obstacle:
            self.reason = obstacle

    def _forget(self, reason: str) -> None:
        self.param.update(found=None, difference=None, waiting=False, reason=reason)
        for name in ("first", "second"):
            self.param[name].objects = [None]
            setattr(self, name, None)


def _answer(question: "AttentionQuestion") -> Any:
    from so3k_explore.jobs.attention_helper import slow_answers

    return slow_answers(question)
