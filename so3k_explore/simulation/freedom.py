r"""What may move: free atoms, overall translation and rotation, degrees of freedom, heavier hydrogen.

Taking out the overall motion is the orthogonal projection, in the metric of the masses, onto momenta with
:math:`\sum_i p_i = 0` and :math:`\sum_i r_i \times p_i = 0`. Noise that is projected in the same way thermalises
exactly the remaining :math:`3N-6` degrees of freedom (:math:`3N-5` for a linear molecule, :math:`3N-3` in a cell). With
fixed atoms no overall motion is conserved, and nothing is taken out.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from so3k_explore import units
from so3k_explore.geometry.one_by_one import one_by_one
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, ScalarLike, pytree, static

LINEAR = 1e-4  # smallest over largest moment of inertia below which a molecule counts as linear
OVERALL = ("kept", "translation", "rotation", "linear")


@pytree
class Freedom(Replaceable):
    """Which atoms move and which overall motion is taken out of a batch."""

    free: Bool[Array, "walkers atoms"]
    degrees: Float[Array, "walkers"]  # degrees of freedom that carry temperature
    interval: Int[Array, ""]  # steps between two removals of the overall motion; 0: only at the start
    overall: str = static()  # what is taken out: nothing ("kept"), "translation", with "rotation", or "linear" rotation


def make_freedom(systems: System, *, fixed: Any = None, overall: str | None = None, interval: int = 0) -> Freedom:
    """Freedom of a batch of systems.

    Args:
        systems: a batch (leading walkers axis).
        fixed: atoms that stay where they are: a mask ``(atoms,)`` or a list of indices.
        overall: "kept", "translation" or "rotation" (both); by default rotation for molecules, translation in a cell,
            and nothing when atoms are fixed.
        interval: remove the overall motion again every so many steps, against rounding; 0 for only at the start.

    Raises:
        ValueError: `overall` is unknown, or asks for what fixed atoms or a cell do not conserve.
    """
    mask = _fixed_mask(fixed, systems.n_atoms)
    free = (np.asarray(systems.numbers) > 0) & ~mask[None, :]
    if overall is None:
        overall = "kept" if mask.any() else "translation" if systems.periodic else "rotation"
    allowed = ("kept",) if mask.any() else ("kept", "translation") if systems.periodic else ("kept", *OVERALL[1:3])
    if overall not in allowed:
        raise ValueError(f'`overall` must be one of {allowed} for this system, got "{overall}".')
    if overall == "rotation" and _linear(systems):
        overall = "linear"
    removed = {"kept": 0, "translation": 3, "rotation": 6, "linear": 5}[overall]
    degrees = np.maximum(3 * free.sum(axis=1) - removed, 0)
    return Freedom(
        free=jnp.asarray(free),
        degrees=jnp.asarray(degrees, systems.positions.dtype),
        interval=jnp.asarray(interval, jnp.int32),
        overall=overall,
    )


def _fixed_mask(fixed: Any, atoms: int) -> np.ndarray:
    mask = np.zeros(atoms, bool)
    if fixed is None:
        return mask
    fixed = np.asarray(fixed)
    if fixed.dtype == bool:
        if fixed.shape != (atoms,):
            raise ValueError(f"A mask of fixed atoms must have shape ({atoms},), got {fixed.shape}.")
        return fixed
    if fixed.size and (fixed.min() < 0 or fixed.max() >= atoms):
        raise ValueError(f"Indices of fixed atoms must lie in 0 … {atoms - 1}, got {fixed.tolist()}.")
    mask[fixed.astype(int)] = True
    return mask


def _linear(systems: System) -> bool:
    """Whether every walker is a line (or a point), so that one rotation carries no inertia."""
    weights = np.where(np.asarray(systems.numbers) > 0, np.asarray(systems.masses, float), 0.0)
    positions = np.asarray(systems.positions, float)
    centres = np.einsum("wn,wnx->wx", weights, positions) / np.maximum(weights.sum(axis=1), 1e-30)[:, None]
    arms = positions - centres[:, None, :]
    along = np.linalg.eigvalsh(np.einsum("wn,wnx,wny->wxy", weights, arms, arms))  # spread about each axis, ascending
    smallest, largest = along[:, :2].sum(axis=1), along[:, 1:].sum(axis=1)  # moments of inertia
    return bool((smallest <= LINEAR * largest).all())


def _centred(systems: System, weights: Float[Array, "walkers atoms"]) -> Float[Array, "walkers atoms 3"]:
    total = jnp.maximum(weights.sum(axis=-1), 1e-30)
    centre = jnp.einsum("wn,wnx->wx", weights, systems.positions) / total[:, None]
    return systems.positions - centre[:, None, :]


def _inertia(
    weights: Float[Array, "walkers atoms"], arms: Float[Array, "walkers atoms 3"]
) -> Float[Array, "walkers 3 3"]:
    second = jnp.einsum("wn,wnx,wny->wxy", weights, arms, arms)
    trace = jnp.trace(second, axis1=-2, axis2=-1)
    return trace[:, None, None] * jnp.eye(3, dtype=arms.dtype)[None] - second


def remove_overall(
    systems: System, momenta: Float[Array, "walkers atoms 3"], freedom: Freedom
) -> Float[Array, "walkers atoms 3"]:
    """Momenta without the overall motion that `freedom` takes out, and zero on atoms that do not move."""
    momenta = jnp.where(freedom.free[..., None], momenta, 0.0)
    if freedom.overall == "kept":
        return momenta
    weights = jnp.where(freedom.free, systems.masses, 0.0)
    velocity = momenta.sum(axis=1) / jnp.maximum(weights.sum(axis=1), 1e-30)[:, None]
    momenta = momenta - weights[..., None] * velocity[:, None, :]
    if freedom.overall == "translation":
        return momenta
    arms = _centred(systems, weights)
    spin = jnp.cross(arms, momenta).sum(axis=1)
    inertia = _inertia(weights, arms)
    rotation = _solve_line(inertia, spin) if freedom.overall == "linear" else _solve(inertia, spin)
    return momenta - weights[..., None] * jnp.cross(rotation[:, None, :], arms)


def _solve(inertia: Float[Array, "walkers 3 3"], spin: Float[Array, "walkers 3"]) -> Float[Array, "walkers 3"]:
    """Angular velocity by Cramer's rule: the columns of the inverse are cross products of the rows."""
    a, b, c = inertia[:, 0], inertia[:, 1], inertia[:, 2]
    columns = jnp.stack([jnp.cross(b, c), jnp.cross(c, a), jnp.cross(a, b)], axis=1)
    determinant = jnp.sum(a * columns[:, 0], axis=-1)
    return jnp.einsum("wk,wkx->wx", spin, columns) / determinant[:, None]


