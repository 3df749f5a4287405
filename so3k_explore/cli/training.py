"""``so3k train | evaluate | card``: a model from labelled structures, and how good a model is."""

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from so3k_explore.cli.options import add_folder, add_json, add_settings, read_settings
from so3k_explore.cli.terminal import duration, say, show, show_json
from so3k_explore.cli.training_loop import LOOP, add_loop, run_loop
from so3k_explore.cli.work import detach, foreground
from so3k_explore.jobs.learning_settings import TrainSettings

if TYPE_CHECKING:
    from so3k_explore.io.datasets import Dataset
    from so3k_explore.jobs import Run, Runs
    from so3k_explore.training.recipe import Recipe

ASKED = ("dataset", "energy_unit", "length_unit")  # as other options
RECIPE = "recipe"


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """Options of the three commands."""
    if name == "train":
        _add_train(parser)
    else:
        parser.add_argument("model", help="name, file or folder of a model")
        how_many: Any = "?" if name == "card" else None
        parser.add_argument("data", type=Path, nargs=how_many, help="labelled structures: .npz or extended XYZ")
        parser.add_argument("--precision", choices=("float32", "float64"), default="float32", help="default: float32")
    if name == "card":
        parser.add_argument("--output", type=Path, metavar="FILE", help="write the card there")
    parser.add_argument("--energy-unit", metavar="UNIT", help="of .npz files of others: eV, kcal/mol, kJ/mol, Hartree")
    parser.add_argument("--length-unit", metavar="UNIT", help="of such files: Angstrom or Bohr")
    add_json(parser)


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help="labelled structures (.npz, extended XYZ), or `recipe`, `loop`")
    parser.add_argument("recipe", nargs="?", metavar="NAME", help="`recipe peptide-gfn2`, `loop DATA`")
    parser.add_argument("--name", help="what to call the run (default: the name of the file)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the best model there, .npz")
    parser.add_argument("--detach", action="store_true", help="hand the run to the background workers and return")
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="of a recipe, or of a loop: goes on with what is there"
    )
    parser.add_argument(
        "--processes", type=int, default=1, metavar="N", help="for a recipe or a loop: to label with (default: 1)"
    )
    add_loop(parser)
    add_folder(parser)
    add_settings(parser, TrainSettings, without=ASKED)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Does one of the three commands."""
    if name == "evaluate":
        return _evaluate(arguments)
    if name == "card":
        return _card(arguments)
    if arguments.data == RECIPE:
        return _recipe(arguments)
    if arguments.data == LOOP:
        return run_loop(arguments)
    if arguments.recipe is not None:
        raise ValueError(f"One file of labelled structures is expected, got `{arguments.recipe}` beside it.")
    units = {"energy_unit": arguments.energy_unit, "length_unit": arguments.length_unit}
    settings = read_settings(arguments, TrainSettings, dataset=arguments.data, **units)
    submit = lambda runs: runs.submit(settings, name=arguments.name)
    return detach(arguments, submit) if arguments.detach else foreground(arguments, submit)


def _recipe(arguments: argparse.Namespace) -> int:
    """Does the stages of a recipe one after the other; what is done already is not done again."""
    from so3k_explore.training.recipe import RECIPES

    if arguments.recipe not in RECIPES or arguments.folder is None:
        raise ValueError(f"Expected `recipe NAME --folder DIR` with a recipe of {', '.join(RECIPES)}.")
    stages, wanted = RECIPES[arguments.recipe].stages, arguments.output
    for number, stage in enumerate(stages, 1):
        last = number == len(stages)
        with contextlib.nullcontext() if last else contextlib.redirect_stdout(sys.stderr):  # one result, the last
            code = _stage(arguments, stage, wanted if last else None, as_json=arguments.json and last)
        if code:
            return code
    return _examined(arguments, stages[-1])


def _stage(arguments: argparse.Namespace, recipe: "Recipe", output: Path | None, *, as_json: bool) -> int:
    """Samples what is missing, then goes on with the fit in the folder, or begins one."""
    from so3k_explore.training.recipe import model_of

    folder = arguments.folder
    fresh = _sampled(recipe, folder, arguments.processes)
    given = {**vars(arguments), "runs": folder / "runs" / recipe.name, "output": output or model_of(recipe, folder)}
    options = argparse.Namespace(**given | {"json": as_json})
    code = foreground(options, lambda runs: _submitted(options, recipe, runs, fresh=fresh))
    seconds = _latest(options.runs).status().details.get("seconds", 0.0)
    say(f"Fitting {recipe.name} took {duration(seconds)} in all; the best model is in {options.output}.")
    return code


def _examined(arguments: argparse.Namespace, recipe: "Recipe") -> int:
    """Tests the finished model with structures of their own, and writes its card."""
    from so3k_explore.training import judge, molecules
    from so3k_explore.training.recipe import model_of, sample_all

    wanted = [what for part in judge.TESTS for what in molecules.samples(part)]
    for done in sample_all(wanted, arguments.folder, seed=recipe.seed, processes=arguments.processes):
        say(f"Sampled {done.name} to test with ({done.done} of {done.total}).")
    model = arguments.output or model_of(recipe, arguments.folder)
    for part in judge.examine(recipe, arguments.folder, model):
        say(f"Examined: {part.name}.")
    say(f"The card is {model.with_suffix('.md')}.")
    return 0


def _sampled(recipe: "Recipe", folder: Path, processes: int) -> bool:
    """Whether the data file of a recipe is new, or has new molecules."""
    import time

    from tqdm import tqdm

    from so3k_explore.io.datasets import save_dataset
    from so3k_explore.training.recipe import gather, sample_all

    began, wanted, new = time.monotonic(), recipe.samples, 0
    with tqdm(total=len(wanted), disable=None, unit="molecule", leave=False) as bar:
        for done in sample_all(wanted, folder, seed=recipe.seed, processes=processes):
            bar.n, new = done.done, new + bool(done.frames)
            bar.set_postfix_str(done.name)
    if not new and _data_of(recipe, folder).is_file():
        return False
    dataset = gather(wanted, folder)
    save_dataset(_data_of(recipe, folder), dataset)
    seconds = duration(time.monotonic() - began)
    say(f"Sampling {new} molecules took {seconds}; {len(dataset)} structures are in {_data_of(recipe, folder)}.")
    return True


def _data_of(recipe: "Recipe", folder: Path) -> Path:
    return folder / f"{recipe.name}.data.npz"


def _submitted(arguments: argparse.Namespace, recipe: "Recipe", runs: "Runs", *, fresh: bool) -> "Run":
    """The run of the folder, which goes on, or a new one where data or settings are new."""
    from so3k_explore.jobs.training_inputs import settings_of
    from so3k_explore.training.recipe import model_of

    start = None if recipe.after is None else model_of(recipe.after, arguments.folder).resolve()
    base = settings_of(recipe, _data_of(recipe, arguments.folder).resolve(), start)
    settings = read_settings(arguments, TrainSettings, **base.to_json())
    known = [] if fresh else runs.list()
    same = [run for run in known if run.settings.replace(steps=settings.steps) == settings]
    if not same:
        return runs.submit(settings, name=recipe.name)
    if same[0].settings != settings:
        same[0].change(steps=settings.steps)
    same[0].resume()
    return same[0]


def _latest(root: Path) -> "Run":
    from so3k_explore.jobs import Runs

    return Runs(root).get("latest")


def _evaluate(arguments: argparse.Namespace) -> int:
    from so3k_explore.training.cards import evaluation_text

    found = _report(arguments)
    if arguments.json:
        show_json(found)
    else:
        show(evaluation_text(found).rstrip())
    return 0


def _card(arguments: argparse.Namespace) -> int:
    from so3k_explore.potentials.cards import model_card
    from so3k_explore.potentials.registry import model_info
    from so3k_explore.training.cards import evaluation_text

    text, found = model_card(model_info(arguments.model)), None
    if arguments.data is not None:
        found = _report(arguments)
        text += f"\n## Errors on {arguments.data.name}\n\n{evaluation_text(found)}"
    if arguments.output is not None:
        arguments.output.write_text(text)
    if arguments.json:
        show_json({"card": text, "evaluation": found})
    elif arguments.output is None:
        show(text.rstrip())
    return 0


def _report(arguments: argparse.Namespace) -> dict[str, Any]:
    from so3k_explore.potentials.registry import load_potential, model_info
    from so3k_explore.training.evaluate import predictions, report

    dataset = _read(arguments)
    info = model_info(arguments.model)
    _check_elements(dataset, info.elements, info.name)
    potential = load_potential(arguments.model, precision=arguments.precision)
    return report(predictions(potential, dataset, _shifts(info.path)))


def _read(arguments: argparse.Namespace) -> "Dataset":
    from so3k_explore.io.dataset_formats import read_dataset

    return read_dataset(arguments.data, energy_unit=arguments.energy_unit, length_unit=arguments.length_unit)


def _shifts(path: Path | None) -> Any:
    """Energies of elements that the model leaves out (eV); None where it says nothing of them."""
    from so3k_explore.potentials.checkpoints import load_checkpoint
    from so3k_explore.training.prepare import shifts_from_json

    known = None if path is None else load_checkpoint(path).metadata.get("energy_shifts")
    return None if known is None else shifts_from_json(known)


def _check_elements(dataset: "Dataset", known: tuple[int, ...] | None, name: str) -> None:
    from so3k_explore.geometry.elements import symbol

    unseen = [] if known is None else sorted(set(dataset.elements) - set(known))
    if unseen:
        raise ValueError(f"The model `{name}` does not know {', '.join(map(symbol, unseen))}. Choose other structures.")
