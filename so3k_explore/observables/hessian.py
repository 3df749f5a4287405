r"""Second derivatives of the energy, and the harmonic vibrations that follow from them.

With mass-weighted coordinates :math:`\tilde r_i = \sqrt{m_i}\, r_i`, modes are eigenvectors of
:math:`\tilde H = M^{-1/2} H M^{-1/2}` in the space without rigid motions: six (five for a linear molecule, three in a
periodic cell) are projected out before diagonalisation, so none of them mixes with soft vibrations
(Wilson, Decius & Cross, *Molecular Vibrations*, 1955).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from so3k_explore import units
from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.forces import neighbors_for, potential_energy
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, pytree, take

CACHED, BLOCK = 3, 24  # columns of the Hessian at a time: on a CPU, in whose cache few stay, and on other devices
PORTION = 16  # systems of a batch at a time
LINEAR = 1e-6  # singular value, relative to the largest, below which a rotation moves nothing


@pytree
class NormalModes(Replaceable):
    """Harmonic vibrations, from the lowest to the highest."""

    frequencies: Float[np.ndarray, "modes"]  # cm⁻¹; negative: imaginary
    modes: Float[np.ndarray, "modes atoms 3"]  # displacements, of unit length
    reduced_masses: Float[np.ndarray, "modes"]  # u, that of a unit displacement along the mode

    @property
    def zero_point_energy(self) -> float:
        """Half a quantum in every real mode, eV."""
        return float(0.5 * units.INVERSE_CM * self.frequencies[self.frequencies > 0].sum())

    @property
    def imaginary(self) -> int:
        """Number of imaginary frequencies: 0 at a minimum, 1 at a saddle."""
        return int((self.frequencies < 0).sum())


def hessian(
    potential: Potential, system: System, neighbors: Neighbors | None = None
) -> Float[Array, "coordinates coordinates"]:
    """Second derivatives of the energy of one system, eV/Å², coordinates ordered x₁ y₁ z₁ x₂ ….

    Forward derivatives of the forces, some columns at a time, so memory grows with the size of the molecule only.
    """
    if system.positions.ndim != 2:
        raise ValueError(
            f"A Hessian belongs to one system, got a batch of {system.n_walkers}. Pass `take(systems, 0)`."
        )
    if neighbors is None:
        neighbors = neighbors_for(potential, system, skin=0.0)
    columns = _columns(potential, system, neighbors)
    return (columns + columns.T) / 2


def hessians(potential: Potential, systems: System) -> Float[np.ndarray, "walkers coordinates coordinates"]:
    """Second derivatives of a batch of systems, eV/Å²: one after the other on a CPU, side by side elsewhere.

    They are made in portions of equal size, so that memory stays bounded and the code is compiled once.
    """
    found, count, capacity = [], systems.n_walkers, 0
    for start in range(0, count, PORTION):
        rows = np.minimum(np.arange(start, start + min(PORTION, count)), count - 1)  # the last ones again and again
        portion = take(systems, rows)
        neighbors = neighbors_for(potential, portion, skin=0.0, capacity=capacity)
        capacity = neighbors.short.receivers.shape[-1]
        found.append(np.asarray(_all_columns(potential, portion, neighbors), float)[: count - start])
    columns = np.concatenate(found) if found else np.zeros((0, 3 * systems.n_atoms, 3 * systems.n_atoms))
    return (columns + np.swapaxes(columns, 1, 2)) / 2


def hessian_products(
    potential: Potential, system: System, neighbors: Neighbors, directions: Float[np.ndarray, "vectors atoms 3"]
) -> Float[np.ndarray, "vectors coordinates"]:
    """The Hessian of one system times some vectors, eV/Å² times their unit; a few vectors at a time."""
    count, together = len(directions), columns_at_a_time(3 * system.n_atoms)
    filled = np.concatenate([directions, np.zeros((-count % together, *directions.shape[1:]))])
    parts = jnp.asarray(filled, system.positions.dtype).reshape(-1, together, *directions.shape[1:])
    found = [np.asarray(_products(potential, system, neighbors, part), float) for part in parts]
    return np.concatenate(found)[:count]


@jax.jit
def _products(
    potential: Potential, system: System, neighbors: Neighbors, directions: Float[Array, "vectors atoms 3"]
) -> Float[Array, "vectors coordinates"]:
    return jax.vmap(lambda direction: _product(potential, system, neighbors, direction))(directions)


@jax.jit
def _all_columns(
    potential: Potential, systems: System, neighbors: Neighbors
) -> Float[Array, "walkers coordinates coordinates"]:
    one = lambda pair: _columns(potential, *pair)
    if jax.default_backend() == "cpu":
        return jax.lax.map(one, (systems, neighbors))
    return jax.vmap(one)((systems, neighbors))


@jax.jit
def _columns(potential: Potential, system: System, neighbors: Neighbors) -> Float[Array, "coordinates coordinates"]:
    unit_vectors = jnp.eye(3 * system.n_atoms, dtype=system.positions.dtype).reshape(-1, system.n_atoms, 3)
    column = lambda direction: _product(potential, system, neighbors, direction)
    return jax.lax.map(column, unit_vectors, batch_size=columns_at_a_time(len(unit_vectors)))


def _product(
    potential: Potential, system: System, neighbors: Neighbors, direction: Float[Array, "atoms 3"]
) -> Float[Array, "coordinates"]:
    energy = lambda positions: potential_energy(potential, system.replace(positions=positions), neighbors)
    return jax.jvp(jax.grad(energy), (system.positions,), (direction,))[1].reshape(-1)


def columns_at_a_time(count: int) -> int:
    """How many of so many columns are calculated in one call."""
    return min(CACHED if jax.default_backend() == "cpu" else BLOCK, count)


def normal_modes(
    potential: Potential, system: System, neighbors: Neighbors | None = None, *, second: np.ndarray | None = None
) -> NormalModes:
    """Harmonic vibrations of one system, best at a stationary point.

    Args:
        potential: gives the Hessian.
        system: a single system; padding atoms take no part.
        neighbors: pair lists, made here when not given.
        second: the Hessian in eV/Å², when it is known already.
    """
    if second is None:
        second = np.asarray(hessian(potential, system, neighbors), float)
    real = np.asarray(system.numbers) > 0
    masses = np.asarray(system.masses, float)[real]
    coordinates = np.repeat(real, 3)
    root = np.repeat(np.sqrt(masses), 3)
    weighted = second[np.ix_(coordinates, coordinates)] / np.outer(root, root)

    inner = inner_motions(np.asarray(system.positions, float)[real], masses, periodic=system.periodic)
    squares, vectors = np.linalg.eigh(inner.T @ weighted @ inner)
    cartesian = (inner @ vectors).T / root[None, :]
    norms = np.sum(cartesian**2, axis=1)
    modes = np.zeros((len(squares), system.n_atoms, 3))
    modes[:, real] = (cartesian / np.sqrt(norms)[:, None]).reshape(len(squares), -1, 3)
    angular = np.sign(squares) * np.sqrt(np.abs(squares))
    return NormalModes(
        frequencies=units.HBAR * angular / units.INVERSE_CM, modes=modes, reduced_masses=1 / np.maximum(norms, 1e-300)
    )


def inner_motions(
    positions: Float[np.ndarray, "atoms 3"], masses: Float[np.ndarray, "atoms"], *, periodic: bool
) -> Float[np.ndarray, "coordinates modes"]:
    """Orthonormal columns that span all mass-weighted motions but the rigid ones."""
    root = np.sqrt(masses)
    rigid = [np.outer(root, axis).reshape(-1) for axis in np.eye(3)]
    if not periodic:
        arms = positions - np.average(positions, axis=0, weights=masses)
        rigid += [(root[:, None] * np.cross(axis, arms)).reshape(-1) for axis in np.eye(3)]
    vectors, sizes, _ = np.linalg.svd(np.stack(rigid, axis=1), full_matrices=True)
    rank = int((sizes > LINEAR * sizes[0]).sum())
    return vectors[:, rank:]
