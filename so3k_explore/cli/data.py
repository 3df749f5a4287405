"""``so3k sample`` and ``so3k label``: structures with labels of a reference method, to train with."""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from so3k_explore.cli.options import add_json
from so3k_explore.cli.terminal import say, show, show_json

if TYPE_CHECKING:
    from ase import Atoms

    from so3k_explore.io.datasets import Dataset
    from so3k_explore.training.sampling import Plan, Sample

NAMED = 5  # problems told one by one


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """What to sample or to label, how, and where to."""
    if name == "sample":
        parser.add_argument("molecules", nargs="+", metavar="MOLECULE", help="name, SMILES, sequence or file; `A & B`")
        parser.add_argument("--conformers", type=int, default=3, metavar="N", help="of each molecule (default: 3)")
        explanation = "of a trajectory from each conformer (default: 300 500 1000 K)"
        temperatures = (300.0, 500.0, 1000.0)
        parser.add_argument(
            "--temperatures", type=float, nargs="+", default=temperatures, metavar="K", help=explanation
        )
        parser.add_argument("--frames", type=int, default=8, metavar="N", help="of each trajectory (default: 8)")
        parser.add_argument("--seed", type=int, default=0, metavar="N", help="makes it repeatable (default: 0)")
        parser.add_argument("--folder", type=Path, metavar="DIR", help="of finished molecules (default: OUTPUT.parts)")
    else:
        parser.add_argument("file", type=Path, help="structures in any format, or a data set to label anew")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="data set to write, .npz or .xyz")
    parser.add_argument("--method", default="GFN2-xTB", help="reference: GFN2-xTB, GFN1-xTB or module:Calculator")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="that work side by side (default: 1)")
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Makes the data set and says how it went."""
    if arguments.output.suffix not in (".npz", ".xyz", ".extxyz"):
        raise ValueError(f"`--output` must end in .npz or .xyz, got {arguments.output.name}.")
    dataset, problems = (_sample if name == "sample" else _label)(arguments)
    _write(arguments.output, dataset)
    for problem in problems[:NAMED]:
        say(problem)
    summary = {
        "output": str(arguments.output),
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
        show(f"{len(dataset)} structures at {dataset.level} in {arguments.output}.{failed}")
    return 0


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


def _label(arguments: argparse.Namespace) -> tuple["Dataset", list[str]]:
    from tqdm import tqdm

    from so3k_explore.io.datasets import from_frames
    from so3k_explore.training.reference import Failure, label_all

    structures, origins = _structures(arguments.file)
    made, problems = [], []
    found = label_all(structures, arguments.method, arguments.processes)
    with tqdm(found, total=len(structures), disable=None, unit="structure", leave=False) as results:
        for number, result in enumerate(results):
            if isinstance(result, Failure):
                problems.append(f"structure {number}: {result.reason}")
            else:
                made.append(result._replace(**origins[number]))
    if not made:
        raise ValueError(f"Not one of {len(structures)} structures got a label. {problems[0] if problems else ''}")
    return from_frames(made, arguments.method), problems


def _structures(path: Path) -> tuple[list["Atoms"], list[dict[str, Any]]]:
    """Structures of a file, and the molecule, source and group of each."""
    from so3k_explore.io.dataset_formats import stretch
    from so3k_explore.io.datasets import load_dataset
    from so3k_explore.io.structures import read_frames

    if path.suffix == ".npz":
        dataset = load_dataset(path)
        frames = [dataset[k] for k in range(len(dataset))]
        kept = ("molecule", "source", "group")
        return [f.system.to_ase() for f in frames], [{name: getattr(f, name) for name in kept} for f in frames]
    systems = read_frames(path)
    groups = [stretch(k, len(systems)) for k in range(len(systems))]
    return [system.to_ase() for system in systems], [{"molecule": path.stem, "group": group} for group in groups]


def _write(path: Path, dataset: "Dataset") -> None:
    from so3k_explore.io.dataset_formats import write_extxyz
    from so3k_explore.io.datasets import save_dataset

    (save_dataset if path.suffix == ".npz" else write_extxyz)(path, dataset)
