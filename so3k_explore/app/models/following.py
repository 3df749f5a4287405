"""What the frames of a run say beyond its curves: free energy, stays in conformations, RMSD between all frames.

Made while the reader looks at it, for at most a fifth of the time.
"""

import time
from typing import TYPE_CHECKING, Any

import param

from so3k_explore.app.models.following_pictures import Followed, coordinates, followed

if TYPE_CHECKING:
    from so3k_explore.app.models.session import Session

LOOK_SECONDS = 2.0
SHARE = 5  # what took a second is made again after five at the earliest
FREE, ERROR = "Free energy", "Its error"


class FollowingModel(param.Parameterized):
    """Two coordinates, and the pictures along them."""

    open = param.Boolean(False, doc="Whether somebody looks at it.")
    first = param.Selector(objects=[""], label="Across", doc="Coordinate on the horizontal axis.")
    second = param.Selector(objects=[""], label="Up", doc="Coordinate on the vertical axis.")
    quantity = param.Selector(default=FREE, objects=[FREE, ERROR], label="Show", doc="What the colours are.")
    found = param.ClassSelector(class_=Followed, default=None, allow_None=True, doc="What was made last.")
    problem = param.String("", doc="Why there is nothing.")

    def __init__(self, session: "Session") -> None:
        super().__init__()
        self._session = session
        self._next = 0.0
        self._made: Any = None
        session.shown.param.watch(lambda *_: self._attach(), "run")
        self._attach()

    def tick(self, now: float) -> None:
        """Makes the pictures when there is something new."""
        session = self._session
        run, measured = session.shown.run, session.shown.measured
        if run is None or run.kind != "dynamics" or measured is None or not self.open or session.tab != "dynamics":
            return
        if now < self._next or session.background.busy("following"):
            return
        chosen, walker = (self.first, self.second), session.scene.walker
        key = (id(measured), chosen, walker)
        if key == self._made:
            return
        self._made, began = key, time.monotonic()
        kelvin = _temperature(run, session.shown.series)

        def done(found: Followed) -> None:
            self._next = time.monotonic() + max(LOOK_SECONDS, SHARE * (time.monotonic() - began))
            if run is session.shown.run:
                self.param.update(found=found, problem="")

        def failed(error: Exception) -> None:
            self._next = time.monotonic() + LOOK_SECONDS
            self.param.update(found=None, problem=f"The frames cannot be analysed: {error}")

        work = lambda: followed(run.molecule, measured, chosen, walker, kelvin)
        session.background.start("following", "", work, done, failed)

    def _attach(self) -> None:
        """Another run: its coordinates, the first two torsions chosen."""
        run = self._session.shown.run
        names = [""] if run is None or run.kind != "dynamics" else list(coordinates(run.molecule))
        self.param.first.objects = self.param.second.objects = names
        self._made, self._next = None, 0.0
        self.param.update(first=names[0], second=names[min(1, len(names) - 1)], found=None, problem="")


def _temperature(run: Any, series: dict[str, Any]) -> float:
    """Of the thermostat; of the motion where there is none, K."""
    import numpy as np

    settings = run.settings
    if settings.thermostat != "nve":
        return float(settings.temperature)
    return float(np.nanmean(series["temperature"])) if len(series.get("temperature", ())) else 0.0
