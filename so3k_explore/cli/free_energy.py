"""``so3k free-energy``: free energy along one or two coordinates of a trajectory."""

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore import units
from so3k_explore.cli.options import add_folder, add_json
from so3k_explore.cli.terminal import show, show_json, table
from so3k_explore.cli.trajectory import open_trajectory

if TYPE_CHECKING:
    from so3k_explore.analysis.coordinates import Coordinate
    from so3k_explore.analysis.free_energy import FreeEnergy

COORDINATES = '"phi N", "psi N", "torsion N", "torsion A-B-C-D", "distance A-B", rg, rmsd'
NAMED = 12  # basins told


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """The run, the coordinates, the grid."""
    parser.add_argument("what", help="id of a run (`latest`), its folder, or a trajectory.h5")
    explanation = f"one or two of {COORDINATES}; residues and atoms count from 1 (default: the first two torsions)"
    parser.add_argument("--along", nargs="+", default=[], metavar="COORDINATE", help=explanation)
    parser.add_argument("--bins", type=int, default=36, metavar="N", help="along each coordinate (default: 36)")
    parser.add_argument("--smoothing", type=float, default=0.0, metavar="BINS", help="width of the kernel (default: 0)")
    parser.add_argument("--begin", type=float, default=0.0, metavar="ps", help="leave out what was before")
    parser.add_argument("--temperature", type=float, metavar="K", help="default: the mean of the trajectory")
    parser.add_argument("--csv", action="store_true", help="print the grid as comma-separated values")
    add_folder(parser)
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Makes the surface and prints its basins."""
    if arguments.json and arguments.csv:
        raise ValueError("Give `--json` or `--csv`, not both.")
    from so3k_explore.analysis.coordinates import coordinates_of, find_coordinate
    from so3k_explore.io.following import free_energy_of

    trajectory, molecule = open_trajectory(arguments.what, arguments.runs)
    with trajectory:
        known = coordinates_of(molecule.residues, molecule.torsions, trajectory.masses, trajectory.positions[0, 0])
        asked = arguments.along or list(known)[:2]
        coordinates = [find_coordinate(text, known, molecule.n_atoms) for text in asked]
        options = {name: getattr(arguments, name) for name in ("temperature", "bins", "smoothing")}
        found = free_energy_of(trajectory, coordinates, begin=1000 * arguments.begin, **options)
        interval = float(np.median(np.diff(trajectory.times)))
    if arguments.csv:
        show(_csv(found, coordinates))
    elif arguments.json:
        show_json(_content(found, coordinates, interval))
    else:
        show(_text(found, coordinates, interval))
    return 0


def _content(found: "FreeEnergy", coordinates: "list[Coordinate]", interval: float) -> dict[str, Any]:
    plain = lambda grid: np.array(np.where(np.isnan(grid), None, grid / units.KCAL_PER_MOL), object).tolist()
    return {
        "coordinates": [coordinate.label for coordinate in coordinates],
        "centers": [centers.tolist() for centers in found.centers],
        "free_energy_kcal_mol": plain(found.energies),
        "error_kcal_mol": plain(found.errors),
        "counts": found.counts.astype(int).tolist(),
        "temperature": found.temperature,
        "correlation_fs": found.inefficiency * interval,
        "independent_samples": found.samples,
        "blocks": found.blocks,
    }


def _csv(found: "FreeEnergy", coordinates: "list[Coordinate]") -> str:
    """One row a bin; bins that were not visited have no free energy."""
    grids = np.meshgrid(*found.centers, indexing="ij")
    kcal = [values.ravel() / units.KCAL_PER_MOL for values in (found.energies, found.errors)]
    said = lambda value: "" if np.isnan(value) else f"{value:.6g}"
    rows = zip(*(grid.ravel() for grid in grids), *kcal, found.counts.ravel(), strict=True)
    head = [*(coordinate.label for coordinate in coordinates), "F / kcal/mol", "error / kcal/mol", "frames"]
    return "\n".join([",".join(head), *(",".join(map(said, row)) for row in rows)])


def _text(found: "FreeEnergy", coordinates: "list[Coordinate]", interval: float) -> str:
    lines = [
        f"Free energy at {found.temperature:.0f} K along {' and '.join(each.name for each in coordinates)}: "
        f"{int(found.counts.sum())} frames, which count as {found.samples:.0f} independent samples "
        f"(one every {found.inefficiency * interval / 1000:.3g} ps); {100 * found.visited.mean():.0f} % of the bins "
        "were visited."
    ]
    if found.samples < 20:
        lines.append("That is too little for a free energy: run longer, or with more walkers.")
    rows = []
    for place in found.basins()[:NAMED]:
        values = (found.energies[place], found.errors[place])
        kcal = ["unknown" if np.isnan(value) else f"{value / units.KCAL_PER_MOL:.2f}" for value in values]
        rows.append([*(f"{centers[k]:.4g}" for centers, k in zip(found.centers, place, strict=True)), *kcal])
    head = [*(coordinate.label.upper() for coordinate in coordinates), "F / KCAL/MOL", "ERROR"]
    return "\n".join([*lines, table(rows, head)])
