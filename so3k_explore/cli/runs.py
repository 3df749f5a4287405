"""``so3k runs``: what runs there are, and steering them from any terminal."""

import argparse
import time
from typing import TYPE_CHECKING, Any

from so3k_explore.cli.options import add_folder, add_json
from so3k_explore.cli.terminal import describe, follow, say, show, show_json, table

if TYPE_CHECKING:
    from so3k_explore.jobs import Run, Runs

ACTIONS = {
    "list": "all runs, newest first",
    "attach": "follow a run until it ends; Ctrl-C lets go of it",
    "pause": "hold a run, keeping its state",
    "resume": "go on with a run, also with one that was stopped or killed",
    "stop": "end a run after a checkpoint",
    "change": "new settings for a going run, as NAME=VALUE",
    "delete": "move a run to the trash",
    "restore": "take a run back out of the trash",
    "close": "end the background workers; going runs save checkpoints and can be resumed",
}
ALONE = ("list", "close")


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """Actions and the run they are about."""
    width = max(map(len, ACTIONS))
    parser.epilog = "actions:\n" + "\n".join(f"  {action:<{width}}  {text}" for action, text in ACTIONS.items())
    parser.add_argument("action", nargs="?", default="list", choices=ACTIONS, metavar="ACTION", help="see below")
    parser.add_argument("id", nargs="?", help="id of a run, its beginning or end, or `latest`")
    parser.add_argument("values", nargs="*", metavar="NAME=VALUE", help="for `change`, e.g. temperature=400")
    parser.add_argument("--detach", action="store_true", help="do not follow a resumed run")
    add_folder(parser)
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Does one action."""
    from so3k_explore.jobs import Runs

    if arguments.action not in ALONE and arguments.id is None:
        raise ValueError(f"`so3k runs {arguments.action}` needs the id of a run. See `so3k runs list`.")
    runs = Runs(arguments.runs, arguments.scheduler)
    try:
        return _ACTIONS[arguments.action](runs, arguments)
    finally:
        runs.close(workers=arguments.action == "close")


def _list(runs: "Runs", arguments: argparse.Namespace) -> int:
    rows = [(run, run.status()) for run in runs.list()]
    if arguments.json:
        show_json([_summary(run) for run, _ in rows])
    elif rows:
        cells = [(run.id, run.kind, run.name, run.model, describe(status)) for run, status in rows]
        show(table(cells, ("ID", "KIND", "NAME", "MODEL", "STATE")))
    else:
        say(f"There are no runs in {runs.root}. Start one: so3k md lj13")
    return 0


def _attach(runs: "Runs", arguments: argparse.Namespace) -> int:
    from so3k_explore.cli.results import result

    run = runs.get(arguments.id)
    try:
        status = follow(run)
    except KeyboardInterrupt:
        say(f"The run goes on. Stop it with: so3k runs stop {run.id}")
        return 130
    if arguments.json:
        show_json(result(run, status))
    else:
        show(f"{run.id}: {status.state}. {status.message}".rstrip())
    return 0 if status.state in ("done", "stopped") else 1


def _resume(runs: "Runs", arguments: argparse.Namespace) -> int:
    run = runs.get(arguments.id)
    run.resume()
    runs.flush()
    return _tell(run, arguments) if arguments.detach else _attach(runs, arguments)


def _pause(runs: "Runs", arguments: argparse.Namespace) -> int:
    run = runs.get(arguments.id)
    run.pause()
    return _tell(run, arguments, "paused")


def _stop(runs: "Runs", arguments: argparse.Namespace) -> int:
    run = runs.get(arguments.id)
    run.stop()
    return _tell(run, arguments, "stopped")


def _change(runs: "Runs", arguments: argparse.Namespace) -> int:
    if not arguments.values:
        raise ValueError("`so3k runs change` needs new settings as NAME=VALUE, e.g. temperature=400.")
    run = runs.get(arguments.id)
    run.change(**dict(_assignment(text) for text in arguments.values))
    return _tell(run, arguments)


def _delete(runs: "Runs", arguments: argparse.Namespace) -> int:
    run = runs.get(arguments.id)
    runs.delete(run.id)
    say(f"Moved to the trash. Undo with: so3k runs restore {run.id}")
    return 0


def _restore(runs: "Runs", arguments: argparse.Namespace) -> int:
    return _tell(runs.restore(arguments.id), arguments)


def _close(runs: "Runs", arguments: argparse.Namespace) -> int:
    say("The background workers end.")
    return 0


_ACTIONS = {
    "list": _list,
    "attach": _attach,
    "pause": _pause,
    "resume": _resume,
    "stop": _stop,
    "change": _change,
    "delete": _delete,
    "restore": _restore,
    "close": _close,
}


def _tell(run: "Run", arguments: argparse.Namespace, wanted: str = "", patience: float = 5.0) -> int:
    """Prints the state of a run, once it is the wanted one or has had some seconds to become so."""
    deadline = time.monotonic() + patience
    while wanted and run.status().active and run.status().state != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    if arguments.json:
        show_json(_summary(run))
    else:
        show(f"{run.id}: {describe(run.status())}")
    return 0


def _summary(run: "Run") -> dict[str, Any]:
    status = run.status()
    return {
        "run": run.id,
        "folder": str(run.folder),
        "kind": run.kind,
        "name": run.name,
        "model": run.model,
        "state": status.state,
        "message": status.message,
        "step": status.step,
        "progress": status.progress,
        "settings": run.settings.to_json(),
    }


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"Expected NAME=VALUE, got `{text}`.")
    if value.lower() == "none":
        return name.replace("-", "_"), None
    try:
        return name.replace("-", "_"), float(value)
    except ValueError:
        raise ValueError(f"`{name}` must be a number, got `{value}`.") from None
