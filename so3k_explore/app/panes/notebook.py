"""nglview's own widget for notebooks, for those who know it and want its whole interface."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped

if TYPE_CHECKING:
    from ase import Atoms


def nglview_widget(
    frames: "Atoms | Sequence[Atoms] | Shaped[np.ndarray, 'frames atoms 3']",
    numbers: Shaped[np.ndarray, "atoms"] | None = None,
    **options: Any,
) -> Any:
    """An `nglview.NGLWidget` that shows one structure or plays several of the same molecule.

    Args:
        frames: ASE atoms, a sequence of them, or positions in Å of shape (frames, atoms, 3) or (atoms, 3).
        numbers: Atomic numbers, needed with positions.
        **options: Passed to the widget.
    """
    from ase import Atoms

    from so3k_explore.app.panes._nglview import nglview

    if isinstance(frames, Atoms):
        images = [frames]
    elif len(frames) and isinstance(frames[0], Atoms):
        images = list(frames)
    else:
        positions = np.asarray(frames, float)
        positions = positions[None] if positions.ndim == 2 else positions
        if numbers is None or positions.ndim != 3 or positions.shape[1:] != (len(numbers), 3):
            atoms = "unknown numbers" if numbers is None else f"{len(numbers)} numbers"
            raise ValueError(
                f"Expected positions of shape (frames, atoms, 3) with `numbers`, got {positions.shape}, {atoms}."
            )
        images = [Atoms(numbers=np.asarray(numbers), positions=frame) for frame in positions]
    widget = nglview.NGLWidget(nglview.ASETrajectory(images), **options)
    widget.center()
    return widget
