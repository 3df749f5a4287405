"""A molecule as people handle it: a system with a name, bonds and where it came from."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from so3k_explore.analysis.backbone import Quads, Residue, backbone_torsions
from so3k_explore.analysis.torsions import rotatable_torsions
from so3k_explore.geometry.bonds import find_bonds
from so3k_explore.geometry.elements import formula, formula_text
from so3k_explore.system import System


class StructureError(ValueError):
    """A structure cannot be read or made; the message is for the person who asked for it."""


class SeveralFramesError(StructureError):
    """A file holds several structures and one has to be chosen with `frame`."""

    def __init__(self, source: str, summaries: list[str]) -> None:
        self.count = len(summaries)
        self.summaries = summaries  # one short line for each frame
        super().__init__(
            f"One structure is expected, `{source}` holds {self.count}. "
            f"Choose one with `frame`, 0 to {self.count - 1} (-1 for the last)."
        )


@dataclass(frozen=True, eq=False)
class Molecule:
    """A single system with what a person wants to know about it."""

    name: str
    system: System
    bonds: Int[np.ndarray, "bonds 2"]
    source: str  # "library", "SMILES ...", "sequence ...", a file name
    notes: tuple[str, ...] = field(default=())  # what was done to the structure on the way, in sentences

    @classmethod
    def from_system(cls, system: System, name: str, source: str, *, notes: tuple[str, ...] = ()) -> "Molecule":
        """Molecule with bonds perceived from distances."""
        cell = None if system.cell is None else np.asarray(system.cell, float)
        bonds = find_bonds(np.asarray(system.numbers), np.asarray(system.positions, float), cell)
        return cls(name=name, system=system, bonds=bonds, source=source, notes=notes)

    def replace(self, **changes: Any) -> "Molecule":
        """Copy with some fields changed."""
        return replace(self, **changes)

    @property
    def numbers(self) -> Int[np.ndarray, "atoms"]:
        """Atomic numbers on the host."""
        return np.asarray(self.system.numbers)

    @property
    def positions(self) -> Float[np.ndarray, "atoms 3"]:
        """Positions on the host, Å."""
        return np.asarray(self.system.positions)

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return self.system.n_atoms

    @property
    def charge(self) -> float:
        """Total charge, e."""
        return float(self.system.charge)

    @property
    def multiplicity(self) -> int:
        """Spin multiplicity: unpaired electrons plus one."""
        return round(float(self.system.spin)) + 1

    @cached_property
    def formula(self) -> str:
        """Formula in Hill order."""
        return formula(self.numbers)

    @cached_property
    def formula_text(self) -> str:
        """Formula for people: ``C₂H₃O₂⁻``."""
        return formula_text(self.numbers, self.charge)

    @cached_property
    def torsions(self) -> Quads:
        """Rotatable torsions, one row of four atoms each."""
        return rotatable_torsions(self.numbers, self.bonds)

    @cached_property
    def residues(self) -> list[Residue]:
        """Amino-acid residues of peptide chains, with phi and psi."""
        return backbone_torsions(self.numbers, self.bonds)
