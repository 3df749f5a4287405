"""MMFF94 of one molecule, to bring proposed structures close to minima before a potential is asked.

T. A. Halgren, J. Comput. Chem. 17, 490 (1996), as RDKit has it.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from so3k_explore.io.molecule import Molecule
from so3k_explore.io.perception import lewis_structure
from so3k_explore.io.smiles import quiet_rdkit, set_positions

LARGE = 300  # atoms; above, relaxing costs more than it saves


class ForceField:
    """Relaxes structures of a molecule whose bonds stay as they are."""

    def __init__(self, molecule: Any, properties: Any) -> None:
        """An RDKit molecule with a conformer, and its MMFF94 types; `of` makes both."""
        self._molecule, self._properties = molecule, properties

    @classmethod
    def of(cls, molecule: Molecule) -> "ForceField | None":
        """The force field of a molecule; None where it has no Lewis structure, no parameters, or too many atoms."""
        from rdkit import Chem
        from rdkit.Chem import rdForceFieldHelpers

        if not len(molecule.bonds) or molecule.n_atoms > LARGE:
            return None
        perceived, complete = lewis_structure(molecule.numbers, molecule.positions, molecule.bonds, molecule.charge)
        if not complete:
            return None
        with quiet_rdkit():
            try:
                Chem.SanitizeMol(perceived)
            except ValueError:
                return None
            properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(perceived)
        return None if properties is None else cls(perceived, properties)

    def relax(self, positions: Float[np.ndarray, "atoms 3"], steps: int) -> Float[np.ndarray, "atoms 3"]:
        """Positions (Å) after up to `steps` iterations; those given where the force field fails."""
        from rdkit.Chem import rdForceFieldHelpers

        set_positions(self._molecule, np.asarray(positions, float))
        with quiet_rdkit():
            field = rdForceFieldHelpers.MMFFGetMoleculeForceField(self._molecule, self._properties)
            field.Initialize()
            field.Minimize(maxIts=steps)
        relaxed = np.array(self._molecule.GetConformer().GetPositions())
        return relaxed if np.isfinite(relaxed).all() else np.asarray(positions, float)
