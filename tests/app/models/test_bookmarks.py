import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from so3k_explore.app.models.session import Session
from tests.app.models.fakes import FakeRun, FakeRuns
from tests.app.models.test_session import search

Settle = Callable[[Session], None]


@pytest.fixture
def ended(runs: FakeRuns, tmp_path: Path) -> FakeRun:
    """A run with three recorded frames, at 0, 5 and 10 fs."""
    run = runs.runs["first"]
    run.state, run.folder = "done", tmp_path
    return run


def test_a_bookmark_leads_back_to_its_frame_and_is_still_there_later(
    session: Session, ended: FakeRun, settle: Settle
) -> None:
    session.open(run="first", tab="dynamics")
    settle(session)
    session.scene.param.update(frame=1, walker=1)
    session.scene.frame = 1
    session.bookmarks.toggle()
    settle(session)
    assert [mark.label for mark in session.bookmarks.entries] == ["5.0 fs, walker 2"]
    session.scene.param.update(walker=0, frame=2)
    session.runs.shown = ""
    settle(session)
    assert session.bookmarks.entries == []
    session.runs.shown = "first"
    settle(session)
    session.bookmarks.go(session.bookmarks.entries[0])
    assert (session.scene.frame, session.scene.walker) == (1, 1)


def test_the_same_place_twice_forgets_the_bookmark(session: Session, ended: FakeRun, settle: Settle) -> None:
    session.open(run="first", tab="dynamics")
    settle(session)
    for count in (1, 0, 1):
        session.bookmarks.toggle()
        settle(session)
        assert len(session.bookmarks.entries) == count


def test_a_minimum_is_bookmarked_by_its_key(session: Session, cluster: Any, settle: Settle, tmp_path: Path) -> None:
    search(session, cluster).folder = tmp_path
    session.open(run="search", tab="minima")
    settle(session)
    session.minima.choose([1])
    session.bookmarks.toggle()
    settle(session)
    session.minima.choose([2])
    session.bookmarks.go(session.bookmarks.entries[0])
    assert session.scene.title == "Minimum 2 of 3"


def test_bookmarks_can_be_read_by_other_programs(session: Session, ended: FakeRun, settle: Settle) -> None:
    from ase.io import read

    session.open(run="first", tab="dynamics")
    settle(session)
    for frame in (0, 2):
        session.scene.frame = frame
        session.bookmarks.toggle()
        settle(session)
    found: Any = read(io.StringIO(session.bookmarks.as_xyz()), index=":", format="extxyz")
    assert [atoms.info["bookmark"] for atoms in found] == ["0.0 fs, walker 1", "10.0 fs, walker 1"]
    assert session.scene.frames is not None
    np.testing.assert_allclose(found[1].positions, session.scene.frames[2], atol=1e-4)


def test_without_a_run_the_reader_is_told_where_bookmarks_belong(session: Session, settle: Settle) -> None:
    session.open()
    settle(session)
    session.bookmarks.toggle()
    assert session.bookmarks.message == "Bookmarks belong to runs: start one, or choose one from the list."


def test_a_folder_that_cannot_be_written_is_told(session: Session, ended: FakeRun, settle: Settle) -> None:
    ended.folder = Path("nowhere")
    session.open(run="first", tab="dynamics")
    settle(session)
    session.bookmarks.toggle()
    settle(session)
    assert session.bookmarks.message.startswith("The bookmark could not be kept: ")
