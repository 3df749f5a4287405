r"""One order of the atoms for each structure, so that equal conformers get equal descriptors.

Conformers may differ by nothing but equal atoms that have traded places: a methyl group turned by 120°, hexane read
from the other end. Of all these numberings one is chosen from the structure alone, without any reference structure:

1. *Core.* Of all automorphisms of the core (see `symmetry`) the one is taken that makes
   :math:`\sum_{i<j} w_{ij} d_{ij} + \sum_{ik} w_{ii} d_{ik}` largest, with distances d, over pairs of the core and over
   all atoms k, and fixed weights w between places. Places have ranks that follow from the graph alone.
2. *Leaves.* Equal leaves of one parent, such as the hydrogens of a methyl group, are sorted by their torsion about the
   bond to the parent. The cuts of the circle, at -150°, -30° and 90°, are 30° away from staggered and eclipsed leaves.

Where no torsion tells leaves apart (methane, atomic clusters) they are sorted by their distances to all other atoms.
"""

import numpy as np
from jaxtyping import Float, Int

from so3k_explore.analysis.symmetry import Group, Mapping, Symmetry, canonical_ranks
from so3k_explore.analysis.torsions import dihedrals
from so3k_explore.geometry.bonds import neighbor_lists

CUT = -150.0  # degrees
BLOCK = 2000  # structures whose distances are in memory at once

Frame = tuple[int, int, int]  # beyond the axis, end of the axis, parent: a leaf completes the torsion


def canonical_order(
    positions: Float[np.ndarray, "structures atoms 3"],
    numbers: Int[np.ndarray, "atoms"],
    bonds: Int[np.ndarray, "bonds 2"],
) -> Int[np.ndarray, "structures atoms"]:
    """Which atom of each structure takes each place.

    Args:
        positions: Å.
        numbers: atomic numbers.
        bonds: pairs of bonded atoms; none for an atomic cluster.
    """
    symmetry, ranks = Symmetry.of(numbers, bonds), canonical_ranks(numbers, bonds)
    lists = neighbor_lists(bonds, len(numbers))
    blocks = [
        _order(positions[start : start + BLOCK], symmetry, ranks, lists) for start in range(0, len(positions), BLOCK)
    ]
    return np.concatenate(blocks) if blocks else np.zeros((0, len(numbers)), int)


def canonical_positions(
    positions: Float[np.ndarray, "structures atoms 3"],
    numbers: Int[np.ndarray, "atoms"],
    bonds: Int[np.ndarray, "bonds 2"],
) -> Float[np.ndarray, "structures atoms 3"]:
    """Positions (Å) with the atoms of each structure in canonical order."""
    order = canonical_order(positions, numbers, bonds)
    return np.take_along_axis(positions, order[:, :, None], axis=1)


def _order(positions: np.ndarray, symmetry: Symmetry, ranks: np.ndarray, lists: list[list[int]]) -> np.ndarray:
    best = _best_mapping(positions, symmetry.mappings, ranks)
    order = np.empty(positions.shape[:2], int)
    for index, mapping in enumerate(symmetry.mappings):
        rows = np.flatnonzero(best == index)
        if len(rows):
            order[rows] = _fill(positions[rows], mapping, ranks, lists)
    return order


def _best_mapping(positions: np.ndarray, mappings: tuple[Mapping, ...], ranks: np.ndarray) -> np.ndarray:
    """Index of the automorphism of the core that each structure takes."""
    if len(mappings) == 1:
        return np.zeros(len(positions), int)
    weights = np.random.default_rng(0).uniform(size=(len(ranks), len(ranks)))[np.ix_(ranks, ranks)]
    weights = weights + weights.T
    remote = np.stack(
        [np.linalg.norm(positions - positions[:, [k]], axis=-1).sum(axis=1) for k in range(len(ranks))], 1
    )
    best, highest = np.zeros(len(positions), int), np.full(len(positions), -np.inf)
    for index, mapping in enumerate(mappings):
        places, atoms = mapping.fixed[:, 0], mapping.fixed[:, 1]
        core = positions[:, atoms]
        distances = np.linalg.norm(core[:, :, None] - core[:, None], axis=-1)
        score = np.einsum("sij,ij->s", distances, weights[np.ix_(places, places)])
        score = np.round(score + remote[:, atoms] @ np.diag(weights)[places], 7)  # Å
        better = score > highest
        best[better], highest[better] = index, score[better]
    return best


def _fill(positions: np.ndarray, mapping: Mapping, ranks: np.ndarray, lists: list[list[int]]) -> np.ndarray:
    """Orders under one automorphism of the core."""
    order = np.empty(positions.shape[:2], int)
    order[:, mapping.fixed[:, 0]] = mapping.fixed[:, 1]
    image = dict(mapping.fixed.tolist())
    for group in mapping.groups:
        mobile, places = group
        frame = _frame(group, ranks, lists, image)
        if frame is None:
            keys = np.linalg.norm(positions[:, mobile, None] - positions[:, None], axis=-1).sum(axis=-1)
        else:
            quads = np.array([(*(image[place] for place in frame), atom) for atom in mobile.tolist()])
            keys = (np.asarray(dihedrals(positions, quads)) - CUT) % 360.0
        order[:, places[np.argsort(ranks[places])]] = mobile[np.argsort(keys, axis=1, kind="stable")]
    return order


def _frame(group: Group, ranks: np.ndarray, lists: list[list[int]], image: dict[int, int]) -> Frame | None:
    """Places that a leaf completes to a torsion, those of the highest rank where there is a choice."""
    parents = {parent for place in group[1].tolist() for parent in lists[place]}
    if len(parents) != 1 or (parent := parents.pop()) not in image:
        return None
    fixed = lambda place, *but: sorted(
        (other for other in lists[place] if other in image and other not in but), key=lambda k: -ranks[k]
    )
    near = fixed(parent)
    if len(near) > 1:
        return near[1], parent, near[0]
    for axis in near:
        for beyond in fixed(axis, parent):
            return beyond, axis, parent
    return None
