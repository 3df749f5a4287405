"""Landscapes for other programs: structures, tables, and the network of minima.

==============  =====================================================================================================
``.extxyz``     minima by number, with energy, visits, label and where they came from (ASE, OVITO)
``.sdf``        minima by number, with bonds and energies (molecular viewers)
``.csv``        a table of minima (spreadsheets)
``.graphml``    minima as nodes; saddles and hops as edges (networkx, Gephi, Cytoscape)
``.json``       structures and properties for chemiscope.org
==============  =====================================================================================================
"""

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jax.numpy as jnp
import numpy as np

from so3k_explore import units
from so3k_explore.exploration.labels import label_columns
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.merging import molecule_of
from so3k_explore.exploration.records import Minima
from so3k_explore.geometry.elements import symbol
from so3k_explore.io.export import write_structures

TYPES = {str: "string", int: "long", float: "double"}  # of GraphML


def export_landscape(landscape: Landscape, path: Path | str) -> Path:
    """Writes a landscape in the format that the ending of `path` names; the file appears when it is complete.

    Raises:
        ValueError: no such format.
        LandscapeError: there is no minimum.
    """
    path = Path(path)
    if path.suffix not in FORMATS:
        raise ValueError(f"Expected a file ending in {', '.join(FORMATS)}, got {path.name}.")
    molecule_of(landscape)  # refuses a landscape without minima
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        FORMATS[path.suffix](landscape, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def to_extxyz(landscape: Landscape, path: Path) -> None:
    """Minima as extended XYZ, with what is known of each."""
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import write

    minima = landscape.minima()
    template = molecule_of(landscape).system.to_ase()
    frames = []
    for row, positions in zip(_rows(landscape, minima), minima.positions, strict=True):
        atoms = template.copy()
        atoms.positions = positions
        left_out = ("energy_eV", "relative_kcal_mol")
        atoms.info |= {name: value for name, value in row.items() if name not in left_out and value != ""}
        atoms.calc = SinglePointCalculator(atoms, energy=row["energy_eV"])
        frames.append(atoms)
    write(path, frames, format="extxyz")


def to_sdf(landscape: Landscape, path: Path) -> None:
    """Minima as MDL records, with the bonds of the molecule."""
    minima, system = landscape.minima(), molecule_of(landscape).system
    dtype = system.positions.dtype
    systems = [system.replace(positions=jnp.asarray(positions, dtype)) for positions in minima.positions]
    write_structures(path, systems, energies=minima.energies, format="sdf", bonds=landscape.bonds)


def to_csv(landscape: Landscape, path: Path) -> None:
    """Minima as a table."""
    rows = _rows(landscape, landscape.minima())
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def to_graphml(landscape: Landscape, path: Path) -> None:
    """The network: minima, and the saddles and hops between them.

    Edges have the height of the pass and whether it is a saddle or an upper bound (kind "saddle" or "bound").
    """
    root = ElementTree.Element("graphml", xmlns="http://graphml.graphdrawing.org/xmlns")
    graph = ElementTree.Element("graph", id="landscape", edgedefault="undirected")
    keys: dict[tuple[str, str], str] = {}

    def describe(element: ElementTree.Element, row: dict[str, Any]) -> None:
        for name, value in row.items():
            place = (element.tag, name)
            if place not in keys:
                keys[place] = f"d{len(keys)}"
                attributes = {"for": element.tag, "attr.name": name, "attr.type": TYPES[type(value)]}
                ElementTree.SubElement(root, "key", {"id": keys[place], **attributes})
            ElementTree.SubElement(element, "data", key=keys[place]).text = str(value)

    for row in _rows(landscape, landscape.minima()):
        describe(ElementTree.SubElement(graph, "node", id=f"n{row['minimum']}"), row)
    for number, ((first, second), row) in enumerate(_edges(landscape)):
        ends = {"source": f"n{first}", "target": f"n{second}"}
        describe(ElementTree.SubElement(graph, "edge", {"id": f"e{number}", **ends}), row)
    root.append(graph)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def to_chemiscope(landscape: Landscape, path: Path) -> None:
    """Structures and properties as chemiscope.org reads them."""
    minima = landscape.minima()
    names = [symbol(int(number)) for number in landscape.numbers]
    structures = [
        {"size": len(names), "names": names, **dict(zip("xyz", positions.T.round(6).tolist(), strict=True))}
        for positions in minima.positions
    ]
    rows = _rows(landscape, minima)
    units_of = {"energy_eV": "eV", "relative_kcal_mol": "kcal/mol"}
    properties = {
        name.replace("_", " "): {"target": "structure", "values": [row[name] for row in rows]}
        | ({"units": units_of[name]} if name in units_of else {})
        for name in rows[0]
    }
    content = {"meta": {"name": landscape.name}, "structures": structures, "properties": properties}
    path.write_text(json.dumps(content, allow_nan=False), encoding="utf-8")


FORMATS: dict[str, Callable[[Landscape, Path], None]] = {
    ".extxyz": to_extxyz,
    ".xyz": to_extxyz,
    ".sdf": to_sdf,
    ".csv": to_csv,
    ".graphml": to_graphml,
    ".json": to_chemiscope,
}


def _rows(landscape: Landscape, minima: Minima) -> list[dict[str, Any]]:
    """What is known of each minimum, by name; clusters have a column for each labelling."""
    clusters = label_columns(landscape, minima.ids)
    lowest = float(minima.energies.min())
    return [
        {
            "minimum": int(minima.ids[k]),
            "energy_eV": float(minima.energies[k]),
            "relative_kcal_mol": (float(minima.energies[k]) - lowest) / units.KCAL_PER_MOL,
            "visits": int(minima.visits[k]),
            "call": int(minima.calls[k]),
            "walker": int(minima.walkers[k]),
            "strategy": minima.strategies[k],
            "label": minima.labels[k],
            **{name: words[k] for name, words in clusters.items()},
        }
        for k in range(len(minima))
    ]


def _edges(landscape: Landscape) -> list[tuple[tuple[int, int], dict[str, Any]]]:
    """Saddles, then hops with a known upper bound."""
    found: list[tuple[tuple[int, int], dict[str, Any]]] = []
    saddles, hops = landscape.saddles(), landscape.transitions()
    for (first, second), number, energy in zip(
        saddles.pairs.tolist(), saddles.ids.tolist(), saddles.energies.tolist(), strict=True
    ):
        found.append(((first, second), {"kind": "saddle", "height_eV": energy, "saddle": number}))
    for (first, second), barrier, count in zip(
        hops.pairs.tolist(), hops.barriers.tolist(), hops.hops.tolist(), strict=True
    ):
        if np.isfinite(barrier):
            found.append(((first, second), {"kind": "bound", "height_eV": barrier, "hops": count}))
    return found
