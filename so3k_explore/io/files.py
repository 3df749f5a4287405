"""Structure files: ASE reads most formats, RDKit the MDL ones, which know bonds and formal charges."""

import io
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore.geometry.elements import formula, symbol
from so3k_explore.io import formats
from so3k_explore.io.electrons import charge_and_spin
from so3k_explore.io.mdl import MdlFrame, mdl_frames, mdl_molecule
from so3k_explore.io.molecule import Molecule, SeveralFramesError, StructureError
from so3k_explore.io.smiles import from_smiles
from so3k_explore.io.xyz import bare_coordinates, regular_xyz
from so3k_explore.system import System

MAX_BYTES = 64 * 2**20
MAX_FILE_BYTES = 2**30  # on the user's own disk
MAX_ATOMS = 100_000
_ASE_TRAJECTORY_MARKS = (b"- of UlmASE-Trajectory", b"AFFormatASE-Trajectory")
_WORTH_SAYING = ("cif", "proteindatabank", "vasp")  # formats whose readers warn about the structure
_SMALLEST_CELL = 2.0  # Å³; below, a PDB file says by its unit cell that there is none


@dataclass(frozen=True)
class Frames:
    """The structures of a file, not yet converted."""

    source: str
    items: list[Any]
    convert: Callable[[Any, str], Molecule]  # item, source
    summarise: Callable[[Any], str]
    notes: tuple[str, ...] = ()

    def molecule(self, frame: int | None) -> Molecule:
        """One frame as a molecule.

        Raises:
            SeveralFramesError: there are several and none was chosen.
        """
        count = len(self.items)
        if count == 0:
            raise StructureError(f"`{self.source}` contains no structure.")
        if frame is None and count > 1:
            raise SeveralFramesError(self.source, [self.summarise(item) for item in self.items])
        if frame is not None and not -count <= frame < count:
            raise StructureError(f"`frame` must be between 0 and {count - 1}, or -1 for the last, got {frame}.")
        index = 0 if frame is None else frame % count
        made = self.convert(self.items[index], self.source)
        chosen = (f"Structure {index + 1} of {count}.",) if count > 1 else ()
        return made.replace(notes=(*chosen, *self.notes, *made.notes))


def frames_of_content(content: bytes | str, filename: str | None) -> Frames:
    """Structures in the content of an uploaded file or a pasted text, in one of the formats of `formats.KNOWN`."""
    name = filename or "pasted text"
    raw = content.encode() if isinstance(content, str) else content
    if len(raw) > MAX_BYTES:
        raise StructureError(f"`{name}` has {len(raw) / 2**20:.0f} MB; at most {MAX_BYTES // 2**20} MB are read.")
    if not raw.strip():
        raise StructureError(f"`{name}` is empty. A structure is expected, for example an xyz or sdf file.")
    kind = formats.format_of_name(filename) if filename else None
    if kind == "traj" or raw.startswith(_ASE_TRAJECTORY_MARKS):
        return _ase_trajectory(raw, name)
    text = formats.decode(raw, name)
    kind = kind or formats.format_of_text(text)
    if kind is None:
        raise StructureError(f"The format of `{name}` is not known. Formats that are read: {formats.KNOWN}.")
    return _frames_of_text(text, kind, name)


def frames_of_file(path: Path) -> Frames:
    """Structures in a file on disk, in any format that ASE reads, and MDL."""
    if not path.exists():
        raise StructureError(f"There is no file `{path}`.")
    if path.is_dir():
        raise StructureError(f"`{path}` is a folder; a structure file is expected.")
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise StructureError(f"`{path.name}` has {size / 2**30:.1f} GB; at most 1 GB is read. Extract some frames.")
        if size <= MAX_BYTES:
            raw = path.read_bytes()
            known = formats.format_of_name(path.name)
            if not raw.strip() or known or raw.startswith(_ASE_TRAJECTORY_MARKS):
                return frames_of_content(raw, path.name)
    except OSError as error:
        raise StructureError(f"`{path}` cannot be opened: {error.strerror}.") from None
    with _reading(path.name, "any format that ASE knows"):
        from ase.io.formats import UnknownFileTypeError, filetype, ioformats

        try:
            kind = filetype(str(path))
        except UnknownFileTypeError:
            kind = None
    if kind is None or kind not in ioformats:
        return frames_of_content(path.read_bytes(), path.name)
    if kind == "bundletrajectory":  # may hold pickled objects
        raise StructureError(f"`{path.name}` is an ASE bundle, which is not read. Convert it: `ase convert`.")
    return _ase_frames(str(path), kind, path.name)


def _frames_of_text(text: str, kind: str, name: str) -> Frames:
    if kind == formats.MDL:
        return Frames(name, mdl_frames(text, name), mdl_molecule, lambda item: item.summary)
    if kind == formats.SMILES:
        words = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
        convert = lambda item, source: from_smiles(item[0], name=item[1] if len(item) > 1 else None).replace(
            source=source
        )
        return Frames(name, words, convert, " ".join)
    if kind == formats.COORDINATES:
        text, kind = bare_coordinates(text) or text, "extxyz"
    if kind == "extxyz":
        text = regular_xyz(text)
    notes: tuple[str, ...] = ()
    if kind == "proteindatabank":
        text, notes = _main_locations(text)
    frames = _ase_frames(text, kind, name)
    if kind == "proteindatabank":
        charge = _pdb_charge(text)
        for atoms in frames.items:
            atoms.info.setdefault("charge", charge)
    return Frames(name, frames.items, frames.convert, frames.summarise, (*frames.notes, *notes))


