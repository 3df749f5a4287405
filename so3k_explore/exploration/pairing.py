"""Where to look for saddles next. Each strategy proposes tasks that have not been tried, the most promising first.

================  ====================================================================================================
``hops``          pairs between which a search for minima hopped, by the upper bound of their barrier
``nearest``       each minimum and its nearest neighbours
``components``    the nearest pairs of minima in parts of the network that do not hang together
``paths``         missing links on the shortest way between two parts (Carr, Trygubenko & Wales, J. Chem. Phys. 122,
                  234903 (2005)): known links cost nothing, pairs the square of their distance, more after each failure
``itself``        a cluster to itself with its atoms in other places
``torsions``      out of each minimum along each rotatable torsion, both ways
``modes``         out of each minimum along its lowest modes, both ways
``kicks``         from each minimum displaced at random, up the lowest mode
================  ====================================================================================================
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import dijkstra

from so3k_explore.exploration.network import Network, Pair
from so3k_explore.exploration.saddle_settings import SaddleSearch

TRIES = 3  # of each pair
BRIDGES = 8  # pairs tried between two parts of the network
LARGEST = 1500  # minima among which ways are searched, the lowest ones
KNOWN = 1e-6  # Å², cost of a known link: nearly nothing, because zero would mean none


@dataclass(frozen=True)
class Task:
    """One attempt to make: join two minima, or leave one."""

    first: int
    second: int | None  # None: any
    method: str  # strategy, and for single minima the way out of it
    attempt: int = 0  # how often this pair was tried before

    @property
    def pair(self) -> Pair:
        """The two minima to join."""
        assert self.second is not None
        return self.first, self.second


def propose(network: Network, settings: SaddleSearch, torsions: int, modes: int, count: int) -> list[Task]:
    """Up to `count` tasks of the first strategy that has any; none when everything has been tried.

    Args:
        network: what is known.
        settings: which strategies, and how far they go.
        torsions: rotatable torsions of the molecule.
        modes: vibrations of the molecule.
        count: how many tasks fit.
    """
    for name in settings.strategies:
        found: list[Task] = []
        seen: set[Task] = set()
        for task in _STRATEGIES[name](network, settings, torsions, modes):
            if task not in seen and not _done(network, task):
                seen.add(task)
                found.append(task)
            if len(found) == count:
                break
        if found:
            return found
    return []


def _done(network: Network, task: Task) -> bool:
    if task.second is None:
        return (task.first, task.method) in network.starts
    return task.pair in network.linked or network.tries[task.pair] > task.attempt


def _pair(one: int, other: int) -> Pair:
    return min(one, other), max(one, other)


def _hops(network: Network, settings: SaddleSearch, torsions: int, modes: int) -> Iterator[Task]:
    transitions, minima = network.landscape.transitions(), set(network.minima)
    for row in np.argsort(transitions.barriers, kind="stable"):  # unknown barriers come last
        first, second = transitions.pairs[row].tolist()
        if first in minima and second in minima:
            yield Task(first, second, "hops")


def _nearest(network: Network, settings: SaddleSearch, torsions: int, modes: int) -> Iterator[Task]:
    minima = network.minima[:LARGEST]
    distances = network.distances(minima, minima)
    np.fill_diagonal(distances, np.inf)
    order = np.argsort(distances, axis=1, kind="stable")
    for rank in range(min(settings.neighbors, len(minima) - 1)):
        for row, number in enumerate(minima):
            yield Task(*_pair(number, minima[order[row, rank]]), "nearest")


def _components(network: Network, settings: SaddleSearch, torsions: int, modes: int) -> Iterator[Task]:
    first, *rest = network.components() or [[]]
    for tries in range(TRIES):
        for part in rest:
            distances = network.distances(part, first)
            for flat in np.argsort(distances, axis=None, kind="stable")[:BRIDGES]:
                i, j = np.unravel_index(flat, distances.shape)
                yield Task(*_pair(part[i], first[j]), "components", tries)


def _paths(network: Network, settings: SaddleSearch, torsions: int, modes: int) -> Iterator[Task]:
    first, *rest = network.components() or [[]]
    if not rest:
        return
    minima = network.minima[:LARGEST]
    place = {number: k for k, number in enumerate(minima)}
    costs = network.distances(minima, minima) ** 2 + KNOWN
    for pair, tries in network.tries.items():
        if pair[0] in place and pair[1] in place:
            i, j = place[pair[0]], place[pair[1]]
            costs[i, j] = costs[j, i] = np.inf if tries >= TRIES else costs[i, j] * (1 + tries)
    for one, other in network.linked:
        if one in place and other in place:
            costs[place[one], place[other]] = costs[place[other], place[one]] = KNOWN
    np.fill_diagonal(costs, np.inf)
    lengths, before = dijkstra(costs, directed=False, indices=place[first[0]], return_predecessors=True)
    for part in rest:
        if part[0] not in place or not np.isfinite(lengths[place[part[0]]]):
            continue
        k = place[part[0]]
        while before[k] >= 0:
            pair = _pair(minima[k], minima[before[k]])
            yield Task(*pair, "paths", network.tries[pair])
            k = int(before[k])


def _itself(network: Network, settings: SaddleSearch, torsions: int, modes: int) -> Iterator[Task]:
    if len(network.landscape.bonds):
        return
    for tries in range(settings.kicks):
        for number in network.minima:
            yield Task(number, number, "itself", tries)


def _torsions(network: Network, settings: SaddleSearch, torsions: int, modes: int) -> Iterator[Task]:
    for number in network.minima:
        for torsion in range(torsions):
            for sign in "+-":
                yield Task(number, None, f"torsions {torsion + 1}{sign}")


def _modes(network: Network, settings: SaddleSearch, torsions: int, modes: int) -> Iterator[Task]:
    for mode in range(min(settings.modes, modes)):
        for number in network.minima:
            for sign in "+-":
                yield Task(number, None, f"modes {mode + 1}{sign}")


def _kicks(network: Network, settings: SaddleSearch, torsions: int, modes: int) -> Iterator[Task]:
    for kick in range(settings.kicks):
        for number in network.minima:
            yield Task(number, None, f"kicks {kick + 1}")


_STRATEGIES: dict[str, Callable[[Network, SaddleSearch, int, int], Iterator[Task]]] = {
    "hops": _hops,
    "nearest": _nearest,
    "components": _components,
    "paths": _paths,
    "itself": _itself,
    "torsions": _torsions,
    "modes": _modes,
    "kicks": _kicks,
}
