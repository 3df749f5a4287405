"""Runs with a landscape on the page, without a worker."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from so3k_explore.app.models.session import Session
from tests.app.models.fakes import FakeRun

Settle = Callable[[Session], None]


def open_run(session: Session, cluster: Any, landscape: Any, folder: Path, **values: Any) -> FakeRun:
    """Shows a search that has this landscape in the tab Landscape."""
    options = {"kind": "minima", "state": "done", "frames": 1, **values}
    run = FakeRun("search", cluster, found=landscape, folder=folder, **options)
    session.runs._open().runs["search"] = run  # pyright: ignore[reportAttributeAccessIssue]
    session.open(run="search", tab="landscape")
    return run


def settle_all(session: Session, settle: Settle) -> None:
    """Lets the landscape be read and all its pictures be made."""
    for _ in range(3):
        session.landscape._next = {}
        settle(session)
