r"""Dipole moments of many structures of one molecule, from the charges that a potential gives to its atoms.

.. math:: \mu = \sum_i q_i (r_i - R), \qquad R = \sum_i m_i r_i / \sum_i m_i

A neutral molecule has the same dipole moment about every origin. For an ion it depends on the origin: here that is the
centre of mass :math:`R`, so that conformers of an ion can be compared wherever they lie. The vectors turn with the
structures; their lengths do not, and tell conformers apart.
"""

import jax
import numpy as np
from jaxtyping import Array, Float

from so3k_explore import units
from so3k_explore.analysis.structure_blocks import structure_blocks
from so3k_explore.geometry.neighbors import Neighbors, update_neighbors
from so3k_explore.observables.infrared import dipoles, require_dipole
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System
from so3k_explore.typing import Progress

BLOCK = 32  # structures of one compiled call, however many there are: few or many, it is compiled once


def dipole_moments(
    potential: Potential,
    system: System,
    positions: Float[np.ndarray, "structures atoms 3"],
    *,
    progress: Progress | None = None,
) -> Float[np.ndarray, "structures 3"]:
    """Dipole moments about the centre of mass, e·Å.

    Args:
        potential: one with charges, such as SO3LR.
        system: numbers, masses, charge and spin of the molecule.
        positions: of its conformers, Å.
        progress: told after each block.

    Raises:
        ValueError: the potential has no charges, the system is periodic, or the positions are of another molecule.
    """
    require_dipole(potential, system)
    positions = np.asarray(positions, float)
    if positions.ndim != 3 or positions.shape[1:] != (system.n_atoms, 3):
        raise ValueError(
            f"`positions` must have the shape (structures, {system.n_atoms}, 3), got {positions.shape}. "
            "Give one structure as `positions[None]`."
        )
    found, done = [np.zeros((0, 3))], 0
    for systems, neighbors, real in structure_blocks(potential, system, positions, BLOCK):
        found.append(np.asarray(_moments(potential, systems, neighbors), float)[:real])
        done += real
        if progress is not None:
            progress(done / len(positions), f"dipole moments of {done} of {len(positions)} structures")
    return np.concatenate(found)


def in_debye(moments: Float[np.ndarray, "structures 3"]) -> Float[np.ndarray, "structures"]:
    """Lengths of dipole moments given in e·Å, in debye: 1 e·Å is 4.803 D."""
    return np.linalg.norm(moments, axis=-1) / units.DEBYE


@jax.jit
def _moments(potential: Potential, systems: System, neighbors: Neighbors) -> Float[Array, "structures 3"]:
    return dipoles(potential, systems, update_neighbors(neighbors, systems))
