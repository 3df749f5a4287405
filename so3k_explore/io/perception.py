"""Bond orders of structures that come as atoms and bonds alone."""

from typing import Any

import numpy as np

from so3k_explore.io.smiles import quiet_rdkit

ITERATIONS = 10_000  # choices of valences that are tried before a molecule counts as having no Lewis structure


def lewis_structure(numbers: Any, positions: Any, bonds: Any, charge: float = 0.0) -> tuple[Any, bool]:
    """RDKit molecule with a conformer, and whether bond orders and formal charges could be perceived.

    Where they could not (radicals, metals, clusters), all bonds are single.

    Args:
        numbers: atomic numbers (atoms,).
        positions: (atoms, 3), Å.
        bonds: pairs of atoms (bonds, 2).
        charge: total charge, e.
    """
    from rdkit import Chem
    from rdkit.Chem import rdDetermineBonds

    molecule = _single_bonds(numbers, positions, bonds)
    perceived = Chem.Mol(molecule)
    with quiet_rdkit():
        try:
            rdDetermineBonds.DetermineBondOrders(perceived, charge=round(charge), maxIterations=ITERATIONS)
        except (ValueError, RuntimeError):
            return molecule, False
    return perceived, True


def _single_bonds(numbers: Any, positions: Any, bonds: Any) -> Any:
    from rdkit import Chem
    from rdkit.Geometry import Point3D

    editable = Chem.RWMol()
    conformer = Chem.Conformer(len(numbers))
    for index, (number, position) in enumerate(zip(numbers, positions, strict=True)):
        atom = Chem.Atom(int(number))
        atom.SetNoImplicit(True)
        editable.AddAtom(atom)
        conformer.SetAtomPosition(index, Point3D(*map(float, position)))
    for i, j in np.asarray(bonds, int).reshape(-1, 2):
        editable.AddBond(int(i), int(j), Chem.BondType.SINGLE)
    editable.AddConformer(conformer)
    return Chem.Mol(editable)
