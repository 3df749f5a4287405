"""Another run beside the one on show: two models, two temperatures of a search, two mutants."""

from typing import TYPE_CHECKING, Any

import numpy as np
import param

from so3k_explore.app.models.display import counted
from so3k_explore.app.models.landscape import WITH_LANDSCAPE
from so3k_explore.app.models.runs import titled

if TYPE_CHECKING:
    from so3k_explore.app.models.session import Session
    from so3k_explore.exploration.comparison import Comparison, Side

NONE = "none"


class Compared(param.Parameterized):
    """The other run, and what both have in common."""

    other = param.Selector(default="", objects={NONE: ""}, label="Compare with", doc="Another run with a landscape.")
    found = param.Parameter(None, doc="`exploration.comparison.Comparison`; None when nothing is compared.")
    sentence = param.String("Choose another run to compare with.", doc="What came of it, or why nothing did.")

    def __init__(self, session: "Session") -> None:
        super().__init__()
        self._session = session
        session.runs.param.watch(lambda *_: self._offer(), "entries")
        session.shown.param.watch(lambda *_: self._offer(), "run")
        session.landscape.param.watch(lambda *_: self._compare(), "seen")
        self.param.watch(lambda *_: self._compare(), "other")

    def _offer(self) -> None:
        """Runs with a landscape of their own, but for the one on show."""
        shown = self._session.shown.run
        here = "" if shown is None else shown.landscape_run
        runs = [run for run, _ in self._session.runs.entries if run.kind == "minima" and run.id != here]
        objects = {NONE: "", **{f"{titled(run)} · {run.model} · {run.id[:15]}": run.id for run in runs}}
        if objects != dict(self.param.other.names or {}):
            self.param.other.objects = objects
            if self.other not in objects.values():
                self.other = ""

    def _compare(self) -> None:
        session, other = self._session, self.other
        reader, entry = session.landscape.reader, session.runs.find(other) if other else None
        run = session.shown.run
        if entry is None or reader is None or run is None or run.kind not in WITH_LANDSCAPE:
            self.param.update(found=None, sentence="Choose another run to compare with.")
            return
        if session.background.busy("landscape compare"):
            return

        def work() -> "Comparison | str":
            from so3k_explore.exploration.comparison import compare_landscapes

            landscape = entry[0].landscape()
            if landscape is None or reader.landscape is None:
                return "The other run has no minimum yet."
            with landscape:
                return compare_landscapes(reader.landscape, landscape)

        def done(found: Any) -> None:
            if self.other == other:
                text = found if isinstance(found, str) else self._words(found)
                self.param.update(found=None if isinstance(found, str) else found, sentence=text)

        def failed(error: Exception) -> None:
            self.param.update(found=None, sentence=f"The other run cannot be compared: {error}")

        session.background.start("landscape compare", "", work, done, failed)

    def _words(self, found: "Comparison") -> str:
        if found.different:
            return f"{found.different}: only counts, coverage and energies above each own minimum can be compared."
        count = counted(len(found.pairs), "minimum")
        looked = f"the {found.matched[0]} and {found.matched[1]} lowest"
        if not len(found.pairs):
            return f"No common minimum among {looked}."
        error = self._session.display.energy_text(found.energy_error)
        return (
            f"{count} in common among {looked}: relative energies differ by {error} on average, structures by "
            f"{float(found.rmsd.mean()):.2f} Å."
        )


def levels(side: "Side") -> tuple[np.ndarray, np.ndarray]:
    """Energies above the lowest minimum (eV), and how many minima lie below each."""
    return np.repeat(side.energies, 2), np.repeat(np.arange(len(side.energies) + 1), 2)[1:-1]
