"""Labelled data of others: extended XYZ, and the `.npz` files of MD17, rMD17, MD22, sGDML and QM7-X.

Numbers without units are worth nothing: an `.npz` file states them (``e_unit``, ``r_unit``, as sGDML does), or the
caller does. Extended XYZ is read as ASE understands it, in eV and Å. Structures without a group are taken for one
trajectory and cut into stretches, so that parts of it can be set aside for tests.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore import units
from so3k_explore.io.datasets import Dataset, DatasetError, Frame, from_frames, load_dataset, read_npz

ENERGY_UNITS = {"eV": units.EV, "kcal/mol": units.KCAL_PER_MOL, "kJ/mol": units.KJ_PER_MOL, "Hartree": units.HARTREE}
LENGTH_UNITS = {"Angstrom": units.ANGSTROM, "Bohr": units.BOHR}
STRETCHES = 100
_NAMES = {
    "positions": ("R", "coords", "positions", "xyz"),
    "numbers": ("z", "nuclear_charges", "numbers", "atomic_numbers"),
    "energies": ("E", "energies", "energy", "ePBE0+MBD"),
    "forces": ("F", "forces", "totFOR"),
}
_SPELLINGS = {"ang": "Angstrom", "angstrom": "Angstrom", "å": "Angstrom", "bohr": "Bohr", "a0": "Bohr"} | {
    name.lower(): name for name in ENERGY_UNITS
}


class UnitsMissingError(DatasetError):
    """A file does not say its units; ask for them."""


def read_dataset(
    path: Path | str, *, energy_unit: str | None = None, length_unit: str | None = None, molecule: str | None = None
) -> Dataset:
    """Labelled structures from a file of this program, an extended XYZ file, or an `.npz` file of others.

    Args:
        path: the file.
        energy_unit: "eV", "kcal/mol", "kJ/mol" or "Hartree"; needed for `.npz` files that do not say.
        length_unit: "Angstrom" or "Bohr"; likewise.
        molecule: name given to all structures that have none; default: the name of the file.

    Raises:
        UnitsMissingError: an `.npz` file does not say its units, and they were not given.
        DatasetError: unreadable, or without energies or forces.
    """
    path = Path(path)
    name = molecule or path.stem
    if path.suffix != ".npz":
        return _read_extxyz(path, name)
    arrays = read_npz(path)
    if "metadata" in arrays:
        return load_dataset(path)
    energy = _unit(arrays, "e_unit", energy_unit, ENERGY_UNITS, path)
    length = _unit(arrays, "r_unit", length_unit, LENGTH_UNITS, path)
    return from_frames(_npz_frames(arrays, energy, length, name, path), _level(arrays))


def write_extxyz(path: Path | str, dataset: Dataset) -> Path:
    """Writes structures, energies (eV), forces (eV/Å), dipoles, charges, cells and stresses as extended XYZ."""
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import write
    from ase.stress import full_3x3_to_voigt_6_stress

    images = []
    for frame in map(dataset.__getitem__, range(len(dataset))):
        atoms = frame.system.to_ase()
        texts = {"molecule": frame.molecule, "source": frame.source, "level": dataset.level}
        atoms.info |= {"group": frame.group, **{name: text for name, text in texts.items() if text}}
        labels: dict[str, Any] = {"energy": frame.energy, "forces": frame.forces}
        labels |= {} if frame.dipole is None else {"dipole": frame.dipole}
        labels |= {} if frame.charges is None else {"charges": frame.charges}
        labels |= {} if frame.stress is None else {"stress": full_3x3_to_voigt_6_stress(frame.stress)}
        atoms.calc = SinglePointCalculator(atoms, **labels)
        images.append(atoms)
    write(path, images, format="extxyz")
    return Path(path)


def _read_extxyz(path: Path, name: str) -> Dataset:
    from ase.io import iread

    if not path.is_file():
        raise DatasetError(f"There is no file {path}.")
    frames, levels, grouped = [], set(), False
    try:
        for number, atoms in enumerate(iread(path, index=":")):
            found = {} if atoms.calc is None else atoms.calc.results
            missing = [label for label in ("energy", "forces") if label not in found]
            if missing:
                raise DatasetError(
                    f"Every structure needs `energy` (eV) and `forces` (eV/Å), frame {number} of {path} lacks "
                    f"{' and '.join(missing)}. Label it first: `so3k label {path}`."
                )
            levels.add(str(atoms.info.get("level", "")))
            grouped |= "group" in atoms.info
            frames.append(_frame_of(atoms, found, name))
    except (OSError, ValueError, KeyError, IndexError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"{path} could not be read ({error}).") from error
    if len(levels) > 1:
        raise DatasetError(f"One level of theory is expected in {path}, got {', '.join(map(repr, sorted(levels)))}.")
    if not grouped:
        frames = [frame._replace(group=stretch(k, len(frames))) for k, frame in enumerate(frames)]
    return from_frames(frames, levels.pop() if levels else "")


def _frame_of(atoms: Any, found: dict[str, Any], name: str) -> Frame:
    return Frame(
        **box_of(atoms, found),
        numbers=atoms.numbers,
        positions=atoms.positions,
        energy=float(found["energy"]),
        forces=np.asarray(found["forces"], float),
        molecule=str(atoms.info.get("molecule", name)),
        source=str(atoms.info.get("source", "")),
        group=int(atoms.info.get("group", 0)),
        charge=float(atoms.info.get("charge", 0.0)),
        spin=float(atoms.info.get("multiplicity", 1)) - 1.0,
        dipole=found.get("dipole"),
        charges=found.get("charges"),
    )


def box_of(atoms: Any, found: dict[str, Any]) -> dict[str, Any]:
    """Cell and stress of a periodic ASE structure with these results, as fields of `Frame`; nothing for a molecule.

    Raises:
        DatasetError: periodic in some directions only.
    """
    if not atoms.pbc.any():
        return {}
    if not atoms.pbc.all():
        raise DatasetError(
            f"Structures must be periodic in all directions or in none, got pbc = {atoms.pbc.tolist()}. "
            "Set `pbc` of the structures, with enough vacuum where there is no neighbour."
        )
    stress = found.get("stress")
    if stress is not None and np.shape(stress) != (3, 3):
        from ase.stress import voigt_6_to_full_3x3_stress

        stress = voigt_6_to_full_3x3_stress(stress)
    return {"cell": np.array(atoms.cell.array), "stress": None if stress is None else np.array(stress, float)}


def _npz_frames(arrays: dict[str, np.ndarray], energy: float, length: float, name: str, path: Path) -> Iterator[Frame]:
    found = {}
    for wanted, spellings in _NAMES.items():
        present = [spelling for spelling in spellings if spelling in arrays]
        if not present:
            raise DatasetError(f"{path} has no {wanted}; expected an array called {' or '.join(spellings)}.")
        found[wanted] = arrays[present[0]]
    count = len(found["positions"])
    energies = np.asarray(found["energies"], float).reshape(-1)
    if len(energies) != count or len(found["forces"]) != count:
        raise DatasetError(
            f"{path} has {count} structures, {len(energies)} energies and {len(found['forces'])} sets of forces."
        )
    numbers = np.broadcast_to(found["numbers"], found["positions"].shape[:2])
    for k in range(count):
        real = numbers[k] > 0  # some files are padded
        yield Frame(
            numbers=numbers[k][real].astype(int),
            positions=np.asarray(found["positions"][k][real], float) * length,
            energy=float(energies[k] * energy),
            forces=np.asarray(found["forces"][k][real], float) * (energy / length),
            molecule=name,
            group=stretch(k, count),
        )


def stretch(number: int, count: int) -> int:
    """Group of one of `count` structures in a row: a hundred stretches at most."""
    return number * min(STRETCHES, count) // count


def _unit(arrays: dict[str, np.ndarray], key: str, given: str | None, known: dict[str, float], path: Path) -> float:
    text = given if given is not None else _text(arrays.get(key))
    option = {"e_unit": "energy_unit", "r_unit": "length_unit"}[key]
    if text is None:
        raise UnitsMissingError(
            f"{path} does not say its units. Give `{option}`, one of {', '.join(known)} "
            "(MD17, rMD17 and MD22: kcal/mol and Angstrom)."
        )
    spelled = _SPELLINGS.get(text.lower(), text)
    if spelled not in known:
        raise DatasetError(f"`{option}` must be one of {', '.join(known)}, got {text!r}.")
    return known[spelled]


def _level(arrays: dict[str, np.ndarray]) -> str:
    return _text(arrays.get("theory")) or ""


def _text(value: np.ndarray | None) -> str | None:
    if value is None:
        return None
    item = value.item() if value.ndim == 0 else value
    return item.decode() if isinstance(item, bytes) else str(item)
