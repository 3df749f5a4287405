r"""Superposition of structures, and how far apart two of them are when equal atoms may trade places.

*Kabsch superposition* (Kabsch, Acta Cryst. A 32, 922 (1976)): the proper rotation :math:`Q` with the smallest
:math:`\sum_i |Q a_i - b_i|^2` follows from the singular value decomposition of :math:`\sum_i a_i b_i^\top`.

*With permutations* (`align`, `best_rmsd`): for each automorphism of the molecular core, superpose the core, assign the
remaining atoms inside their groups (Hungarian algorithm), superpose all, and repeat until nothing changes. Where the
core does not fix an orientation (atomic clusters, methane, ethane) the first orientations come from laying two atoms of
one structure onto each pair of atoms of the other that fits; for identical structures one of these is the right one.
The best of several local optima is returned: zero for identical structures, an upper bound for others.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from so3k_explore.analysis.symmetry import Group, Mapping, Symmetry

FLAT = 0.3  # Å: a core thinner than this in two directions is a line and fixes no orientation
MAX_ITERATIONS = 20


@dataclass(frozen=True, eq=False)
class Alignment:
    """A structure laid onto another."""

    rmsd: float  # Å
    positions: np.ndarray  # (atoms, 3) of the mobile structure, permuted, turned, moved and perhaps mirrored, Å
    permutation: np.ndarray  # mobile atom that takes the place of each target atom
    mirrored: bool


def rotation_onto(mobile: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Proper rotations Q (..., 3, 3) that lay centred `mobile` (..., atoms, 3) best onto centred `target`."""
    u, _, vt = np.linalg.svd(np.swapaxes(mobile, -1, -2) @ target)
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vt))  # a negative one would be a reflection
    u[..., :, -1] *= np.where(sign == 0, 1.0, sign)[..., None]
    return np.swapaxes(u @ vt, -1, -2)


def superpose(mobile: Any, target: Any) -> np.ndarray:
    """`mobile` (..., atoms, 3) moved and turned onto `target` (atoms, 3) or (..., atoms, 3), Å."""
    mobile, target = np.asarray(mobile, float), np.asarray(target, float)
    centred = _centre(mobile)[0]
    aim, aim_centre = _centre(np.broadcast_to(target, mobile.shape))
    return centred @ np.swapaxes(rotation_onto(centred, aim), -1, -2) + aim_centre


def rmsd(mobile: Any, target: Any) -> np.ndarray:
    """Root-mean-square distances (...) in Å of `mobile` (..., atoms, 3) to `target` after superposition."""
    return _deviation(superpose(mobile, target), np.asarray(target, float))


def best_rmsd(
    mobile: Any,
    target: Any,
    numbers: Any = None,
    bonds: Any = None,
    *,
    mirror: bool = False,
    symmetry: Symmetry | None = None,
    enough: float = 0.0,
) -> float:
    """Smallest RMSD in Å over rotations and permutations of equal atoms, see `align`.

    Args:
        mobile: positions (atoms, 3), Å.
        target: positions (atoms, 3) of the same molecule with the same numbering of its graph, Å.
        numbers: atomic numbers; not needed with `symmetry`.
        bonds: pairs of bonded atoms; None or empty for an atomic cluster.
        mirror: whether the mirror image may be used.
        symmetry: `Symmetry.of(numbers, bonds)`, for many comparisons of the same molecule.
        enough: stop at the first alignment closer than this, Å.
    """
    if symmetry is None:
        if numbers is None:
            raise ValueError(
                "`best_rmsd` needs `numbers` (and `bonds` of a molecule), or `symmetry`; got none of them."
            )
        symmetry = Symmetry.of(numbers, bonds)
    return align(mobile, target, symmetry, mirror=mirror, enough=enough).rmsd


