"""What there is to know about a molecule before anything runs, as rows for tables."""

from typing import TYPE_CHECKING

import numpy as np

from so3k_explore.app.models.display import DASH, TIMES, typeset

if TYPE_CHECKING:
    from so3k_explore.app.models.evaluation import Evaluation
    from so3k_explore.io.structures import Molecule

Row = tuple[str, ...]


def properties(molecule: "Molecule") -> list[Row]:
    """Quantity and value."""
    system = molecule.system
    rows = [
        ("Name", molecule.name),
        ("Formula", molecule.formula_text),
        ("Atoms", str(molecule.n_atoms)),
        ("Bonds", str(len(molecule.bonds))),
        ("Mass / u", typeset(float(np.sum(system.masses)), 3)),
        ("Charge / e", typeset(molecule.charge, 0)),
        ("Multiplicity", str(molecule.multiplicity)),
        ("Made from", molecule.source),
    ]
    if molecule.residues:
        rows.insert(3, ("Residues", DASH.join(residue.name for residue in molecule.residues)))
    if system.cell is not None:
        lengths = np.linalg.norm(np.asarray(system.cell), axis=-1)
        rows.append(("Cell / Å", f" {TIMES} ".join(typeset(float(length), 2) for length in lengths)))
    return rows


def energies(point: "Evaluation") -> list[Row]:
    """Energy and largest force, and the model that they belong to."""
    question, answer = point.question, point.answer
    if question is None:
        return []
    cutoff = "" if question.long_range_cutoff is None else f", long range to {question.long_range_cutoff:g} Å"
    values = ("computing …",) * 2 if point.waiting else (point.reason,) * 2
    if answer is not None:
        values = (f"{typeset(answer.energy, 4)} eV", f"{typeset(answer.max_force, 3)} eV/Å")
    rows = zip(("Energy", "Largest force"), values, strict=True)
    return [*rows, ("Model", f"{question.model}{cutoff}")]


def torsions(molecule: "Molecule") -> list[Row]:
    """Name and angle in degrees of every rotatable torsion; φ and ψ of peptides carry their residue."""
    from so3k_explore.analysis.torsions import dihedrals

    if not len(molecule.torsions):
        return []
    angles = dihedrals(np.asarray(molecule.positions, float), molecule.torsions)
    return [(name, typeset(float(angle), 1)) for name, angle in zip(torsion_names(molecule), angles, strict=True)]


def torsion_names(molecule: "Molecule") -> list[str]:
    """`φ Ala 2` where a torsion belongs to a backbone, else its four atoms: `C1–C2–O3–H4`."""
    known = {}
    for residue in molecule.residues:
        for symbol, quad in (("φ", residue.phi), ("ψ", residue.psi)):
            if quad is not None:
                known[frozenset(quad[1:3])] = f"{symbol} {residue.name} {residue.index + 1}"
    return [known.get(frozenset(quad[1:3])) or atoms_text(molecule, quad) for quad in molecule.torsions.tolist()]


def bonds(molecule: "Molecule") -> list[Row]:
    """The two atoms and the length in Å of every bond."""
    positions = np.asarray(molecule.positions, float)
    rows = []
    for i, j in molecule.bonds.tolist():
        separation = positions[j] - positions[i]
        if molecule.system.cell is not None:
            cell = np.asarray(molecule.system.cell, float)
            fractions = separation @ np.linalg.inv(cell)
            separation = (fractions - np.round(fractions)) @ cell
        rows.append((atoms_text(molecule, (i, j)), typeset(float(np.linalg.norm(separation)), 3)))
    return rows


def atoms_text(molecule: "Molecule", atoms: tuple[int, ...] | list[int]) -> str:
    """Atoms by element and number from 1, `C1–O3`."""
    from ase.data import chemical_symbols

    return DASH.join(f"{chemical_symbols[int(molecule.numbers[atom])]}{atom + 1}" for atom in atoms)
