"""The minima of a search in the viewer: one is in focus, all are frames of the player, lowest first."""

from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore.app.models.display import grouped
from so3k_explore.app.models.minima import Ranked
from so3k_explore.app.models.scene import Structure

if TYPE_CHECKING:
    from so3k_explore.app.models.session import Session

OVERLAID = 30  # structures that can be told apart, and drawn in no time


class Conformers:
    """Keeps the focus of the minima and the frame of the player the same, whichever of them the reader moves."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._given: Ranked | None = None  # the minima that the player has
        session.minima.param.watch(self._refresh, "minima")
        session.selection.param.watch(self._show, ["focus", "selection"])
        session.display.param.watch(self._refresh, "energy_unit")
        session.scene.param.watch(self._walked, "frame")

    @property
    def _in_player(self) -> bool:
        """Whether the player's frames are minima."""
        return self._given is not None and self._session.scene.frames is self._given.positions

    def _refresh(self, *_: Any) -> None:
        """Shows the same minima as they are now, unless a film is being looked at."""
        if not self._session.scene.film:
            self._show()

    def _show(self, *_: Any) -> None:
        session, model = self._session, self._session.minima
        found, rank = model.minima, model.rank(session.selection.focus)
        if session.shown.run is None or found is None:
            return
        if rank is None:
            if self._in_player:
                session.show_run_again()
            return
        self._give(found, rank)
        session.scene.param.update(
            title=f"Minimum {rank + 1} of {grouped(len(found))}",
            detail=self._detail(found, rank),
            overlay=self._others(found, rank),
            walkers=1,
        )

    def _others(self, found: Ranked, rank: int) -> list[np.ndarray]:
        """The first of the other chosen minima, laid onto the one in focus."""
        from so3k_explore.analysis.alignment import superpose

        others = [other for other in self._session.minima.ranks() if other != rank][:OVERLAID]
        return list(superpose(found.positions[others], found.positions[rank])) if others else []

    def _give(self, found: Ranked, rank: int) -> None:
        """Hands the minima to the player, unless that would interrupt it."""
        session, scene = self._session, self._session.scene
        if not self._in_player:
            molecule = session.shown.run.molecule
            scene.show(Structure(molecule.numbers, found.positions[rank], molecule.bonds), "")
        key = found.keys[rank]
        if self._given is not None and self._in_player and scene.playing and key in self._given.keys:
            scene.frame = self._given.keys.index(key)
            return
        self._given = found
        scene.param.update(frames=found.positions, frame=rank, times=None)

    def _walked(self, event: Any) -> None:
        """The player shows another minimum."""
        if self._given is None or not self._in_player or event.new >= len(self._given):
            return
        key, session = self._given.keys[event.new], self._session
        if key != session.selection.focus and session.minima.rank(key) is not None:
            session.selection.choose([key])

    def _detail(self, found: Ranked, rank: int) -> str:
        """Energy above the lowest minimum and torsions in words."""
        parts = [f"ΔE {self._session.display.energy_text(found.energies[rank])}", found.labels[rank]]
        return " · ".join(part for part in parts if part)
