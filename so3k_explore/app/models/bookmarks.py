"""Frames and minima that the reader wants to find again; they are kept in the folder of the run.

Each line of ``bookmarks.jsonl`` adds a bookmark or, with ``removed``, takes one away.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from so3k_explore.app.models.display import simulated

if TYPE_CHECKING:
    from so3k_explore.app.models.session import Session
    from so3k_explore.jobs import Run

FILE = "bookmarks.jsonl"


@dataclass(frozen=True)
class Bookmark:
    """A structure of a run, and where it is found again."""

    label: str
    positions: list[list[float]]  # (atoms, 3), Å
    step: int = 0
    walker: int = 0
    minimum: int | None = None  # key in the landscape; None: a frame

    @property
    def key(self) -> str:
        """The same for the same place of a run."""
        return f"frame {self.step} {self.walker}" if self.minimum is None else f"minimum {self.minimum}"


class Bookmarks(param.Parameterized):
    """Bookmarks of the run on show."""

    entries = param.List([], item_type=Bookmark, doc="In the order in which they were made.")
    message = param.String("", doc="Why the last one could not be kept.")

    def __init__(self, session: "Session") -> None:
        super().__init__()
        self._session = session
        session.shown.param.watch(lambda *_: self._read(), "run")

    def toggle(self) -> None:
        """Bookmarks what the viewer shows, or forgets that bookmark."""
        bookmark, run = self._here(), self._session.shown.run
        if bookmark is None:
            self.message = "Bookmarks belong to runs: start one, or choose one from the list."
            return
        known = bookmark.key in [entry.key for entry in self.entries]
        record = {"removed": bookmark.key} if known else asdict(bookmark)
        self._start(run, record)

    def go(self, bookmark: Bookmark) -> None:
        """Shows it again."""
        session, scene = self._session, self._session.scene
        if bookmark.minimum is not None:
            if session.minima.rank(bookmark.minimum) is not None:
                session.selection.choose([bookmark.minimum])
            return
        session.selection.clear()
        scene.param.update(follow=False, walker=bookmark.walker)
        measured = session.shown.measured
        if measured is not None and scene.frames is not None:
            scene.frame = int(np.abs(measured.steps - bookmark.step).argmin())

    def as_xyz(self) -> str:
        """All bookmarks as extended XYZ, for other programs."""
        run = self._session.shown.run
        return "" if run is None else "".join(_frame(run.molecule.numbers, entry) for entry in self.entries)

    def _here(self) -> Bookmark | None:
        session, scene = self._session, self._session.scene
        run, live, measured = session.shown.run, session.shown.live, session.shown.measured
        if run is None or scene.positions is None:
            return None
        positions = np.round(np.asarray(scene.positions, float), 5).tolist()
        rank = session.minima.rank(session.selection.focus)
        if rank is not None:
            return Bookmark(scene.title, positions, minimum=session.selection.focus)
        if scene.live is not None and live is not None:
            return Bookmark(self._label(live.time_fs, live.step), positions, int(live.step), scene.walker)
        if scene.frames is not None and measured is not None:
            time, step = float(measured.times[scene.frame]), int(measured.steps[scene.frame])
            return Bookmark(self._label(time, step), positions, step, scene.walker)
        return Bookmark("start", positions)

    def _label(self, time_fs: float | int, step: int) -> str:
        session, scene = self._session, self._session.scene
        place = f"step {step}" if session.shown.run.kind == "relax" else simulated(time_fs)
        return place if scene.walkers == 1 else f"{place}, walker {scene.walker + 1}"

    def _read(self) -> None:
        run = self._session.shown.run
        self.param.update(entries=[], message="")
        if run is not None:
            self._start(run, None)

    def _start(self, run: "Run", record: dict[str, Any] | None) -> None:
        def done(entries: list[Bookmark]) -> None:
            if self._session.shown.run is run:
                self.param.update(entries=entries, message="")

        def failed(error: Exception) -> None:
            self.message = f"The bookmark could not be kept: {error}"

        path = Path(run.folder) / FILE
        self._session.background.start("bookmarks", "", lambda: _kept(path, record), done, failed)


def _kept(path: Path, record: dict[str, Any] | None) -> list[Bookmark]:
    """Adds a record, and reads all bookmarks."""
    from so3k_explore.jobs.store import Lines, append_line

    if record is not None:
        append_line(path, record)
    entries: dict[str, Bookmark] = {}
    for line in Lines(path).read():
        if "removed" in line:
            entries.pop(str(line["removed"]), None)
            continue
        try:
            bookmark = Bookmark(**line)
        except TypeError:  # written by another version
            continue
        entries[bookmark.key] = bookmark
    return list(entries.values())


def _frame(numbers: np.ndarray, bookmark: Bookmark) -> str:
    from ase.data import chemical_symbols

    rows = [
        f"{chemical_symbols[int(number)]:<2} {x:12.5f} {y:12.5f} {z:12.5f}"
        for number, (x, y, z) in zip(numbers, bookmark.positions, strict=True)
    ]
    comment = (
        f'Properties=species:S:1:pos:R:3 bookmark="{bookmark.label}" step={bookmark.step} walker={bookmark.walker}'
    )
    return "\n".join([str(len(rows)), comment, *rows]) + "\n"
