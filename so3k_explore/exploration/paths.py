r"""First guesses of paths between two minima: which atom goes where, and by which way.

*Which atom goes where.* Equal atoms may trade places, but not all permutations of a molecular graph can be reached
without breaking bonds: two hydrogens of a CH2 group that trade places invert their carbon. Of the automorphisms of the
core, with and without reflection, those are kept for which every four-coordinate centre has the same handedness at both
ends; the leaves of a centre (a methyl group may turn by a third) are assigned so that they move least in the frame of
their surroundings. In a cluster every atom may take the place of any other of its element.

*By which way.* `torsion_path` turns all torsions at once, from both ends, and mixes the two, so that bonds keep their
lengths while chains swing around. `distance_path` has no notion of bonds: it is the image dependent pair potential of
Smidstrup, Pedersen, Stokbro & Jónsson, J. Chem. Phys. 140, 214106 (2014), whose images have distances as near as
possible to those interpolated between the ends,

.. math:: S = \sum_{i<j} d_{ij}^{-4}\,\bigl(|r_i - r_j| - d_{ij}\bigr)^2 .
"""

from itertools import permutations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.optimize import linear_sum_assignment

from so3k_explore.analysis.alignment import align, rotation_onto, superpose
from so3k_explore.analysis.symmetry import Mapping, Symmetry
from so3k_explore.analysis.torsions import dihedrals, moving_atoms, rotatable_torsions, rotate_torsion, turn
from so3k_explore.geometry.bonds import graph_distances, neighbor_lists

FLAT = 0.1  # volume of three unit bond vectors below which a centre has no handedness
LARGEST_GROUP = 4  # leaves of one centre whose permutations are all tried
DESCENT = 300  # steps of the relaxation in the pair potential
JITTER = 0.01  # Å, so that atoms that would run through each other find a way around
ROUNDS = 20  # of superposition and assignment
SAME = 0.1  # Å, root-mean-square distance below which two ends are one and the same


