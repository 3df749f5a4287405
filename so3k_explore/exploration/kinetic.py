"""Kinetic clusters: minima between which no pass is higher than a given energy; the disconnectivity tree is cut."""

from dataclasses import dataclass

import numpy as np

from so3k_explore.analysis.clustering import numbered
from so3k_explore.exploration.tree import Tree

TRIED = 60  # heights, where none is given


@dataclass(frozen=True, eq=False)
class Cut:
    """Basins of a tree."""

    labels: np.ndarray  # (minima,) in the order of `tree.ids`; -1: above the cut, or in too small a basin
    height: float  # eV above the lowest minimum


def cut_tree(tree: Tree, height: float | None = None, *, smallest: int | None = None) -> Cut:
    """Basins that remain when all passes higher than `height` above the lowest minimum are closed.

    Args:
        tree: of the landscape.
        height: eV above the lowest minimum; None: where most basins are large enough, the highest such cut.
        smallest: minima that make a basin; None: 2 % of all, at least 3.

    Raises:
        ValueError: there are too few minima, no pass between them is known, or `height` is negative.
    """
    if len(tree) < 3:
        raise ValueError(f"At least 3 minima are needed to cut a tree into basins, got {len(tree)}. Search on.")
    passes = tree.heights[len(tree) :]
    if not len(passes):
        raise ValueError("No pass between these minima is known. Search on, or search for saddles.")
    if height is not None and not height >= 0:
        raise ValueError(f"`height` is above the lowest minimum and cannot be negative, got {height} eV.")
    least, lowest = smallest or max(3, round(0.02 * len(tree))), float(tree.energies.min())
    if height is None:
        levels = np.unique(np.quantile(passes, np.linspace(0, 1, TRIED), method="nearest"))
        counts = [len(np.unique(kept[kept >= 0])) for kept in (_large(tree, level, least) for level in levels)]
        height = float(levels[len(levels) - 1 - int(np.argmax(counts[::-1]))]) - lowest
    return Cut(numbered(_large(tree, lowest + height + 1e-12, least), tree.energies), float(height))


def _large(tree: Tree, energy: float, least: int) -> np.ndarray:
    """Basins below an energy, those of fewer minima than `least` left out."""
    basins = tree.basins(float(energy))
    sizes = np.bincount(basins[basins >= 0], minlength=1)
    return np.where((basins >= 0) & (sizes[basins] >= least), basins, -1)
