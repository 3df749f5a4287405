"""Molecules through RDKit: SMILES with a first geometry, and MDL files with their bonds and formal charges."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from jaxtyping import Float

from so3k_explore.io.molecule import Molecule, StructureError
from so3k_explore.system import System

MAX_SMILES = 2000  # characters
_LARGE = 100  # atoms
_STEPS = 2000
_STRETCH = 0.15  # Å


@contextmanager
def quiet_rdkit() -> Iterator[None]:
    """Keeps RDKit's messages away from the user's terminal; what went wrong is said in our own errors."""
    from rdkit import rdBase

    block = rdBase.BlockLogs()
    try:
        yield
    finally:
        del block


def from_smiles(
    smiles: str,
    seed: int = 1,
    *,
    name: str | None = None,
    charge: float | int | None = None,
    multiplicity: int | None = None,
) -> Molecule:
    """Molecule with hydrogens and a geometry from ETKDGv3 and MMFF94 (UFF where MMFF has no parameters).

    Args:
        smiles: the SMILES; its formal charges and radical electrons give charge and multiplicity.
        seed: of the embedding; equal seeds give equal geometries.
        name: shown to people; default: the SMILES.
        charge: total charge in e instead of the sum of formal charges.
        multiplicity: instead of radical electrons plus one.

    Raises:
        StructureError: the SMILES is not valid, or no geometry was found.
    """
    smiles = smiles.strip()
    with quiet_rdkit():
        graph = _parse_smiles(smiles)
        embedded = embed(graph, smiles, seed)
        optimise(embedded)
    return from_rdkit(embedded, name or smiles, f"SMILES {smiles}", charge=charge, multiplicity=multiplicity)


def embed(graph: Any, label: str, seed: int) -> Any:
    """RDKit molecule with hydrogens and one conformer from ETKDGv3 (S. Wang et al., J. Chem. Inf. Model. 60, 2044)."""
    from rdkit import Chem
    from rdkit.Chem import rdDistGeom

    molecule = Chem.AddHs(graph)
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = int(seed) % (2**31 - 1) or 1  # RDKit is degenerate for seed 0
    large = molecule.GetNumAtoms() > _LARGE
    for random_start in (large, not large):  # random coordinates are quicker for large molecules, distances for small
        parameters.useRandomCoords = random_start
        if rdDistGeom.EmbedMolecule(molecule, parameters) == 0:
            return molecule
    raise StructureError(
        f"No three-dimensional structure was found for `{label}`. "
        "Check its stereochemistry, try another seed, or give a file with coordinates."
    )


def optimise(molecule: Any, restrain: Callable[[Any, bool], None] | None = None) -> None:
    """Relaxes the conformer of an RDKit molecule in place with MMFF94, or UFF where MMFF has no parameters.

    UFF also takes over where MMFF's empirical rules fail and stretch a bond beyond reason, as in CO2 and N2.
    `restrain(force_field, is_mmff)` may add restraints. Without parameters in either the geometry stays.
    """
    from rdkit.Chem import rdForceFieldHelpers

    conformer = molecule.GetConformer()
    before = np.asarray(conformer.GetPositions())
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(molecule):
        properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(molecule)
        _minimise(rdForceFieldHelpers.MMFFGetMoleculeForceField(molecule, properties), restrain, is_mmff=True)
        pairs = np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in molecule.GetBonds()], int).reshape(-1, 2)
        lengths = lambda at: np.linalg.norm(at[pairs[:, 0]] - at[pairs[:, 1]], axis=1)
        if (lengths(conformer.GetPositions()) < lengths(before) + _STRETCH).all():
            return
        set_positions(molecule, before)
    if rdForceFieldHelpers.UFFHasAllMoleculeParams(molecule):
        _minimise(rdForceFieldHelpers.UFFGetMoleculeForceField(molecule), restrain, is_mmff=False)


def set_positions(molecule: Any, positions: Float[np.ndarray, "atoms 3"]) -> None:
    """Puts positions (Å) into the conformer of an RDKit molecule."""
    conformer = molecule.GetConformer()
    for atom, (x, y, z) in enumerate(positions.tolist()):
        conformer.SetAtomPosition(atom, (x, y, z))


def _minimise(force_field: Any, restrain: Callable[[Any, bool], None] | None, *, is_mmff: bool) -> None:
    force_field.Initialize()
    if restrain is not None:
        restrain(force_field, is_mmff)
    rough = len(force_field.Positions()) > _LARGE  # a start is wanted, not a minimum
    force_field.Minimize(maxIts=_STEPS, forceTol=1e-2 if rough else 1e-4, energyTol=1e-4 if rough else 1e-6)


def from_rdkit(
    molecule: Any,
    name: str,
    source: str,
    *,
    charge: float | int | None = None,
    multiplicity: int | None = None,
    notes: tuple[str, ...] = (),
) -> Molecule:
    """Molecule from an RDKit molecule with a conformer; bonds, charge and spin as RDKit has them."""
    from rdkit import Chem

    if charge is None:
        charge = Chem.GetFormalCharge(molecule)
    unpaired = sum(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms())
    bonds = sorted(sorted((b.GetBeginAtomIdx(), b.GetEndAtomIdx())) for b in molecule.GetBonds())
    system = System.create(
        molecule.GetConformer().GetPositions(),
        [atom.GetAtomicNum() for atom in molecule.GetAtoms()],
        charge=float(charge),
        spin=float(unpaired if multiplicity is None else multiplicity - 1),
    )
    return Molecule(name=name, system=system, bonds=np.array(bonds, int).reshape(-1, 2), source=source, notes=notes)


def _parse_smiles(smiles: str) -> Any:
    from rdkit import Chem

    if not smiles:
        raise StructureError("A SMILES is expected, got an empty text. Ethanol, for example, is `CCO`.")
    if len(smiles) > MAX_SMILES:
        raise StructureError(f"A SMILES may have at most {MAX_SMILES} characters, got {len(smiles)}. Give a file.")
    graph = Chem.MolFromSmiles(smiles, sanitize=False)
    if graph is None:
        raise StructureError(f"`{smiles}` is not a SMILES: its grammar is wrong.")
    if graph.GetNumAtoms() == 0:
        raise StructureError(f"`{smiles}` is a SMILES without atoms.")
    try:
        Chem.SanitizeMol(graph)
    except Chem.MolSanitizeException as error:
        raise StructureError(f"`{smiles}` is no possible molecule: {str(error).rstrip('.')}.") from None
    if any(atom.GetAtomicNum() == 0 for atom in graph.GetAtoms()):
        raise StructureError(f"`{smiles}` contains `*`, which stands for no element. Write the element.")
    return Chem.MolFromSmiles(smiles)
