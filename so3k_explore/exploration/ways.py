"""The way between two minima as a film: minima and saddles in order, and what a molecule may do in between.

Atoms are permuted as bonds allow (`paths.PathGuesses`), so that each structure follows from the one before it. Between
the structures of the landscape the film shows first guesses of paths; they are drawn, not computed.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from so3k_explore.exploration.paths import PathGuesses
from so3k_explore.exploration.tree import Path, Tree

if TYPE_CHECKING:
    from so3k_explore.exploration.landscape import Landscape

BETWEEN = 6  # drawn frames between two structures


@dataclass(frozen=True)
class Stop:
    """A minimum or a pass on the way."""

    kind: str  # "minimum", "saddle", or "bound" for a pass of which only an upper bound is known
    number: int  # of the minimum or saddle; 0 for a bound
    energy: float  # eV
    frame: float  # where it is in the film; bounds are between two frames


@dataclass(frozen=True, eq=False)
class Way:
    """A way that crosses the lowest passes known."""

    stops: tuple[Stop, ...]  # minima and passes in turn
    frames: np.ndarray  # (frames, atoms, 3) Å

    @property
    def barrier(self) -> float:
        """Height of the highest pass above the first minimum, eV; 0 for a way of one minimum."""
        return max(stop.energy for stop in self.stops) - self.stops[0].energy

    def follows(self, path: Path) -> bool:
        """Whether this is the film of a way of the tree."""
        stops = [stop.number for stop in self.stops[::2]], [stop.energy for stop in self.stops[1::2]]
        return stops == (list(path.minima), list(path.heights))

    @property
    def certain(self) -> bool:
        """Whether all passes are verified saddles."""
        return all(stop.kind != "bound" for stop in self.stops)


def find_way(landscape: "Landscape", tree: Tree, first: int, second: int, between: int = BETWEEN) -> Way | None:
    """The way from minimum `first` to minimum `second` of a landscape with this tree; None when none is known.

    Raises:
        KeyError: one of the minima is not in the tree.
    """
    found = tree.path(first, second)
    if found is None:
        return None
    minima, saddles = landscape.minima(), landscape.saddles()
    structures = dict(zip(minima.ids.tolist(), minima.positions, strict=True))
    passes = dict(zip(saddles.ids.tolist(), saddles.positions, strict=True))
    guesses = PathGuesses(landscape.numbers, landscape.bonds)
    frames = [structures[found.minima[0]]]
    places: list[float] = [0.0]
    for saddle, minimum in zip(found.saddles, found.minima[1:], strict=True):
        for structure in (passes.get(saddle), structures[minimum]):
            if structure is None:
                continue
            images = between if saddle in passes else 2 * between
            frames += list(guesses.path(frames[-1], structure, images, 0, np.random.default_rng(0)))[1:]
            places.append(len(frames) - 1.0)
        if saddle not in passes:
            places.insert(-1, (places[-2] + places[-1]) / 2)
    return Way(_stops(found, tree, places), np.array(frames))


def _stops(found: Path, tree: Tree, places: list[float]) -> tuple[Stop, ...]:
    """Minima and passes in turn."""
    energy = dict(zip(tree.ids.tolist(), tree.energies.tolist(), strict=True))
    stops = [Stop("minimum", found.minima[0], energy[found.minima[0]], places[0])]
    for k, (height, saddle, minimum) in enumerate(zip(found.heights, found.saddles, found.minima[1:], strict=True)):
        stops.append(Stop("saddle" if saddle else "bound", saddle, height, places[2 * k + 1]))
        stops.append(Stop("minimum", minimum, energy[minimum], places[2 * k + 2]))
    return tuple(stops)
