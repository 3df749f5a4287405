"""Dipole moments of all minima of a landscape."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from so3k_explore.analysis.dipoles import dipole_moments
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.typing import Progress

if TYPE_CHECKING:
    from so3k_explore.potentials.protocol import Potential


def landscape_dipoles(
    landscape: Landscape, potential: "Potential", *, progress: Progress | None = None
) -> Float[np.ndarray, "minima 3"]:
    """Dipole moments about the centre of mass, e·Å, in the order of `landscape.minima()`.

    Args:
        landscape: with the minima, as they lie there: divide lengths by `units.DEBYE`, or ask `in_debye`, for debye.
        potential: one with charges, best the one that the minima were found with.
        progress: told now and then.

    Raises:
        ValueError: the potential has no charges, or the system is periodic.
        LandscapeError: there is no minimum.
    """
    minima = landscape.minima()
    if not len(minima):
        raise LandscapeError(f"{landscape.path.name} has no minimum. Run a search first, or import structures.")
    system = landscape.system(int(minima.ids[0]))
    return dipole_moments(potential, system, minima.positions, progress=progress)
