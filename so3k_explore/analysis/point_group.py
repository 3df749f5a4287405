"""How symmetric a structure is: the rotations, and the rotations with reflection, that lay it onto itself.

Two atoms off the centre fix an orientation. Each pair of equal atoms at the same places relative to the centre is a
candidate image of them; those that bring every atom onto an equal one are operations of the point group. Only their
number matters for statistics: the symmetry number counts proper rotations, and a structure without any improper one is
chiral.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from so3k_explore.analysis.alignment import rotation_onto

TOLERANCE = 0.05  # Å, how far an atom may be from where symmetry puts it


@dataclass(frozen=True)
class PointGroup:
    """Numbers of operations. Of a linear molecule turns about its axis are left out, in both numbers."""

    rotations: int  # proper, identity included: the symmetry number
    order: int  # all

    @property
    def chiral(self) -> bool:
        """Whether the mirror image is another structure."""
        return self.order == self.rotations


def point_group(numbers: Any, positions: Any, tolerance: float = TOLERANCE) -> PointGroup:
    """Symmetry of a structure.

    Args:
        numbers: atomic numbers (atoms,).
        positions: (atoms, 3), Å.
        tolerance: largest distance of an atom from the place of its image, Å.
    """
    numbers, positions = np.asarray(numbers, int), np.asarray(positions, float)
    centred = positions - positions.mean(axis=0)
    radii = np.linalg.norm(centred, axis=1)
    if radii.max(initial=0.0) < tolerance:
        return PointGroup(1, 2)
    first = _rarest(numbers, radii, radii > radii.max() / 2, tolerance)
    aside = np.linalg.norm(np.cross(centred[first][None], centred), axis=1) / radii[first]
    if aside.max() < tolerance:
        ways = [_images(numbers, centred, mobile, np.eye(3)[None], tolerance) for mobile in (centred, -centred)]
        return PointGroup(len(set.union(*ways)), 2 * len(set.union(*ways)))
    second = _rarest(numbers, radii, aside > aside.max() / 2, tolerance)
    proper, improper = (
        len(
            _images(
                numbers, centred, mobile, _candidates(numbers, centred, mobile, first, second, tolerance), tolerance
            )
        )
        for mobile in (centred, -centred)
    )
    return PointGroup(proper, proper + improper)


def _rarest(numbers: np.ndarray, radii: np.ndarray, fit: np.ndarray, tolerance: float) -> int:
    """An atom that few others can be mistaken for, among those that fit."""
    alike = (numbers[:, None] == numbers[None, :]) & (np.abs(radii[:, None] - radii[None, :]) < tolerance)
    count = np.where(fit, alike.sum(axis=1), len(numbers) + 1)
    return int(np.argmin(count))


def _candidates(
    numbers: np.ndarray, target: np.ndarray, mobile: np.ndarray, first: int, second: int, tolerance: float
) -> np.ndarray:
    """Rotations (n, 3, 3) of `mobile` that lay two equal atoms onto the places of `first` and `second`."""
    radii = np.linalg.norm(target, axis=1)
    alike = [np.flatnonzero((numbers == numbers[k]) & (np.abs(radii - radii[k]) < tolerance)) for k in (first, second)]
    i, j = (a.ravel() for a in np.meshgrid(*alike, indexing="ij"))
    apart = np.linalg.norm(mobile[i] - mobile[j], axis=1)
    fits = np.abs(apart - np.linalg.norm(target[first] - target[second])) < 2 * tolerance
    pairs = np.stack([mobile[i[fits]], mobile[j[fits]]], axis=1)
    return rotation_onto(pairs, np.broadcast_to(target[[first, second]], pairs.shape))


def _images(
    numbers: np.ndarray, target: np.ndarray, mobile: np.ndarray, rotations: np.ndarray, tolerance: float
) -> set[tuple[int, ...]]:
    """Permutations by which rotations lay `mobile` onto `target`."""
    found: set[tuple[int, ...]] = set()
    other = numbers[:, None] != numbers[None, :]
    for rotation in rotations:
        distances = np.linalg.norm(target[:, None] - (mobile @ rotation.T)[None, :], axis=-1)
        distances[other] = np.inf
        permutation = distances.argmin(axis=1)
        if len(np.unique(permutation)) < len(numbers):
            continue
        best = mobile[permutation] @ rotation_onto(mobile[permutation], target).T
        if np.linalg.norm(best - target, axis=1).max() < tolerance:
            found.add(tuple(permutation.tolist()))
    return found
