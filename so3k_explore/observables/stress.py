r"""Stress of a periodic box, from the same energy as the forces.

.. math:: \sigma = \frac{1}{V} \frac{\partial E}{\partial \varepsilon}\Big|_{\varepsilon = 0}, \qquad
          r \to (1 + \varepsilon)\, r,\quad \text{cell} \to (1 + \varepsilon)\, \text{cell}

with a symmetric strain ε; tension is positive, as in ASE.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.forces import neighbors_for, potential_energy
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System


def energy_forces_stress(
    potential: Potential, system: System, neighbors: Neighbors | None = None
) -> tuple[Float[Array, ""], Float[Array, "atoms 3"], Float[Array, "3 3"]]:
    """Energy in eV, forces in eV/Å and stress in eV/Å³ of one periodic system.

    Raises:
        ValueError: the system has no cell.
    """
    if system.cell is None:
        raise ValueError("Stress needs a periodic system, got one without a cell. Give `cell` to `System.create`.")
    if neighbors is None:
        neighbors = neighbors_for(potential, system, skin=0.0)
    return _energy_forces_stress(potential, system, neighbors)


def stress(potential: Potential, system: System, neighbors: Neighbors | None = None) -> Float[Array, "3 3"]:
    """Stress of one periodic system, eV/Å³.

    Raises:
        ValueError: the system has no cell.
    """
    return energy_forces_stress(potential, system, neighbors)[2]


@jax.jit
def _energy_forces_stress(
    potential: Potential, system: System, neighbors: Neighbors
) -> tuple[Float[Array, ""], Float[Array, "atoms 3"], Float[Array, "3 3"]]:
    cell = system.cell
    assert cell is not None  # the public functions see to it

    def energy(positions: Float[Array, "atoms 3"], strain: Float[Array, "3 3"]) -> Float[Array, ""]:
        deform = jnp.eye(3, dtype=strain.dtype) + (strain + strain.T) / 2
        strained = system.replace(positions=positions @ deform, cell=cell @ deform)
        return potential_energy(potential, strained, neighbors)

    zero = jnp.zeros((3, 3), system.positions.dtype)
    value, (gradient, virial) = jax.value_and_grad(energy, argnums=(0, 1))(system.positions, zero)
    return value, -gradient, virial / jnp.abs(jnp.linalg.det(cell))
