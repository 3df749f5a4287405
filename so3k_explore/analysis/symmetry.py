"""Which atoms of a molecule may trade places: automorphisms of the molecular graph.

The number of automorphisms explodes with methyl and methylene groups (hexane: 2 · 6² · 2⁴ = 1152), so only those of the
*core* are listed, the atoms that are no leaves. Leaves (atoms with one bond: hydrogens, the oxygens of a carboxylate)
may be permuted among equal leaves of the same parent; which permutation is best is decided in space, by an assignment
problem. Atomic clusters have no graph: there every atom may take the place of any other of its element.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Group = tuple[np.ndarray, np.ndarray]  # atoms of the mobile structure, places in the target that they may take

MAX_MAPPINGS = 2000
"""More core automorphisms than this (many equal fragments): classes of equivalent atoms are permuted freely."""


@dataclass(frozen=True, eq=False)
class Mapping:
    """One way to put a molecule onto itself, up to permutations inside groups."""

    fixed: np.ndarray  # (core, 2): places in the target, and the mobile atoms that take them
    groups: tuple[Group, ...]

    def allowed(self, atoms: int) -> np.ndarray:
        """Which mobile atom (column) may take which place (row)."""
        table = np.zeros((atoms, atoms), bool)
        table[self.fixed[:, 0], self.fixed[:, 1]] = True
        for mobile, places in self.groups:
            table[np.ix_(places, mobile)] = True
        return table


@dataclass(frozen=True, eq=False)
class Symmetry:
    """Permutations under which a molecule is the same molecule."""

    numbers: np.ndarray
    mappings: tuple[Mapping, ...]

    @classmethod
    def of(cls, numbers: Any, bonds: Any = None) -> "Symmetry":
        """Symmetry of a molecule from its atomic numbers and bonds (pairs of atoms); without bonds, of a cluster."""
        numbers = np.asarray(numbers, int)
        bonds = np.zeros((0, 2), int) if bonds is None else np.asarray(bonds, int).reshape(-1, 2)
        neighbors = [set() for _ in numbers]
        for i, j in bonds.tolist():
            neighbors[i].add(j)
            neighbors[j].add(i)
        if not len(bonds):
            return cls(numbers, (_free(numbers),))
        colours = _refine_colours(numbers, neighbors)
        leaves = _leaves(neighbors)
        core = [atom for atom in range(len(numbers)) if not any(atom in atoms for atoms in leaves.values())]
        mappings = []
        for image in _automorphisms(core, neighbors, colours):
            if len(mappings) == MAX_MAPPINGS:
                return cls(numbers, (_free(colours),))
            mappings.append(_mapping(image, leaves, colours))
        return cls(numbers, tuple(mappings))


def _free(colours: np.ndarray) -> Mapping:
    classes = [np.flatnonzero(colours == colour) for colour in np.unique(colours)]
    return Mapping(np.zeros((0, 2), int), tuple((atoms, atoms) for atoms in classes))


def _leaves(neighbors: list[set[int]]) -> dict[int, list[int]]:
    """Atoms with one bond, by parent; the two atoms of a diatomic are no leaves."""
    found: dict[int, list[int]] = {}
    for atom, bonded in enumerate(neighbors):
        if len(bonded) == 1 and len(neighbors[(parent := next(iter(bonded)))]) > 1:
            found.setdefault(parent, []).append(atom)
    return found


def canonical_ranks(numbers: Any, bonds: Any) -> np.ndarray:
    """Ranks (atoms) of the atoms, from 0, that follow from the graph alone, up to exchanges of equivalent atoms.

    Colours are refined; as long as two atoms share one, an atom of the lowest such colour is told apart from the others
    (which does not matter when they are equivalent), and colours are refined again.
    """
    neighbors: list[set[int]] = [set() for _ in np.asarray(numbers)]
    for i, j in np.asarray(bonds, int).reshape(-1, 2).tolist():
        neighbors[i].add(j)
        neighbors[j].add(i)
    colours = _refine_colours(np.asarray(numbers, int), neighbors)
    while len(shared := np.flatnonzero(np.bincount(colours) > 1)):
        colours = 2 * colours
        colours[np.flatnonzero(colours == 2 * shared[0])[0]] -= 1
        colours = _refine_colours(colours, neighbors)
    return colours


def _refine_colours(numbers: np.ndarray, neighbors: list[set[int]]) -> np.ndarray:
    """Classes of atoms with equal surroundings (colour refinement of Weisfeiler and Leman, 1968)."""
    colours = np.unique(numbers, return_inverse=True)[1]
    while True:
        surroundings = [
            (int(colours[i]), tuple(sorted(int(colours[j]) for j in neighbors[i]))) for i in range(len(numbers))
        ]
        order = {key: rank for rank, key in enumerate(sorted(set(surroundings)))}
        refined = np.array([order[key] for key in surroundings], int)
        if len(order) == len(np.unique(colours)):
            return refined
        colours = refined


def _automorphisms(core: list[int], neighbors: list[set[int]], colours: np.ndarray) -> Iterator[dict[int, int]]:
    """All maps of the core graph onto itself, each as place → atom that takes it; by backtracking along bonds."""
    order, parents = _walk(core, neighbors)
    members = set(core)
    image: dict[int, int] = {}

    def choices(depth: int) -> Iterator[int]:
        place, parent = order[depth], parents[order[depth]]
        pool = core if parent is None else sorted(neighbors[image[parent]] & members)
        used = set(image.values())
        for atom in pool:
            if atom in used or colours[atom] != colours[place]:
                continue
            if all((other in neighbors[place]) == (taken in neighbors[atom]) for other, taken in image.items()):
                yield atom

    stack = [choices(0)]
    while stack:
        place = order[len(stack) - 1]
        image.pop(place, None)
        atom = next(stack[-1], None)
        if atom is None:
            stack.pop()
            continue
        image[place] = atom
        if len(image) == len(order):
            yield dict(image)
        else:
            stack.append(choices(len(stack)))


def _walk(core: list[int], neighbors: list[set[int]]) -> tuple[list[int], dict[int, int | None]]:
    """Core atoms in an order in which each, where possible, is bonded to an earlier one: its parent."""
    members, parents = set(core), dict[int, int | None]()
    order: list[int] = []
    for start in core:
        if start in parents:
            continue
        parents[start] = None
        queue = [start]
        while queue:
            atom = queue.pop(0)
            order.append(atom)
            for other in sorted(neighbors[atom] & members):
                if other not in parents:
                    parents[other] = atom
                    queue.append(other)
    return order, parents


def _mapping(image: dict[int, int], leaves: dict[int, list[int]], colours: np.ndarray) -> Mapping:
    fixed, groups = [[place, atom] for place, atom in image.items()], []
    for parent, places in leaves.items():
        for colour in sorted({int(colours[atom]) for atom in places}):
            mine = [atom for atom in places if colours[atom] == colour]
            theirs = [atom for atom in leaves[image[parent]] if colours[atom] == colour]
            if len(mine) == 1:
                fixed.append([mine[0], theirs[0]])
            else:
                groups.append((np.array(theirs), np.array(mine)))
    return Mapping(np.array(fixed, int).reshape(-1, 2), tuple(groups))
