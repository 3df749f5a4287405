"""MDL files (sdf, mol) through RDKit."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from so3k_explore.geometry.elements import formula
from so3k_explore.io.electrons import charge_and_spin
from so3k_explore.io.molecule import Molecule, StructureError
from so3k_explore.io.smiles import embed, from_rdkit, optimise, quiet_rdkit


@dataclass(frozen=True)
class MdlFrame:
    """One record of an MDL file."""

    name: str
    block: str
    molecule: Any  # RDKit's
    sanitized: bool

    @property
    def summary(self) -> str:
        """Name, formula and size."""
        numbers = np.array([atom.GetAtomicNum() for atom in self.molecule.GetAtoms()], int)
        return ", ".join(filter(None, [self.name, formula(numbers), f"{len(numbers)} atoms"]))


def mdl_frames(text: str, source: str) -> list[MdlFrame]:
    """Records of an MDL file."""
    blocks = re.split(r"^\$\$\$\$.*\n?", text.replace("\r\n", "\n"), flags=re.MULTILINE)
    with quiet_rdkit():
        return [_frame(block, source, k + 1) for k, block in enumerate(blocks) if block.strip()]


def mdl_molecule(frame: MdlFrame, source: str) -> Molecule:
    """Molecule with the file's bonds and formal charges; a flat drawing gets hydrogens and a geometry."""
    molecule = frame.molecule
    notes: tuple[str, ...] = ()
    with quiet_rdkit():
        if frame.sanitized and _is_drawing(frame):
            molecule = embed(molecule, frame.name or source, 1)
            optimise(molecule)
            notes = ("The file holds a flat drawing; hydrogens and a three-dimensional geometry were made from it.",)
        if not frame.sanitized:
            notes = ("Some atoms have unusual valences.",)
        numbers = np.array([atom.GetAtomicNum() for atom in molecule.GetAtoms()], int)
        charge, spin = charge_and_spin(frame.molecule.GetPropsAsDict(), numbers)
        multiplicity = None if spin is None else round(spin) + 1
        name = frame.name or source.rpartition(".")[0] or source
        made = from_rdkit(molecule, name, source, charge=charge, multiplicity=multiplicity, notes=notes)
        # Some programs write atoms without bonds.
        return made if len(made.bonds) else Molecule.from_system(made.system, name, source, notes=notes)


def _frame(block: str, source: str, record: int) -> MdlFrame:
    from rdkit import Chem

    supplier = Chem.SDMolSupplier()
    molecule: Any = None
    for sanitize in (True, False):
        supplier.SetData(block + "\n$$$$\n", sanitize=sanitize, removeHs=False)
        molecule = supplier[0] if len(supplier) else None
        if molecule is not None:
            break
    if molecule is None:
        raise StructureError(
            f"Record {record} of `{source}` is no complete MDL structure. Counts line, atoms, bonds and `M  END` are "
            "expected; export the molecule again."
        )
    if molecule.GetNumAtoms() == 0:
        raise StructureError(f"Record {record} of `{source}` has no atoms.")
    unknown = next((atom for atom in molecule.GetAtoms() if atom.GetAtomicNum() == 0), None)
    if unknown is not None:
        raise StructureError(f"Atom {unknown.GetIdx() + 1} of `{source}` is `{unknown.GetSymbol()}`, no known element.")
    if not np.isfinite(molecule.GetConformer().GetPositions()).all():
        raise StructureError(f"A coordinate in record {record} of `{source}` is not a finite number.")
    return MdlFrame(block.partition("\n")[0].strip(), block, molecule, sanitize)


def _is_drawing(frame: MdlFrame) -> bool:
    if frame.molecule.GetConformer().Is3D():
        return False
    header = [*frame.block.splitlines(), "", ""][1]
    hydrogens_missing = any(atom.GetNumImplicitHs() for atom in frame.molecule.GetAtoms())
    return hydrogens_missing or header[20:22] == "2D"
