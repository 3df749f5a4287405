"""The run on the page: its folder is read in a thread, and what is new is handed over at the session's pace."""

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from so3k_explore.app.models.background import Background
from so3k_explore.app.models.minima import Ranked, Ranking
from so3k_explore.app.models.track import Measured, Track, followed_torsions

if TYPE_CHECKING:
    from so3k_explore.jobs import Run

NUMBERS_SECONDS = 0.1
PICTURES_SECONDS = 0.4
AHEAD_SECONDS = 3.0  # a page that is being drawn has better things to do
AHEAD_MINIMA = 20_000  # more take longer than a page should be busy with what nobody has asked for
MAX_ROWS = 4000


class ShownRun(param.Parameterized):
    """State, latest frame, series, trajectory and minima of one run."""

    run = param.Parameter(None, doc="The `Run`; None when the page shows a molecule only.")
    status = param.Parameter(None, doc="Its `RunStatus`.")
    live = param.Parameter(None, doc="Its latest `LiveFrame`.")
    series = param.Dict({}, doc="Columns by name: time_fs (frames,), others (frames, walkers).")
    measured = param.ClassSelector(class_=Measured, default=None, allow_None=True, doc="Its trajectory so far.")
    minima = param.ClassSelector(class_=Ranked, default=None, allow_None=True, doc="Its minima so far.")
    error = param.String("", doc="Why its folder cannot be read.")

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._next = {"numbers": 0.0, "pictures": 0.0}
        self._follower: _Follower | None = None
        self._since = 0.0

    def attach(self, run: "Run | None") -> None:
        """Shows another run, or none."""
        self._follower = None if run is None else _Follower(run)
        self._next = dict.fromkeys(self._next, 0.0)
        self._since = time.monotonic()
        self.param.update(run=run, status=None, live=None, series={}, measured=None, minima=None, error="")

    @property
    def active(self) -> bool:
        """Whether the run is going or will."""
        return self.status is not None and self.status.active

    def rests(self, now: float) -> bool:
        """Whether pictures of its minima may be made ahead: it has ended, is on show for a while, and is not huge."""
        ended = self.status is not None and not self.status.active
        few = self.minima is not None and 0 < len(self.minima) <= AHEAD_MINIMA
        return ended and few and now >= self._since + AHEAD_SECONDS

    def tick(self, now: float) -> None:
        """Begins to read what is due."""
        if self._follower is None:
            return
        self._read("numbers", NUMBERS_SECONDS if self.active else 1.0, now)
        self._read("pictures", PICTURES_SECONDS if self.active else 2.0, now)

    def _read(self, what: str, seconds: float, now: float) -> None:
        key = f"shown {what}"
        if now < self._next[what] or self._background.busy(key):
            return
        self._next[what] = now + seconds
        follower = self._follower

        def done(news: Any) -> None:
            if self._follower is follower and news is not None:
                self.param.update(**news, error="")

        def failed(error: Exception) -> None:
            if self._follower is follower:
                self.error = f"The run's folder cannot be read: {error}"

        self._background.start(key, "", getattr(follower, what), done, failed)


class _Follower:
    """Reads one run; its methods run in threads, each at most once at a time."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._track = Track(run.molecule.positions, followed_torsions(run.molecule))
        self._newest: tuple[int, bytes] | None = None
        self._shape: Any = None
        self._ranking = Ranking(run.molecule)
        self._landscape: Any = None
        self._found: Any = None
        self._version: Any = None

    def numbers(self) -> dict[str, Any]:
        status, live = self._run.status(), self._run.live()
        news: dict[str, Any] = {"status": status}
        if live is not None and (live.step, live.positions.tobytes()) != self._newest:  # the step is 0 until it starts
            self._newest = (live.step, live.positions.tobytes())
            news["live"] = live
        return news

    def pictures(self) -> dict[str, Any]:
        news: dict[str, Any] = {}
        series = self._run.series()
        shape = {name: column.shape for name, column in series.items()}
        if shape != self._shape:
            self._shape = shape
            news["series"] = sparse(series)
        measured = self._track.measured
        if self._run.kind != "minima" and self._frames() is not measured:
            news["measured"] = self._track.measured
        self._landscape = self._run.landscape() if self._landscape is None else self._landscape
        if self._landscape is not None and self._landscape.version != self._version:
            self._version = self._landscape.version
            found = self._landscape.minima()
            state = (len(found.ids), int(np.sum(found.visits)))
            if state != self._found:
                self._found = state
                news["minima"] = self._ranking.rank(found)
        return news

    def _frames(self) -> Measured | None:
        trajectory = self._run.trajectory()
        if trajectory is None:
            return self._track.measured
        with trajectory:
            return self._track.extend(trajectory.times, trajectory.steps, lambda frames: trajectory.positions[frames])


def sparse(series: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every n-th row of a long table for charts, the last one included, and all rows that have a rare number."""
    rows = max((len(column) for column in series.values()), default=0)
    if rows <= MAX_ROWS:
        return dict(series)
    stride = -(-rows // MAX_ROWS)
    kept = np.zeros(rows, bool)
    kept[(rows - 1) % stride :: stride] = True
    for column in series.values():
        known = np.isfinite(column).reshape(rows, -1).any(axis=1)
        if known.sum() <= MAX_ROWS:
            kept |= known
    return {name: column[kept] for name, column in series.items()}
