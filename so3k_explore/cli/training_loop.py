"""``so3k train loop``: a model that explores, and learns from what it knew least."""

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from so3k_explore.cli.options import read_settings
from so3k_explore.cli.terminal import say, show, show_json
from so3k_explore.jobs.settings import TrainSettings

if TYPE_CHECKING:
    from so3k_explore.io.molecule import Molecule
    from so3k_explore.training.loop import ActiveLearning

LOOP = "loop"
OPTIONS = {  # of `training.loop.ActiveLearning`, which is slow to import
    "rounds": (3, "of fitting, exploring and labelling"),
    "walkers": (4, "that explore each molecule"),
    "temperature": (600.0, "of the exploration, K"),
    "frames": (25, "of each walker"),
    "picks": (32, "structures labelled in a round"),
}
STEPS = {"steps": 2000, "validate_every": 200}  # of the fit of one round, unless said otherwise


def add_loop(parser: argparse.ArgumentParser) -> None:
    """Options of the loop beside those of a training."""
    parser.add_argument("--explore", nargs="+", metavar="MOLECULE", help="for a loop: name, SMILES, sequence or file")
    parser.add_argument("--method", default="GFN2-xTB", help="for a loop: reference that labels (default: GFN2-xTB)")
    for name, (default, text) in OPTIONS.items():
        explanation = f"for a loop: {text} (default: {default:g})"
        parser.add_argument(f"--{name}", type=type(default), default=default, metavar="X", help=explanation)


def run_loop(arguments: argparse.Namespace) -> int:
    """Does the rounds that are missing in the folder, and reports on all of them."""
    from so3k_explore.jobs.training_inputs import architecture_of, fit_of, read_data, start_info
    from so3k_explore.training.cards import rounds_text
    from so3k_explore.training.loop import learn_actively

    if arguments.recipe is None or arguments.folder is None or not arguments.explore:
        raise ValueError("Expected `loop DATA --folder DIR --explore MOLECULE ...`, as in `loop start.npz`.")
    units = {"energy_unit": arguments.energy_unit, "length_unit": arguments.length_unit}
    given = read_settings(arguments, TrainSettings, dataset=arguments.recipe, **units, **STEPS)
    dataset = read_data(given)
    start = None if given.start is None else start_info(given.start).path
    sizes = None if start is not None else architecture_of(given, dataset)
    settings = _settings(arguments, fit_of(given))
    watch, done = _progress(settings.fit.steps), []
    molecules = [_molecule(text) for text in arguments.explore]
    for found in learn_actively(
        settings, molecules, dataset, arguments.folder, architecture=sizes, start=start, watch=watch
    ):
        done.append(found)
        (arguments.folder / "report.md").write_text(rounds_text(done))
        say(f"Round {found.number}: {found.picked} structures labelled, forces wrong by {_size(found.force_error)}.")
    model = arguments.folder / f"round_{len(done) - 1}" / "model.npz"
    if arguments.json:
        show_json({"rounds": [dataclasses.asdict(found) for found in done], "model": str(model)})
    else:
        show(f"{rounds_text(done)}\nThe latest model is {model}.")
    return 0


def _settings(arguments: argparse.Namespace, fit: Any) -> "ActiveLearning":
    from so3k_explore.training.loop import ActiveLearning

    asked = {name: getattr(arguments, name) for name in OPTIONS}
    more = {"method": arguments.method, "processes": arguments.processes, "seed": fit.seed}
    return ActiveLearning(**asked, **more, fit=fit)


def _molecule(text: str) -> "Molecule":
    from so3k_explore.io.structures import load_molecule

    return load_molecule(Path(text) if Path(text).is_file() else text)


def _progress(steps: int) -> Callable[[Any], None]:
    """Shows how far the fit of a round is."""
    from tqdm import tqdm

    bar = tqdm(total=steps, disable=None, unit="step", leave=False)

    def watch(state: Any) -> None:
        bar.n = int(state.step)
        bar.set_postfix_str(f"forces {_size(float(state.force_error))}")

    return watch


def _size(error: float) -> str:
    return f"{1000 * error:.3g} meV/Å"
