"""``so3k models``: which potentials are on this machine."""

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from so3k_explore.cli.options import add_json
from so3k_explore.cli.terminal import say, show, show_json, table

if TYPE_CHECKING:
    from so3k_explore.potentials.registry import ModelInfo

ACTIONS = {
    "list": "all models, installed or not",
    "show": "what is known about a model",
    "get": "fetch a published model, or take it from a file",
    "add": "copy a model file or folder into the cache",
}


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """Actions and the model they are about."""
    parser.epilog = "actions:\n" + "\n".join(f"  {action:<5} {text}" for action, text in ACTIONS.items())
    parser.add_argument("action", nargs="?", default="list", choices=ACTIONS, metavar="ACTION", help="see below")
    parser.add_argument("model", nargs="?", help="name, or file or folder for `add`")
    parser.add_argument("--from-file", type=Path, metavar="FILE", help="for `get`, on machines without internet")
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Does one action."""
    from so3k_explore.potentials import registry

    if arguments.action != "list" and arguments.model is None:
        raise ValueError(f"`so3k models {arguments.action}` needs a model. See `so3k models list`.")
    if arguments.action == "list":
        return _list(registry.list_models(), as_json=arguments.json)
    if arguments.action == "get":
        path = _get(arguments)
        say(f"Installed: {path}")
    info = registry.add_model(arguments.model) if arguments.action == "add" else registry.model_info(arguments.model)
    if arguments.json:
        show_json(_summary(info))
    else:
        show("\n".join(f"{key}: {value}" for key, value in _summary(info).items() if value is not None))
    return 0


def _get(arguments: argparse.Namespace) -> Path:
    from tqdm import tqdm

    from so3k_explore.potentials.registry import fetch_model

    with tqdm(total=1.0, disable=None, bar_format="{percentage:3.0f}% {bar:30} {desc}", leave=False) as bar:

        def progress(fraction: float, sentence: str) -> None:
            bar.n = fraction
            bar.set_description_str(sentence)

        return fetch_model(arguments.model, from_file=arguments.from_file, progress=progress)


def _list(models: "list[ModelInfo]", *, as_json: bool) -> int:
    if as_json:
        show_json([_summary(info) for info in models])
        return 0
    rows = [(info.name, info.kind, "yes" if info.installed else "no", info.description) for info in models]
    show(table(rows, ("NAME", "KIND", "INSTALLED", "DESCRIPTION")))
    missing = [info.name for info in models if not info.installed]
    if missing:
        say(f"Fetch one with: so3k models get {missing[0]}")
    return 0


def _summary(info: "ModelInfo") -> dict[str, Any]:
    from ase.data import chemical_symbols

    elements = None if info.elements is None else " ".join(chemical_symbols[number] for number in info.elements)
    return {
        "name": info.name,
        "kind": info.kind,
        "installed": info.installed,
        "path": None if info.path is None else str(info.path),
        "description": info.description,
        "elements": elements,
        "parameters": info.parameters,
        "long_range_cutoff": None if math.isinf(info.long_range_cutoff) else info.long_range_cutoff,
    }