def align(mobile: Any, target: Any, symmetry: Symmetry, *, mirror: bool = False, enough: float = 0.0) -> Alignment:
    """Lays `mobile` onto `target`, both (atoms, 3) in Å, with the best permutation of equal atoms that is found.

    Args:
        mobile: structure that moves.
        target: structure that stays.
        symmetry: which atoms may trade places.
        mirror: whether the mirror image of `mobile` may be used.
        enough: stop at the first alignment closer than this, Å.
    """
    mobile, target = np.asarray(mobile, float), np.asarray(target, float)
    shape = (len(symmetry.numbers), 3)
    if mobile.shape != shape or target.shape != shape:
        raise ValueError(f"Both structures must have shape {shape}, got {mobile.shape} and {target.shape}.")
    aim, centre = _centre(target)
    original = _centre(mobile)[0]
    best = Alignment(np.inf, mobile, np.arange(len(mobile)), False)
    for mirrored in (False, True) if mirror else (False,):
        moved = -original if mirrored else original
        for mapping in symmetry.mappings:
            for rotation in _first_rotations(moved, aim, mapping):
                deviation, positions, permutation = _refine(moved, aim, mapping, rotation)
                if deviation < best.rmsd:
                    best = Alignment(deviation, positions + centre, permutation, mirrored)
                if best.rmsd <= enough:
                    return best
    return best


def _centre(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centre = positions.mean(axis=-2, keepdims=True)
    return positions - centre, centre


def _deviation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.mean(np.sum((a - b) ** 2, axis=-1), axis=-1)))


def _refine(
    mobile: np.ndarray, target: np.ndarray, mapping: Mapping, rotation: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Alternates assignment and superposition until the permutation stays."""
    permutation = np.arange(len(mobile))
    permutation[mapping.fixed[:, 0]] = mapping.fixed[:, 1]
    for _ in range(MAX_ITERATIONS):
        before = permutation.copy()
        _assign(mobile @ rotation.T, target, mapping.groups, permutation)
        rotation = rotation_onto(mobile[permutation], target)
        if np.array_equal(before, permutation):
            break
    positions = mobile[permutation] @ rotation.T
    return float(_deviation(positions, target)), positions, permutation


def _assign(turned: np.ndarray, target: np.ndarray, groups: tuple[Group, ...], permutation: np.ndarray) -> None:
    """Writes into `permutation` which atom of each group takes which place."""
    for atoms, places in groups:
        overlap = target[places] @ turned[atoms].T  # lengths do not change under rotation: maximise the inner product
        if len(atoms) == 2:
            swap = overlap[0, 0] + overlap[1, 1] < overlap[0, 1] + overlap[1, 0]
            permutation[places] = atoms[::-1] if swap else atoms
        else:
            permutation[places] = atoms[linear_sum_assignment(overlap, maximize=True)[1]]


def _first_rotations(mobile: np.ndarray, target: np.ndarray, mapping: Mapping) -> np.ndarray:
    """Orientations (n, 3, 3) to start from."""
    places, atoms = mapping.fixed[:, 0], mapping.fixed[:, 1]
    if len(places) >= 3:
        core, aim = _centre(mobile[atoms])[0], _centre(target[places])[0]
        if np.linalg.svd(aim / len(aim) ** 0.5, compute_uv=False)[1] > FLAT:
            return rotation_onto(core, aim)[None]
    return _frame_rotations(mobile, target, mapping.allowed(len(mobile)))


def _frame_rotations(mobile: np.ndarray, target: np.ndarray, allowed: np.ndarray, most: int = 48) -> np.ndarray:
    """Rotations that lay pairs of atoms onto two chosen places, the best-fitting pairs first."""
    count = allowed.sum(axis=1)
    radius = np.linalg.norm(target, axis=1)
    first = int(np.argmax(radius / count))
    aside = np.linalg.norm(np.cross(target[first][None], target), axis=1)
    second = int(np.argmax(aside / count))
    i, j = (a.ravel() for a in np.meshgrid(*(np.flatnonzero(allowed[k]) for k in (first, second)), indexing="ij"))
    i, j = i[i != j], j[i != j]
    if not len(i):
        return np.eye(3)[None]
    lengths = np.linalg.norm(mobile, axis=1)
    mismatch = (
        (lengths[i] - radius[first]) ** 2
        + (lengths[j] - radius[second]) ** 2
        + (np.linalg.norm(mobile[i] - mobile[j], axis=1) - np.linalg.norm(target[first] - target[second])) ** 2
    )
    keep = np.argsort(mismatch, kind="stable")[:most]
    pairs = np.stack([mobile[i[keep]], mobile[j[keep]]], axis=1)
    return rotation_onto(pairs, np.broadcast_to(target[[first, second]], pairs.shape))
