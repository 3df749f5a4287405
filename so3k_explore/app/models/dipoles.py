"""Dipole moments of the minima on show, for the tab Conformers.

They come from the model of the run, in a helper process at low priority, after the map and in portions: the column of
the table fills while the tab is open. Models without charges have none, and are not loaded to find that out.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from so3k_explore.app.models.display import counted

if TYPE_CHECKING:
    from so3k_explore.app.models.session import Session
    from so3k_explore.jobs.dipole_helper import DipoleQuestion

PORTION = 256  # minima asked about at once
SECONDS = 2.0  # between two pictures of what is known of a thousand minima; a table of more takes longer to write


class Dipoles(param.Parameterized):
    """What is known of the dipole moments of one run's minima; what is known of a minimum is not computed again."""

    offered = param.Boolean(False, doc="Whether the run's model has dipole moments.")
    known = param.Dict({}, doc="Magnitude in debye of each minimum, by its key.")
    doing = param.String("", doc="What is being computed, in words; empty when nothing is.")
    reason = param.String("", doc="Why there are none although the model has charges; empty when all is well.")

    def __init__(self, session: "Session", answer: "Callable[[DipoleQuestion], np.ndarray] | None" = None) -> None:
        """`answer` computes magnitudes in debye, by default a helper process."""
        super().__init__()
        self._session, self._answer = session, answer or _answer
        self._run: Any = None
        self._values: dict[int, float] = {}
        self._told = 0.0
        session.shown.param.watch(lambda *_: self._attach(), "run")

    def tick(self) -> None:
        """Asks about the minima that are not known yet, once the map has been made."""
        session = self._session
        minima, background = session.minima.minima, session.background
        idle = not background.busy("families") and not background.busy("dipoles")
        if not self.offered or not idle or session.tab != "conformers" or session.families.picture is None:
            return
        new = [] if minima is None else [place for place, key in enumerate(minima.keys) if key not in self._values]
        if minima is not None and new:
            self._ask([minima.keys[place] for place in new[:PORTION]], minima.positions[new[:PORTION]], len(new))

    def of(self, keys: Sequence[int]) -> np.ndarray:
        """Magnitudes in debye of these minima; NaN where they are not known."""
        return np.array([self.known.get(key, np.nan) for key in keys], float)

    def _attach(self) -> None:
        """Another run, or none."""
        self._run = run = self._session.shown.run
        self._values = {}
        self.param.update(offered=False, known={}, doing="", reason="")
        if run is None or run.kind != "minima" or run.molecule.system.periodic:
            return

        def done(charges: bool) -> None:
            if self._run is run:
                self.offered = charges

        self._session.background.start("charges known", "", lambda: _knows_charges(run.model), done, self._failed(run))

    def _ask(self, keys: list[int], positions: np.ndarray, left: int) -> None:
        run = self._run
        self.doing = f"computing dipole moments of {counted(left, 'minimum')}"

        def work() -> np.ndarray:
            from so3k_explore.jobs.dipole_helper import DipoleQuestion

            options = {"precision": run.precision, "long_range_cutoff": run.long_range_cutoff}
            return self._answer(DipoleQuestion.about(run.molecule, run.model, positions, **options))

        def done(found: np.ndarray) -> None:
            if self._run is run:
                self._values.update(zip(keys, found.tolist(), strict=True))
                self._tell(done=len(keys) == left)

        self._session.background.start("dipoles", "", work, done, self._failed(run))

    def _tell(self, *, done: bool) -> None:
        """Passes on what is known, now and then until all is."""
        if done:
            self.doing = ""
        if done or time.monotonic() >= self._told + SECONDS * max(1.0, len(self._session.minima.minima or ()) / 1000):
            self._told = time.monotonic()
            self.known = dict(self._values)

    def _failed(self, run: Any) -> Callable[[Exception], None]:
        """Gives up, saying why."""

        def failed(error: Exception) -> None:
            if self._run is run:
                self.param.update(offered=False, doing="", reason=f"No dipole moments: {error}")

        return failed


def _knows_charges(model: str) -> bool:
    from so3k_explore.potentials.registry import model_info

    return model_info(model).charges


def _answer(question: "DipoleQuestion") -> np.ndarray:
    from so3k_explore.jobs.dipole_helper import dipole_answers

    return dipole_answers(question)
