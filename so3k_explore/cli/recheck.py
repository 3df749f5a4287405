"""``so3k recheck``: minima of a landscape relaxed again with a reference method."""

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore import units
from so3k_explore.cli.landscape import add_landscape, claimed, open_landscape
from so3k_explore.cli.options import add_json
from so3k_explore.cli.terminal import show, show_json, table

if TYPE_CHECKING:
    from so3k_explore.exploration.landscape import Landscape
    from so3k_explore.exploration.recheck import Recheck

LOWEST = 20


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """The landscape, which structures, and how."""
    add_landscape(parser)
    parser.add_argument("--numbers", type=int, nargs="+", metavar="N", help="of the minima or saddles")
    parser.add_argument("--lowest", type=int, metavar="N", help=f"the lowest ones instead (default: {LOWEST})")
    parser.add_argument("--saddles", action="store_true", help="saddles instead of minima, not relaxed")
    parser.add_argument("--method", default="GFN2-xTB", help="reference: GFN2-xTB, GFN1-xTB or module:Calculator")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="that work side by side (default: 1)")
    parser.add_argument("--force-tolerance", type=float, default=0.01, metavar="eV/Å", help="default: 0.01")
    parser.add_argument("--max-steps", type=int, default=500, metavar="N", help="of a relaxation (default: 500)")
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Checks them and prints the comparison."""
    from tqdm import tqdm

    from so3k_explore.exploration.recheck import recheck
    from so3k_explore.exploration.vibrations import MINIMUM, SADDLE

    if arguments.numbers and arguments.lowest:
        raise ValueError("`--numbers` and `--lowest` exclude each other. Give one of them.")
    kind = SADDLE if arguments.saddles else MINIMUM
    names = ("method", "processes", "force_tolerance", "max_steps")
    options = {option: getattr(arguments, option) for option in names}
    with open_landscape(arguments.landscape, arguments.runs) as landscape, claimed(landscape):
        numbers = arguments.numbers or _lowest(landscape, kind, arguments.lowest or LOWEST)
        with tqdm(total=1.0, disable=None, bar_format="{percentage:3.0f}% {bar:30} {desc}", leave=False) as bar:

            def progress(share: float, sentence: str) -> None:
                bar.n = share
                bar.set_description_str(sentence)

            try:
                found = recheck(landscape, numbers, kind=kind, progress=progress, **options)
            except KeyError as error:
                raise ValueError(str(error.args[0])) from None
        said = _content(found, landscape)
    if arguments.json:
        show_json(said)
    else:
        show(_text(said))
    return 0 if found.fine.any() else 1


def _lowest(landscape: "Landscape", kind: str, count: int) -> list[int]:
    points = landscape.saddles() if kind == "saddle" else landscape.minima()
    if not len(points):
        raise ValueError(f"{landscape.path.name} has no {kind} to check.")
    return points.ids[np.argsort(points.energies, kind="stable")[:count]].tolist()


def _content(found: "Recheck", landscape: "Landscape") -> dict[str, Any]:
    number = lambda value: float(value) if np.isfinite(value) else None
    fine = found.fine
    base = int(np.argmin(np.where(fine, found.model_energies, np.inf))) if fine.any() else 0
    relative = lambda energies, k: number((energies[k] - energies[base]) / units.KCAL_PER_MOL)
    same = found.same_as(landscape)
    rows = [
        {
            "number": int(found.ids[k]),
            "model_energy_eV": float(found.model_energies[k]),
            "energy_eV": number(found.energies[k]),
            "single_point_eV": number(found.single_points[k]),
            "model_relative_kcal_mol": relative(found.model_energies, k),
            "relative_kcal_mol": relative(found.energies, k),
            "rmsd": number(found.rmsd[k]),
            "same_as": int(same[k]),
            "problem": found.problems[k],
        }
        for k in np.argsort(found.model_energies, kind="stable").tolist()
    ]
    errors = np.abs(found.energy_errors[fine]) / units.KCAL_PER_MOL
    return {
        "kind": found.kind,
        "method": found.method,
        "structures": rows,
        "failed": int((~fine).sum()),
        "rank_correlation": number(found.rank_correlation),
        "mean_absolute_error_kcal_mol": float(errors.mean()) if fine.any() else None,
        "mean_rmsd": float(found.rmsd[fine].mean()) if fine.any() else None,
    }


def _text(said: dict[str, Any]) -> str:
    number = lambda value, digits=2: "" if value is None else f"{value:.{digits}f}"
    head = (said["kind"].upper(), "ΔE MODEL", f"ΔE {said['method']}", "RMSD / Å", "SAME AS", "PROBLEM")
    rows = [
        (
            row["number"],
            number(row["model_relative_kcal_mol"]),
            number(row["relative_kcal_mol"]),
            number(row["rmsd"], 3),
            "" if row["same_as"] == row["number"] else row["same_as"],
            row["problem"],
        )
        for row in said["structures"]
    ]
    checked = len(rows) - said["failed"]
    lines = [table(rows, head), f"{checked} of {len(rows)} compared; energies in kcal/mol above the model's lowest."]
    if said["rank_correlation"] is not None:
        lines.append(f"Rank correlation {said['rank_correlation']:.3f}")
    if said["mean_absolute_error_kcal_mol"] is not None:
        error = said["mean_absolute_error_kcal_mol"]
        lines.append(f"Mean absolute error {error:.2f} kcal/mol, mean RMSD {said['mean_rmsd']:.3f} Å")
    return "\n".join(lines)
