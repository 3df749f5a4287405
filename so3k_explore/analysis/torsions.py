r"""Torsions: which exist, what they are, how to turn them, and what people call their values.

The torsion of four atoms a-b-c-d is the angle between the planes (a, b, c) and (b, c, d), positive when, looking along
b to c, the far bond c-d is turned clockwise from the near bond b-a (IUPAC; Klyne & Prelog, Experientia 16, 521 (1960)):

.. math:: \tau = \operatorname{atan2}\bigl(|b_2|\, b_1 \cdot (b_2 \times b_3),\
                 (b_1 \times b_2) \cdot (b_2 \times b_3)\bigr)

with :math:`b_1, b_2, b_3` the vectors from each atom to the next. Angles are in degrees, in (-180, 180].
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.analysis.backbone import Quads, is_amide
from so3k_explore.analysis.backbone import Residue as Residue
from so3k_explore.analysis.backbone import backbone_torsions as backbone_torsions
from so3k_explore.analysis.backbone import peptide_torsions as peptide_torsions
from so3k_explore.analysis.backbone import ramachandran_quads as ramachandran_quads
from so3k_explore.analysis.backbone import ramachandran_region as ramachandran_region
from so3k_explore.analysis.backbone import ramachandran_regions as ramachandran_regions
from so3k_explore.geometry.bonds import bond_orders, neighbor_lists, ring_bonds
from so3k_explore.units import DEGREE


def dihedrals(
    positions: Float[Array, "*batch atoms 3"] | Float[np.ndarray, "*batch atoms 3"],
    quads: Quads | Int[Array, "torsions 4"],
) -> Float[Array, "*batch torsions"] | Float[np.ndarray, "*batch torsions"]:
    """Torsions in degrees; numpy in, numpy out, and the same for JAX (also under `jit`, `grad`, `vmap`).

    Args:
        positions: Å, with any leading axes (walkers, frames).
        quads: the four atoms of each torsion.
    """
    xp: Any = jnp if isinstance(positions, jax.Array) else np
    a, b, c, d = (positions[..., quads[:, k], :] for k in range(4))
    first, middle, last = b - a, c - b, d - c
    normal, far_normal = xp.cross(first, middle), xp.cross(middle, last)
    dot = lambda u, v: xp.sum(u * v, axis=-1)
    sine = xp.sqrt(dot(middle, middle)) * dot(first, far_normal)
    return xp.arctan2(sine, dot(normal, far_normal)) / DEGREE


def rotatable_torsions(
    numbers: Int[np.ndarray, "atoms"],
    bonds: Int[np.ndarray, "bonds 2"],
    *,
    polar_hydrogens: bool = True,
    methyl: bool = False,
    amide: bool = False,
) -> Quads:
    """One torsion for each bond that conformers differ by: single, not in a ring, with something to turn at both ends.

    The outer atoms are those that carry the larger branch. Rows are sorted by their central atoms.

    Args:
        numbers: atomic numbers.
        bonds: pairs of atoms.
        polar_hydrogens: with ends that carry one or two hydrogens only (OH, SH, NH2).
        methyl: with ends that carry three hydrogens (CH3, NH3+), whose turns give the same molecule.
        amide: with C(=O)-N bonds, which are stiff; see `peptide_torsions`.
    """
    lists = neighbor_lists(bonds, len(numbers))
    orders, ring = bond_orders(numbers, bonds), ring_bonds(bonds, len(numbers))
    linear = _linear_atoms(numbers, bonds, lists, orders)
    found = []
    for (b, c), order, in_ring in zip(bonds.tolist(), orders, ring, strict=True):
        if order > 1 or in_ring or linear[b] or linear[c]:
            continue
        ends = [[n for n in lists[b] if n != c], [n for n in lists[c] if n != b]]
        if not all(_turns(numbers, end, polar_hydrogens=polar_hydrogens, methyl=methyl) for end in ends):
            continue
        if not amide and (is_amide(numbers, lists, b, c) or is_amide(numbers, lists, c, b)):
            continue
        found.append((_outer(numbers, lists, b, c), b, c, _outer(numbers, lists, c, b)))
    return np.array(sorted(found, key=lambda q: q[1:3]), int).reshape(-1, 4)


def amide_torsions(numbers: Int[np.ndarray, "atoms"], bonds: Int[np.ndarray, "bonds 2"]) -> Quads:
    """One torsion for each C(=O)-N bond outside rings, but for NH2 ends, whose turn by 180° changes nothing."""
    free = {tuple(quad) for quad in rotatable_torsions(numbers, bonds).tolist()}
    turning = rotatable_torsions(numbers, bonds, polar_hydrogens=False, amide=True)
    return np.array([quad for quad in turning.tolist() if tuple(quad) not in free], int).reshape(-1, 4)


def moving_atoms(bonds: Int[np.ndarray, "bonds 2"], quads: Quads, atoms: int) -> Bool[np.ndarray, "torsions atoms"]:
    """For each torsion a-b-c-d the atoms beyond c, which turn about the axis b-c.

    Raises:
        ValueError: b-c is no bond, or is part of a ring, so that nothing can turn.
    """
    lists = neighbor_lists(bonds, atoms)
    masks = np.zeros((len(quads), atoms), bool)
    for mask, (_, b, c, _) in zip(masks, quads.tolist(), strict=True):
        if c not in lists[b]:
            raise ValueError(f"A torsion turns about a bond, but atoms {b + 1} and {c + 1} are not bonded.")
        mask[_branch(lists, b, c)] = True
        if mask[b]:
            raise ValueError(f"The bond between atoms {b + 1} and {c + 1} is part of a ring and cannot turn.")
        mask[c] = False  # on the axis
    return masks


def turn(
    positions: Float[Array, "*batch atoms 3"] | Float[np.ndarray, "*batch atoms 3"],
    quad: Any,
    moving: Any,
    angle: Any,
) -> Float[Array, "*turned atoms 3"] | Float[np.ndarray, "*turned atoms 3"]:
    """Positions (Å) with the atoms `moving` turned about the axis b to c of `quad`, for numpy and JAX alike.

    The torsion grows by `angle` in degrees, a number or an array whose axes become leading axes of the result.
    Rodrigues' rotation formula.
    """
    xp: Any = jnp if isinstance(positions, jax.Array) else np
    angle = xp.asarray(angle, positions.dtype) * DEGREE
    moving = xp.asarray(moving)
    batch = np.broadcast_shapes(positions.shape[:-2], moving.shape[:-1], angle.shape)
    everywhere = lambda array: xp.broadcast_to(array, (*batch, *positions.shape[-2:]))
    positions, angle = everywhere(positions), everywhere(angle[..., None, None])
    origin = everywhere(positions[..., quad[2], None, :])
    axis = origin - positions[..., quad[1], None, :]
    axis = axis / xp.sqrt(xp.sum(axis**2, axis=-1, keepdims=True))
    arm = positions - origin
    along = xp.sum(axis * arm, axis=-1, keepdims=True)
    turned = arm * xp.cos(angle) + xp.cross(axis, arm) * xp.sin(angle) + axis * along * (1 - xp.cos(angle))
    return xp.where(everywhere(moving[..., None]), origin + turned, positions)


def rotate_torsion(
    positions: Float[np.ndarray, "*batch atoms 3"], bonds: Int[np.ndarray, "bonds 2"], quad: Any, angle: Any
) -> Float[np.ndarray, "*batch atoms 3"]:
    """Positions (Å) with the torsion `quad` made larger by `angle` (degrees); the atoms beyond its third turn."""
    quad = np.asarray(quad, int)
    moving = moving_atoms(bonds, quad[None], positions.shape[-2])[0]
    return np.asarray(turn(positions, quad, moving, angle))


def set_torsion(
    positions: Float[np.ndarray, "*batch atoms 3"], bonds: Int[np.ndarray, "bonds 2"], quad: Any, angle: Any
) -> Float[np.ndarray, "*batch atoms 3"]:
    """Positions (Å) with the torsion `quad` at `angle` (degrees)."""
    present = dihedrals(positions, np.asarray(quad, int)[None])[..., 0]
    return rotate_torsion(positions, bonds, quad, angle - present)


def torsion_label(angles: Any) -> str:
    """Conformer in words: t (150° to 180°), g+ and g- (30° to 90°), x elsewhere, one word per torsion: ``t g+ t``."""
    return " ".join(_letter(float(a)) for a in np.atleast_1d(np.asarray(angles, float)))


def _letter(angle: float) -> str:
    angle = (angle + 180) % 360 - 180
    if abs(angle) >= 150:
        return "t"
    if 30 <= abs(angle) <= 90:
        return "g+" if angle > 0 else "g-"
    return "x"


def _linear_atoms(
    numbers: Int[np.ndarray, "atoms"],
    bonds: Int[np.ndarray, "bonds 2"],
    lists: list[list[int]],
    orders: Int[np.ndarray, "bonds"],
) -> Bool[np.ndarray, "atoms"]:
    total = np.zeros(len(numbers), int)
    np.add.at(total, bonds.ravel(), np.repeat(orders, 2))
    two = np.array([len(neighbors) == 2 for neighbors in lists], bool)
    return two & (total >= 4)  # sp carbon: no plane, so no torsion


def _turns(numbers: Int[np.ndarray, "atoms"], end: list[int], *, polar_hydrogens: bool, methyl: bool) -> bool:
    hydrogens = sum(int(numbers[n]) == 1 for n in end)
    if len(end) > hydrogens:
        return True
    return methyl if hydrogens >= 3 else polar_hydrogens and hydrogens > 0


def _outer(numbers: Int[np.ndarray, "atoms"], lists: list[list[int]], center: int, other: int) -> int:
    size = lambda n: sum(numbers[k] > 1 for k in _branch(lists, center, n))
    return min((n for n in lists[center] if n != other), key=lambda n: (-size(n), -numbers[n], n))


def _branch(lists: list[list[int]], root: int, first: int) -> list[int]:
    """Atoms reached from `first` without crossing the bond to `root`; contains `root` when a ring leads back."""
    seen, waiting = {first}, [first]
    while waiting:
        atom = waiting.pop()
        for n in lists[atom]:
            if n not in seen and not (atom == first and n == root):
                seen.add(n)
                waiting.append(n)
    return sorted(seen)
