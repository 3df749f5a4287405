"""``so3k md | relax | explore``: a run in this terminal, or handed to the workers with ``--detach``."""

import argparse
import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from so3k_explore.cli.options import (
    add_folder,
    add_json,
    add_model,
    add_molecule,
    add_settings,
    read_model,
    read_molecule,
    read_settings,
)
from so3k_explore.cli.terminal import follow, say, show, show_json
from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.settings import SPECTRAL_INTERVAL, DynamicsSettings, MinimaSettings, RelaxSettings

if TYPE_CHECKING:
    from so3k_explore.jobs import Run, Runs, RunStatus

    Submit = Callable[[Runs], Run]

KINDS: dict[str, type[Settings]] = {"md": DynamicsSettings, "relax": RelaxSettings, "explore": MinimaSettings}
CODES = {"done": 0, "stopped": 0}


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """Options of the three commands."""
    add_molecule(parser)
    add_model(parser)
    parser.add_argument("--name", help="what to call the run (default: the molecule's name)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the last structures, or the minima, there")
    parser.add_argument("--detach", action="store_true", help="hand the run to the background workers and return")
    add_folder(parser)
    add_json(parser)
    add_settings(parser, KINDS[name])


def run(arguments: argparse.Namespace, name: str) -> int:
    """Parses, starts, waits, prints."""
    recording = {"frame_interval": SPECTRAL_INTERVAL} if getattr(arguments, "setting_record", None) else {}
    settings = read_settings(arguments, KINDS[name], **recording)
    molecule = read_molecule(arguments)
    _warn(molecule)
    submit = lambda runs: runs.submit(settings, molecule, name=arguments.name, **read_model(arguments))
    return detach(arguments, submit) if arguments.detach else foreground(arguments, submit, bounded=_bounded(settings))


def _warn(molecule: Any) -> None:
    """Refuses structures that make no sense, and says what else might be wrong."""
    from so3k_explore.io.checks import check_system

    problems = check_system(molecule, None)
    errors = [problem.message for problem in problems if problem.severity == "error"]
    if errors:
        raise ValueError(" ".join(errors))
    for problem in problems:
        say(f"Note: {problem.message}")


def detach(arguments: argparse.Namespace, submit: "Submit") -> int:
    """Hands a run to the background workers and returns."""
    from so3k_explore.jobs import Runs

    if arguments.output:
        raise ValueError("`--output` needs the result, which `--detach` does not wait for. Leave one of them out.")
    runs = Runs(arguments.runs, arguments.scheduler)
    submitted = submit(runs)
    runs.flush()
    status = submitted.status()
    runs.close()
    if status.state == "failed":
        raise RuntimeError(status.message)
    if arguments.json:
        show_json({"run": submitted.id, "folder": str(submitted.folder), "state": status.state})
    else:
        show(f"{submitted.id}\nFollow it with: so3k runs attach {submitted.id}")
    return 0


def foreground(arguments: argparse.Namespace, submit: "Submit", *, bounded: bool = True) -> int:
    """Works on a run here, shows its progress and prints what came out."""
    from so3k_explore.cli.results import result
    from so3k_explore.jobs import Runs
    from so3k_explore.jobs.preload import reuse_memory, use_all_cores, use_compilation_cache

    use_all_cores()
    reuse_memory()
    use_compilation_cache()
    runs = Runs(arguments.runs, engine="inline")
    started = submit(runs)
    if not bounded:
        say("The run has no limit: Ctrl-C ends it and keeps everything.")
    status, interrupted = _wait(started)
    if arguments.output and status.step:
        from so3k_explore.cli.results import write_output

        write_output(started, arguments.output)
    if arguments.json:
        output = {"output": str(arguments.output)} if arguments.output else {}
        show_json(result(started, status) | output)
    elif status.state in CODES and not interrupted:
        show("\n".join(f"{name}: {value}" for name, value in result(started, status).items() if _short(value)))
    if status.state not in CODES:
        say(status.message)
    if interrupted or status.state == "failed":
        folder = f" --runs {arguments.runs}" if arguments.runs else ""
        say(f"The run is kept. Go on with: so3k runs resume {started.id}{folder}")
    return 130 if interrupted else CODES.get(status.state, 1)


def _wait(run: "Run") -> tuple["RunStatus", bool]:
    """Follows a run; Ctrl-C and a polite kill make it save a checkpoint and stop."""
    with _terminable():
        try:
            return follow(run), False
        except KeyboardInterrupt:
            say("\nSaving a checkpoint …")
            run.stop()
            return run.wait(timeout=None), True


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _bounded(settings: Settings) -> bool:
    names = ("duration", "minima", "max_calls", "minutes", "coverage")
    limits = [getattr(settings, name) for name in names if hasattr(settings, name)]
    return not limits or any(limit is not None for limit in limits)


def _short(value: Any) -> bool:
    return not isinstance(value, list | dict)
