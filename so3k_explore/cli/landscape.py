"""``so3k landscape``: show, export, merge and import landscapes, and judge what counts as the same minimum."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from so3k_explore.cli.options import add_json
from so3k_explore.cli.terminal import say, show, show_json, table

if TYPE_CHECKING:
    from so3k_explore.exploration.landscape import Landscape
    from so3k_explore.potentials.protocol import Potential

ACTIONS = {
    "show": "LANDSCAPE: whose it is, the model it was made with, and what is in it",
    "export": "LANDSCAPE FILE: minima as .extxyz, .sdf, .csv, .json (chemiscope), or the network as .graphml",
    "merge": "LANDSCAPE OTHER...: take everything of others into the first one",
    "import": "LANDSCAPE FILE...: structures of files or folders become minima",
    "distances": "LANDSCAPE: how close minima come to each other, to judge the threshold",
}
NAMED = 5  # problems told one by one


def add_landscape(parser: argparse.ArgumentParser) -> None:
    """The landscape, and where runs are."""
    parser.add_argument("landscape", help="file (landscape.db), folder of a run, or id of a run (`latest`)")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="folder of the runs (default: $SO3K_RUNS, else yours)")


def open_landscape(text: str, runs: Path | None, *, create: bool = False) -> "Landscape":
    """The landscape in a file, in the folder of a run, or of the run with that id.

    Args:
        text: what was typed.
        runs: folder of the runs.
        create: whether a file whose name ends in .db is made when there is none.

    Raises:
        FileNotFoundError: there is none.
    """
    from so3k_explore.exploration.landscape import Landscape

    path = Path(text).expanduser()
    if path.is_dir():
        path = path / "landscape.db"
    if path.is_file() or (create and path.suffix == ".db"):
        return Landscape.open(path)
    from so3k_explore.jobs import RunNotFoundError, Runs
    from so3k_explore.jobs.runs import default_root

    root = Path(runs or default_root())
    try:
        found = Runs(root).get(text).landscape() if root.is_dir() else None
    except RunNotFoundError:
        found = None
    if found is None:
        advice = " The name of a new file must end in .db." if create else ""
        raise FileNotFoundError(
            f"`{text}` is no file with a landscape, and no run of that id in {root} has one.{advice}"
        )
    return found


@contextmanager
def claimed(landscape: "Landscape") -> Iterator[None]:
    """The right to write a landscape, which one run or command has at a time.

    Raises:
        StoreError: a run is writing it.
    """
    from so3k_explore.jobs.on_landscape import landscape_lock
    from so3k_explore.jobs.store import RunFolder

    lock = landscape_lock(RunFolder(landscape.path.parent))
    try:
        yield
    finally:
        lock.release()


def add_potential(parser: argparse.ArgumentParser, help: str) -> None:
    """The model of a landscape."""
    parser.add_argument("--model", help=help)
    parser.add_argument("--precision", choices=("float32", "float64"), default="float32", help="default: float32")


def read_potential(arguments: argparse.Namespace, landscape: "Landscape | None" = None) -> "Potential | None":
    """The model that was asked for, with the long-range cutoff of the landscape; None without one."""
    from so3k_explore.exploration.model_record import recorded_cutoff
    from so3k_explore.potentials.registry import load_potential

    cutoff = None if landscape is None else recorded_cutoff(landscape)
    return None if arguments.model is None else load_potential(arguments.model, arguments.precision, cutoff)


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """Action, landscape, and what else it needs."""
    width = max(map(len, ACTIONS))
    parser.epilog = "actions:\n" + "\n".join(f"  {action:<{width}}  {text}" for action, text in ACTIONS.items())
    parser.add_argument("action", choices=ACTIONS, metavar="ACTION", help="see below")
    add_landscape(parser)
    parser.add_argument("others", nargs="*", type=Path, metavar="FILE", help="files, folders or landscapes, see below")
    add_potential(parser, "for `import`: relaxes the structures and gives energies")
    parser.add_argument(
        "--no-relax", dest="relax", action="store_false", help="for `import`: keep structures as they are"
    )
    parser.add_argument(
        "--force-tolerance", type=float, default=0.01, metavar="eV/Å", help="for `import` (default: 0.01)"
    )
    parser.add_argument("--within", type=float, default=0.25, metavar="Å", help="for `distances` (default: 0.25)")
    explanation = "for `distances`, between neighbours (default: 0.01)"
    parser.add_argument("--energy-window", type=float, default=0.01, metavar="eV", help=explanation)
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Does one action."""
    action = arguments.action
    if action == "export" and len(arguments.others) != 1:
        raise ValueError("`so3k landscape export` needs a landscape and one file to write, such as minima.sdf.")
    if action in ("merge", "import") and not arguments.others:
        raise ValueError(f"`so3k landscape {action}` needs a landscape, and after it what to take into it.")
    said = _ACTIONS[action](arguments)
    text = said.pop("text")
    if arguments.json:
        show_json(said)
    else:
        show(text)
    return 0


