"""``so3k attention``: what a model attends to, in one structure or in all minima of a landscape."""

import argparse
import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore.cli.landscape import open_landscape
from so3k_explore.cli.options import add_json, add_molecule, read_molecule
from so3k_explore.cli.terminal import show, show_json, table

if TYPE_CHECKING:
    from so3k_explore.analysis.attention_blocks import Blocks
    from so3k_explore.analysis.attention_coefficients import Channel
    from so3k_explore.analysis.attention_statistics import Correlations
    from so3k_explore.exploration.landscape import Landscape
    from so3k_explore.io.molecule import Molecule
    from so3k_explore.potentials.protocol import Potential

SHOWN = 15  # pairs in a table
QUANTITIES = ("signed", "magnitude", "contribution", "rollout", "weighted rollout")
REDUCTIONS = {"atoms": "atoms", "heavy": "heavy atoms", "residues": "residues"}
SIGNIFICANT = 0.05  # false-discovery rate
LARGE = 300  # atoms from which residues are the default


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """The structure or landscape, the model, and which matrix."""
    add_molecule(parser)
    parser.add_argument("--runs", type=Path, metavar="DIR", help="folder of the runs (default: $SO3K_RUNS, else yours)")
    parser.add_argument("--minimum", type=int, metavar="N", help="of a landscape, this minimum instead of all")
    parser.add_argument("--model", help="default: that of the run, else the best installed one for these elements")
    parser.add_argument("--precision", choices=("float32", "float64"), default="float64", help="default: float64")
    group = parser.add_argument_group("which matrix; what is not chosen is averaged over")
    group.add_argument("--quantity", choices=QUANTITIES, help="default: signed, for landscapes magnitude")
    group.add_argument("--branch", choices=("invariant", "equivariant"), default="invariant", help="default: invariant")
    group.add_argument("--layer", type=int, metavar="N", help="from 1")
    group.add_argument("--head", type=int, metavar="N", help="from 1; in the equivariant branch a degree")
    group.add_argument("--reduce", choices=REDUCTIONS, help="default: atoms, for landscapes heavy; residues of giants")
    parser.add_argument("--families", type=int, metavar="N", help="of a landscape (default: what fits best)")
    parser.add_argument(
        "--no-faithfulness", dest="faithful", action="store_false", help="leave out the comparison with the energy"
    )
    parser.add_argument("--csv", action="store_true", help="print the matrix as CSV: rows listen to columns")
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Prints the pairs with most attention, or the families of a landscape."""
    landscape = _landscape(arguments)
    if landscape is not None and arguments.minimum is None:
        if arguments.csv:
            raise ValueError("`--csv` prints one matrix: choose a minimum of the landscape with `--minimum N`.")
        with landscape:
            said, text = _families(arguments, landscape)
    else:
        said, text = _structure(arguments, landscape)
    if arguments.json:
        show_json(said)
    else:
        show(said["csv"] if arguments.csv else text)
    return 0


def _landscape(arguments: argparse.Namespace) -> "Landscape | None":
    """The landscape that is meant; None for a molecule."""
    try:
        return open_landscape(arguments.molecule, arguments.runs) if _may_be_landscape(arguments.molecule) else None
    except FileNotFoundError:
        if arguments.minimum is not None:
            raise
        return None


def _may_be_landscape(text: str) -> bool:
    path = Path(text).expanduser()
    return path.is_dir() or path.suffix == ".db" or not path.is_file()


def _channel(arguments: argparse.Namespace, default: str) -> "Channel":
    from so3k_explore.analysis.attention_coefficients import Channel

    from_zero = lambda value: None if value is None else value - 1
    return Channel(
        arguments.quantity or default, arguments.branch, from_zero(arguments.layer), from_zero(arguments.head)
    )


def _potential(arguments: argparse.Namespace, molecule: "Molecule", landscape: "Landscape | None") -> "Potential":
    from so3k_explore.potentials.registry import default_model, load_potential

    spin = float(molecule.system.spin)
    model = arguments.model or _model_of(landscape)
    model = model or default_model(set(molecule.numbers.tolist()), charge=molecule.charge, spin=spin)
    potential = load_potential(model, precision=arguments.precision)
    _check(arguments, potential)
    return potential


def _check(arguments: argparse.Namespace, potential: "Potential") -> None:
    """Raises `ValueError` unless the model has attention, and the layer and head that are asked for."""
    sizes: Any = getattr(potential, "architecture", None)
    if not hasattr(potential, "capture"):
        raise ValueError(f"{type(potential).__name__} has no attention. Choose a SO3krates model with `--model`.")
    heads = sizes.heads if arguments.branch == "invariant" else len(sizes.degrees)
    for option, most in (("layer", sizes.layers), ("head", heads)):
        value = getattr(arguments, option)
        if value is not None and not 1 <= value <= most:
            raise ValueError(f"`--{option}` must be from 1 to {most} for this model, got {value}.")


def _model_of(landscape: "Landscape | None") -> str | None:
    """The model of the run that a landscape belongs to."""
    if landscape is None:
        return None
    from so3k_explore.jobs import RunNotFoundError, Runs

    folder = landscape.path.resolve().parent
    try:
        return Runs(folder.parent).get(folder.name).model
    except RunNotFoundError:
        return None


def _molecule(arguments: argparse.Namespace, landscape: "Landscape | None") -> "Molecule":
    if landscape is None:
        return read_molecule(arguments)
    from so3k_explore.io.molecule import Molecule

    numbers = landscape.minima().ids
    if not len(numbers):
        raise ValueError(f"{arguments.molecule} has no minimum. Run a search first, or import structures.")
    chosen = int(numbers[0]) if arguments.minimum is None else arguments.minimum
    try:
        system = landscape.system(chosen)
    except KeyError as error:
        raise ValueError(str(error.args[0])) from None
    name = f"{landscape.name}, minimum {chosen}"
    return Molecule(name=name, system=system, bonds=landscape.bonds, source=arguments.molecule)


def _structure(arguments: argparse.Namespace, landscape: "Landscape | None") -> tuple[dict[str, Any], str]:
    import jax

    from so3k_explore.analysis.attention import attention
    from so3k_explore.analysis.attention_blocks import blocks, has_residues, matrix_between
    from so3k_explore.analysis.attention_coefficients import is_listened_to, listens
    from so3k_explore.analysis.attention_faithfulness import faithfulness, name_of
    from so3k_explore.analysis.attention_verdict import verdict

    molecule, channel = _molecule(arguments, landscape), _channel(arguments, "signed")
    giant = molecule.n_atoms > LARGE and has_residues(molecule.numbers, molecule.bonds)
    parts = blocks(REDUCTIONS[arguments.reduce or ("residues" if giant else "atoms")], molecule.numbers, molecule.bonds)
    with jax.enable_x64(arguments.precision == "float64"):
        potential = _potential(arguments, molecule, landscape)
        matrix = matrix_between(attention(potential, molecule.system), channel, parts)
        said: dict[str, Any] = {"molecule": molecule.name, "matrix_of": name_of(channel), "names": parts.names}
        said |= {"matrix": matrix.tolist(), "listens": listens(matrix).tolist()}
        said |= {"is_listened_to": is_listened_to(matrix).tolist(), "csv": _csv(matrix, parts)}
        measure = "magnitude" if channel.signed else channel.quantity
        if arguments.faithful:
            rows = faithfulness(potential, molecule.system, molecule.bonds).table
            said["faithfulness"] = [{**row.__dict__, "grade": row.grade} for row in rows]
            said["verdict"] = verdict(rows, measure)
    head = f"{molecule.name}: {said['matrix_of']}, rows listen to columns; neither normalised nor bounded"
    lines = [head, _pairs(matrix, parts), *([said["verdict"]] if arguments.faithful else [])]
    return _finite(said), "\n".join(lines)


def _families(arguments: argparse.Namespace, landscape: "Landscape") -> tuple[dict[str, Any], str]:
    import jax

    from so3k_explore.analysis.attention_faithfulness import name_of
    from so3k_explore.exploration.attention import agreements, correlations, landscape_attention

    channel = _channel(arguments, "magnitude")
    with jax.enable_x64(arguments.precision == "float64"):
        potential = _potential(arguments, _molecule(arguments, landscape), landscape)
        seen = landscape_attention(
            *(landscape, potential),
            channel=channel,
            reduction=REDUCTIONS[arguments.reduce or "heavy"],
            families=arguments.families,
        )
    sizes = np.bincount(seen.labels[seen.labels >= 0])
    above = (seen.energies - seen.energies.min()) * 1000
    rows, families = [], []
    for family in range(len(sizes)):
        mine = seen.labels == family
        others = np.where(mine, 1, 0)
        pairs = _separating(seen.maps, others, seen.blocks) if len(sizes) > 1 else []
        families.append({"family": family + 1, "minima": seen.ids[mine].tolist(), "separating_pairs": pairs})
        words = ", ".join(f"{pair['from']} to {pair['to']} {pair['change']:+.2g}" for pair in pairs[:2])
        rows.append([family + 1, int(sizes[family]), f"{above[mine].min():.0f}", words])
    compared = agreements(landscape, seen)
    said = {"landscape": landscape.name, "matrix_of": name_of(channel), "families": families}
    said["explained"] = seen.space.explained.tolist()
    said["agreement"] = {name: {"rand": c.rand, "p_value": c.p_value} for name, c in compared.items()}
    explained = {name: _strength(found) for name, found in correlations(landscape, seen).items()}
    said["correlations"] = explained
    agreement = [[name, f"{c.rand:.2f}", f"{c.p_value:.3f}", len(c.columns)] for name, c in compared.items()]
    lines = [f"{landscape.name}: {len(seen.ids)} minima by {said['matrix_of']} between {len(seen.blocks)} parts"]
    lines.append(table(rows, ("FAMILY", "MINIMA", "LOWEST / meV", "LISTENS MORE OR LESS THAN THE OTHERS")))
    lines.append(table(agreement, ("AGREEMENT WITH", "RAND INDEX", "P", "CLUSTERS")))
    strengths = [[name, f"{row['median_rho']:.2f}", f"{row['significant']:.0%}"] for name, row in explained.items()]
    lines.append(table(strengths, ("PAIRS AGAINST", "MEDIAN |RHO|", "BELOW 5 % FALSE")))
    return _finite(said), "\n".join(lines)


def _strength(found: "Correlations") -> dict[str, float]:
    """How much of a map goes with an observable: the median of |rho|, and the share of entries that are significant."""
    known = np.isfinite(found.rho)
    if not known.any():
        return {"median_rho": float("nan"), "significant": 0.0}
    return {
        "median_rho": float(np.median(np.abs(found.rho[known]))),
        "significant": float(np.mean(found.rates[known] < SIGNIFICANT)),
    }


def _separating(maps: np.ndarray, mine: np.ndarray, parts: "Blocks") -> list[dict[str, Any]]:
    from so3k_explore.analysis.attention_statistics import compare_maps

    found = compare_maps(maps[mine == 0], maps[mine == 1])
    names = parts.names
    return [
        {"from": names[i], "to": names[j], "change": float(found.change[i, j]), "rate": float(found.rates[i, j])}
        for i, j in found.strongest(SHOWN)
    ]


def _pairs(matrix: np.ndarray, parts: "Blocks") -> str:
    order = np.argsort(-np.abs(matrix), axis=None, kind="stable")[:SHOWN]
    places = [np.unravel_index(place, matrix.shape) for place in order]
    rows = [[parts.names[i], parts.names[j], f"{matrix[i, j]:+.4f}"] for i, j in places if matrix[i, j]]
    return table(rows, ("LISTENS", "TO", "ATTENTION"))


def _csv(matrix: np.ndarray, parts: "Blocks") -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["", *parts.names])
    writer.writerows([name, *map(repr, row)] for name, row in zip(parts.names, matrix.tolist(), strict=True))
    return text.getvalue().rstrip("\n")


def _finite(content: Any) -> Any:
    """The same for JSON, which knows no NaN."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not np.isfinite(content) else content
