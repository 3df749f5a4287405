r"""A model Hessian from bonds, angles and torsions, good enough to precondition the relaxation of a molecule.

.. math:: M = \sum_q k_q\, \nabla q\, \nabla q^\top + \sum_{i<j} k_{ij}\, \hat r_{ij} \hat r_{ij}^\top + k_0

in the spirit of Lindh, Bernhardsson, Karlström & Malmqvist, Chem. Phys. Lett. 241, 423 (1995): bonds are stiff, angles
(through the distance of their ends) softer, torsions soft, contacts weak. It halves the number of force calls of
peptides and aromatic molecules.
"""

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from so3k_explore.geometry.bonds import neighbor_lists
from so3k_explore.geometry.one_by_one import one_by_one
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, pytree, static

BOND, ANGLE = 35.0, 4.0  # eV/Å²
PLANAR, TURNING = 1.0, 0.1  # eV/rad², of torsions about bonds between planar atoms, and others
CONTACT, REACH = 0.5, 2.5  # eV/Å², Å
GROUND = 0.5  # eV/Å², keeps free motions finite
LARGEST = 300  # atoms; above, the dense inverse costs more than it saves
STRAIGHT = 1e-3  # squared sines below which a torsion has no direction


@pytree
class ModelHessian(Replaceable):
    """Internal coordinates of one molecule; the Hessian follows from positions."""

    bonds: Int[Array, "bonds 2"]
    ends: Int[Array, "angles 2"]  # outer atoms of angles
    torsions: Int[Array, "torsions 4"]
    barriers: Float[Array, "torsions"]  # eV/rad²
    ground: float = static(default=GROUND)  # eV/Å²
    contact: float = static(default=CONTACT)  # eV/Å²

    def inverse(self, systems: System) -> Float[Array, "walkers coordinates coordinates"]:
        """Inverse of the model Hessian of every walker, Å²/eV."""
        return one_by_one(jnp.linalg.inv, jax.vmap(self.matrix)(systems.positions))

    def matrix(self, positions: Float[Array, "atoms 3"]) -> Float[Array, "coordinates coordinates"]:
        """The model Hessian of one structure (Å), eV/Å²."""
        atoms, dtype = positions.shape[0], positions.dtype
        blocks = self.contact * _contacts(positions)
        blocks = _add(blocks, positions, self.bonds, _length, jnp.full(len(self.bonds), BOND, dtype))
        blocks = _add(blocks, positions, self.ends, _length, jnp.full(len(self.ends), ANGLE, dtype))
        blocks = _add(blocks, positions, self.torsions, _torsion, self._stiffness(positions))
        return blocks.reshape(3 * atoms, 3 * atoms) + self.ground * jnp.eye(3 * atoms, dtype=dtype)

    def _stiffness(self, positions: Float[Array, "atoms 3"]) -> Float[Array, "torsions"]:
        """Barriers times the squared sines of the two angles: a torsion about a straight chain means nothing."""
        a, b, c, d = (positions[self.torsions[:, k]] for k in range(4))
        sines = _square_sine(b - a, c - b) * _square_sine(c - b, d - c)
        return jnp.where(sines > STRAIGHT, self.barriers.astype(positions.dtype) * sines, 0.0)


def model_hessian(system: System, bonds: Any) -> ModelHessian | None:
    """Internal coordinates from bonds; None where the model does not help: no bonds, a cell, or too many atoms.

    Args:
        system: one system or a batch of the same molecule.
        bonds: bonded pairs, shape (bonds, 2).
    """
    bonds = np.asarray(bonds, int).reshape(-1, 2)
    if not len(bonds) or system.periodic or system.n_atoms > LARGEST:
        return None
    numbers = np.asarray(system.numbers).reshape(-1, system.n_atoms)[0]
    partners = neighbor_lists(bonds, system.n_atoms)
    planar = np.array([len(near) <= 3 and number in (6, 7) for near, number in zip(partners, numbers, strict=True)])
    ends = [pair for near in partners for pair in itertools.combinations(sorted(near), 2)]
    torsions = [
        (i, j, k, l) for j, k in bonds.tolist() for i in partners[j] for l in partners[k] if k != i != l and l != j
    ]
    barriers = [PLANAR if planar[j] and planar[k] else TURNING for _, j, k, _ in torsions]
    return ModelHessian(
        bonds=jnp.asarray(bonds, jnp.int32),
        ends=jnp.asarray(np.array(ends, np.int32).reshape(-1, 2)),
        torsions=jnp.asarray(np.array(torsions, np.int32).reshape(-1, 4)),
        barriers=jnp.asarray(np.array(barriers, float)),
    )


def _add(
    blocks: Float[Array, "atoms 3 atoms 3"],
    positions: Float[Array, "atoms 3"],
    members: Int[Array, "internals size"],
    coordinate: Callable[[Any], Any],
    stiffness: Float[Array, "internals"],
) -> Float[Array, "atoms 3 atoms 3"]:
    """Adds the outer products of the gradients of one kind of internal coordinate."""
    if not len(members):
        return blocks
    gradients = jax.vmap(jax.grad(coordinate))(positions[members])
    products = jnp.einsum("q,qax,qby->qabxy", stiffness, gradients, gradients)
    products = jnp.where((stiffness > 0)[:, None, None, None, None], products, 0.0)
    return blocks.at[members[:, :, None], :, members[:, None, :], :].add(products)


def _length(ends: Float[Array, "2 3"]) -> Float[Array, ""]:
    return jnp.linalg.norm(ends[1] - ends[0])


def _torsion(atoms: Float[Array, "4 3"]) -> Float[Array, ""]:
    first, middle, last = atoms[1:] - atoms[:-1]
    left, right = jnp.cross(first, middle), jnp.cross(middle, last)
    sine = jnp.sum(jnp.cross(left, right) * middle) / jnp.linalg.norm(middle)
    return jnp.arctan2(sine, jnp.sum(left * right))


def _square_sine(u: Float[Array, "torsions 3"], v: Float[Array, "torsions 3"]) -> Float[Array, "torsions"]:
    return jnp.sum(jnp.cross(u, v) ** 2, axis=-1) / jnp.sum(u**2, axis=-1) / jnp.sum(v**2, axis=-1)


def _contacts(positions: Float[Array, "atoms 3"]) -> Float[Array, "atoms 3 atoms 3"]:
    """Springs between all pairs, which fade with distance."""
    atoms, dtype = positions.shape[0], positions.dtype
    vectors = positions[None, :, :] - positions[:, None, :]
    apart = ~jnp.eye(atoms, dtype=bool)
    square = jnp.where(apart, jnp.sum(vectors**2, axis=-1), 1.0)
    weights = jnp.where(apart, jnp.exp(1 - square / REACH**2) / square, 0.0)
    pairs = jnp.einsum("ij,ijx,ijy->ixjy", weights, vectors, vectors)
    own = jnp.einsum("ixjy->ixy", pairs)
    return jnp.einsum("ixy,ij->ixjy", own, jnp.eye(atoms, dtype=dtype)) - pairs
