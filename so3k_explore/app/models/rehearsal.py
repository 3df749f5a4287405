"""Lets the worker compile what the run on the form will need, while its reader still chooses."""

import time
from typing import TYPE_CHECKING, Any

from so3k_explore.app.models.runs import ACTIVE

if TYPE_CHECKING:
    from so3k_explore.app.models.session import Session

SETTLED_SECONDS = 1.0  # without a change of the form


class Rehearsal:
    """Asks for it once the form has stayed the same for a moment and no run needs the device."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._wanted_since: float | None = time.monotonic()
        session.molecule.param.watch(self._want, ["molecule", "problems"])
        session.potential.param.watch(self._want, ["models", "name_", "precision", "long_range_cutoff"])
        session.run.param.watch(self._want, "kind")
        for form in session.run.forms.values():
            if "walkers" in form.names():
                form.param.watch(self._want, "walkers")

    def tick(self, now: float) -> None:
        """Asks when it is time."""
        session = self._session
        if self._wanted_since is None or now - self._wanted_since < SETTLED_SECONDS:
            return
        if not session.runs.loaded or session.run.obstacle:
            return
        self._wanted_since = None
        if any(status.state in ACTIVE for _, status in session.runs.entries):
            return
        session.runs.rehearse(
            session.run.form.settings(),
            session.molecule.molecule,
            session.potential.name_,
            precision=session.potential.precision,
            long_range_cutoff=session.potential.cutoff,
        )

    def _want(self, *_: Any) -> None:
        self._wanted_since = time.monotonic()
