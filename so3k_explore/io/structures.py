"""Molecules in: whatever a person types, pastes or drops becomes a `Molecule`, or an error that says what to do."""

import re
from pathlib import Path

import jax.numpy as jnp

from so3k_explore.io.electrons import check_multiplicity
from so3k_explore.io.files import energy_of_item, frames_of_content, frames_of_file
from so3k_explore.io.formats import format_of_name
from so3k_explore.io.library import LIBRARY as LIBRARY
from so3k_explore.io.library import find_entry as find_entry
from so3k_explore.io.library import named as named
from so3k_explore.io.library import similar_names
from so3k_explore.io.molecule import Molecule as Molecule
from so3k_explore.io.molecule import SeveralFramesError as SeveralFramesError
from so3k_explore.io.molecule import StructureError as StructureError
from so3k_explore.io.sequence import from_sequence as from_sequence
from so3k_explore.io.smiles import from_smiles as from_smiles
from so3k_explore.system import System

_WORDS = re.compile(r"(?=.*[A-Za-z]{2})[A-Za-z]+\d*(-[A-Za-z]+\d*)+")  # hyphenated words: rather no SMILES


def read_molecule(
    path: str | Path, *, frame: int | None = None, charge: float | int | None = None, multiplicity: int | None = None
) -> Molecule:
    """Molecule from a file of any format that ASE reads, or sdf and mol.

    Args:
        path: the file.
        frame: which structure of several, from 0; -1 for the last.
        charge: total charge in e; default: from the file, else 0.
        multiplicity: spin multiplicity; default: from the file, else 1.

    Raises:
        SeveralFramesError: the file holds several structures and `frame` is None.
        StructureError: the file cannot be read; the message says why.
    """
    return with_electrons(frames_of_file(Path(path).expanduser()).molecule(frame), charge, multiplicity)


def read_system(
    path: str | Path, *, frame: int | None = None, charge: float | int | None = None, multiplicity: int | None = None
) -> System:
    """System from a file; see `read_molecule`."""
    return read_molecule(path, frame=frame, charge=charge, multiplicity=multiplicity).system


def read_frames(path: str | Path) -> list[System]:
    """All structures of a file."""
    frames = frames_of_file(Path(path).expanduser())
    return [frames.molecule(k).system for k in range(len(frames.items))]


def read_molecules(path: str | Path) -> list[tuple[Molecule, float | None]]:
    """All structures of a file, each with its energy in eV where the file says so."""
    frames = frames_of_file(Path(path).expanduser())
    return [(frames.molecule(k), energy_of_item(item)) for k, item in enumerate(frames.items)]


def parse_molecule(
    content: bytes | str,
    filename: str | None = None,
    *,
    frame: int | None = None,
    charge: float | int | None = None,
    multiplicity: int | None = None,
) -> Molecule:
    """Molecule from an uploaded file or a pasted text; never opens files of this machine.

    Args:
        content: bytes of an upload, or text.
        filename: its name, whose ending gives the format; without, the content does, and one line may also be a
            library name, a sequence or a SMILES.
        frame: as in `read_molecule`.
        charge: as in `read_molecule`.
        multiplicity: as in `read_molecule`.
    """
    if not filename:
        text = content if isinstance(content, str) else content.decode(errors="replace")
        if "\n" not in text.strip():
            return with_electrons(interpret(text), charge, multiplicity)
    return with_electrons(frames_of_content(content, filename).molecule(frame), charge, multiplicity)


def load_molecule(
    text: str | Path,
    *,
    frame: int | None = None,
    charge: float | int | None = None,
    multiplicity: int | None = None,
    seed: int = 1,
    conformation: str = "extended",
) -> Molecule:
    """Molecule from anything a person types: an existing file, a library name, a peptide sequence or a SMILES.

    Args:
        text: tried in that order; ``lj13``, ``alanine dipeptide``, ``Ac-AAA-NHMe``, ``CCO``, ``folder/file.xyz``.
        frame: which structure of a file with several, from 0; -1 for the last.
        charge: total charge in e; default: from the source, else 0.
        multiplicity: spin multiplicity; default: from the source, else 1.
        seed: of what is built (conformers, clusters).
        conformation: of the backbone, for sequences; see `from_sequence`.

    Raises:
        StructureError: nothing fits; the message lists what was tried.
    """
    if isinstance(text, Path):
        return read_molecule(text, frame=frame, charge=charge, multiplicity=multiplicity)
    text = text.strip()
    if _is_file(text):
        return read_molecule(Path(text).expanduser(), frame=frame, charge=charge, multiplicity=multiplicity)
    return with_electrons(interpret(text, seed=seed, conformation=conformation), charge, multiplicity)


def interpret(text: str, *, seed: int = 1, conformation: str = "extended") -> Molecule:
    """Molecule from one line of text that is no path: a library name, a peptide sequence or a SMILES."""
    text = text.strip()
    if not text:
        raise StructureError("A molecule is expected, got an empty text. Try `ala3`, `Ac-AAA-NHMe` or `CCO`.")
    entry = find_entry(text)
    if entry is not None:
        return entry.build(seed, conformation)
    if format_of_name(text):
        raise StructureError(f"There is no file `{_short(text)}` here. Check its folder, or drop the file on the page.")
    attempts = {
        "peptide sequence": lambda: from_sequence(text, conformation=conformation, seed=seed),
        "SMILES": lambda: from_smiles(text, seed),
    }
    failed = {}
    for kind in list(attempts) if _WORDS.fullmatch(text) else reversed(attempts):
        try:
            return attempts[kind]()
        except StructureError as error:
            failed[kind] = str(error)
    near = similar_names(text)
    raise StructureError(
        f"`{_short(text)}` is neither a file nor a name in the library"
        + (f" (similar: {', '.join(near)}). " if near else ". ")
        + " ".join(f"As {kind}: {reason}" for kind, reason in failed.items())
    )


def with_electrons(molecule: Molecule, charge: float | int | None, multiplicity: int | None) -> Molecule:
    """Molecule with another total charge (e) or multiplicity where given."""
    system = molecule.system
    if charge is not None:
        system = system.replace(charge=jnp.asarray(float(charge)))
    if multiplicity is not None:
        check_multiplicity(multiplicity)
        system = system.replace(spin=jnp.asarray(float(multiplicity - 1)))
    return molecule.replace(system=system)


def _is_file(text: str) -> bool:
    if "\n" in text or len(text) > 1000:
        return False
    try:
        return Path(text).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):  # names that no file system knows
        return False


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
