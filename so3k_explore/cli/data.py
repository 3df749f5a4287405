"""``so3k sample`` and ``so3k label``: structures with labels of a reference method, to train with.

Sampling is done here; labelling is a run like any other, which can be watched, stopped and resumed.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from so3k_explore.cli.options import add_folder, add_json, add_settings, read_settings
from so3k_explore.cli.terminal import say, show, show_json
from so3k_explore.cli.work import detach, foreground
from so3k_explore.jobs.learning_settings import LabelSettings

if TYPE_CHECKING:
    from so3k_explore.io.datasets import Dataset
    from so3k_explore.training.sampling import Plan, Sample

NAMED = 5  # problems told one by one


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """What to sample or to label, how, and where to."""
    if name == "label":
        _add_label(parser)
        return
    parser.add_argument("molecules", nargs="+", metavar="MOLECULE", help="name, SMILES, sequence or file; `A & B`")
    parser.add_argument("--conformers", type=int, default=3, metavar="N", help="of each molecule (default: 3)")
    explanation = "of a trajectory from each conformer (default: 300 500 1000 K)"
    temperatures = (300.0, 500.0, 1000.0)
    parser.add_argument("--temperatures", type=float, nargs="+", default=temperatures, metavar="K", help=explanation)
    parser.add_argument("--frames", type=int, default=8, metavar="N", help="of each trajectory (default: 8)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="makes it repeatable (default: 0)")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="of finished molecules (default: OUTPUT.parts)")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="data set to write, .npz or .xyz")
    parser.add_argument("--method", default="GFN2-xTB", help="reference: GFN2-xTB, GFN1-xTB or module:Calculator")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="that work side by side (default: 1)")
    add_json(parser)


def _add_label(parser: argparse.ArgumentParser) -> None:
    explanation = "structures in any format, trajectory, landscape, data set to label anew; or a run: id, `latest`"
    parser.add_argument("source", help=explanation)
    parser.add_argument("--name", help="what to call the run (default: that of the file)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the data set there, .npz or .xyz")
    parser.add_argument("--detach", action="store_true", help="hand the run to the background workers and return")
    add_folder(parser)
    add_json(parser)
    add_settings(parser, LabelSettings, without=("source",))


def run(arguments: argparse.Namespace, name: str) -> int:
    """Makes the data set and says how it went."""
    output = Path(arguments.output or "data.npz")
    if output.suffix not in (".npz", ".xyz", ".extxyz"):
        raise ValueError(f"`--output` must end in .npz or .xyz, got {output.name}.")
    if name == "label":
        return _label(arguments)
    dataset, problems = _sample(arguments)
    write_dataset(output, dataset)
    for problem in problems[:NAMED]:
        say(problem)
    summary = {
        "output": str(output),
        "frames": len(dataset),
        "atoms": len(dataset.numbers),
        "molecules": len(set(dataset.molecules.tolist())),
        "level": dataset.level,
        "failed": len(problems),
        "problems": problems,
    }
    if arguments.json:
        show_json(summary)
    else:
        failed = f" {len(problems)} failed." if problems else ""
        show(f"{len(dataset)} structures at {dataset.level} in {output}.{failed}")
    return 0


def _label(arguments: argparse.Namespace) -> int:
    """A run here, or in the background."""
    settings = read_settings(arguments, LabelSettings, source=str(_source(arguments)))
    submit = lambda runs: runs.submit(settings, name=arguments.name)
    return detach(arguments, submit) if arguments.detach else foreground(arguments, submit)


def _source(arguments: argparse.Namespace) -> Path:
    """The file, or the folder of the run that is meant."""
    from so3k_explore.jobs import RunNotFoundError, Runs

    path = Path(arguments.source).expanduser()
    if path.exists():
        return path
    try:
        return Runs(arguments.runs, engine="inline").get(arguments.source).folder
    except RunNotFoundError as error:
        raise ValueError(f"There is no file {arguments.source}, and no run of that name. {error}") from None


def _sample(arguments: argparse.Namespace) -> tuple["Dataset", list[str]]:
    from tqdm import tqdm

    from so3k_explore.training.recipe import gather, sample_all
    from so3k_explore.training.sampling import Plan

    plan = Plan(arguments.conformers, tuple(arguments.temperatures), arguments.frames)
    names = _samples(arguments.molecules, plan, arguments.seed, arguments.method)
    folder = arguments.folder or arguments.output.with_suffix(".parts")
    options = {"seed": arguments.seed, "method": arguments.method, "processes": arguments.processes}
    texts, problems = {what.name: text for what, text in names.items()}, []
    with tqdm(total=len(names), disable=None, unit="molecule", leave=False) as bar:
        for done in sample_all(list(names), folder, **options):
            bar.n = done.done
            bar.set_postfix_str(texts[done.name])
            if done.problem:
                problems.append(f"{texts[done.name]}: {done.problem}")
    if len(problems) == len(names):
        raise ValueError(f"Not one molecule was sampled. {problems[0]}")
    return _renamed(gather(list(names), folder), texts), problems


def _samples(molecules: Sequence[str], plan: "Plan", seed: int, method: str) -> dict["Sample", str]:
    """Samples and how people call them. Names hold a digest of all that counts, so that no other file is taken over."""
    from so3k_explore.training.sampling import Sample

    made = {}
    for text in dict.fromkeys(molecules):
        path = Path(text)
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        about = json.dumps([text, content, repr(plan), seed, method])
        word = path.stem if content else text
        made[Sample(f"{word} {hashlib.sha256(about.encode()).hexdigest()[:8]}", text, plan)] = word
    return made


def _renamed(dataset: "Dataset", names: dict[str, str]) -> "Dataset":
    import dataclasses

    import numpy as np

    return dataclasses.replace(dataset, molecules=np.array([names[str(name)] for name in dataset.molecules], str))


def write_dataset(path: Path, dataset: "Dataset") -> None:
    """Writes a data set in the format that the name says."""
    from so3k_explore.io.dataset_formats import write_extxyz
    from so3k_explore.io.datasets import save_dataset

    (save_dataset if path.suffix == ".npz" else write_extxyz)(path, dataset)
