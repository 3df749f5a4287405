"""Many structures laid onto one in a few array operations; the same as `alignment.align` of each."""

from itertools import permutations

import numpy as np
from jaxtyping import Float

from so3k_explore.analysis.alignment import FLAT, MAX_ITERATIONS, align, rotation_onto
from so3k_explore.analysis.symmetry import Group, Mapping, Symmetry

LARGEST_GROUP = 4  # equal leaves whose permutations are all tried


def align_all(
    mobile: Float[np.ndarray, "structures atoms 3"], target: Float[np.ndarray, "atoms 3"], symmetry: Symmetry
) -> tuple[Float[np.ndarray, "structures"], Float[np.ndarray, "structures atoms 3"]]:
    """RMSD to `target` and positions on it, both in Å, with the best permutation of equal atoms that is found.

    One by one where the core fixes no orientation, or many equal atoms hang on one parent: in atomic clusters.
    """
    if not all(_quick(mapping, target) for mapping in symmetry.mappings):
        found = [align(one, target, symmetry, enough=1e-3) for one in mobile]
        return np.array([one.rmsd for one in found]), np.array([one.positions for one in found]).reshape(mobile.shape)
    centre = target.mean(axis=0)
    aim, original = target - centre, mobile - mobile.mean(axis=1, keepdims=True)
    best, positions = np.full(len(mobile), np.inf), np.array(mobile)
    for mapping in symmetry.mappings:
        laid = _lay(original, aim, mapping)
        deviations = np.sqrt(np.mean(np.sum((laid - aim) ** 2, axis=-1), axis=-1))
        better = deviations < best
        best[better], positions[better] = deviations[better], laid[better]
    return best, positions + centre


def _quick(mapping: Mapping, target: np.ndarray) -> bool:
    """Whether the core fixes an orientation and groups of equal leaves are small."""
    places = mapping.fixed[:, 0]
    if len(places) < 3 or any(len(atoms) > LARGEST_GROUP for atoms, _ in mapping.groups):
        return False
    core = target[places] - target[places].mean(axis=0)
    return bool(np.linalg.svd(core / len(core) ** 0.5, compute_uv=False)[1] > FLAT)


def _lay(mobile: np.ndarray, target: np.ndarray, mapping: Mapping) -> np.ndarray:
    """Centred structures on a centred target under one automorphism of the core."""
    places, atoms = mapping.fixed[:, 0], mapping.fixed[:, 1]
    order = np.empty(mobile.shape[:2], int)
    order[:, places] = atoms
    core, aim = mobile[:, atoms], target[places] - target[places].mean(axis=0)
    rotation = rotation_onto(core - core.mean(axis=1, keepdims=True), np.broadcast_to(aim, core.shape))
    taken = lambda: np.take_along_axis(mobile, order[:, :, None], axis=1)
    for _ in range(MAX_ITERATIONS):
        before = order.copy()
        turned = mobile @ np.swapaxes(rotation, -1, -2)
        for group in mapping.groups:
            _assign(turned, target, group, order)
        rotation = rotation_onto(taken(), np.broadcast_to(target, mobile.shape))
        if np.array_equal(before, order):
            break
    return taken() @ np.swapaxes(rotation, -1, -2)


def _assign(turned: np.ndarray, target: np.ndarray, group: Group, order: np.ndarray) -> None:
    """Writes into `order` which atom of a group takes which place in each structure."""
    atoms, places = group
    overlap = np.einsum("px,sax->spa", target[places], turned[:, atoms])
    tried = np.array(list(permutations(range(len(atoms)))))  # the atom for each place
    scores = overlap[:, np.arange(len(places)), tried].sum(axis=-1)
    order[:, places] = atoms[tried[scores.argmax(axis=1)]]
