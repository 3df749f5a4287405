"""``so3k train loop``: a model that explores, and learns from what it knew least; a run like any other."""

import argparse
import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from so3k_explore.cli.options import add_settings, read_settings
from so3k_explore.cli.terminal import say
from so3k_explore.cli.work import detach, foreground
from so3k_explore.jobs.learning_settings import LoopSettings, TrainSettings

if TYPE_CHECKING:
    from so3k_explore.jobs import Run, Runs

LOOP = "loop"
PROCESSES = "processes"  # which recipes have, too
RESULTS = ("model.npz", "data.npz", "report.md")


def add_loop(parser: argparse.ArgumentParser) -> None:
    """Options of the loop beside those of a training."""
    shared = [field.name for field in dataclasses.fields(TrainSettings)]
    add_settings(parser, LoopSettings, without=(*shared, PROCESSES))
    usual, fit = LoopSettings(), TrainSettings()
    other = [name for name in shared if getattr(usual, name) != getattr(fit, name)]
    told = ", ".join(f"--{name.replace('_', '-')} {getattr(usual, name)}" for name in other)
    parser.epilog = f"Each fit of a loop has {told}, unless told otherwise."


def run_loop(arguments: argparse.Namespace) -> int:
    """Begins a loop, or goes on with the one in the folder."""
    if arguments.recipe is None:
        raise ValueError("Expected `loop DATA`, as in `loop start.npz --explore CCO`.")
    units = {"energy_unit": arguments.energy_unit, "length_unit": arguments.length_unit}
    given = {"dataset": arguments.recipe, PROCESSES: arguments.processes, **units}
    settings = read_settings(arguments, LoopSettings, **given)
    folder: Path | None = arguments.folder
    if folder is None:
        submit = lambda runs: runs.submit(settings, name=arguments.name)
        return detach(arguments, submit) if arguments.detach else foreground(arguments, submit)
    if arguments.detach:
        raise ValueError("`--folder` is for loops of this terminal. Leave `--folder` or `--detach` out.")
    started: list[Run] = []

    def begin(runs: "Runs") -> "Run":
        started.append(_begun(runs, settings, arguments.name))
        return started[0]

    code = foreground(argparse.Namespace(**{**vars(arguments), "runs": folder / "runs"}), begin)
    for name in RESULTS:
        if started and (started[0].folder / name).is_file():
            shutil.copy2(started[0].folder / name, folder / name)
    say(f"What there is of {', '.join(RESULTS)} is in {folder}.")
    return code


def _begun(runs: "Runs", settings: LoopSettings, name: str | None) -> "Run":
    """The run of the folder, which goes on, or a new one where settings are new."""
    from so3k_explore.jobs.job import make_job

    wanted = make_job(settings, None).settings  # with whole paths
    same = [run for run in runs.list() if run.settings.to_json() | {"rounds": 0} == wanted.to_json() | {"rounds": 0}]
    if not same:
        return runs.submit(settings, name=name)
    if same[0].settings != wanted:
        same[0].change(rounds=settings.rounds)
    same[0].resume()
    return same[0]