class PathGuesses:
    """First guesses of paths between minima of one molecule or cluster. Positions are (atoms, 3) in Å."""

    def __init__(self, numbers: Any, bonds: Any, *, mirror: bool = True) -> None:
        """`mirror`: whether mirror images count as the same minimum."""
        self.numbers = np.asarray(numbers, int)
        self.bonds = np.asarray(bonds, int).reshape(-1, 2)
        self._mirror = mirror
        self._symmetry = Symmetry.of(self.numbers, self.bonds)
        self._neighbors = neighbor_lists(self.bonds, len(self.numbers))
        self._steps = graph_distances(self.bonds, len(self.numbers)) if len(self.bonds) else None
        self.torsions = (
            rotatable_torsions(self.numbers, self.bonds, methyl=True, amide=True)
            if len(self.bonds)
            else np.zeros((0, 4), int)
        )
        self._moving = moving_atoms(self.bonds, self.torsions, len(self.numbers))

    def path(self, start: np.ndarray, finish: np.ndarray, images: int, attempt: int, rng: Any) -> np.ndarray:
        """A path (images + 2, atoms, 3) with both ends, another one for each attempt.

        The last image is `finish` with equal atoms permuted, moved and turned, perhaps mirrored.
        """
        if not len(self.bonds):
            finish = self._permuted(start, finish, attempt, rng)
            return (
                straight_path(start, finish, images, rng) if attempt % 2 else distance_path(start, finish, images, rng)
            )
        ends = self.matched(start, finish)
        finish = ends[attempt % len(ends)]
        if not len(self.torsions) or (attempt == 1 and len(ends) == 1):
            return distance_path(start, finish, images, rng)
        return self.torsion_path(start, finish, images, backwards=attempt >= 2)

    # Which atom goes where

    def matched(self, start: np.ndarray, finish: np.ndarray) -> list[np.ndarray]:
        """Positions of `finish` with its atoms permuted as they can be reached, laid onto `start`, nearest first."""
        found: dict[tuple[int, ...], tuple[float, np.ndarray]] = {}
        for mirrored in (False, True) if self._mirror else (False,):
            mobile = -finish if mirrored else finish
            for mapping in self._symmetry.mappings:
                permutation = self._assigned(start, mobile, mapping)
                if permutation is None or not self._same_hands(start, mobile[permutation]):
                    continue
                laid = superpose(mobile[permutation], start)
                found[(*permutation.tolist(), mirrored)] = (float(np.sum((laid - start) ** 2)), laid)
        if not found:
            return [align(finish, start, self._symmetry, mirror=self._mirror).positions]
        return [laid for _, laid in sorted(found.values(), key=lambda one: one[0])]

    def _assigned(self, start: np.ndarray, mobile: np.ndarray, mapping: Mapping) -> np.ndarray | None:
        """The permutation for one automorphism of the core; None when groups are too large to try everything."""
        if not len(mapping.fixed) or any(len(atoms) > LARGEST_GROUP for atoms, _ in mapping.groups):
            return None
        permutation = np.full(len(start), -1)
        permutation[mapping.fixed[:, 0]] = mapping.fixed[:, 1]
        for atoms, places in mapping.groups:
            near = self._surroundings(places, permutation)
            moved = _laid_by(mobile, permutation[near], start[near])
            best, least = None, np.inf
            for order in permutations(atoms.tolist()):
                cost = float(np.sum((moved[list(order)] - start[places]) ** 2))
                if cost < least and self._fits(start, mobile, permutation, places, order):
                    best, least = order, cost
            if best is None:
                return None
            permutation[places] = best
        return permutation

    def _surroundings(self, places: np.ndarray, permutation: np.ndarray) -> np.ndarray:
        """Assigned places nearest to a group along bonds: enough to fix a frame where there are any."""
        assert self._steps is not None
        steps = np.where(permutation >= 0, self._steps[places[0]], -1)
        for reach in (3, 4, 5):
            near = np.flatnonzero((steps >= 0) & (steps <= reach))
            if len(near) >= 3:
                return near
        return np.flatnonzero(steps >= 0)

    def _fits(
        self, start: np.ndarray, mobile: np.ndarray, permutation: np.ndarray, places: np.ndarray, order: Any
    ) -> bool:
        """Whether the centre of the group keeps its handedness when its leaves are assigned in this order."""
        (centre,) = self._neighbors[places[0]]
        trial = permutation.copy()
        trial[places] = order
        around = self._neighbors[centre]
        if len(around) < 4 or (trial[[centre, *around]] < 0).any():
            return True
        return _hand(start, centre, around) * _hand(mobile, int(trial[centre]), trial[around]) >= 0

    def _same_hands(self, start: np.ndarray, finish: np.ndarray) -> bool:
        centres = [(atom, near) for atom, near in enumerate(self._neighbors) if len(near) >= 4]
        return all(_hand(start, atom, near) * _hand(finish, atom, near) >= 0 for atom, near in centres)

    def _permuted(self, start: np.ndarray, finish: np.ndarray, attempt: int, rng: Any) -> np.ndarray:
        """Atoms of a cluster where they move least; from the second attempt on from a random orientation.

        A cluster that is to become itself changes places with itself at the first attempt already.
        """
        laid = align(finish, start, self._symmetry, mirror=self._mirror).positions
        same = float(np.sqrt(np.mean(np.sum((laid - start) ** 2, axis=1)))) < SAME
        if attempt == 0 and not same:
            return laid
        for _ in range(ROUNDS):
            mobile = -finish if self._mirror and rng.random() < 0.5 else finish
            laid = _nearest_permutation(mobile, start, self.numbers, _random_rotation(rng))
            if np.sum((laid - start) ** 2) > len(start) * SAME**2:
                break
        return laid

    # By which way

    def torsion_path(
        self, start: np.ndarray, finish: np.ndarray, images: int, *, backwards: bool = False
    ) -> np.ndarray:
        """Path (images + 2, atoms, 3) along which all torsions turn evenly; `backwards`: the largest the other way."""
        change = (dihedrals(finish, self.torsions) - dihedrals(start, self.torsions) + 180) % 360 - 180
        if backwards:
            largest = int(np.argmax(np.abs(change)))
            change[largest] -= 360 * np.sign(change[largest])
        path = [start]
        for share in np.linspace(0, 1, images + 2)[1:-1]:
            from_start = self._turned(start, share * change)
            from_finish = superpose(self._turned(finish, (share - 1) * change), from_start)
            path.append(superpose((1 - share) * from_start + share * from_finish, path[-1]))
        return np.array([*path, superpose(finish, path[-1])])

    def turned_about(self, positions: np.ndarray, quad: Any, angle: float) -> np.ndarray:
        """Positions with one torsion, given by its four atoms, larger by `angle` degrees."""
        return rotate_torsion(positions, self.bonds, quad, angle)

    def _turned(self, positions: np.ndarray, angles: np.ndarray) -> np.ndarray:
        for quad, moving, angle in zip(self.torsions, self._moving, angles, strict=True):
            positions = np.asarray(turn(positions, quad, moving, float(angle)))
        return positions


