"""Is a relaxed structure a minimum? Relaxations may end on saddles, mostly those of symmetric or flat structures."""

import numpy as np

from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.hessian import normal_modes
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System

IMAGINARY = -15.0  # cm⁻¹: above, a mode is flat, not negative
PUSH = 0.1  # Å, of the atom that moves most


def downhill_push(potential: Potential, system: System, neighbors: Neighbors) -> tuple[float, np.ndarray | None]:
    """Lowest frequency in cm⁻¹ (negative: imaginary), and for a saddle the positions (Å) pushed along that mode."""
    vibrations = normal_modes(potential, system, neighbors)
    frequency, mode = float(vibrations.frequencies[0]), vibrations.modes[0]
    if frequency > IMAGINARY:
        return frequency, None
    return frequency, np.asarray(system.positions, float) + PUSH * mode / np.linalg.norm(mode, axis=1).max()
