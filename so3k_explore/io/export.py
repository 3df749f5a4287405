"""Structures out: extxyz, xyz, PDB, SDF and ASE trajectories, one frame or many."""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore.geometry.bonds import find_bonds
from so3k_explore.io.perception import lewis_structure
from so3k_explore.system import System, walker

if TYPE_CHECKING:
    from ase import Atoms

FORMATS = {"extxyz": ".extxyz", "xyz": ".xyz", "pdb": ".pdb", "sdf": ".sdf", "traj": ".traj"}
_ENDINGS = {ending: name for name, ending in FORMATS.items()} | {".xyz": "extxyz", ".mol": "sdf"}


def write_structures(
    path: str | Path,
    systems: System | Sequence[System],
    energies: Any = None,
    format: str | None = None,
    *,
    forces: Any = None,
    bonds: Any = None,
) -> None:
    """Writes structures; the file appears under its name when it is complete.

    Args:
        path: the file; its ending gives the format (``.xyz`` becomes extxyz, which every xyz reader understands).
        systems: one system, a batch, or a list.
        energies: one number or one a structure, eV; kept by extxyz and traj, as a property in SDF.
        format: "extxyz", "xyz", "pdb", "sdf" or "traj", instead of the ending.
        forces: (structures, atoms, 3), eV/Å; kept by extxyz and traj.
        bonds: pairs of atoms, for PDB and SDF; found from distances in SDF when not given.

    Raises:
        ValueError: the format is not known, or numbers do not match.
    """
    path = Path(path)
    kind = format or _ENDINGS.get(path.suffix.lower())
    if kind not in FORMATS:
        raise ValueError(f"The format must be one of {', '.join(FORMATS)}, got `{format or path.suffix or path.name}`.")
    frames = _frames(systems, energies, forces)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{FORMATS[kind]}")
    try:
        _write(temporary, frames, kind, bonds)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _frames(systems: System | Sequence[System], energies: Any, forces: Any) -> list["Atoms"]:
    """ASE atoms with energies and forces as results."""
    from ase.calculators.singlepoint import SinglePointCalculator

    if isinstance(systems, System):
        batch = systems.positions.ndim == 3
        systems = [walker(systems, index) for index in range(systems.n_walkers)] if batch else [systems]
    frames = [_real(system) for system in systems]
    if energies is not None:
        energies = np.asarray(energies, float).reshape(-1)
    if forces is not None:
        forces = np.asarray(forces, float).reshape(len(frames), -1, 3)
    if energies is not None and len(energies) != len(frames):
        raise ValueError(f"`energies` must be {len(frames)} numbers, one a structure, got {len(energies)}.")
    for index, atoms in enumerate(frames):
        results = {}
        if energies is not None:
            results["energy"] = float(energies[index])
        if forces is not None:
            results["forces"] = forces[index]
        if results:
            atoms.calc = SinglePointCalculator(atoms, **results)
    return frames


def _real(system: System) -> "Atoms":
    atoms = system.to_ase()
    return atoms[atoms.numbers > 0]  # pyright: ignore[reportReturnType]


def _write(path: Path, frames: list["Atoms"], kind: str, bonds: Any) -> None:
    if kind == "pdb":
        path.write_text(_pdb(frames, bonds))
    elif kind == "sdf":
        path.write_text("".join(_sdf(atoms, bonds) for atoms in frames))
    else:
        from ase.io import write

        write(path, frames, format=kind)


def _pdb(frames: list["Atoms"], bonds: Any) -> str:
    """PDB text with one MODEL a frame and CONECT records for bonds; no END, which ASE reads as one more frame."""
    from ase.io import write

    buffer = io.StringIO()
    write(buffer, frames, format="proteindatabank")
    return buffer.getvalue() + _conect(bonds, len(frames[0]))


def _conect(bonds: Any, atoms: int) -> str:
    """Up to four partners a record, atoms counted from 1."""
    if bonds is None:
        return ""
    if atoms > 99_999:
        raise ValueError(f"PDB files with bonds hold at most 99 999 atoms, got {atoms}. Write extxyz instead.")
    partners: dict[int, list[int]] = {}
    for i, j in np.asarray(bonds, int).reshape(-1, 2):
        partners.setdefault(int(i), []).append(int(j))
        partners.setdefault(int(j), []).append(int(i))
    lines = []
    for atom, others in sorted(partners.items()):
        others = sorted(others)
        lines += [
            "CONECT" + "".join(f"{number + 1:5d}" for number in (atom, *others[start : start + 4]))
            for start in range(0, len(others), 4)
        ]
    return "".join(line + "\n" for line in lines)


def _sdf(atoms: "Atoms", bonds: Any) -> str:
    """One MDL record; bond orders are perceived where charge and valences allow, single otherwise."""
    from rdkit import Chem

    if bonds is None:
        bonds = find_bonds(np.asarray(atoms.numbers), np.asarray(atoms.positions), None)
    charge = float(atoms.info.get("charge", 0.0))
    molecule, _ = lewis_structure(atoms.numbers, atoms.positions, bonds, charge)
    block = Chem.MolToMolBlock(molecule, kekulize=True, includeStereo=False)
    fields = [("charge", f"{charge:g}")]
    if atoms.calc is not None and "energy" in atoms.calc.results:
        fields.append(("energy_eV", f"{atoms.calc.results['energy']:.8f}"))
    return block + "".join(f"> <{name}>\n{value}\n\n" for name, value in fields) + "$$$$\n"
