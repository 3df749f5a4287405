"""``so3k saddles``: the saddles between the minima of a landscape, searched for and listed."""

import argparse
import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Any

from so3k_explore.cli.landscape import add_landscape, claimed, open_landscape
from so3k_explore.cli.options import add_json
from so3k_explore.cli.terminal import say, show, show_json, table

if TYPE_CHECKING:
    from so3k_explore.exploration.landscape import Landscape
    from so3k_explore.exploration.saddle_settings import SaddleSearch
    from so3k_explore.exploration.saddles import SaddleState
    from so3k_explore.io.molecule import Molecule

OPTIONS: dict[str, tuple[Any, str, str]] = {
    "saddles": (int, "N", "stop at so many"),
    "connected": (float, "FRACTION", "stop when this fraction of the minima hangs together"),
    "max_calls": (int, "N", "stop after so many force calls"),
    "energy_window": (float, "eV", "leave minima alone that lie higher above the lowest one"),
    "pairs": (int, "N", "minima joined by bands at the same time"),
    "images": (int, "N", "structures along a band"),
    "walkers": (int, "N", "climbers to saddles at the same time"),
    "neighbors": (int, "N", "of each minimum that it is joined to"),
    "modes": (int, "N", "lowest modes of each minimum that are followed"),
    "kicks": (int, "N", "random displacements of each minimum"),
    "force_tolerance": (float, "eV/Å", "largest force on any atom of a saddle"),
    "seed": (int, "N", "makes a search repeatable"),
}


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """The landscape, the model, and how to search."""
    add_landscape(parser)
    parser.add_argument("--list", action="store_true", help="list what is known and search no further")
    parser.add_argument("--model", help="default: that of the run, else the best installed one for these elements")
    parser.add_argument("--precision", choices=("float32", "float64"), default="float64", help="default: float64")
    group = parser.add_argument_group("settings of the search")
    for option, (kind, unit, words) in OPTIONS.items():
        flag = f"--{option.replace('_', '-')}"
        group.add_argument(flag, type=kind, metavar=unit, default=argparse.SUPPRESS, help=words)
    group.add_argument(
        "--strategies", nargs="+", metavar="NAME", default=argparse.SUPPRESS, help="where to look, in this order"
    )
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Searches, unless only a list is wanted, and prints the saddles."""
    settings = _settings(arguments)
    finished, interrupted = None, False
    with open_landscape(arguments.landscape, arguments.runs) as landscape:
        if not arguments.list:
            with claimed(landscape):
                finished, interrupted = _search(arguments, landscape, settings)
        said = _content(landscape, finished)
    if arguments.json:
        show_json(said)
    else:
        show(_text(said))
    return 130 if interrupted else 0


def _settings(arguments: argparse.Namespace) -> "SaddleSearch":
    from so3k_explore.exploration.saddle_settings import SaddleSearch

    known = {field.name for field in dataclasses.fields(SaddleSearch)}
    given = {name: value for name, value in vars(arguments).items() if name in known}
    if "strategies" in given:
        given["strategies"] = tuple(given["strategies"])
    return SaddleSearch(**given)


def _search(arguments: argparse.Namespace, landscape: "Landscape", settings: "SaddleSearch") -> tuple[str | None, bool]:
    """Searches until it ends or Ctrl-C does; says why it ended, and whether it was interrupted."""
    import jax
    from tqdm import tqdm

    from so3k_explore.exploration.model_record import recorded_cutoff
    from so3k_explore.exploration.saddles import find_saddles
    from so3k_explore.jobs.preload import reuse_memory, use_all_cores, use_compilation_cache
    from so3k_explore.potentials.registry import load_potential, model_info

    use_all_cores()
    reuse_memory()
    use_compilation_cache()
    molecule = _molecule(landscape)
    model, cutoff = (arguments.model, None) if arguments.model else _model(arguments, landscape, molecule)
    cutoff = recorded_cutoff(landscape) or cutoff
    with jax.enable_x64(arguments.precision == "float64"):
        potential = load_potential(model, arguments.precision, cutoff)
        molecule = molecule.replace(system=molecule.system.astype(arguments.precision))
        finished = None
        with tqdm(disable=None, bar_format="{desc}", leave=False) as bar:
            try:
                for state in find_saddles(potential, molecule, landscape, settings, model_info(model).name):
                    bar.set_description_str(_progress(state))
                    finished = state.finished
            except KeyboardInterrupt:
                say("\nInterrupted. What was found is kept; the same command goes on.")
                return None, True
    return finished, False


def _molecule(landscape: "Landscape") -> "Molecule":
    """The molecule of a landscape, in the structure of its first minimum."""
    from so3k_explore.io.molecule import Molecule

    if not len(landscape):
        raise ValueError(f"{landscape.path.name} has no minimum. Search for some first: `so3k explore`.")
    first = int(landscape.minima().ids[0])
    return Molecule(landscape.name, landscape.system(first), landscape.bonds, landscape.path.name)


def _model(arguments: argparse.Namespace, landscape: "Landscape", molecule: "Molecule") -> tuple[str, float | None]:
    """The model of the run, if the landscape is that of a run that has ended, else what it was made with or the best.

    And its long-range cutoff, Å.
    """
    from pathlib import Path

    from so3k_explore.exploration.model_record import recorded_model
    from so3k_explore.jobs import RunNotFoundError, Runs
    from so3k_explore.jobs.runs import default_root
    from so3k_explore.potentials.registry import default_model

    path = Path(arguments.landscape).expanduser()
    folder = path.parent if path.is_file() else path if path.is_dir() else None
    root = folder.resolve().parent if folder else Path(arguments.runs or default_root())
    try:
        found = Runs(root).get(folder.resolve().name if folder else arguments.landscape)
    except RunNotFoundError:
        record = recorded_model(landscape)
        if record is not None and record.name:
            return record.name, None
        return default_model(molecule.numbers.tolist(), charge=molecule.charge, spin=molecule.multiplicity - 1), None
    if found.status().active:
        raise ValueError(f"The run {found.id} is still writing its landscape. Stop it first: so3k runs stop {found.id}")
    return found.model, found.long_range_cutoff


def _progress(state: "SaddleState") -> str:
    words = f"{state.n_saddles} saddles, {state.n_minima} minima, {state.connected:.0%} hang together"
    return f"{words}, {state.calls} calls, {state.strategy} {state.phase}"


def _content(landscape: "Landscape", finished: str | None) -> dict[str, Any]:
    """Saddles by energy, and what was tried in vain."""
    import numpy as np

    from so3k_explore import units
    from so3k_explore.exploration.identity_record import recorded_identity
    from so3k_explore.exploration.network import Network

    minima, saddles = landscape.minima(), landscape.saddles()
    energy = dict(zip(minima.ids.tolist(), minima.energies.tolist(), strict=True))
    lowest = min(energy.values(), default=float("nan"))
    rows = []
    for row in np.argsort(saddles.energies, kind="stable").tolist():
        first, second = saddles.pairs[row].tolist()
        above = lambda level, row=row: (float(saddles.energies[row]) - level) / units.KCAL_PER_MOL
        rows.append(
            {
                "saddle": int(saddles.ids[row]),
                "minima": [first, second],
                "energy_eV": float(saddles.energies[row]),
                "relative_kcal_mol": above(lowest),
                "barriers_kcal_mol": [above(energy[first]), above(energy[second])],
                "frequency_per_cm": float(saddles.frequencies[row]),
                "method": saddles.methods[row],
            }
        )
    failures = Counter(attempt.reason for attempt in landscape.attempts() if attempt.saddle is None)
    connected = Network(landscape, recorded_identity(landscape)).connected
    content = {"landscape": str(landscape.path), "n_minima": len(minima), "n_saddles": len(saddles)}
    content |= {"connected": connected, "finished": finished, "saddles": rows}
    return content | {"attempts": len(landscape.attempts()), "failures": dict(failures.most_common())}


def _text(said: dict[str, Any]) -> str:
    head = ("SADDLE", "MINIMA", "ΔE", "BARRIERS", "cm⁻¹", "FOUND BY")
    rows = [
        (
            row["saddle"],
            " - ".join(map(str, row["minima"])),
            f"{row['relative_kcal_mol']:.2f}",
            ", ".join(f"{barrier:.2f}" for barrier in row["barriers_kcal_mol"]),
            f"{row['frequency_per_cm']:.0f}",
            row["method"],
        )
        for row in said["saddles"]
    ]
    lines = [table(rows, head)] if rows else []
    lines.append(
        f"{said['n_saddles']} saddles between {said['n_minima']} minima, "
        f"{said['connected']:.0%} of which hang together; energies in kcal/mol"
    )
    failed = sum(said["failures"].values())
    lines.append(f"{said['attempts']} attempts, {failed} in vain")
    lines += [f"  {count} times: {reason}" for reason, count in said["failures"].items()]
    if said["finished"]:
        lines.append(f"{said['finished'][0].upper()}{said['finished'][1:]}.")
    return "\n".join(lines)
