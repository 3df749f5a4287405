"""Searches for saddles and checks that start from the landscape on show."""

from collections.abc import Callable
from typing import Any

import pytest

from so3k_explore.app.models.session import Session
from so3k_explore.exploration.landscape import Landscape
from tests.app.models.landscapes import open_run, settle_all

Settle = Callable[[Session], None]


def test_saddles_are_searched_in_the_landscape_on_show(shown: Session, settle: Settle) -> None:
    assert shown.sharpening.obstacle == ""
    assert "no reference method" in shown.sharpening.no_reference
    shown.selection.choose([2])
    shown.sharpening.window = 5.0
    shown.sharpening.find_saddles()
    settle_all(shown, settle)
    runs: Any = shown.runs._open()
    settings, model, options = runs.submitted[-1]
    assert (settings.kind, settings.landscape, model) == ("saddles", "search", "lennard-jones")
    assert settings.energy_window == pytest.approx(5 * 0.0433641, rel=1e-4)
    assert options["precision"] == "float64"


def test_a_running_search_is_not_disturbed(session: Session, cluster: Any, written: Landscape, settle: Settle) -> None:
    open_run(session, cluster, written, written.path.parent, state="running")
    settle_all(session, settle)
    assert "still writing this landscape" in session.sharpening.obstacle
    session.sharpening.find_saddles()
    settle_all(session, settle)
    runs: Any = session.runs._open()
    assert runs.submitted == []
