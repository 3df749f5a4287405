"""``so3k data``: what is in a file of labelled structures, in numbers and as a picture."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from so3k_explore.cli.options import add_json
from so3k_explore.cli.terminal import show, show_json

if TYPE_CHECKING:
    from so3k_explore.training.contents import Contents

NAMED = 8  # molecules, sources and outliers told one by one


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """The file, its units, and where the picture goes."""
    parser.add_argument("file", type=Path, help="labelled structures: .npz or extended XYZ")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw them there: .png, .svg or .pdf")
    parser.add_argument("--energy-unit", metavar="UNIT", help="of .npz files of others: eV, kcal/mol, kJ/mol, Hartree")
    parser.add_argument("--length-unit", metavar="UNIT", help="of such files: Angstrom or Bohr")
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Counts, checks and draws."""
    from so3k_explore.io.dataset_formats import read_dataset
    from so3k_explore.training.contents import contents
    from so3k_explore.training.pictures import draw_contents

    units = {"energy_unit": arguments.energy_unit, "length_unit": arguments.length_unit}
    found = contents(read_dataset(arguments.file, **units))
    if arguments.picture is not None:
        draw_contents(found, arguments.picture)
    if arguments.json:
        show_json(found.to_json())
    else:
        show("\n".join(_lines(found)))
    return 0


def _lines(found: "Contents") -> list[str]:
    said = found.to_json()
    low, high = said["atoms"]
    consistency = "cannot be told" if found.consistency is None else f"{found.consistency:.3f} (1 is right)"
    return [
        f"{found.frames} structures of {len(found.molecules)} molecules at {found.level or 'unknown level'}",
        f"Molecules    {_listed(found.molecules)}",
        f"Sources      {_listed(found.sources)}",
        f"Elements     {_listed(found.elements)} atoms",
        f"Sizes        {low} to {high} atoms",
        f"Forces       {said['force_rms']:.3g} eV/Å root mean square, largest {said['force_max']:.3g} eV/Å",
        f"Energies against forces: {consistency}",
        f"Copies       {found.copies}",
        f"Outliers     {len(found.outliers)}{': frames ' if found.outliers else ''}{_few(found.outliers)}",
    ]


def _listed(counts: dict[str, int]) -> str:
    words = [f"{name or 'unnamed'} {count}" for name, count in list(counts.items())[:NAMED]]
    return ", ".join([*words, "…"] if len(counts) > NAMED else words)


def _few(frames: tuple[int, ...]) -> str:
    return ", ".join([*map(str, frames[:NAMED]), *(["…"] if len(frames) > NAMED else [])])
