"""``so3k report``: the story of a search as one HTML file that opens anywhere."""

import argparse
from pathlib import Path

from so3k_explore.cli.options import add_folder, add_json
from so3k_explore.cli.terminal import show, show_json


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """The run, and where the file goes."""
    parser.add_argument("run", help="id of a run with a landscape, or `latest`")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: report.html in the folder of the run")
    add_folder(parser)
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Writes the report and says where."""
    from so3k_explore.app.report import write_report
    from so3k_explore.jobs import Runs

    found = Runs(arguments.runs, arguments.scheduler, engine="inline").get(arguments.run)
    path = write_report(found, arguments.output or found.folder / "report.html")
    if arguments.json:
        show_json({"run": found.id, "report": str(path)})
    else:
        show(str(path))
    return 0