def _ase_frames(source: str, kind: str, name: str) -> Frames:
    """Reads a path, or text when it is of a format read from text."""
    from ase.io import read

    is_text = "\n" in source
    with _reading(name, kind) as said:
        if not is_text:
            found = read(source, index=":", format=kind)
        else:
            try:
                found = read(_stream(source, kind), index=":", format=kind)
            except Exception:
                if kind != "extxyz":
                    raise
                found = read(io.StringIO(source), index=":", format="xyz")  # a comment that is no key=value list
    items = found if isinstance(found, list) else [found]
    return Frames(name, items, _molecule_of_atoms, _summary_of_atoms, tuple(said))


def _stream(text: str, kind: str) -> Any:
    return io.BytesIO(text.encode()) if kind == "cif" else io.StringIO(text)


def _ase_trajectory(raw: bytes, name: str) -> Frames:
    if not raw.startswith(_ASE_TRAJECTORY_MARKS):
        raise StructureError(f"`{name}` is no ASE trajectory: its first bytes are not `- of UlmASE-Trajectory`.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload.traj"
        path.write_bytes(raw)
        return _ase_frames(str(path), "traj", name)


@contextmanager
def _reading(name: str, kind: str) -> Iterator[list[str]]:
    """Turns whatever a reader raises into a sentence, and collects its warnings."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield said
        except StructureError:
            raise
        except MemoryError:
            raise StructureError(f"`{name}` is too large for the memory of this machine.") from None
        except Exception as error:  # readers of foreign formats raise anything
            said_itself = str(error).strip() and not isinstance(error, (AssertionError, IndexError, KeyError))
            reason = (
                str(error).strip().splitlines()[0][:160] if said_itself else "its content does not follow the format"
            )
            raise StructureError(
                f"`{name}` cannot be read as {formats.title(kind)}: {reason.rstrip('.')}. "
                "Check that the file is complete and its name ends with its format."
            ) from None
    if kind in _WORTH_SAYING:
        said += sorted({str(one.message).splitlines()[0] for one in caught if one.category is UserWarning})[:3]


def _molecule_of_atoms(atoms: Any, source: str) -> Molecule:
    numbers, positions = np.asarray(atoms.numbers), np.asarray(atoms.positions)
    if len(numbers) == 0:
        raise StructureError(f"`{source}` has no atoms.")
    if len(numbers) > MAX_ATOMS:
        raise StructureError(f"`{source}` has {len(numbers)} atoms; at most {MAX_ATOMS} are read.")
    if (numbers < 1).any():
        raise StructureError(f"Atom {np.flatnonzero(numbers < 1)[0] + 1} of `{source}` has no known element.")
    if not np.isfinite(positions).all():
        atom = int(np.flatnonzero(~np.isfinite(positions).all(axis=1))[0])
        raise StructureError(
            f"Atom {atom + 1} ({symbol(numbers[atom])}) of `{source}` has a coordinate that is not a finite number."
        )
    cell, notes = _cell(atoms, source)
    charge, spin = charge_and_spin(atoms.info, numbers)
    occupancy = atoms.info.get("occupancy")
    if isinstance(occupancy, dict) and any(share < 1 for site in occupancy.values() for share in site.values()):
        notes += ("Some sites are partly occupied; the main species was taken.",)
    masses = np.asarray(atoms.get_masses(), float)
    system = System.create(positions, numbers, masses=masses, charge=charge or 0.0, spin=spin or 0.0, cell=cell)
    return Molecule.from_system(system, Path(source).stem, source, notes=notes)


def _cell(atoms: Any, source: str) -> tuple[Any, tuple[str, ...]]:
    if not atoms.pbc.any():
        return None, ()
    if abs(atoms.cell.volume) < _SMALLEST_CELL:
        return None, ("The file names a cell without volume; the molecule is taken as not periodic.",)
    if not atoms.pbc.all():
        directions = " and ".join(axis for axis, on in zip("abc", atoms.pbc, strict=True) if on)
        raise StructureError(
            f"`{source}` is periodic along {directions} only; all three directions or none are expected. "
            'Add vacuum and set all (`pbc="T T T"` in an extxyz file), or none.'
        )
    return np.asarray(atoms.cell.array), ()


def energy_of_item(item: Any) -> float | None:
    """Energy in eV of one of `Frames.items` where the file says it: as ASE reads it, or in our SDF files."""
    if isinstance(item, MdlFrame):
        said = item.molecule.GetPropsAsDict().get("energy_eV")
    else:
        said = getattr(getattr(item, "calc", None), "results", {}).get("energy")
    return float(said) if isinstance(said, int | float) else None


def _summary_of_atoms(atoms: Any) -> str:
    energy = energy_of_item(atoms)
    name = str(atoms.info.get("name", "")).strip()
    words = [name, formula(np.asarray(atoms.numbers)), f"{len(atoms)} atoms"]
    if energy is not None:
        words.append(f"{energy:.4f} eV")
    return ", ".join(filter(None, words))


def _main_locations(text: str) -> tuple[str, tuple[str, ...]]:
    """PDB text without the second and further alternative locations of atoms."""
    atom = lambda line: line.startswith(("ATOM  ", "HETATM"))
    lines = text.splitlines()
    kept = [line for line in lines if not (atom(line) and line[16:17] not in (" ", "", "A", "1"))]
    dropped = len(lines) - len(kept)
    notes = (f"{dropped} alternative atom locations were left out.",) if dropped else ()
    return "\n".join(kept) + "\n", notes


def _pdb_charge(text: str) -> float:
    """Sum of the charges in columns 79 and 80 of the first model."""
    total = 0
    for line in text.splitlines():
        if line.startswith("ENDMDL"):
            break
        field = line[78:80].strip()
        if line.startswith(("ATOM  ", "HETATM")) and len(field) == 2 and field.strip("+-").isdigit():
            total += int(field.strip("+-")) * (-1 if "-" in field else 1)
    return float(total)
