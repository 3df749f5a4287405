"""Where the lines of a disconnectivity tree go, for any library that draws lines.

The branch of the lowest minimum is a straight trunk in the middle. Others leave it to the side where fewer minima are,
those that join it lower down nearer to it, so that no lines cross; each branch is laid out in the same way. Parts of
the landscape that are not connected stand beside each other and reach to the top.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from so3k_explore.exploration.tree import Tree

MIXED, APART = -2, -3  # branches whose minima belong to several groups or none; parts that nothing connects
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


@dataclass(frozen=True, eq=False)
class Strokes:
    """Lines of a tree that look the same, in one piece with gaps, as drawing libraries like them."""

    group: int  # that all minima below these lines belong to; `MIXED` or `APART`
    bound: bool  # whether they hang from upper bounds of passes
    x: np.ndarray  # (points,) NaN between two lines
    energies: np.ndarray  # (points,) eV, NaN between two lines


def strokes(tree: Tree, drawn: Layout, groups: Any = None) -> list[Strokes]:
    """The lines of a drawn tree by their looks.

    Args:
        tree: that was laid out.
        drawn: its layout.
        groups: (minima,) a number from 0, or -1, for each minimum in the order of the tree; None: all are alike.
    """
    group, above = branch_groups(tree, groups)[drawn.nodes], tree.parents[drawn.nodes]
    bound = (above >= 0) & tree.bound[above]
    found = []
    for one, hanging in sorted(set(zip(group.tolist(), bound.tolist(), strict=True))):
        lines = drawn.segments[(group == one) & (bound == hanging)]
        gaps = np.concatenate([lines, np.full((len(lines), 1, 2), np.nan)], axis=1).reshape(-1, 2)
        found.append(Strokes(one, hanging, gaps[:, 0], gaps[:, 1]))
    return found


def branch_groups(tree: Tree, groups: Any = None) -> np.ndarray:
    """Group that all minima below each node belong to (nodes,); `MIXED` where they differ or there are no groups.

    Nodes of parts that are not connected with the lowest minimum are `APART`, unless they have a group.
    """
    found = np.full(len(tree.heights), MIXED)
    if groups is not None:
        found[: len(tree)] = np.asarray(groups, int)
        for node in range(len(tree), len(found)):
            below = found[tree.children[node]]
            found[node] = below[0] if (below == below[0]).all() else MIXED
    alone = tree.components[tree.lowest] != 0
    return np.where(alone & (found == MIXED), APART, found)


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
