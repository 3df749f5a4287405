r"""The network of minima as a drawing: nodes that springs pull together along passes, and that push each other away.

Forces are those of Fruchterman & Reingold, Softw. Pract. Exp. 21, 1129 (1991), with the preferred distance
:math:`k`: edges attract by :math:`d^2/k`, all pairs repel by :math:`k^2/d`, and a weak pull to the middle keeps parts
that nothing joins in the picture. Steps become shorter and shorter, so the drawing comes to rest.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from so3k_explore.exploration.landscape import Landscape

MOST = 300  # minima that a drawing of a network can show
ROUNDS = 120
PULL = 0.08  # to the middle, in units of the preferred distance
FIRST_STEP = 2.0  # in units of the preferred distance


@dataclass(frozen=True, eq=False)
class Graph:
    """Minima, the lowest first, and the lowest known pass of each pair that a saddle or a search joins."""

    ids: np.ndarray  # (nodes,) numbers of the minima
    energies: np.ndarray  # (nodes,) eV
    edges: np.ndarray  # (edges, 2) places of the minima
    heights: np.ndarray  # (edges,) eV; infinite where a search went from one to the other without a way in between
    saddles: np.ndarray  # (edges,) numbers of saddles; 0: none, the height is an upper bound from hops
    left_out: int  # minima that are higher than those shown
    edges_left_out: int  # passes from or to them

    def __len__(self) -> int:
        return len(self.ids)


def transition_graph(ids: Any, energies: Any, pairs: Any, heights: Any, saddles: Any, most: int = MOST) -> Graph:
    """The lowest minima and the passes between them; arguments as of `tree_building.disconnectivity_tree`."""
    ids, energies = np.asarray(ids, int), np.asarray(energies, float)
    order = np.lexsort((ids, energies))[:most]
    place = {number: k for k, number in enumerate(ids[order].tolist())}
    best: dict[tuple[int, int], tuple[float, int]] = {}
    outside: set[tuple[int, int]] = set()
    rows = zip(np.sort(np.asarray(pairs, int).reshape(-1, 2)).tolist(), heights, saddles, strict=True)
    for (first, second), height, saddle in rows:
        if first == second:
            continue
        if first not in place or second not in place:
            outside.add((first, second))
            continue
        pair = (place[first], place[second])
        known = float(height) if np.isfinite(height) else np.inf
        best[pair] = min(best.get(pair, (np.inf, 0)), (known, int(saddle)))
    return Graph(
        ids=ids[order],
        energies=energies[order],
        edges=np.array(list(best), int).reshape(-1, 2),
        heights=np.array([height for height, _ in best.values()], float),
        saddles=np.array([saddle for _, saddle in best.values()], int),
        left_out=len(ids) - len(order),
        edges_left_out=len(outside),
    )


def landscape_graph(landscape: "Landscape", most: int = MOST) -> Graph:
    """The lowest minima of a landscape, with the saddles and hops between them."""
    minima, saddles, hops = landscape.minima(), landscape.saddles(), landscape.transitions()
    return transition_graph(
        minima.ids,
        minima.energies,
        np.concatenate([saddles.pairs, hops.pairs]),
        np.concatenate([saddles.energies, hops.barriers]),
        np.concatenate([saddles.ids, np.zeros(len(hops.pairs), int)]),
        most,
    )


def spring_layout(nodes: int, edges: Any, start: Any = None, rounds: int = ROUNDS) -> np.ndarray:
    """Places (nodes, 2) of a drawing whose edges are about one long.

    Args:
        nodes: how many there are.
        edges: (edges, 2) places of their ends.
        start: (nodes, 2) where to begin, as from a smaller network; NaN where unknown; None: on a spiral.
        rounds: steps until it rests.
    """
    edges = np.asarray(edges, int).reshape(-1, 2)
    places = _spiral(nodes)
    if start is not None:
        start = np.asarray(start, float)
        places = np.where(np.isfinite(start), start, places)
    for step in np.linspace(FIRST_STEP if start is None else FIRST_STEP / 4, 0.0, rounds, endpoint=False):
        apart = places[:, None] - places[None, :]
        distance = np.maximum(np.linalg.norm(apart, axis=-1), 0.01)
        force = (apart / distance[..., None] ** 2).sum(axis=1) - PULL * places
        along = places[edges[:, 0]] - places[edges[:, 1]]
        pull = along * np.linalg.norm(along, axis=1, keepdims=True)
        np.add.at(force, edges[:, 0], -pull)
        np.add.at(force, edges[:, 1], pull)
        size = np.maximum(np.linalg.norm(force, axis=1, keepdims=True), 1e-9)
        places = places + force / size * np.minimum(size, step)
    return places - places.mean(axis=0, keepdims=True) if nodes else places


def _spiral(nodes: int) -> np.ndarray:
    """Places that are nowhere close to each other, the first in the middle."""
    turn, radius = np.arange(nodes) * np.pi * (3 - 5**0.5), np.sqrt(np.arange(nodes))
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
