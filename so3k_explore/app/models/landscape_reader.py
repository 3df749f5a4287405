"""The landscape of the run on show, as the tab Landscape needs it; everything here runs in threads."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from so3k_explore.exploration.coverage import Coverage, Growth
    from so3k_explore.exploration.labels import Labelling
    from so3k_explore.exploration.landscape import Landscape
    from so3k_explore.exploration.recheck import Recheck
    from so3k_explore.exploration.records import Minima, Saddles, Transitions
    from so3k_explore.exploration.vibrations import Vibrations
    from so3k_explore.jobs import Run

WINDOWS = (2.0, 4.0, 6.0, 10.0)  # kcal/mol above the lowest minimum, for which coverage is told


@dataclass(frozen=True, eq=False)
class Seen:
    """What a landscape held at one look."""

    minima: "Minima"
    saddles: "Saddles"
    transitions: "Transitions"
    growth: "Growth"
    windows: "tuple[tuple[float | None, Coverage], ...]"  # eV above the lowest minimum; None: all
    labellings: "dict[str, Labelling]"
    vibrating: "tuple[Vibrations, Vibrations] | None"  # of minima and saddles whose frequencies are stored
    rechecks: "dict[str, Recheck]"  # of minima, by method

    @property
    def passes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs, heights (eV) and numbers of saddles, 0 for hops; NaN where a hop has no continuous way."""
        saddles, hops = self.saddles, self.transitions
        numbers = np.concatenate([saddles.ids, np.zeros(len(hops.pairs), int)])
        return np.concatenate([saddles.pairs, hops.pairs]), np.concatenate([saddles.energies, hops.barriers]), numbers


class LandscapeReader:
    """Looks at one run's landscape again and again; its methods run in threads, each at most once at a time."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self.landscape: Landscape | None = None
        self._version: Any = None
        self._vibrations: tuple[Any, Any] | None = None
        self._rechecked: Any = None

    def look(self) -> Seen | None:
        """What is there; None when nothing has changed, or there is no landscape yet.

        Raises:
            LandscapeError: the landscape is gone or damaged; the message says what can be done.
        """
        import sqlite3

        from so3k_explore.exploration.landscape import LandscapeError

        if self.landscape is None:
            self.landscape = self._run.landscape()
        if self.landscape is None:
            return None
        if not self.landscape.path.exists():
            raise LandscapeError("This run was deleted. Undo it in the list of runs, or choose another run.")
        try:
            version = self.landscape.version
            if version == self._version:
                return None
            seen = self._read(self.landscape)
        except (sqlite3.Error, ValueError, KeyError) as error:
            raise LandscapeError(
                f"The landscape of this run cannot be read ({error}). Everything else of the run is in its folder; "
                "a copy of landscape.db from before, or another search, brings the pictures back."
            ) from error
        self._version = version
        return seen

    def _read(self, landscape: "Landscape") -> Seen:
        return read(landscape, self._vibrating(landscape), self._rechecks(landscape))

    def _vibrating(self, landscape: "Landscape") -> "tuple[Vibrations, Vibrations] | None":
        from so3k_explore.exploration.vibrations import MINIMUM, SADDLE, stored_frequencies, vibrations

        known = {kind: sorted(stored_frequencies(landscape, kind)) for kind in (MINIMUM, SADDLE)}
        if not known[MINIMUM]:
            return None
        if self._vibrations is None or self._vibrations[0] != known:
            found = tuple(vibrations(landscape, kind, numbers=numbers) for kind, numbers in known.items())
            self._vibrations = (known, found)
        return self._vibrations[1]

    def _rechecks(self, landscape: "Landscape") -> "dict[str, Recheck]":
        from so3k_explore.exploration.recheck import stored_recheck

        tables = landscape.storage.read("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'rechecks'")
        if not tables:
            return {}
        query = "SELECT method, COUNT(*), SUM(problem = '') FROM rechecks WHERE kind = 'minimum' GROUP BY method"
        state = landscape.storage.read(query)
        if self._rechecked is None or self._rechecked[0] != state:
            self._rechecked = (state, {row[0]: stored_recheck(landscape, row[0]) for row in state})
        return self._rechecked[1]


def read(landscape: "Landscape", vibrating: Any = None, rechecks: Any = None) -> Seen:
    """Minima, passes, coverage and labellings of a landscape."""
    from so3k_explore.exploration.coverage import coverage_growth
    from so3k_explore.exploration.labels import list_labellings, read_labelling

    minima, hops = landscape.minima(), landscape.storage.read("SELECT call, finish FROM hops ORDER BY id")
    return Seen(
        minima=minima,
        saddles=landscape.saddles(),
        transitions=landscape.transitions(),
        growth=coverage_growth([call for call, _ in hops], [finish for _, finish in hops]),
        windows=windows(minima),
        labellings={name: read_labelling(landscape, name) for name in list_labellings(landscape)},
        vibrating=vibrating,
        rechecks=rechecks or {},
    )


def windows(minima: "Minima") -> "tuple[tuple[float | None, Coverage], ...]":
    """Coverage of the low minima and of all, by energy above the lowest in eV."""
    from so3k_explore import units
    from so3k_explore.exploration.coverage import coverage_below, estimate_coverage

    levels = [kcal * units.KCAL_PER_MOL for kcal in WINDOWS]
    low: list[tuple[float | None, Coverage]] = [
        (level, coverage_below(minima.energies, minima.visits, level)) for level in levels
    ]
    return (*low, (None, estimate_coverage(minima.visits)))
