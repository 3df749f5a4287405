"""Is a relaxed structure a minimum? Relaxations may end on saddles, mostly those of symmetric or flat structures."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from so3k_explore.exploration.lowest_mode import LowestMode
from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.hessian import normal_modes
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System

IMAGINARY = -15.0  # cm⁻¹: above, a mode is flat, not negative
PUSH = 0.1  # Å, of the atom that moves most


class Downhill(NamedTuple):
    """Whether, and where, it goes down from a relaxed structure."""

    frequency: float  # cm⁻¹, the lowest; negative: imaginary
    pushed: Float[np.ndarray, "atoms 3"] | None  # Å, off a saddle along that mode; None: a minimum
    calls: int  # products with the Hessian


def downhill_push(
    potential: Potential, system: System, neighbors: Neighbors, lowest: LowestMode | None = None
) -> Downhill:
    """Looks at the lowest vibration of a relaxed structure, by the whole Hessian unless `lowest` finds it."""
    found, calls = None, 0
    if lowest is not None:
        found = lowest(potential, system, neighbors)
        calls = found.products
    if found is not None and found.converged:
        frequency, mode = found.frequency, found.mode
    else:
        vibrations = normal_modes(potential, system, neighbors)
        frequency, mode, calls = float(vibrations.frequencies[0]), vibrations.modes[0], calls + 3 * system.n_atoms
    if frequency > IMAGINARY:
        return Downhill(frequency, None, calls)
    pushed = np.asarray(system.positions, float) + PUSH * mode / np.linalg.norm(mode, axis=1).max()
    return Downhill(frequency, pushed, calls)
