"""The way between two chosen minima: its barrier, its profile, and a film of it in the viewer."""

from typing import TYPE_CHECKING, Any

import numpy as np
import param

from so3k_explore.app.models.display import counted
from so3k_explore.app.models.scene import Structure

if TYPE_CHECKING:
    from so3k_explore.app.models.session import Session

CHOOSE_TWO = "Choose two minima (shift adds the second): the lowest known way between them appears here."


class WayModel(param.Parameterized):
    """The lowest known way between the first two chosen minima."""

    way: Any = param.Parameter(None, doc="An `exploration.ways.Way`; None when there is none.")
    sentence = param.String(CHOOSE_TWO, doc="The barrier in words, or why there is no way.")
    frame = param.Integer(None, allow_None=True, doc="Which frame of the way the viewer shows; None: another thing.")

    def __init__(self, session: "Session") -> None:
        super().__init__()
        self._session = session
        session.selection.param.watch(lambda *_: self._find(), "selection")
        session.landscape.param.watch(lambda *_: self._find(), ["tree"])
        session.display.param.watch(lambda *_: self._say(), "energy_unit")
        session.scene.param.watch(lambda *_: self._follow(), ["frame", "frames"])

    @property
    def ends(self) -> tuple[int, int] | None:
        """The two minima; None unless two are chosen."""
        chosen = self._session.selection.selection
        return (chosen[0], chosen[1]) if len(chosen) == 2 else None

    def play(self) -> None:
        """Shows the way in the viewer, from its beginning."""
        session, scene = self._session, self._session.scene
        if self.way is None or session.shown.run is None:
            return
        molecule = session.shown.run.molecule
        scene.show(Structure(molecule.numbers, self.way.frames[0], molecule.bonds), self._title())
        scene.param.update(frames=self.way.frames, frame=0, times=None, film=True, detail=self._barrier(), walkers=1)

    def go(self, frame: float) -> None:
        """Shows one frame of the way."""
        if self.way is not None:
            if not self._playing:
                self.play()
            self._session.scene.frame = int(np.clip(round(frame), 0, len(self.way.frames) - 1))

    @property
    def _playing(self) -> bool:
        return self.way is not None and self._session.scene.frames is self.way.frames

    def _follow(self) -> None:
        self.frame = self._session.scene.frame if self._playing else None

    def _find(self) -> None:
        """Looks for the way in a thread, unless it is the one that is there."""
        session, model, ends = self._session, self._session.landscape, self.ends
        picture, reader = model.tree, model.reader
        if ends is None or picture is None or reader is None:
            self.param.update(way=None, sentence=CHOOSE_TWO)
            return
        if not set(ends) <= set(picture.tree.ids.tolist()):
            self.param.update(way=None, sentence="One of the chosen minima is not in the tree shown.")
            return
        known = picture.tree.path(*ends)
        if known is None:
            self.param.update(way=None, sentence=self._no_way())
            return
        if self.way is not None and self.way.follows(known):
            return

        def work() -> Any:
            from so3k_explore.exploration.ways import find_way

            assert reader.landscape is not None  # it has been looked at, else there would be no tree
            return find_way(reader.landscape, picture.tree, *ends)

        def done(way: Any) -> None:
            if self.ends == ends and not (self._playing and session.scene.playing):
                self.way = way
                self._say()

        def failed(error: Exception) -> None:
            self.param.update(way=None, sentence=f"The way cannot be drawn: {error}")

        session.background.start("landscape way", "", work, done, failed)

    def _say(self) -> None:
        if self.way is not None:
            self.sentence = f"{self._title()}: {self._barrier()}."

    def _title(self) -> str:
        stops = () if self.way is None else self.way.stops
        first, second = (self._name(stops[k].number) for k in (0, -1))
        return f"Way from minimum {first} to {second}"

    def _barrier(self) -> str:
        text, way = self._session.display.energy_text, self.way
        assert way is not None
        back = way.barrier + way.stops[0].energy - way.stops[-1].energy
        passes, bounds = len(way.stops) // 2, sum(stop.kind == "bound" for stop in way.stops)
        over = counted(passes, "saddle") if not bounds else f"{passes} passes, {bounds} of them only bounds from hops"
        at_most = "" if way.certain else "at most "
        return f"barrier {at_most}{text(way.barrier)} there, {text(back)} back, over {over}"

    def _no_way(self) -> str:
        return (
            "No way between these two minima is known yet. A search that hops between them, or “Find saddles”, may "
            "find one."
        )

    def _name(self, key: int) -> str:
        rank = self._session.minima.rank(key)
        return str(key) if rank is None else str(rank + 1)
