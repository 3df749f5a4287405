"""The worker compiles what the form describes, before anybody presses Run."""

from collections.abc import Callable

import pytest

from so3k_explore.app.models import rehearsal
from so3k_explore.app.models.session import Session
from tests.app.models.fakes import FakeRuns

Settle = Callable[[Session], None]


@pytest.fixture
def quiet(runs: FakeRuns, monkeypatch: pytest.MonkeyPatch) -> FakeRuns:
    """No run is going, and a form counts as settled at once."""
    monkeypatch.setattr(rehearsal, "SETTLED_SECONDS", 0.0)
    runs.runs["first"].state = "done"
    return runs


def test_the_form_of_an_opened_page_is_rehearsed_once(session: Session, quiet: FakeRuns, settle: Settle) -> None:
    session.open()
    settle(session)
    settle(session)
    assert [(s.kind, molecule, model) for s, molecule, model in quiet.rehearsed] == [
        ("dynamics", "LJ7", "lennard-jones")
    ]


def test_another_kind_molecule_or_number_of_walkers_is_rehearsed_anew(
    session: Session, quiet: FakeRuns, settle: Settle
) -> None:
    session.open()
    settle(session)
    session.run.kind = "minima"
    settle(session)
    session.run.form.param.update(walkers=3)
    settle(session)
    session.run.form.param.update(temperature=700.0)
    settle(session)
    session.molecule.open_text("lj13")
    settle(session)
    found = [(s.kind, getattr(s, "walkers", None), molecule) for s, molecule, _ in quiet.rehearsed[1:]]
    assert found == [("minima", 16, "LJ7"), ("minima", 3, "LJ7"), ("minima", 3, "LJ13")]


def test_nothing_is_rehearsed_while_a_run_needs_the_device(session: Session, runs: FakeRuns, settle: Settle) -> None:
    session.rehearsal._wanted_since = 0.0
    session.open()
    settle(session)
    assert runs.runs["first"].state == "running"
    assert runs.rehearsed == []


def test_nothing_is_rehearsed_that_could_not_start(session: Session, quiet: FakeRuns, settle: Settle) -> None:
    session.open()
    settle(session)
    before = len(quiet.rehearsed)
    session.potential.name_ = "so3k-peptide-gfn2"  # knows no argon
    settle(session)
    assert session.run.obstacle
    assert len(quiet.rehearsed) == before