def _solve_line(inertia: Float[Array, "walkers 3 3"], spin: Float[Array, "walkers 3"]) -> Float[Array, "walkers 3"]:
    """Angular velocity about the two axes across a linear molecule; the vibrations keep what turns about its line."""
    moments, axes = one_by_one(jnp.linalg.eigh, inertia)
    along = jnp.einsum("wxk,wx->wk", axes, spin)
    about = along[:, 1:] / jnp.where(moments[:, 1:] > 0, moments[:, 1:], jnp.inf)
    return jnp.einsum("wxk,wk->wx", axes[..., 1:], about)


def thermal_momenta(
    key: Key[Array, "walkers"], systems: System, kT: ScalarLike | Float[Array, "walkers"], freedom: Freedom
) -> Float[Array, "walkers atoms 3"]:
    """Momenta from the Maxwell-Boltzmann distribution at `kT` (eV), without overall motion."""
    shape, dtype = systems.positions.shape[1:], systems.positions.dtype
    noise = jax.vmap(lambda k: jax.random.normal(k, shape, dtype))(key)
    width = jnp.sqrt(systems.masses * jnp.broadcast_to(jnp.asarray(kT, dtype), key.shape)[:, None])
    return remove_overall(systems, width[..., None] * noise, freedom)


def kinetic_energy(systems: System, momenta: Float[Array, "walkers atoms 3"]) -> Float[Array, "walkers"]:
    """Kinetic energy, eV."""
    return 0.5 * jnp.sum(jnp.sum(momenta**2, axis=-1) / systems.masses, axis=-1)


def kinetic_temperature(kinetic: Float[Array, "walkers"], degrees: Float[Array, "walkers"]) -> Float[Array, "walkers"]:
    """Temperature in K of a kinetic energy in eV; zero when nothing can move."""
    return 2 * kinetic / (jnp.maximum(degrees, 1.0) * units.KB)


def repartition_hydrogen(system: System, bonds: Any, mass: float = 3.0) -> System:
    """Moves mass from heavy atoms onto the hydrogen bound to them, which allows about twice the timestep.

    Static averages do not change, because masses only enter the momenta; vibrations of hydrogen become slower
    (Feenstra, Hess & Berendsen, J. Comput. Chem. 20, 786 (1999)).

    Args:
        system: one system or a batch.
        bonds: pairs of atoms, shape (bonds, 2).
        mass: new mass of hydrogen, u.

    Raises:
        ValueError: a heavy atom would have to give away more mass than it has.
    """
    numbers, masses = np.asarray(system.numbers), np.array(system.masses, float)
    one = numbers if numbers.ndim == 1 else numbers[0]
    for i, j in np.asarray(bonds, int).reshape(-1, 2):
        for hydrogen, heavy in ((i, j), (j, i)):
            if one[hydrogen] == 1 and one[heavy] > 1:
                moved = mass - masses[..., hydrogen]
                masses[..., hydrogen] += moved
                masses[..., heavy] -= moved
    if (masses <= 0).any():
        raise ValueError(f"Hydrogen of {mass} u leaves a heavy atom with {masses.min():.2f} u. Choose a smaller mass.")
    return system.replace(masses=jnp.asarray(masses, system.masses.dtype))
