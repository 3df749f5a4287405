r"""Numbers that tell conformers apart: torsions, distances, size, hydrogen bonds. Arrays in, arrays out.

All descriptors are the same for conformers that differ only in the numbering of equal atoms, because atoms are put into
canonical order first (see `canonical`); atomic clusters, which have none, get sorted distances. What a network makes of
its surroundings is in `features`, the dipole moments that a potential with charges gives are in `dipoles`.

A torsion enters as :math:`(\cos\tau, \sin\tau)` (Altis et al., J. Chem. Phys. 126, 244111 (2007)). Hydrogen bonds
D-H...A are those with :math:`d(H, A) < 2.5` Å and an angle at H above 120° (Baker & Hubbard, Prog. Biophys. Mol. Biol.
44, 97 (1984)) between nitrogen, oxygen and fluorine, nitrogen as acceptor only where it has a free lone pair.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from so3k_explore.analysis.backbone import is_amide
from so3k_explore.analysis.canonical import BLOCK, canonical_positions
from so3k_explore.analysis.torsions import dihedrals, rotatable_torsions
from so3k_explore.geometry.bonds import graph_distances, neighbor_lists
from so3k_explore.units import DEGREE

HYDROGEN_BOND_LENGTH = 2.5  # Å, between hydrogen and acceptor
HYDROGEN_BOND_ANGLE = 120.0  # degrees, at the hydrogen
POLAR = (7, 8, 9)


def torsion_features(
    positions: Float[np.ndarray, "structures atoms 3"],
    numbers: Int[np.ndarray, "atoms"],
    bonds: Int[np.ndarray, "bonds 2"],
    quads: Int[np.ndarray, "torsions 4"] | None = None,
) -> Float[np.ndarray, "structures features"]:
    """Cosines of all torsions, then their sines.

    Args:
        positions: Å.
        numbers: atomic numbers.
        bonds: pairs of bonded atoms.
        quads: the four atoms of each torsion; by default all that conformers differ by, amide bonds included.

    Raises:
        ValueError: nothing can turn.
    """
    if quads is None:
        quads = rotatable_torsions(numbers, bonds, amide=True)
    if not len(quads):
        raise ValueError("This molecule has no torsion that could turn. Describe it by distances.")
    angles = np.asarray(dihedrals(canonical_positions(positions, numbers, bonds), quads)) * DEGREE
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)


def distance_features(
    positions: Float[np.ndarray, "structures atoms 3"],
    numbers: Int[np.ndarray, "atoms"],
    bonds: Int[np.ndarray, "bonds 2"],
    *,
    hydrogens: bool = False,
) -> Float[np.ndarray, "structures features"]:
    """Distances in Å between atoms at least three bonds apart; of clusters sorted for each pair of elements.

    Args:
        positions: Å.
        numbers: atomic numbers.
        bonds: pairs of bonded atoms; none for an atomic cluster.
        hydrogens: whether hydrogens on carbon count too; those on other atoms always do.

    Raises:
        ValueError: no two atoms are that far apart.
    """
    first, second = _distant_pairs(numbers, bonds, hydrogens=hydrogens)
    if not len(first):
        raise ValueError("No two atoms of this molecule are three bonds apart, so that it has no conformers.")
    ordered = canonical_positions(positions, numbers, bonds) if len(bonds) else positions
    distances = np.linalg.norm(ordered[:, first] - ordered[:, second], axis=-1)
    if not len(bonds):
        kinds = np.sort(np.stack([numbers[first], numbers[second]]), axis=0)
        for kind in np.unique(kinds, axis=1).T:
            columns = np.flatnonzero((kinds == kind[:, None]).all(axis=0))
            distances[:, columns] = np.sort(distances[:, columns], axis=1)
    return distances


def radius_of_gyration(
    positions: Float[np.ndarray, "structures atoms 3"], masses: Float[np.ndarray, "atoms"]
) -> Float[np.ndarray, "structures"]:
    """Root of the mass-weighted mean square distance from the centre of mass, Å."""
    weights = masses / masses.sum()
    centred = positions - np.einsum("a,sax->sx", weights, positions)[:, None]
    return np.sqrt(np.einsum("a,sax->s", weights, centred**2))


@dataclass(frozen=True, eq=False)
class HydrogenBonds:
    """Which hydrogen bonds each structure has, out of all that the molecule could have."""

    triples: Int[np.ndarray, "bonds 3"]  # donor, hydrogen, acceptor
    present: Bool[np.ndarray, "structures bonds"]

    @property
    def counts(self) -> Int[np.ndarray, "structures"]:
        """How many each structure has."""
        return self.present.sum(axis=1)


def hydrogen_bonds(
    positions: Float[np.ndarray, "structures atoms 3"],
    numbers: Int[np.ndarray, "atoms"],
    bonds: Int[np.ndarray, "bonds 2"],
) -> HydrogenBonds:
    """Hydrogen bonds D-H...A of each structure, in Å and degrees as the head of this module says."""
    triples = _possible_hydrogen_bonds(numbers, bonds)
    if not len(triples):
        return HydrogenBonds(triples, np.zeros((len(positions), 0), bool))
    positions = canonical_positions(positions, numbers, bonds)
    present = []
    for start in range(0, len(positions), BLOCK):
        donor, hydrogen, acceptor = (positions[start : start + BLOCK, triples[:, k]] for k in range(3))
        back, on = donor - hydrogen, acceptor - hydrogen
        length = np.linalg.norm(on, axis=-1)
        cosine = np.sum(back * on, axis=-1) / (np.linalg.norm(back, axis=-1) * length)
        present.append((length < HYDROGEN_BOND_LENGTH) & (cosine < np.cos(HYDROGEN_BOND_ANGLE * DEGREE)))
    return HydrogenBonds(triples, np.concatenate(present) if present else np.zeros((0, len(triples)), bool))


def shape_atoms(numbers: Int[np.ndarray, "atoms"], bonds: Int[np.ndarray, "bonds 2"]) -> Bool[np.ndarray, "atoms"]:
    """Atoms that the shape of a molecule is told by: all but hydrogens on carbon."""
    lists = neighbor_lists(bonds, len(numbers))
    on_carbon = [z == 1 and all(numbers[k] == 6 for k in near) for z, near in zip(numbers, lists, strict=True)]
    return ~np.array(on_carbon, bool)


def _distant_pairs(numbers: np.ndarray, bonds: np.ndarray, *, hydrogens: bool) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.triu_indices(len(numbers), k=1)
    if not len(bonds):
        return first, second
    keep = np.ones(len(numbers), bool) if hydrogens else shape_atoms(numbers, bonds)
    steps = graph_distances(bonds, len(numbers))[first, second]
    far = (steps >= 3) | (steps < 0)  # negative: in different molecules
    chosen = far & keep[first] & keep[second]
    return first[chosen], second[chosen]


def _possible_hydrogen_bonds(numbers: np.ndarray, bonds: np.ndarray) -> np.ndarray:
    """Donor, hydrogen and acceptor of all hydrogen bonds that are more than a ring of four atoms."""
    lists, apart = neighbor_lists(bonds, len(numbers)), graph_distances(bonds, len(numbers))
    donors = [(d, h) for h in np.flatnonzero(numbers == 1).tolist() for d in lists[h] if numbers[d] in POLAR]
    acceptors = [atom for atom in np.flatnonzero(np.isin(numbers, POLAR)).tolist() if _accepts(numbers, lists, atom)]
    found = [(d, h, a) for d, h in donors for a in acceptors if a != d and not 0 <= apart[h, a] <= 3]
    return np.array(found, int).reshape(-1, 3)


def _accepts(numbers: np.ndarray, lists: list[list[int]], atom: int) -> bool:
    """Whether an atom has a lone pair to give: not the nitrogen of an amide, nor one with four bonds."""
    if numbers[atom] != 7:
        return True
    return len(lists[atom]) < 4 and not any(is_amide(numbers, lists, carbon, atom) for carbon in lists[atom])
