"""``so3k tree``: which minima of a landscape are connected below which energy."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore import units
from so3k_explore.cli.landscape import add_landscape, add_potential, open_landscape, read_potential
from so3k_explore.cli.options import add_json
from so3k_explore.cli.terminal import show, show_json, table

if TYPE_CHECKING:
    from so3k_explore.exploration.landscape import Landscape
    from so3k_explore.exploration.tree import Tree

SHOWN = 40  # minima in the table


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """The landscape, what to leave out, and what else to say."""
    add_landscape(parser)
    parser.add_argument(
        "--no-bounds", dest="bounds", action="store_false", help="saddles only, no upper bounds from hops"
    )
    parser.add_argument("--between", type=int, nargs=2, metavar="N", help="the way between two minima")
    parser.add_argument("--cut", type=float, metavar="kcal/mol", help="basins when all passes above it are closed")
    parser.add_argument("--depth", type=float, default=0.0, metavar="kcal/mol", help="collapse shallower branches")
    parser.add_argument("--size", type=int, default=1, metavar="N", help="collapse branches of fewer minima")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw it there: .png, .svg or .pdf")
    parser.add_argument(
        "--temperature", type=float, metavar="K", help="free energies and populations instead of energies"
    )
    parser.add_argument("--classical", action="store_true", help="with `--temperature`: no quanta, as for clusters")
    add_potential(parser, "with `--temperature`: computes frequencies that the landscape does not have yet")
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Makes the tree, draws it and prints its barriers."""
    from so3k_explore.exploration.pictures import draw_tree
    from so3k_explore.exploration.tree_building import collapsed

    with open_landscape(arguments.landscape, arguments.runs) as landscape:
        whole, shares = _tree(landscape, arguments)
        title = landscape.name
    if not len(whole):
        raise ValueError(f"{arguments.landscape} has no minimum. Run a search first, or import structures.")
    energy = "energy" if arguments.temperature is None else f"free energy at {arguments.temperature:g} K"
    tree = collapsed(whole, depth=arguments.depth * units.KCAL_PER_MOL, size=arguments.size)
    if arguments.picture is not None:
        draw_tree(tree, arguments.picture, title, energy=energy)
    said = _content(tree, shares, arguments.cut)
    said |= {"energy": energy, "temperature": arguments.temperature}
    if arguments.between:
        said["way"] = _way(whole, *arguments.between)
    if arguments.json:
        show_json(said)
    else:
        show(_text(said))
    return 0


def _tree(landscape: "Landscape", arguments: argparse.Namespace) -> tuple["Tree", dict[int, float]]:
    """The tree, and populations where a temperature is given."""
    from so3k_explore.exploration.tree_building import landscape_tree

    if arguments.temperature is None:
        return landscape_tree(landscape, bounds=arguments.bounds), {}
    from so3k_explore.exploration.thermodynamics import Superposition, free_energy_tree, populations

    how = Superposition(classical=arguments.classical, quasi_harmonic=not arguments.classical)
    tree = free_energy_tree(landscape, arguments.temperature, read_potential(arguments, landscape), how)
    shares = populations(tree.energies, arguments.temperature)
    return tree, dict(zip(tree.ids.tolist(), shares.tolist(), strict=True))


def _content(tree: "Tree", shares: dict[int, float], cut: float | None) -> dict[str, Any]:
    """Minima by energy, each with its lowest pass to anything lower; kcal/mol above the lowest minimum."""
    lowest = float(tree.energies.min())
    above = lambda energy: (float(energy) - lowest) / units.KCAL_PER_MOL
    basins = None if cut is None else tree.basins(lowest + cut * units.KCAL_PER_MOL)
    components, rows = tree.components, []
    for place in np.lexsort((tree.ids, tree.energies)).tolist():
        node = int(tree.ways_down[place])
        row: dict[str, Any] = {"minimum": int(tree.ids[place]), "energy_eV": float(tree.energies[place])}
        row |= {"relative_kcal_mol": above(tree.energies[place]), "stands_for": int(tree.counts[place])}
        row |= {
            "part": int(components[place]),
            "pass_kcal_mol": None,
            "barrier_kcal_mol": None,
            "kind": None,
            "to": None,
        }
        if node >= 0:
            row |= {"pass_kcal_mol": above(tree.heights[node]), "kind": "bound" if tree.bound[node] else "saddle"}
            row["barrier_kcal_mol"] = above(tree.heights[node]) - row["relative_kcal_mol"]
            row["to"] = int(tree.ids[tree.lowest[node]])
        if basins is not None:
            row["basin"] = int(basins[place])
        if shares:
            row["population"] = shares[row["minimum"]]
        rows.append(row)
    links = tree.links
    passes = [
        {"minima": tree.ids[ends].tolist(), "height_eV": height, "saddle": saddle or None}
        for ends, height, saddle in zip(links.ends, links.heights.tolist(), links.saddles.tolist(), strict=True)
    ]
    return {"minima": rows, "passes": passes, "parts": int(components.max()) + 1}


def _way(tree: "Tree", first: int, second: int) -> dict[str, Any]:
    """The lowest way between two minima; without heights where none is known."""
    try:
        found = tree.path(first, second)
        barriers = [tree.barrier(first, second), tree.barrier(second, first)]
    except KeyError as error:
        raise ValueError(str(error.args[0])) from None
    if found is None:
        return {"minima": [first, second], "known": False}
    forward, backward = (barrier / units.KCAL_PER_MOL for barrier in barriers)
    content = {"minima": list(found.minima), "heights_eV": list(found.heights), "known": True}
    content |= {"saddles": [saddle or None for saddle in found.saddles]}
    return content | {"forward_kcal_mol": forward, "backward_kcal_mol": backward}


def _text(said: dict[str, Any]) -> str:
    minima, passes = said["minima"], said["passes"]
    bounds = sum(one["saddle"] is None for one in passes)
    number = lambda value: "" if value is None else f"{value:.2f}"
    head = ["MINIMUM", "ΔE", "BARRIER", "PASS", "LEADS TO", "PART"]
    extra = [key for key in ("basin", "population") if key in minima[0]]
    rows = []
    for row in minima[:SHOWN]:
        cells = [row["minimum"], number(row["relative_kcal_mol"]), number(row["barrier_kcal_mol"])]
        cells += [row["kind"] or "", row["to"] or "", row["part"] + 1]
        rows.append([*cells, *(f"{row[key]:.3g}" if key == "population" else row[key] + 1 for key in extra)])
    lines = [
        f"{len(minima)} minima, {len(passes)} passes ({bounds} only upper bounds), connected parts: {said['parts']}; "
        f"{said['energy']} in kcal/mol",
        table(rows, head + [key.upper() for key in extra]),
    ]
    if len(minima) > SHOWN:
        lines.append(f"… and {len(minima) - SHOWN} more; `--json` lists all.")
    if "way" in said:
        lines.append(_way_text(said["way"]))
    return "\n".join(lines)


def _way_text(way: dict[str, Any]) -> str:
    first, last = way["minima"][0], way["minima"][-1]
    if not way["known"]:
        return f"No way between minima {first} and {last} is known."
    steps = " - ".join(map(str, way["minima"]))
    there, back = way["forward_kcal_mol"], way["backward_kcal_mol"]
    return f"The lowest way is {steps}: {there:.2f} kcal/mol there, {back:.2f} kcal/mol back."
