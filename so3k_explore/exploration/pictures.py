"""A disconnectivity tree as a picture."""

from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore import units
from so3k_explore.exploration.tree import Tree
from so3k_explore.exploration.tree_layout import layout

FORMATS = (".png", ".svg", ".pdf")
LINE, ALONE = "#0072B2", "#999999"
NAMED = 80  # minima at most whose numbers are written
SLANT = 0.02  # of the range of energies, over which branches spread
HEIGHT, WIDEST = 7.0, 24.0  # inch


def draw_tree(tree: Tree, path: Path | str, title: str = "", *, energy: str = "energy") -> Path:
    """Writes a tree to .png, .svg or .pdf, in kcal/mol above its lowest minimum.

    Branches below upper bounds are dashed; parts that are not connected with the lowest minimum are grey.

    Args:
        tree: with a minimum at least.
        path: the picture.
        title: above it.
        energy: what the axis shows, such as "free energy at 300 K".

    Raises:
        ValueError: no such kind of picture, or a tree without minima.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    path = Path(path)
    if path.suffix not in FORMATS:
        raise ValueError(f"Expected a picture ending in {', '.join(FORMATS)}, got {path.name}.")
    drawn = layout(tree, slant=SLANT * float(np.ptp(tree.heights)) if len(tree) else 0.0)
    lowest = float(tree.energies.min())
    segments = drawn.segments.copy()
    segments[..., 1] = (segments[..., 1] - lowest) / units.KCAL_PER_MOL
    above = tree.parents[drawn.nodes]
    dashed = (above >= 0) & tree.bound[above]
    alone = tree.components[tree.lowest[drawn.nodes]] != 0

    figure = Figure(figsize=(min(WIDEST, max(5.0, 0.12 * len(tree))), HEIGHT), layout="constrained")
    axes = figure.subplots()
    styles = [(0, (3, 2)) if one else "solid" for one in dashed]
    axes.add_collection(
        LineCollection(list(segments), colors=np.where(alone, ALONE, LINE).tolist(), linestyles=styles, linewidths=1.0)
    )
    if len(tree) <= NAMED:
        _name(axes, tree, drawn.x)
    axes.set(title=title, ylabel=f"{energy} / (kcal/mol)", xlim=(-1, len(tree)))
    axes.margins(y=0.06)
    axes.set_xticks([])
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=150)
    return path


def _name(axes: Any, tree: Tree, x: np.ndarray) -> None:
    """Numbers of the minima below their lines."""
    heights = (tree.energies - tree.energies.min()) / units.KCAL_PER_MOL
    for place, number in enumerate(tree.ids.tolist()):
        where = {"xytext": (0, -3), "textcoords": "offset points", "ha": "center", "va": "top"}
        axes.annotate(str(number), (x[place], heights[place]), fontsize=7, **where)