def straight_path(start: np.ndarray, finish: np.ndarray, images: int, rng: Any) -> np.ndarray:
    """Path (images + 2, atoms, 3) on which atoms go straight, also through each other, but for a little noise."""
    shares = np.linspace(0, 1, images + 2)[:, None, None]
    path = start[None] + shares * (finish - start)[None]
    path[1:-1] += rng.normal(scale=JITTER, size=path[1:-1].shape)
    return path


def distance_path(start: np.ndarray, finish: np.ndarray, images: int, rng: Any) -> np.ndarray:
    """Path (images + 2, atoms, 3) whose distances change as evenly as possible."""
    shares = np.linspace(0, 1, images + 2)
    shaken = straight_path(start, finish, images, rng)[1:-1]
    apart = lambda r: np.linalg.norm(r[:, None] - r[None, :], axis=-1)
    wanted = apart(start)[None] + shares[1:-1, None, None] * (apart(finish) - apart(start))[None]
    relaxed = np.asarray(_descend(jnp.asarray(shaken), jnp.asarray(wanted)))
    path = [start]
    for image in [*relaxed, finish]:
        path.append(superpose(image, path[-1]))
    return np.array(path)


@jax.jit
def _descend(
    images: Float[Array, "images atoms 3"], wanted: Float[Array, "images atoms atoms"]
) -> Float[Array, "images atoms 3"]:
    """Steps along the gradient, of a length that grows while the pair potential falls and shrinks when it rises."""
    other = ~jnp.eye(images.shape[1], dtype=bool)
    target = jnp.where(other[None], jnp.maximum(wanted, 0.3), 1.0)

    def pair_potential(r: Array, d: Array) -> Array:
        square = jnp.sum((r[:, None, :] - r[None, :, :]) ** 2, axis=-1)
        misfit = jnp.where(other, jnp.sqrt(jnp.where(other, square, 1.0)) - d, 0.0)
        return jnp.sum(misfit**2 / d**4)

    value = jax.vmap(jax.value_and_grad(pair_potential))

    def step(_: Any, carry: Any) -> Any:
        r, energy, gradient, length = carry
        norm = jnp.sqrt(jnp.sum(gradient**2, axis=-1)).max(axis=-1)
        trial = r - (length / jnp.maximum(norm, 1e-12))[:, None, None] * gradient
        there, slope = value(trial, target)
        better = there < energy
        pick = lambda a, b: jnp.where(better.reshape(-1, *[1] * (a.ndim - 1)), a, b)
        length = jnp.where(better, jnp.minimum(1.2 * length, 0.1), 0.5 * length)
        return pick(trial, r), pick(there, energy), pick(slope, gradient), length

    first = (images, *value(images, target), jnp.full(len(images), 0.02, images.dtype))
    return jax.lax.fori_loop(0, DESCENT, step, first)[0]


def _hand(positions: np.ndarray, centre: int, around: Any) -> float:
    """Sign of the volume spanned by the first three neighbours; zero where it is small."""
    bonds = positions[np.asarray(around)[:3]] - positions[centre]
    bonds = bonds / np.linalg.norm(bonds, axis=1, keepdims=True)
    volume = float(np.linalg.det(bonds))
    return 0.0 if abs(volume) < FLAT else float(np.sign(volume))


def _laid_by(mobile: np.ndarray, atoms: np.ndarray, target: np.ndarray) -> np.ndarray:
    """All of `mobile`, moved so that some of its atoms lie best on `target`."""
    centre, aim = mobile[atoms].mean(axis=0), target.mean(axis=0)
    rotation = rotation_onto(mobile[atoms] - centre, target - aim)
    return (mobile - centre) @ rotation.T + aim


def _random_rotation(rng: Any) -> np.ndarray:
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.linalg.det(q)


def _nearest_permutation(
    mobile: np.ndarray, target: np.ndarray, numbers: np.ndarray, rotation: np.ndarray
) -> np.ndarray:
    """`mobile` laid onto `target` with equal atoms permuted, the best that can be reached from an orientation."""
    laid = (mobile - mobile.mean(axis=0)) @ rotation.T + target.mean(axis=0)
    for _ in range(ROUNDS):
        cost = np.sum((target[:, None] - laid[None, :]) ** 2, axis=-1)
        cost = np.where(numbers[:, None] == numbers[None, :], cost, 1e9)
        permutation = linear_sum_assignment(cost)[1]
        laid = superpose(laid[permutation], target)
        if (permutation == np.arange(len(permutation))).all():
            break
    return laid
