r"""Disconnectivity trees from minima and passes, and simpler trees from large ones.

Passes (saddles, or upper bounds of them) are taken from the lowest to the highest; each one that joins two parts of the
landscape for the first time makes a node at its height. This is Kruskal's spanning forest, the exact single-linkage
dendrogram in :math:`O(E \log E)`; searching for connected parts level by level would cost
:math:`O(\text{levels} \cdot E)`. Nodes of equal height are one node with several branches, so the tree does not depend
on the order of what it is made from.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore.exploration.tree import Links, Tree

if TYPE_CHECKING:
    from so3k_explore.exploration.landscape import Landscape


def disconnectivity_tree(ids: Any, energies: Any, pairs: Any, heights: Any, saddles: Any = None) -> Tree:
    """Tree of minima and the passes between them.

    Energies may be free energies: then heights are those of the saddles at the same temperature. A pass below one of
    its minima counts as high as that minimum. Passes of unknown height and those from a minimum to itself are left out.

    Args:
        ids: numbers of the minima.
        energies: of the minima, eV.
        pairs: (passes, 2), numbers of the minima that each pass connects.
        heights: of the passes, eV; NaN or infinite where unknown.
        saddles: numbers of the saddles, 0 for passes that are upper bounds; None: all are saddles, numbered from 1.

    Raises:
        ValueError: numbers are missing, double or not finite.
    """
    ids, energies = np.asarray(ids, int).reshape(-1), np.asarray(energies, float).reshape(-1)
    pairs, heights = np.asarray(pairs, int).reshape(-1, 2), np.asarray(heights, float).reshape(-1)
    numbers = np.arange(1, len(heights) + 1) if saddles is None else np.asarray(saddles, int).reshape(-1)
    _check(ids, energies, pairs, heights, numbers)
    order = np.argsort(ids)
    ids, energies = ids[order], energies[order]
    known = np.isfinite(heights) & (pairs[:, 0] != pairs[:, 1])
    ends = np.sort(np.searchsorted(ids, pairs[known]), axis=1)
    return _tree(ids, energies, np.ones(len(ids), int), Links(ends, heights[known], numbers[known]))


def landscape_tree(landscape: "Landscape", *, bounds: bool = True) -> Tree:
    """Tree of a landscape, from its saddles and, with `bounds`, from the upper bounds that hops gave."""
    minima, saddles = landscape.minima(), landscape.saddles()
    pairs, heights, numbers = saddles.pairs, saddles.energies, saddles.ids
    if bounds:
        hops = landscape.transitions()
        pairs = np.concatenate([pairs, hops.pairs])
        heights = np.concatenate([heights, hops.barriers])
        numbers = np.concatenate([numbers, np.zeros(len(hops.pairs), int)])
    return disconnectivity_tree(minima.ids, minima.energies, pairs, heights, numbers)


def collapsed(tree: Tree, *, depth: float | int = 0.0, size: int = 1) -> Tree:
    """Tree without its small branches, which are counted to the branch they leave.

    Args:
        tree: stays as it is.
        depth: branches whose lowest minimum lies less than this below the pass that leads out, eV, are small.
        size: so are branches of fewer minima.
    """
    stands_for = list(range(len(tree)))
    sizes = np.concatenate([tree.counts, np.zeros(len(tree.heights) - len(tree), int)])
    for node in range(len(tree), len(tree.heights)):
        branches = tree.children[node]
        sizes[node] = sizes[branches].sum()
        for branch in branches:
            bottom = int(tree.lowest[branch])
            small = sizes[branch] < size or tree.heights[node] - tree.heights[bottom] < depth
            if small and bottom != tree.lowest[node]:
                stands_for[bottom] = int(tree.lowest[node])
    leaves = np.array([_root(stands_for, leaf) for leaf in range(len(tree))], int)
    kept, place = np.unique(leaves, return_inverse=True)
    counts = np.bincount(place, weights=tree.counts, minlength=len(kept)).astype(int)
    ends = np.sort(place[tree.links.ends], axis=1).reshape(-1, 2)
    apart = ends[:, 0] != ends[:, 1]
    links = Links(ends[apart], tree.links.heights[apart], tree.links.saddles[apart])
    return _tree(tree.ids[kept], tree.energies[kept], counts, links)


def quantised(tree: Tree, levels: int) -> Tree:
    """Tree whose passes are lifted to the next of so many levels between the lowest minimum and the highest pass."""
    if levels < 1:
        raise ValueError(f"`levels` must be 1 or more, got {levels}.")
    if not len(tree.links.heights):
        return tree
    low, high = float(tree.energies.min()), float(tree.links.heights.max())
    step = max((high - low) / levels, np.finfo(float).tiny)
    lifted = low + step * np.ceil((tree.links.heights - low) / step - 1e-9)
    return _tree(tree.ids, tree.energies, tree.counts, Links(tree.links.ends, lifted, tree.links.saddles))


def _tree(ids: np.ndarray, energies: np.ndarray, counts: np.ndarray, passes: Links) -> Tree:
    floor = energies[passes.ends].max(axis=1, initial=-np.inf)
    heights = np.maximum(passes.heights, floor)
    ends, numbers = passes.ends, passes.saddles
    order = np.lexsort((numbers, ends[:, 1], ends[:, 0], numbers == 0, heights))
    links, joined = _spanning(len(ids), Links(ends[order], heights[order], numbers[order]))
    parents = np.full(len(ids) + len(joined), -1)
    for node, pair in enumerate(joined, start=len(ids)):
        parents[list(pair)] = node
    heights = np.concatenate([energies, links.heights])
    bound = np.concatenate([np.zeros(len(ids), bool), links.saddles == 0])
    parents, heights, bound = _without_equals(len(ids), parents, heights, bound)
    return Tree(ids=ids, heights=heights, parents=parents, bound=bound, counts=counts, links=links)


def _spanning(minima: int, passes: Links) -> tuple[Links, list[tuple[int, int]]]:
    """Passes that join two parts for the first time, and the nodes at the top of these parts."""
    above, top = list(range(minima)), list(range(minima))
    kept: list[int] = []
    joined: list[tuple[int, int]] = []
    for number, (i, j) in enumerate(passes.ends.tolist()):
        one, other = _root(above, i), _root(above, j)
        if one == other:
            continue
        joined.append((top[one], top[other]))
        above[other] = one
        top[one] = minima + len(kept)
        kept.append(number)
    return Links(passes.ends[kept], passes.heights[kept], passes.saddles[kept]), joined


def _root(above: list[int], place: int) -> int:
    """The representative of a set in a union-find forest, halving the way to it."""
    while above[place] != place:
        above[place] = above[above[place]]
        place = above[place]
    return place


def _without_equals(
    minima: int, parents: np.ndarray, heights: np.ndarray, bound: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes merged with the node above them where both have the same height; parents stay behind their children."""
    one_with = np.arange(len(parents))
    for node in range(len(parents) - 1, minima - 1, -1):
        parent = parents[node]
        if parent >= 0 and heights[parent] == heights[node]:
            one_with[node] = one_with[parent]
    kept, place = np.unique(one_with, return_inverse=True)
    merged = np.zeros(len(kept), bool)
    np.logical_or.at(merged, place, bound)
    above = parents[kept]
    return np.where(above >= 0, place[above], -1), heights[kept], merged


def _check(
    ids: np.ndarray, energies: np.ndarray, pairs: np.ndarray, heights: np.ndarray, saddles: Sequence[int] | np.ndarray
) -> None:
    if len(energies) != len(ids):
        raise ValueError(f"`energies` must be {len(ids)} numbers, one a minimum, got {len(energies)}.")
    if len(np.unique(ids)) != len(ids):
        raise ValueError("`ids` must differ from each other; some minimum was given twice.")
    if not np.isfinite(energies).all():
        raise ValueError(f"Energies of minima must be finite; that of minimum {ids[~np.isfinite(energies)][0]} is not.")
    if not len(pairs) == len(heights) == len(saddles):
        raise ValueError(
            f"Each pass needs a pair, a height and a number, got {len(pairs)}, {len(heights)} and {len(saddles)}."
        )
    unknown = np.setdiff1d(pairs, ids)
    if len(unknown):
        raise ValueError(f"Passes must connect minima of the tree; minimum {unknown[0]} is not among them.")
