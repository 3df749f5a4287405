"""A data set at a glance, as one picture."""

from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore.training.contents import Contents

MOST = 12  # bars
WIDTH, HEIGHT = 13.0, 7.5  # inch
COLOUR = "#0072B2"


def draw_contents(found: Contents, path: Path | str) -> Path:
    """Writes elements, sizes, energies, forces, sources and the backbone angles of a data set to .png, .svg or .pdf.

    Raises:
        ValueError: no such kind of picture.
    """
    from matplotlib.figure import Figure

    path = Path(path)
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise ValueError(f"Expected a picture ending in .png, .svg or .pdf, got {path.name}.")
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axes = figure.subplots(2, 3).ravel()
    figure.suptitle(
        f"{found.frames} structures of {len(found.molecules)} molecules at {found.level or 'unknown level'}"
    )
    _bars(axes[0], found.elements, "Elements", "atoms")
    _histogram(axes[1], found.sizes, "Sizes", "atoms", "structures")
    _histogram(axes[2], found.energies, "Energies above the lowest structure", "energy / (eV/atom)", "structures")
    _histogram(axes[3], found.forces, "Forces", "force / (eV/Å)", "atoms")
    _bars(axes[4], found.sources, "Sources", "structures")
    _ramachandran(axes[5], found.backbone)
    figure.savefig(path, dpi=130)
    return path


def _bars(axis: Any, counts: dict[str, int], title: str, unit: str) -> None:
    shown = dict(sorted(counts.items(), key=lambda item: item[1])[-MOST:])
    names = [name or "unnamed" for name in shown]
    axis.barh(range(len(shown)), list(shown.values()), color=COLOUR)
    axis.set_yticks(range(len(shown)), names)
    axis.set(title=title, xlabel=unit)


def _histogram(axis: Any, values: np.ndarray, title: str, label: str, unit: str) -> None:
    whole = values.dtype.kind == "i"
    bins = np.arange(values.min(), values.max() + 2) - 0.5 if whole and np.ptp(values) < 60 else 50
    axis.hist(values, bins=bins, color=COLOUR, log=not whole)
    axis.set(title=title, xlabel=label, ylabel=unit)


def _ramachandran(axis: Any, angles: np.ndarray) -> None:
    axis.set(title="Backbone", xlabel="φ / °", ylabel="ψ / °", xlim=(-180, 180), ylim=(-180, 180))
    axis.set_xticks(range(-180, 181, 90))
    axis.set_yticks(range(-180, 181, 90))
    if not len(angles):
        axis.text(0, 0, "No peptides", ha="center", va="center")
        return
    _, _, _, image = axis.hist2d(*angles.T, bins=60, range=[[-180, 180]] * 2, cmin=1, cmap="viridis")
    axis.figure.colorbar(image, ax=axis, label="residues")
