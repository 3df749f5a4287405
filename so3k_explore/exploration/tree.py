"""The disconnectivity tree: which minima are connected below which energy.

Becker & Karplus, J. Chem. Phys. 106, 1495 (1997). Minima are leaves that end at their energies; where two parts of the
landscape become connected, their branches meet in a node at the height of the pass. The lowest pass between two minima,
the minimax over all paths, is the height of the node where their branches meet. `tree_building` makes trees,
`tree_layout` says where their lines go.

Known passes can only be too high: a lower one may not have been found yet.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Path:
    """The way between two minima whose highest pass is as low as can be."""

    minima: tuple[int, ...]  # numbers, both ends included
    heights: tuple[float, ...]  # eV, of the passes in between
    saddles: tuple[int, ...]  # numbers of the saddles in between; 0: only an upper bound is known

    @property
    def highest(self) -> float:
        """Height of the highest pass, eV; minus infinity when there is none to cross."""
        return max(self.heights, default=-np.inf)


@dataclass(frozen=True, eq=False)
class Links:
    """Passes of the spanning forest, from the lowest to the highest."""

    ends: np.ndarray  # (links, 2) places of minima in the tree
    heights: np.ndarray  # (links,) eV
    saddles: np.ndarray  # (links,) numbers of saddles; 0: an upper bound


@dataclass(frozen=True, eq=False)
class Tree:
    """Minima are the first nodes, in the order of `ids`; each later node joins branches, the lowest first."""

    ids: np.ndarray  # (minima,) their numbers
    heights: np.ndarray  # (nodes,) eV: energies of minima, heights of passes
    parents: np.ndarray  # (nodes,) -1 where nothing is above
    bound: np.ndarray  # (nodes,) whether the height is only an upper bound and no saddle
    counts: np.ndarray  # (minima,) how many minima each one stands for
    links: Links

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def energies(self) -> np.ndarray:
        """Energies of the minima, eV."""
        return self.heights[: len(self)]

    @cached_property
    def children(self) -> list[list[int]]:
        """Nodes right below each node."""
        found: list[list[int]] = [[] for _ in self.heights]
        for node, parent in enumerate(self.parents.tolist()):
            if parent >= 0:
                found[parent].append(node)
        return found

    @cached_property
    def lowest(self) -> np.ndarray:
        """Place of the lowest minimum below each node, that of the smaller number among equals."""
        rank = np.argsort(np.lexsort((self.ids, self.energies)))
        found = np.arange(len(self.heights))
        for node in range(len(self), len(found)):
            below = found[self.children[node]]
            found[node] = below[np.argmin(rank[below])]
        return found

    @cached_property
    def ways_down(self) -> np.ndarray:
        """Node at which the branch of each minimum meets one with a lower minimum; -1 for the lowest of a part.

        Its height is the lowest pass to anything lower, and ``lowest`` of it the minimum that the branch then leads to.
        """
        found = np.full(len(self), -1)
        for node in range(len(self), len(self.heights)):
            bottoms = self.lowest[self.children[node]]
            found[bottoms[bottoms != self.lowest[node]]] = node
        return found

    @property
    def components(self) -> np.ndarray:
        """Which connected part each minimum belongs to; 0 is that of the lowest minimum."""
        return self.basins(np.inf)

    def basins(self, energy: float | int) -> np.ndarray:
        """Which basin each minimum belongs to when all passes above `energy` (eV) are closed.

        Basin 0 holds the lowest minimum, and so on upwards; minima above `energy` are in none: -1.
        """
        top = np.arange(len(self.heights))
        for node in range(len(top) - 1, -1, -1):  # parents come after their children
            parent = self.parents[node]
            if parent >= 0 and self.heights[parent] <= energy:
                top[node] = top[parent]
        tops = top[: len(self)]
        order = np.lexsort((self.ids, self.energies))
        names = {node: number for number, node in enumerate(dict.fromkeys(tops[order].tolist()))}
        labels = np.array([names[node] for node in tops.tolist()], int)
        return np.where(self.energies <= energy, labels, -1)

    def lowest_pass(self, first: int, second: int) -> float:
        """Energy that suffices to go from one minimum to the other, eV; infinite when no way is known."""
        nodes = [self._place(number) for number in (first, second)]
        while nodes[0] != nodes[1]:
            lower = int(np.argmin(nodes))  # the one that comes first cannot be above the other
            nodes[lower] = int(self.parents[nodes[lower]])
            if nodes[lower] < 0:
                return np.inf
        return float(self.heights[nodes[0]])

    def barrier(self, first: int, second: int) -> float:
        """Height of the lowest pass above the minimum `first`, eV; infinite when no way is known."""
        return self.lowest_pass(first, second) - float(self.energies[self._place(first)])

    def path(self, first: int, second: int) -> Path | None:
        """Minima and passes on the way from one minimum to the other; None when no way is known."""
        start, goal = self._place(first), self._place(second)
        arrived: dict[int, int] = {start: -1}  # by which link
        edge = [start]
        while edge and goal not in arrived:
            here = edge.pop()
            for link, there in self._ways[here]:
                if there not in arrived:
                    arrived[there] = link
                    edge.append(there)
        if goal not in arrived:
            return None
        minima, links = [goal], []
        while minima[-1] != start:
            link = arrived[minima[-1]]
            links.append(link)
            minima.append(int(self.links.ends[link].sum()) - minima[-1])
        found = links[::-1]
        return Path(
            minima=tuple(int(self.ids[place]) for place in reversed(minima)),
            heights=tuple(self.links.heights[found].tolist()),
            saddles=tuple(self.links.saddles[found].tolist()),
        )

    @cached_property
    def _ways(self) -> list[list[tuple[int, int]]]:
        found: list[list[tuple[int, int]]] = [[] for _ in self.ids]
        for link, (i, j) in enumerate(self.links.ends.tolist()):
            found[i].append((link, j))
            found[j].append((link, i))
        return found

    def _place(self, number: int) -> int:
        place = int(np.searchsorted(self.ids, number))
        if place == len(self) or self.ids[place] != number:
            raise KeyError(f"There is no minimum {number} in this tree of {len(self)} minima.")
        return place