def _show(arguments: argparse.Namespace) -> dict[str, Any]:
    from dataclasses import asdict

    from so3k_explore.exploration.identity_record import mirror_images, recorded_identity
    from so3k_explore.exploration.model_record import recorded_model
    from so3k_explore.geometry.elements import formula

    with open_landscape(arguments.landscape, arguments.runs) as landscape:
        model = recorded_model(landscape)
        said = {
            "landscape": str(landscape.path),
            "molecule": landscape.name,
            "formula": formula(landscape.numbers),
            "model": None if model is None else asdict(model),
            "minima": len(landscape),
            "chirality": recorded_identity(landscape).chirality,
            "pairs_of_mirror_images": len(mirror_images(landscape)) // 2,
            "saddles": len(landscape.saddles()),
            "hops": len(landscape.hops()),
            "set_aside": len(landscape.set_aside_structures()),
            "force_calls": landscape.calls,
        }
    words = said | {"model": "not written down" if model is None else str(model)}
    return said | {"text": "\n".join(f"{key.replace('_', ' ')}: {value}" for key, value in words.items())}


def _export(arguments: argparse.Namespace) -> dict[str, Any]:
    from so3k_explore.exploration.export import export_landscape

    with open_landscape(arguments.landscape, arguments.runs) as landscape:
        path = export_landscape(landscape, arguments.others[0])
        return {"output": str(path), "minima": len(landscape), "text": f"{len(landscape)} minima in {path}."}


def _merge(arguments: argparse.Namespace) -> dict[str, Any]:
    from so3k_explore.exploration.merging import merge_landscapes

    sources = [open_landscape(str(other), arguments.runs) for other in arguments.others]  # before anything is made
    taken, lines = [], []
    with open_landscape(arguments.landscape, arguments.runs, create=True) as target:
        for other, source in zip(arguments.others, sources, strict=True):
            with source:
                found = merge_landscapes(target, source)
            taken.append({"landscape": str(other), "minima": len(found.minima), "new_minima": found.new_minima})
            taken[-1] |= {"saddles": len(found.saddles), "new_saddles": found.new_saddles}
            lines.append(f"{other}: {found.new_minima} of {len(found.minima)} minima were new, ")
            lines[-1] += f"{found.new_saddles} of {len(found.saddles)} saddles."
        lines.append(f"{arguments.landscape} has {len(target)} minima.")
        return {"landscape": arguments.landscape, "minima": len(target), "taken": taken, "text": "\n".join(lines)}


def _import(arguments: argparse.Namespace) -> dict[str, Any]:
    from so3k_explore.exploration.importing import import_structures, read_structures
    from so3k_explore.potentials.registry import model_info

    structures = [structure for other in arguments.others for structure in read_structures(other)]
    if arguments.model is None and arguments.relax:
        raise ValueError(
            "Structures are relaxed by a model: give `--model NAME`, or `--no-relax` to keep them as they are."
        )
    name = "" if arguments.model is None else model_info(arguments.model).name  # refuses before anything is made
    with open_landscape(arguments.landscape, arguments.runs, create=True) as landscape:
        options = {"relax": arguments.relax, "force_tolerance": arguments.force_tolerance, "model": name}
        found = import_structures(landscape, structures, read_potential(arguments, landscape), **options)
        total = len(landscape)
    for problem in found.refused[:NAMED]:
        say(problem)
    return {
        "landscape": arguments.landscape,
        "minima": total,
        "added": list(found.added),
        "known": found.known,
        "refused": list(found.refused),
        "text": f"{len(found.added)} minima added, {found.known} known, {len(found.refused)} refused. "
        f"{arguments.landscape} has {total} minima.",
    }


def _distances(arguments: argparse.Namespace) -> dict[str, Any]:
    from so3k_explore.exploration.nearest import nearest_neighbors

    with open_landscape(arguments.landscape, arguments.runs) as landscape:
        found = nearest_neighbors(landscape, within=arguments.within, energy_window=arguments.energy_window)
    columns = (found.ids.tolist(), found.neighbors.tolist(), found.distances.tolist())
    pairs = [[one, other, distance] for one, other, distance in zip(*columns, strict=True) if other]
    return {"minima": len(found.ids), "distances": pairs, "text": _histogram(pairs, len(found.ids), arguments.within)}


def _histogram(pairs: list[list[Any]], minima: int, within: float) -> str:
    import numpy as np

    from so3k_explore.exploration.identity import Identity

    counts, edges = np.histogram([distance for *_, distance in pairs], bins=10, range=(0, within))
    rows = [(f"{low:.3f} to {high:.3f}", n) for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)]
    lines = [table([*rows, (f"above {within:.3f}", minima - len(pairs))], ("RMSD / Å", "MINIMA"))]
    lines.append(f"Closer than {Identity().rmsd} Å and {Identity().energy_window} eV, two structures are one minimum.")
    nearest = sorted({(distance, *sorted(ends)) for *ends, distance in pairs})[:NAMED]
    return "\n".join(lines + [f"Minima {one} and {other} are {d:.3f} Å apart." for d, one, other in nearest])


_ACTIONS = {"show": _show, "export": _export, "merge": _merge, "import": _import, "distances": _distances}
