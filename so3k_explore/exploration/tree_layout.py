"""Where the lines of a disconnectivity tree go, for any library that draws lines.

The branch of the lowest minimum is a straight trunk in the middle. Others leave it to the side where fewer minima are,
those that join it lower down nearer to it, so that no lines cross; each branch is laid out in the same way. Parts of
the landscape that are not connected stand beside each other and reach to the top.
"""

from dataclasses import dataclass

import numpy as np

from so3k_explore.exploration.tree import Tree

HEADROOM = 0.05  # of the range of energies, above the highest node


@dataclass(frozen=True, eq=False)
class Layout:
    """A drawn tree. Minima stand at whole numbers from 0; energies in eV as in the tree."""

    x: np.ndarray  # (nodes,)
    order: np.ndarray  # (minima,) places of the minima in the tree, from left to right
    segments: np.ndarray  # (segments, 2, 2) from (x, energy) to (x, energy)
    nodes: np.ndarray  # (segments,) the node below each segment; colour it by that node
    top: float  # eV, where parts that are not connected end


def layout(tree: Tree, *, slant: float | int = 0.0) -> Layout:
    """Places minima and lines.

    Args:
        tree: any tree with a minimum.
        slant: branches leave their node slanting over this energy, eV; 0: at a right angle.

    Raises:
        ValueError: the tree has no minimum.
    """
    if not len(tree):
        raise ValueError("A tree needs at least one minimum to be drawn, got none. Search for minima first.")
    order = _order(tree)
    place = np.empty(len(tree))
    place[order] = np.arange(len(tree))
    x = place[tree.lowest]
    low, high = float(tree.heights.min()), float(tree.heights.max())
    top = high + HEADROOM * ((high - low) or 1.0)
    roots = tree.parents < 0
    above = np.where(roots, top, tree.heights[tree.parents])
    start = np.where(roots, x, x[tree.parents])
    bend = np.maximum(tree.heights, above - slant)
    points = lambda a, b: np.stack([np.stack(a, axis=-1), np.stack(b, axis=-1)], axis=1)
    across = points((start, above), (x, bend))
    down = points((x, bend), (x, tree.heights))
    segments, nodes = np.concatenate([across, down]), np.tile(np.arange(len(x)), 2)
    seen = (segments[:, 0] != segments[:, 1]).any(axis=1)
    return Layout(x=x, order=order, segments=segments[seen], nodes=nodes[seen], top=top)


def _order(tree: Tree) -> np.ndarray:
    """Minima from left to right."""
    sizes = np.ones(len(tree.heights), int)
    for node in range(len(tree), len(sizes)):
        sizes[node] = sizes[tree.children[node]].sum()
    roots = sorted(np.flatnonzero(tree.parents < 0).tolist(), key=lambda root: _rank(tree, root))
    found: list[int] = []
    waiting = list(reversed(_balanced(roots[:1], roots[1:], sizes)))
    while waiting:
        node = waiting.pop()
        if node < len(tree):
            found.append(node)
        else:
            waiting += reversed(_spread(tree, node, sizes))
    return np.array(found, int)


def _spread(tree: Tree, node: int, sizes: np.ndarray) -> list[int]:
    """The lowest minimum below a node, with all branches that leave its trunk on both sides."""
    trunk, beside = node, []
    while trunk >= len(tree):
        branches = sorted(tree.children[trunk], key=lambda branch: _rank(tree, branch))
        beside.append(branches[1:])
        trunk = branches[0]
    return _balanced([trunk], [branch for branches in reversed(beside) for branch in branches], sizes)


def _balanced(middle: list[int], beside: list[int], sizes: np.ndarray) -> list[int]:
    """Branches on the side where fewer minima are, one after the other, outwards."""
    left: list[int] = []
    right: list[int] = []
    on_left = on_right = 0
    for branch in beside:
        if on_right <= on_left:
            right.append(branch)
            on_right += int(sizes[branch])
        else:
            left.append(branch)
            on_left += int(sizes[branch])
    return [*reversed(left), *middle, *right]


def _rank(tree: Tree, node: int) -> tuple[float, int]:
    bottom = tree.lowest[node]
    return float(tree.energies[bottom]), int(tree.ids[bottom])
