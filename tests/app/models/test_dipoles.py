from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from so3k_explore.analysis.torsions import set_torsion
from so3k_explore.app.models import dipoles
from so3k_explore.app.models.conformer_colors import COLORINGS, DIPOLE, FAMILY, scale_of
from so3k_explore.app.models.session import Session
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.jobs.dipole_helper import DipoleQuestion
from so3k_explore.jobs.single_point import SinglePointError
from tests.app.models.fakes import FakeRun, FakeRuns

Settle = Callable[[Session], None]
ANGLES = np.linspace(180.0, -180.0, 7)[:-1]  # degrees


class Answers:
    """Distances between the ends of the chain instead of dipoles; remembers what was asked."""

    def __init__(self, error: str = "") -> None:
        self.questions: list[DipoleQuestion] = []
        self.error = error

    def __call__(self, question: DipoleQuestion) -> np.ndarray:
        self.questions.append(question)
        if self.error:
            raise SinglePointError(self.error)
        return ends(np.asarray(question.positions))


def ends(positions: np.ndarray) -> np.ndarray:
    return np.linalg.norm(positions[:, 0] - positions[:, 3], axis=-1)


@pytest.fixture
def landscape(butane: Any, tmp_path: Any) -> Landscape:
    made = Landscape.open(tmp_path / "landscape.db")  # not closed: threads of the page may still read
    made.bind(butane)
    for k, angle in enumerate(ANGLES):
        made.add(0.01 * k, turned(butane, angle))
    return made


def turned(butane: Any, angle: float) -> np.ndarray:
    return set_torsion(np.asarray(butane.positions, float), butane.bonds, butane.torsions[0], angle)


def opened(session: Session, runs: FakeRuns, settle: Settle, *searches: FakeRun) -> Answers:
    """Shows the first of these searches in the tab Conformers."""
    answers = session.dipoles._answer = Answers()
    runs.runs = {search.id: search for search in searches}
    session.open(run=searches[0].id, tab="conformers")
    settle(session)
    return answers


def search(butane: Any, landscape: Any, model: str = "so3lr", name: str = "search") -> FakeRun:
    return FakeRun(name, butane, kind="minima", state="done", model=model, found=landscape, long_range_cutoff=9.0)


def test_minima_of_a_model_with_charges_get_their_dipole_moments(
    session: Session, runs: FakeRuns, butane: Any, landscape: Landscape, settle: Settle
) -> None:
    answers = opened(session, runs, settle, search(butane, landscape))
    minima = session.minima.minima
    assert minima is not None
    assert session.dipoles.offered
    np.testing.assert_allclose(session.dipoles.of(minima.keys), ends(minima.positions), atol=1e-5)
    assert np.isnan(session.dipoles.of([99])).all()
    (question,) = answers.questions
    asked = question.structure
    assert (asked.model, asked.precision, asked.long_range_cutoff) == ("so3lr", "float32", 9.0)
    assert (session.dipoles.doing, session.dipoles.reason) == ("", "")


@pytest.mark.parametrize("model", ["lennard-jones", "so3k-peptide-gfn2"])
def test_models_without_charges_are_not_asked(
    session: Session, runs: FakeRuns, butane: Any, landscape: Landscape, settle: Settle, model: str
) -> None:
    answers = opened(session, runs, settle, search(butane, landscape, model))
    assert session.families.picture is not None
    assert not session.dipoles.offered
    assert answers.questions == []
    assert session.dipoles.reason == ""
    assert DIPOLE not in session.families.param.color.objects.values()


def test_only_new_minima_are_asked_about_and_only_while_the_tab_is_open(
    session: Session, runs: FakeRuns, butane: Any, landscape: Landscape, settle: Settle
) -> None:
    answers = opened(session, runs, settle, search(butane, landscape))
    session.tab = "minima"
    landscape.add(0.5, turned(butane, 62.0))
    settle(session)
    assert len(answers.questions) == 1
    session.tab = "conformers"
    settle(session)
    assert [len(question.positions) for question in answers.questions] == [6, 1]
    assert len(session.dipoles.known) == 7


def test_they_wait_for_the_map_and_come_in_portions(
    session: Session, runs: FakeRuns, butane: Any, landscape: Landscape, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dipoles, "PORTION", 2)
    monkeypatch.setattr(dipoles, "SECONDS", 0.0)
    mapped, seen = [], []
    session.dipoles.param.watch(lambda event: mapped.append(session.families.picture is not None), "doing")
    session.dipoles.param.watch(lambda event: seen.append(len(event.new)), "known")
    answers = opened(session, runs, settle, search(butane, landscape))
    settle(session)
    assert [len(question.positions) for question in answers.questions] == [2, 2, 2]
    assert seen == [2, 4, 6]
    assert set(mapped) == {True}


def test_what_fails_is_told_and_not_tried_again(
    session: Session, runs: FakeRuns, butane: Any, landscape: Landscape, settle: Settle
) -> None:
    answers = session.dipoles._answer = Answers("The model so3lr is not on this machine.")
    runs.runs = {"search": search(butane, landscape)}
    session.open(run="search", tab="conformers")
    settle(session)
    settle(session)
    assert len(answers.questions) == 1
    assert session.dipoles.reason == "No dipole moments: The model so3lr is not on this machine."
    assert not session.dipoles.offered


def test_colours_are_families_or_numbers_in_words(
    session: Session, runs: FakeRuns, butane: Any, landscape: Landscape, settle: Settle
) -> None:
    plain = search(butane, landscape, "lennard-jones", "plain")
    opened(session, runs, settle, search(butane, landscape), plain)
    picture = session.families.picture
    assert picture is not None
    assert session.families.param.color.objects == COLORINGS
    assert scale_of(session, picture) is None
    said = {}
    for by in list(COLORINGS.values())[1:]:
        session.families.color = by
        scale = scale_of(session, picture)
        assert scale is not None
        assert len(scale.values) == 6
        said[by] = scale.ends
    low, high = ends(picture.minima.positions).min(), ends(picture.minima.positions).max()
    assert said[DIPOLE] == (f"μ {low:.2f} D", f"μ {high:.2f} D")
    assert said["energy"] == ("ΔE 0.00 kcal/mol", "ΔE 1.15 kcal/mol")
    assert said["hydrogen bonds"] == ("0 hydrogen bonds", "0 hydrogen bonds")
    assert said["radius"] is not None
    assert said["radius"][0].startswith("Rg ")
    session.dipoles.known = {}
    scale = scale_of(session, picture)
    assert scale is not None
    assert (scale.ends, scale.label(0)) == (None, "")
    session.runs.shown = "plain"
    settle(session)
    assert session.families.color == FAMILY  # the other model has no charges
