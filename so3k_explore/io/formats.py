"""Which format a text or file has, from its name or, without one, from its first lines."""

import codecs
import re
from pathlib import PurePath

from so3k_explore.io.molecule import StructureError
from so3k_explore.io.xyz import bare_coordinates

MDL, SMILES, COORDINATES = "mdl", "smiles", "coordinates"
_SUFFIXES = {
    "xyz": "extxyz",
    "extxyz": "extxyz",
    "pdb": "proteindatabank",
    "ent": "proteindatabank",
    "cif": "cif",
    "poscar": "vasp",
    "contcar": "vasp",
    "vasp": "vasp",
    "sdf": MDL,
    "sd": MDL,
    "mol": MDL,
    "traj": "traj",
    "smi": SMILES,
    "smiles": SMILES,
    "cube": "cube",
    "gen": "gen",
    "gjf": "gaussian-in",
    "com": "gaussian-in",
    "gro": "gromacs",
    "xsf": "xsf",
}
KNOWN = "xyz, extxyz, pdb, sdf, mol, cif, POSCAR, traj, smi, cube, gen, gjf, gro, xsf"
"""Formats that are read from uploads; all are data only, none can carry code."""


_TITLES = {"extxyz": "XYZ", "proteindatabank": "PDB", "cif": "CIF", "vasp": "POSCAR", "traj": "ASE trajectory"}


def title(kind: str) -> str:
    """Name of a format as people write it."""
    return _TITLES.get(kind, kind)


def format_of_name(filename: str) -> str | None:
    """Format by the ending of a file name, or by names such as POSCAR; None when it says nothing."""
    name = PurePath(filename).name.lower()
    stem, _, suffix = name.rpartition(".")
    if stem and suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    return "vasp" if name.startswith(("poscar", "contcar")) else "turbomole" if name == "coord" else None


def format_of_text(text: str) -> str | None:
    """Format by content; None when nothing fits."""
    lines = text.splitlines()
    stripped = [line.strip() for line in lines if line.strip()]
    if not stripped:
        return None
    if any("V2000" in line or "V3000" in line for line in lines[:8]):
        return MDL
    if any(re.match(r"(ATOM  |HETATM)[ \d]{5} ", line) for line in lines):
        return "proteindatabank"
    if any(line.lower().startswith("data_") for line in stripped) and "_cell_length_a" in text.lower():
        return "cif"
    if stripped[0].startswith("$coord"):
        return "turbomole"
    if stripped[0].isdigit() and len(stripped) > 1:
        return "extxyz"
    if len(lines) > 5 and _numbers(lines[1]) == 1 and all(_numbers(line) == 3 for line in lines[2:5]):
        return "vasp"
    return COORDINATES if bare_coordinates(text) else None


def decode(content: bytes, name: str) -> str:
    """Text from bytes: UTF-8, UTF-16 with its mark, or Latin-1 where only comments differ.

    Raises:
        StructureError: the bytes are no text.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            encoding = "latin-1"
        else:
            return _printable(text, name)
    try:
        return _printable(content.decode(encoding), name)
    except UnicodeDecodeError:
        raise StructureError(f"`{name}` is no readable text. Save it as UTF-8.") from None


def _printable(text: str, name: str) -> str:
    sample = text[:100_000]
    odd = sum(not (c.isprintable() or c in "\n\r\t\f\x1a") for c in sample)
    if "\0" in sample or odd > 0.02 * len(sample):
        raise StructureError(
            f"`{name}` is a binary file that holds no known structure. Formats that are read: {KNOWN}."
        )
    return text


def _numbers(line: str) -> int:
    try:
        return len([float(word) for word in line.split()])
    except ValueError:
        return 0
