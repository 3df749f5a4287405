r"""The lowest vibration of a larger molecule, without its whole Hessian.

Davidson's method (J. Comput. Phys. 17, 87 (1975)) in mass-weighted coordinates without rigid motions. The subspace
begins with what may be soft, turns about every bond outside of rings (methyl groups and amides, too) and the lowest
modes of a model Hessian :math:`M`, and grows by the residuals of its lowest vectors :math:`v_k`,

.. math:: t_k = |M - \theta_k|^{-1} (H v_k - \theta_k v_k)

until the residuals of the lowest ones are small. Their eigenvalues are then off by the square of the residual over
the distance to the next one: 0.01 cm⁻¹ at most in 111 minima and saddles of Ac-Ala3-NHMe with SO3LR when residuals end
at 20 cm⁻¹ squared, after 41 products with the Hessian in the mean instead of its 126 columns; at 30, it is 36 products.
"""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from so3k_explore import units
from so3k_explore.analysis.torsions import moving_atoms
from so3k_explore.geometry.bonds import neighbor_lists, ring_bonds
from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.io.molecule import Molecule
from so3k_explore.observables.hessian import hessian_products, inner_motions
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.model_hessian import ModelHessian, model_hessian
from so3k_explore.system import System

SMALL = 48  # coordinates; below, the whole Hessian is as quick
SOFTNESS = {"ground": 0.02, "contact": 0.1}  # eV/Å², of the model, in which nothing soft may look stiff
TURNING = 0.1  # times the barriers of the model
TOGETHER = 3  # vectors that the subspace grows by
WATCHED = 2  # lowest vectors whose residuals must be small
RESIDUAL = 30.0  # cm⁻¹, the square root of the largest residual
FLOOR = 0.5  # of the lowest model eigenvalue outside of the first subspace, in denominators
PART = 0.6  # of the columns; when so many products do not suffice, the whole Hessian is needed


class Lowest(NamedTuple):
    """What is known of the lowest vibration."""

    frequency: float  # cm⁻¹; negative: imaginary
    mode: Float[np.ndarray, "atoms 3"]  # displacements
    products: int  # with the Hessian
    converged: bool


class LowestMode:
    """Finds the lowest vibrations of structures of one molecule."""

    def __init__(self, model: ModelHessian, turns: np.ndarray, moving: np.ndarray) -> None:
        """A model Hessian, and bonds (turns, 2) with the atoms beyond each, (turns, atoms); `of` makes them."""
        self._model, self._turns, self._moving = model, turns, moving

    @classmethod
    def of(cls, molecule: Molecule) -> "LowestMode | None":
        """For a molecule; None where the whole Hessian is as quick, or has no model."""
        model = model_hessian(molecule.system, molecule.bonds)
        turns = _turns(np.asarray(molecule.bonds, int).reshape(-1, 2), molecule.n_atoms)
        coordinates = 3 * molecule.n_atoms
        if model is None or coordinates < SMALL or 2 * (len(turns) + TOGETHER) > PART * coordinates:
            return None
        model = model.replace(barriers=TURNING * model.barriers, **SOFTNESS)
        moving = moving_atoms(np.asarray(molecule.bonds, int), turns, molecule.n_atoms)
        return cls(model, turns[:, 1:3], moving)

    def __call__(self, potential: Potential, system: System, neighbors: Neighbors) -> Lowest:
        """The lowest vibration of a single system, without padding, at a stationary point."""
        positions, masses = np.asarray(system.positions, float), np.asarray(system.masses, float)
        root = np.repeat(np.sqrt(masses), 3)
        inner = inner_motions(positions, masses, periodic=system.periodic)
        model = inner.T @ (np.asarray(_matrix(self._model, system.positions), float) / np.outer(root, root)) @ inner
        stiffness, soft = np.linalg.eigh(model)

        def times(vectors: np.ndarray) -> np.ndarray:
            directions = (inner @ vectors / root[:, None]).T.reshape(-1, *positions.shape)
            products = hessian_products(potential, system, neighbors, directions)
            return inner.T @ (products.T / root[:, None])

        turned = inner.T @ (self._turned(positions).reshape(-1, len(root)).T * root[:, None])
        more = TOGETHER + -len(self._turns) % TOGETHER
        basis = _orthonormal(np.concatenate([turned, soft[:, :more]], axis=1))
        images, floor = times(basis), FLOOR * stiffness[basis.shape[1]]
        while True:
            values, ritz = np.linalg.eigh((basis.T @ images + images.T @ basis) / 2)
            values, ritz = values[:TOGETHER], ritz[:, :TOGETHER]
            residuals = images @ ritz - basis @ ritz * values
            converged = bool((np.linalg.norm(residuals[:, :WATCHED], axis=0) < _eigenvalue(RESIDUAL)).all())
            if converged or basis.shape[1] + TOGETHER > PART * len(root):
                break
            distance = np.maximum(np.abs(stiffness[:, None] - values), floor)
            wider = _orthonormal(np.concatenate([basis, soft @ (soft.T @ residuals / distance)], axis=1))
            fresh = wider[:, basis.shape[1] :]
            if not fresh.size:
                break
            basis, images = wider, np.concatenate([images, times(fresh)], axis=1)
        mode = (inner @ (basis @ ritz[:, 0]) / root).reshape(positions.shape)
        return Lowest(_frequency(values[0]), mode, basis.shape[1], converged)

    def _turned(self, positions: np.ndarray) -> Float[np.ndarray, "turns atoms 3"]:
        """Displacements of all atoms when the part beyond a bond turns about it."""
        near, far = (positions[self._turns[:, side]] for side in (0, 1))
        axes = (far - near) / np.linalg.norm(far - near, axis=1, keepdims=True)
        arms = positions[None, :, :] - far[:, None, :]
        return np.where(self._moving[:, :, None], np.cross(axes[:, None, :], arms), 0.0)


@jax.jit
def _matrix(model: ModelHessian, positions: jax.Array) -> jax.Array:
    return model.matrix(positions)


def _turns(bonds: np.ndarray, atoms: int) -> np.ndarray:
    """A torsion about each bond outside of rings whose atoms both have other partners."""
    partners = neighbor_lists(bonds, atoms)
    turns = []
    for (j, k), ring in zip(bonds.tolist(), ring_bonds(bonds, atoms).tolist(), strict=True):
        before, after = [i for i in partners[j] if i != k], [l for l in partners[k] if l != j]
        if before and after and not ring:
            turns.append((before[0], j, k, after[0]))
    return np.array(turns, int).reshape(-1, 4)


def _orthonormal(vectors: np.ndarray) -> np.ndarray:
    """Gram and Schmidt, twice, so that the first columns stay what they are if they are orthonormal already."""
    kept = np.zeros((len(vectors), 0))
    for vector in vectors.T:
        rest, size = vector, np.linalg.norm(vector)
        for _ in range(2):
            rest = rest - kept @ (kept.T @ rest)
        norm = np.linalg.norm(rest)
        if norm > 1e-6 * size:
            kept = np.concatenate([kept, (rest / norm)[:, None]], axis=1)
    return kept


def _eigenvalue(frequency: float) -> float:
    return (frequency * units.INVERSE_CM / units.HBAR) ** 2


def _frequency(eigenvalue: float) -> float:
    return float(units.HBAR * np.sign(eigenvalue) * np.sqrt(abs(eigenvalue)) / units.INVERSE_CM)
