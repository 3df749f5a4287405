"""``so3k cluster``: the minima of a landscape sorted into families."""

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore import units
from so3k_explore.cli.landscape import add_landscape, add_potential, open_landscape, read_potential
from so3k_explore.cli.options import add_json
from so3k_explore.cli.terminal import say, show, show_json, table

if TYPE_CHECKING:
    from so3k_explore.exploration.labels import Labelling
    from so3k_explore.exploration.landscape import Landscape

BY = ("torsions", "features", "distances", "rmsd", "tree")


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """The landscape, what tells minima apart, and how they are sorted."""
    from so3k_explore.analysis.clustering import METHODS

    add_landscape(parser)
    parser.add_argument("--by", choices=BY, default="torsions", help="default: torsions")
    parser.add_argument("--method", choices=METHODS, default="hdbscan", help="default: hdbscan; not used for the tree")
    parser.add_argument("--clusters", type=int, metavar="N", help="how many (default: as many as fit best)")
    parser.add_argument(
        "--smallest", type=int, metavar="N", help="minima that make a family (default: 2 %%, at least 3)"
    )
    parser.add_argument("--cut", type=float, metavar="kcal/mol", help="where the tree is cut, above the lowest minimum")
    parser.add_argument("--layer", type=int, default=-1, metavar="N", help="of the network, from 0 (default: the last)")
    parser.add_argument(
        "--pool", choices=("molecule", "residue", "element"), default="", help="average of features over"
    )
    parser.add_argument("--name", default="", help="of the labelling in the landscape (default: from the settings)")
    parser.add_argument("--dry", dest="store", action="store_false", help="do not keep it in the landscape")
    parser.add_argument("--compare", metavar="NAME", help="how well it agrees with another labelling of the landscape")
    add_potential(parser, "whose features describe the minima (default for features: so3k-peptide-gfn2)")
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Finds the families and prints them."""
    from so3k_explore.exploration.families import find_families

    if arguments.by == "features" and not arguments.model:
        arguments.model = "so3k-peptide-gfn2"
    with open_landscape(arguments.landscape, arguments.runs) as landscape:
        labelling = find_families(
            landscape,
            arguments.by,
            arguments.method,
            height=None if arguments.cut is None else arguments.cut * units.KCAL_PER_MOL,
            potential=read_potential(arguments),
            progress=lambda fraction, sentence: say(f"{100 * fraction:3.0f} % {sentence}"),
            **{key: getattr(arguments, key) for key in ("clusters", "smallest", "layer", "pool", "name", "store")},
        )
        said = _content(landscape, labelling)
        if arguments.compare:
            said["agreement"] = _agreement(landscape, labelling, arguments.compare)
    if arguments.json:
        show_json(said)
    else:
        show(_text(said))
    return 0


def _content(landscape: "Landscape", labelling: "Labelling") -> dict[str, Any]:
    """Families with their lowest minima; the cluster of each minimum."""
    minima = landscape.minima()
    above = (minima.energies - minima.energies.min()) / units.KCAL_PER_MOL
    families = []
    for cluster in range(len(labelling)):
        members = np.flatnonzero(labelling.clusters == cluster)
        lowest = members[np.argmin(above[members])]
        families.append(
            {
                "family": labelling.name_of(cluster),
                "minima": len(members),
                "lowest": int(minima.ids[lowest]),
                "relative_kcal_mol": float(above[lowest]),
                "visits": int(minima.visits[members].sum()),
            }
        )
    clusters = dict(zip(map(str, labelling.ids.tolist()), labelling.clusters.tolist(), strict=True))
    alone = int((labelling.clusters < 0).sum())
    return {
        "name": labelling.name,
        "settings": dict(labelling.settings),
        "families": families,
        "no_family": alone,
        "clusters": clusters,
    }


def _agreement(landscape: "Landscape", labelling: "Labelling", name: str) -> dict[str, Any]:
    from so3k_explore.analysis.agreement import compare_labellings
    from so3k_explore.exploration.labels import read_labelling

    other = read_labelling(landscape, name)
    found = compare_labellings(labelling.clusters, other.of(labelling.ids))
    counts = found.table.tolist()
    rows, columns = found.rows.tolist(), found.columns.tolist()
    agreement = {"with": name, "adjusted_rand": found.rand, "p_value": found.p_value}
    return {**agreement, "rows": rows, "columns": columns, "table": counts}


def _text(said: dict[str, Any]) -> str:
    settings = ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in said["settings"].items()
        if value is not None
    )
    rows = [
        [one["family"], one["minima"], one["lowest"], f"{one['relative_kcal_mol']:.2f}", one["visits"]]
        for one in said["families"]
    ]
    total = sum(one["minima"] for one in said["families"]) + said["no_family"]
    lines = [
        f"{len(rows)} families of {total} minima, {said['no_family']} in none ({settings})",
        table(rows, ["FAMILY", "MINIMA", "LOWEST", "ΔE kcal/mol", "VISITS"]),
    ]
    if "agreement" in said:
        one = said["agreement"]
        lines.append(
            f"Agreement with {one['with']!r}: adjusted Rand {one['adjusted_rand']:.2f}, p = {one['p_value']:.3g}"
        )
    return "\n".join(lines)
