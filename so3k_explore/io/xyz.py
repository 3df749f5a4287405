"""XYZ text made regular before ASE reads it, so that what is wrong can be said with its line."""

import math
import re

from so3k_explore.geometry.elements import SYMBOLS, symbol
from so3k_explore.io.molecule import StructureError

_ATOM = re.compile(r"\s*([A-Za-z]{1,2})\d*((?:\s+[-+]?[\d.]+(?:[EeDd][-+]?\d+)?){3})\s*")


def regular_xyz(text: str) -> str:
    """XYZ or extended XYZ with symbols instead of numbers or labels (``6``, ``C12``, ``CL``) and plain floats.

    Raises:
        StructureError: the text is cut off, or a line is not what is expected there; the message names the line.
    """
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    regular: list[str] = []
    start = 0
    while start < len(lines):
        if not lines[start].strip() and regular:  # blank lines between frames
            start += 1
            continue
        atoms = _count(lines[start], start + 1)
        present = len(lines) - start - 2
        if present < atoms:
            raise StructureError(
                f"The file is cut off: line {start + 1} announces {atoms} atoms, {max(present, 0)} lines follow. "
                "Copy or download it again."
            )
        comment, body = lines[start + 1], lines[start + 2 : start + 2 + atoms]
        numbered = list(enumerate(body, start + 3))
        regular += [str(atoms), comment]
        if "properties=" not in comment.lower():
            regular += [_atom(line, number) for number, line in numbered]
        else:
            if "properties=species:s:1:" in comment.lower():
                for number, line in numbered:
                    _element(line.split(maxsplit=1)[0] if line.strip() else "", number)
            regular += body
        start += 2 + atoms
    return "\n".join(regular) + "\n"


def bare_coordinates(text: str) -> str | None:
    """XYZ text from lines of symbol and coordinates alone; None when the text is something else."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or not all(_ATOM.fullmatch(line) for line in lines):
        return None
    return "\n".join([str(len(lines)), "", *lines]) + "\n"


def _count(line: str, number: int) -> int:
    word = line.strip()
    if not word.isdigit():
        raise StructureError(
            f"Line {number} should be the number of atoms, it is `{word[:40]}`. "
            "XYZ files have the number of atoms, a comment, then one line for each atom."
        )
    if int(word) == 0:
        raise StructureError(f"Line {number} announces 0 atoms; at least one is needed.")
    return int(word)


def _atom(line: str, number: int) -> str:
    words = line.split()
    if len(words) < 4:
        raise StructureError(f"Line {number} should be an element and x, y, z in Å, it is `{line.strip()[:60]}`.")
    try:
        coordinates = [float(re.sub(r"\*\^|[Dd]", "e", word)) for word in words[1:4]]
    except ValueError:
        raise StructureError(
            f"Line {number} should be an element and x, y, z in Å, it is `{line.strip()[:60]}`."
        ) from None
    if not all(map(math.isfinite, coordinates)):
        raise StructureError(f"Line {number} has a coordinate that is not a finite number: `{line.strip()[:60]}`.")
    return " ".join([_element(words[0], number), *map(repr, coordinates)])


def _element(word: str, number: int) -> str:
    if word.isdigit() and 0 < int(word) < len(SYMBOLS):
        return symbol(int(word))
    name = re.sub(r"[\d_].*$", "", word).capitalize()
    if name not in SYMBOLS[1:]:
        raise StructureError(f"Line {number} names the unknown element `{word}`. Expected a symbol such as C or Cl.")
    return name
