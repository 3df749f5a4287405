"""Runs that make the landscape on show sharper: saddles, reference checks, frequencies. They are started from here."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import param

from so3k_explore import units
from so3k_explore.app.models.potential import PAIR

if TYPE_CHECKING:
    from so3k_explore.app.models.session import Session

GFN2, NO_TBLITE = "GFN2-xTB", 'GFN2-xTB needs tblite. Install it with: pip install "so3k-explore[reference]"'


class Sharpening(param.Parameterized):
    """What to do next with the landscape of the run on show, and why it cannot be done now."""

    window = param.Number(
        6.0, bounds=(0.1, None), allow_None=True, label="Minima up to / kcal/mol", doc="Above the lowest one."
    )
    max_calls = param.Integer(None, bounds=(1, None), allow_None=True, label="Most force calls", doc="Of one search.")
    lowest = param.Integer(20, bounds=(1, None), label="Lowest minima", doc="That the reference method relaxes again.")
    obstacle = param.String("", doc="Why nothing can be started now; empty when it can.")
    no_reference = param.String("", doc="Why nothing can be checked now; empty when it can.")

    def __init__(self, session: "Session") -> None:
        super().__init__()
        self._session = session
        session.shown.param.watch(lambda *_: self._look(), ["run", "status"])
        session.landscape.param.watch(lambda *_: self._look(), "seen")
        self._look()

    def find_saddles(self) -> None:
        """Starts a search for saddles between the minima in the window."""
        from so3k_explore.jobs.settings import SaddlesSettings

        window = None if self.window is None else self.window * units.KCAL_PER_MOL
        self._submit(SaddlesSettings, energy_window=window, max_calls=self.max_calls)

    def recheck(self) -> None:
        """Relaxes the lowest minima with the reference method."""
        from so3k_explore.jobs.settings import RecheckSettings

        self._submit(RecheckSettings, method=GFN2, minima=self.lowest, saddles=None)

    def compute_frequencies(self) -> None:
        """Lets all minima and saddles vibrate."""
        from so3k_explore.jobs.settings import VibrationsSettings

        self._submit(VibrationsSettings)

    def _submit(self, kind: Any, **values: Any) -> None:
        run = self._session.shown.run
        if self.obstacle or run is None:
            return
        settings = kind(landscape=run.landscape_run, **values)
        options = {"precision": "float64", "long_range_cutoff": run.long_range_cutoff}
        self._session.runs.submit(settings, run.molecule, run.model, name=run.name, **options)

    def _look(self) -> None:
        shown, seen = self._session.shown, self._session.landscape.seen
        obstacle = ""
        if shown.run is None or seen is None or not len(seen.minima):
            obstacle = "There is no minimum yet to start from."
        elif shown.active:
            obstacle = "The run on show is still writing this landscape. Stop it, or wait until it has ended."
        reference = obstacle
        if not reference and shown.run is not None and shown.run.model == PAIR:
            reference = "Clusters of a pair potential have no reference method."
        if not reference and find_spec("tblite") is None:
            reference = NO_TBLITE
        self.param.update(obstacle=obstacle, no_reference=reference)
