"""Cards whose points are minima, so that a click in one of them is seen in all."""

from collections.abc import Sequence
from typing import Any

from so3k_explore.app.models.session import Session
from so3k_explore.app.views.part import Part


class LinkedCard(Part):
    """A chart of minima: its points are chosen with the page's selection, by their keys."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.keys: list[int] = []
        session.selection.param.watch(lambda *_: self.ring(), ["focus", "selection"])

    def choose(self, places: Sequence[int]) -> None:
        """Selects the minima of these points; the one clicked last is looked at."""
        keys = [self.keys[place] for place in places if place < len(self.keys)]
        new = [key for key in keys if key not in self.session.selection.selection]
        self.session.selection.choose(keys, focus=new[0] if new else None)

    def ring(self) -> None:
        """Rings around the chosen minima."""
        place = {key: k for k, key in enumerate(self.keys)}
        self.chart.highlight([place[key] for key in self.session.selection.selection if key in place])

    @property
    def chart(self) -> Any:
        """The chart with the points."""
        raise NotImplementedError
