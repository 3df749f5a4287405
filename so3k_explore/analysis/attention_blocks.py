"""Parts of a molecule between which attention is summed up: atoms, heavy atoms with their hydrogens, residues."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from so3k_explore.analysis.attention_coefficients import Attention, Channel, attention_map
from so3k_explore.analysis.backbone import backbone_torsions, peptide_torsions
from so3k_explore.geometry.bonds import fragments, neighbor_lists
from so3k_explore.geometry.elements import formula, symbol

REDUCTIONS = ("atoms", "heavy atoms", "residues")
CAPS = {"C2O": "Ace", "CN": "NMe", "N": "NH2", "COO": "COOH"}  # heavy atoms of ends that are no residue


@dataclass(frozen=True, eq=False)
class Blocks:
    """Disjoint sets of atoms with names; together all atoms."""

    of_atom: Int[np.ndarray, "atoms"]  # block of each atom
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def sums(self, matrix: Float[np.ndarray, "*maps atoms atoms"]) -> Float[np.ndarray, "*maps blocks blocks"]:
        """Sums over all pairs of atoms of two blocks; on the diagonal, of pairs inside a block."""
        member = self._members
        return member @ matrix @ member.T

    def shares(self, matrix: Float[np.ndarray, "*maps atoms atoms"]) -> Float[np.ndarray, "*maps blocks blocks"]:
        """Of matrices whose rows add up to one: means over receivers, sums over senders, so that this stays true."""
        member = self._members
        return (member / member.sum(axis=1, keepdims=True)) @ matrix @ member.T

    def atoms(self, block: int) -> list[int]:
        """Atoms of a block."""
        return np.flatnonzero(self.of_atom == block).tolist()

    @property
    def _members(self) -> np.ndarray:
        return (self.of_atom[None, :] == np.arange(len(self))[:, None]).astype(float)


def blocks(reduction: str, numbers: Int[np.ndarray, "atoms"], bonds: Int[np.ndarray, "bonds 2"]) -> Blocks:
    """The parts of a molecule.

    Args:
        reduction: "atoms", "heavy atoms" (each with the hydrogens bonded to it) or "residues" (a peptide cut at its
            amide bonds, the caps by themselves).
        numbers: Atomic numbers.
        bonds: Pairs of atoms.

    Raises:
        ValueError: there is no such reduction, or the molecule has no residues.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"`reduction` must be one of {', '.join(REDUCTIONS)}, got {reduction!r}.")
    if reduction == "residues":
        return _residues(numbers, bonds)
    owner = np.arange(len(numbers))
    if reduction == "heavy atoms":
        lists = neighbor_lists(bonds, len(numbers))
        for atom in np.flatnonzero(numbers == 1).tolist():
            owner[atom] = next((other for other in lists[atom] if numbers[other] != 1), atom)
    kept, of_atom = np.unique(owner, return_inverse=True)
    return Blocks(of_atom, tuple(f"{symbol(int(numbers[atom]))}{atom + 1}" for atom in kept.tolist()))


def in_blocks(
    matrix: Float[np.ndarray, "atoms atoms"], channel: Channel, parts: Blocks | None
) -> Float[np.ndarray, "blocks blocks"]:
    """A matrix between atoms as one between blocks: shares stay shares, everything else is summed."""
    if parts is None:
        return matrix
    return parts.shares(matrix) if channel.through_layers else parts.sums(matrix)


def matrix_between(
    seen: Attention, channel: Channel | None = None, parts: Blocks | None = None
) -> Float[np.ndarray, "blocks blocks"]:
    """One matrix of attention between the parts of a molecule, single atoms unless parts are given."""
    channel = channel or Channel()
    return in_blocks(attention_map(seen, channel), channel, parts)


def has_residues(numbers: Int[np.ndarray, "atoms"], bonds: Int[np.ndarray, "bonds 2"]) -> bool:
    """Whether a molecule can be reduced to residues."""
    return bool(backbone_torsions(numbers, bonds))


def _residues(numbers: np.ndarray, bonds: np.ndarray) -> Blocks:
    residues = backbone_torsions(numbers, bonds)
    if not residues:
        raise ValueError('The molecule has no peptide residues; use "heavy atoms" or "atoms".')
    cut = {frozenset(quad[1:3]) for quad in peptide_torsions(numbers, bonds).tolist()}
    kept = np.array([pair for pair in bonds.tolist() if frozenset(pair) not in cut], int).reshape(-1, 2)
    of_atom = fragments(kept, len(numbers))
    named = {int(of_atom[residue.alpha]): f"{residue.name} {residue.index + 1}" for residue in residues}
    names = [named.get(block) or _end(numbers[of_atom == block]) for block in range(int(of_atom.max()) + 1)]
    return Blocks(of_atom, tuple(names))


def _end(numbers: np.ndarray) -> str:
    """Name of a part that is no residue: a known cap, or its formula."""
    heavy = formula(numbers[numbers > 1]) if (numbers > 1).any() else ""
    return CAPS.get(heavy, formula(numbers))
