r"""Infrared intensities of harmonic vibrations.

.. math:: A_k = \frac{N_A}{12\, \varepsilon_0 c^2} \Big| \frac{\partial \mu}{\partial Q_k} \Big|^2, \qquad
          \frac{\partial \mu}{\partial Q_k} = \sum_i \frac{\partial \mu}{\partial r_i} \cdot
          \frac{u_{k,i}}{\sqrt{\mu_k}}

with modes :math:`u_k` of unit length and reduced masses :math:`\mu_k` (Wilson, Decius & Cross, *Molecular Vibrations*,
1955). The derivative of the dipole along each mode is a forward derivative of the potential's own dipole, charges that
flow included. Multiplied by the same factor, the spectrum of the dipole's velocity in units of kT has the same integral
over a band (`analysis.spectra`).
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from so3k_explore import units
from so3k_explore.geometry.graph import build_graph
from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.forces import neighbors_for
from so3k_explore.observables.hessian import NormalModes
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System

AVOGADRO = 6.022140857e23
LIGHT = units.INVERSE_CM / (2 * math.pi * units.HBAR) * 1e8  # speed of light, Å / internal time
KM_PER_ANGSTROM = 1e-13
INTENSITY = AVOGADRO * math.pi * units.COULOMB / (3 * LIGHT**2) * KM_PER_ANGSTROM
"""Integrated absorption, km/mol, of a squared dipole derivative of 1 e²/u."""


def has_dipole(potential: Potential) -> bool:
    """Whether the potential knows the dipole moment of a molecule."""
    return hasattr(potential, "dipole")


def require_dipole(potential: Potential, system: System) -> None:
    """Raises `ValueError` where there is no dipole moment, saying what works without."""
    if not has_dipole(potential):
        raise ValueError(
            f"{type(potential).__name__} has no charges, so it has no dipole moment and no infrared spectrum. "
            "Use a model with charges, such as SO3LR; power spectra and harmonic frequencies need none."
        )
    if system.periodic:
        raise ValueError("In a periodic cell a dipole moment means nothing; infrared spectra are for molecules.")


def dipoles(potential: Potential, systems: System, neighbors: Neighbors) -> Float[Array, "walkers 3"]:
    """Dipole moments of a batch of systems about their centres of mass, e·Å; under `jit` too."""

    def one(pair: tuple[System, Neighbors]) -> Float[Array, "3"]:
        system = pair[0]
        centre = system.masses @ system.positions / system.masses.sum()
        dipole = potential.dipole(build_graph(*pair))  # pyright: ignore[reportAttributeAccessIssue]
        return dipole.astype(centre.dtype) - system.charge * centre

    if jax.default_backend() == "cpu":
        return jax.lax.map(one, (systems, neighbors))
    return jax.vmap(one)((systems, neighbors))


def dipole_derivatives(
    potential: Potential, system: System, modes: NormalModes, neighbors: Neighbors | None = None
) -> Float[np.ndarray, "modes 3"]:
    """Derivatives of the dipole moment along normal modes, e/√u.

    Raises:
        ValueError: the potential has no dipole moment, or the system is periodic.
    """
    require_dipole(potential, system)
    if neighbors is None:
        neighbors = neighbors_for(potential, system, skin=0.0)
    directions = modes.modes / np.sqrt(modes.reduced_masses)[:, None, None]
    directions = jnp.asarray(directions, system.positions.dtype)
    return np.asarray(_along(potential, system, neighbors, directions), float)


@jax.jit
def _along(
    potential: Potential, system: System, neighbors: Neighbors, directions: Float[Array, "modes atoms 3"]
) -> Float[Array, "modes 3"]:
    at = lambda positions: potential.dipole(  # pyright: ignore[reportAttributeAccessIssue]
        build_graph(system.replace(positions=positions), neighbors)
    )
    return jax.lax.map(lambda direction: jax.jvp(at, (system.positions,), (direction,))[1], directions)


def infrared_intensities(
    potential: Potential, system: System, modes: NormalModes, neighbors: Neighbors | None = None
) -> Float[np.ndarray, "modes"]:
    """Integrated absorption of each normal mode, km/mol.

    Raises:
        ValueError: the potential has no dipole moment, or the system is periodic.
    """
    return INTENSITY * np.sum(dipole_derivatives(potential, system, modes, neighbors) ** 2, axis=1)
