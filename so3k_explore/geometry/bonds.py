r"""Which atoms are bonded, how often, and what hangs together.

Two atoms are bonded when

.. math:: r_{ij} < 1.3\, (R_i + R_j)

with the covalent radii of Cordero et al. (Dalton Trans., 2832 (2008)). The factor keeps stretched bonds of hot
molecules (C-C up to 1.98 Å, C-H up to 1.39 Å, O-H up to 1.26 Å) and stays below 1,3 distances and hydrogen bonds.
Hydrogens bond to each other only when neither has another partner (H2); noble gases and padding never bond.

Everything here runs on the host, in numpy, once per molecule.
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, shortest_path

from so3k_explore.geometry.elements import COVALENT_RADII, NOBLE_GASES

BOND_FACTOR = 1.3
VALENCES = {1: 1, 5: 3, 6: 4, 7: 3, 8: 2, 9: 1, 14: 4, 15: 3, 16: 2, 17: 1, 34: 2, 35: 1, 53: 1}
"""Usual number of bonds of the main-group elements that organic molecules are made of."""

Contacts = tuple[Int[np.ndarray, "pairs"], Int[np.ndarray, "pairs"], Float[np.ndarray, "pairs"]]


def contacts(
    positions: Float[np.ndarray, "atoms 3"], radius: float, cell: Float[np.ndarray, "3 3"] | None = None
) -> Contacts:
    """Unordered pairs (i, j, distance in Å) closer than `radius` (Å), each periodic image by itself."""
    from vesin import NeighborList

    i, j, distances = NeighborList(cutoff=radius, full_list=False).compute(
        points=np.ascontiguousarray(positions, float),
        box=np.zeros((3, 3)) if cell is None else np.asarray(cell, float),
        periodic=cell is not None,
        quantities="ijd",
    )
    return i.astype(int), j.astype(int), distances


def bonded_contacts(
    numbers: Int[np.ndarray, "atoms"],
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"] | None = None,
) -> Contacts:
    """Bonded pairs (i, j, length in Å), in a cell one row for every image that is bonded."""
    radii = COVALENT_RADII[numbers]
    bonding = (numbers > 0) & ~np.isin(numbers, list(NOBLE_GASES))
    if not bonding.any():
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0)
    i, j, distances = contacts(positions, 2 * BOND_FACTOR * float(radii[bonding].max()), cell)
    near = (distances < BOND_FACTOR * (radii[i] + radii[j])) & bonding[i] & bonding[j]
    i, j, distances = i[near], j[near], distances[near]
    hydrogens = (numbers[i] == 1) & (numbers[j] == 1)
    has_heavy_partner = np.zeros(len(numbers), bool)
    has_heavy_partner[i[~hydrogens]] = has_heavy_partner[j[~hydrogens]] = True
    keep = ~hydrogens | ~(has_heavy_partner[i] | has_heavy_partner[j])
    return i[keep], j[keep], distances[keep]


def find_bonds(
    numbers: Int[np.ndarray, "atoms"],
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"] | None = None,
) -> Int[np.ndarray, "bonds 2"]:
    """Bonds (i < j, sorted, each once) from distances; see the head of this module for the rule.

    Args:
        numbers: atomic numbers.
        positions: Å.
        cell: cell vectors as rows, Å; None when not periodic.
    """
    i, j, _ = bonded_contacts(numbers, positions, cell)
    pairs = np.sort(np.stack([i, j], axis=1), axis=1)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]  # an atom bonded to its own image says nothing about the molecule
    return np.unique(pairs, axis=0).reshape(-1, 2)


def neighbor_lists(bonds: Int[np.ndarray, "bonds 2"], atoms: int) -> list[list[int]]:
    """For each atom the sorted list of atoms it is bonded to."""
    lists: list[list[int]] = [[] for _ in range(atoms)]
    for i, j in bonds.tolist():
        lists[i].append(j)
        lists[j].append(i)
    return [sorted(one) for one in lists]


def fragments(bonds: Int[np.ndarray, "bonds 2"], atoms: int) -> Int[np.ndarray, "atoms"]:
    """Label of the fragment each atom belongs to: 0 for that of the first atom, then in order of appearance."""
    _, labels = connected_components(_adjacency(bonds, atoms), directed=False)
    return np.unique(np.unique(labels, return_index=True)[1][labels], return_inverse=True)[1].astype(int)


def graph_distances(bonds: Int[np.ndarray, "bonds 2"], atoms: int) -> Int[np.ndarray, "atoms atoms"]:
    """Number of bonds on the shortest path between any two atoms; -1 between fragments."""
    steps = shortest_path(_adjacency(bonds, atoms), directed=False, unweighted=True)
    return np.where(np.isfinite(steps), steps, -1).astype(int)


def ring_bonds(bonds: Int[np.ndarray, "bonds 2"], atoms: int) -> Bool[np.ndarray, "bonds"]:
    """Which bonds are part of a ring: those whose removal leaves their atoms connected."""
    lists = neighbor_lists(bonds, atoms)
    order = np.full(atoms, -1)
    lowest = np.zeros(atoms, int)
    bridges: set[tuple[int, int]] = set()
    clock = 0
    for root in range(atoms):
        if order[root] >= 0:
            continue
        order[root] = lowest[root] = clock
        clock += 1
        path = [(root, -1, iter(lists[root]))]  # Tarjan's depth-first search, without recursion
        while path:
            atom, parent, rest = path[-1]
            child = next(rest, None)
            if child is None:
                path.pop()
                if parent >= 0:
                    lowest[parent] = min(lowest[parent], lowest[atom])
                    if lowest[atom] > order[parent]:
                        bridges.add((min(parent, atom), max(parent, atom)))
            elif order[child] < 0:
                order[child] = lowest[child] = clock
                clock += 1
                path.append((child, atom, iter(lists[child])))
            elif child != parent:
                lowest[atom] = min(lowest[atom], order[child])
    return np.array([(min(i, j), max(i, j)) not in bridges for i, j in bonds.tolist()], bool)


def bond_orders(numbers: Int[np.ndarray, "atoms"], bonds: Int[np.ndarray, "bonds 2"]) -> Int[np.ndarray, "bonds"]:
    """Orders (1, 2, 3) of one Lewis structure of a molecule with all its hydrogens.

    Free valences are paired from the ends of conjugated chains inwards; where only rings are left, a ring bond is
    chosen, and the ends it opens come next. Charged groups keep single bonds (nitro, carboxylate: one C=O).
    """
    atoms = len(numbers)
    orders = np.ones(len(bonds), int)
    lists: list[list[tuple[int, int]]] = [[] for _ in range(atoms)]
    for b, (i, j) in enumerate(bonds.tolist()):
        lists[i].append((j, b))
        lists[j].append((i, b))
    free = np.array([max(VALENCES.get(int(z), 0) - len(lists[a]), 0) for a, z in enumerate(numbers)], int)
    ring = ring_bonds(bonds, atoms)
    open_ends = lambda atom: [(other, b) for other, b in lists[atom] if free[other] > 0]

    def urgency(atom: int) -> tuple[int, int, int]:
        ends = open_ends(atom)
        core = 0 if len(ends) == 1 else 1 if any(ring[b] for _, b in ends) else 2
        return core, len(ends), atom

    waiting = {a for a in range(atoms) if free[a] > 0 and open_ends(a)}
    while waiting:
        atom = min(waiting, key=urgency)
        choices = open_ends(atom)
        other, bond = min(choices, key=lambda choice: (not ring[choice[1]], len(open_ends(choice[0])), choice[0]))
        shared = min(free[atom], free[other])
        orders[bond] += shared
        free[atom] -= shared
        free[other] -= shared
        waiting = {a for a in waiting if free[a] > 0 and open_ends(a)}
    return orders


def _adjacency(bonds: Int[np.ndarray, "bonds 2"], atoms: int) -> coo_array:
    return coo_array((np.ones(len(bonds)), (bonds[:, 0], bonds[:, 1])), shape=(atoms, atoms))
