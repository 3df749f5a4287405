from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from so3k_explore.app.models.background import Background
from so3k_explore.app.models.evaluation import Evaluation
from so3k_explore.app.models.properties import energies
from so3k_explore.app.models.session import Session
from so3k_explore.io.structures import load_molecule
from so3k_explore.jobs.single_point import Question, SinglePoint
from so3k_explore.potentials.registry import ModelInfo
from tests.app.models.fakes import FakeRun, FakeRuns, fake_point

Settle = Callable[[Session], None]


def charged(name: str = "charged", long_range: float = float("inf")) -> ModelInfo:
    """A model that answers with charges."""
    return ModelInfo(name, "so3lr", True, None, None, "", 0, long_range)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry knows a model with charges, which fits everything."""
    from so3k_explore.potentials import registry

    before = registry.list_models
    monkeypatch.setattr(registry, "list_models", lambda: [*before(), charged()])
    monkeypatch.setattr(registry, "default_model", lambda numbers, **ion: "charged")


def test_a_question_is_asked_once_and_the_latest_answer_counts() -> None:
    background, asked = Background(), []

    def evaluate(question: Question) -> SinglePoint:
        asked.append(question)
        return fake_point(question)

    evaluation = Evaluation(background, "point", evaluate)
    molecule = load_molecule("lj7")
    for factor in (1.0, 1.0, 2.0):
        evaluation.ask(Question.about(molecule, "lennard-jones", positions=factor * molecule.positions))
    assert evaluation.waiting
    background.wait()
    assert not evaluation.waiting
    assert evaluation.answer.energy == pytest.approx(2 * np.abs(molecule.positions).sum())
    assert len({str(question.positions) for question in asked}) == len(asked)


def test_a_structure_that_cannot_be_evaluated_says_why() -> None:
    background = Background()

    def fail(question: Question) -> SinglePoint:
        raise ValueError("The model is broken.")

    evaluation = Evaluation(background, "point", fail)
    evaluation.ask(Question.about(load_molecule("lj7"), "lennard-jones"))
    background.wait()
    assert (evaluation.answer, evaluation.reason) == (None, "The model is broken.")
    assert energies(evaluation)[0] == ("Energy", "The model is broken.")


def test_energy_and_force_of_the_molecule_appear_and_follow_the_cutoff(
    session: Session, installed: None, settle: Settle
) -> None:
    session.open()
    settle(session)
    assert energies(session.point)[-1] == ("Model", "charged")
    assert session.point.answer.energy == pytest.approx(np.abs(session.molecule.molecule.positions).sum(), rel=1e-5)
    session.potential.long_range_cutoff = 8.0
    settle(session)
    assert energies(session.point)[-1] == ("Model", "charged, long range to 8 Å")
    assert energies(session.point)[1] == ("Largest force", "0.250 eV/Å")


def test_the_cutoff_is_refused_when_too_short_and_left_out_for_models_without_long_range_terms(
    session: Session, installed: None, runs: FakeRuns, settle: Settle
) -> None:
    session.open()
    settle(session)
    with pytest.raises(ValueError, match="long_range_cutoff"):
        session.potential.long_range_cutoff = 2.0
    session.potential.long_range_cutoff = 8.0
    session.start()
    settle(session)
    session.potential.name_ = "lennard-jones"
    session.start()
    settle(session)
    assert [options["long_range_cutoff"] for _, _, options in runs.submitted] == [8.0, None]


def test_a_model_without_charges_says_so(session: Session, settle: Settle) -> None:
    session.open()
    settle(session)
    assert session.scene.charges is None
    assert session.scene.no_charges == "lennard-jones knows no charges."
    session.scene.picked = [2]
    assert session.scene.atom_text() == "Atom 3 · Argon (Ar) · lennard-jones knows no charges."


def test_a_clicked_atom_has_number_element_and_charge(session: Session, installed: None, settle: Settle) -> None:
    session.open()
    settle(session)
    session.molecule.open_text("ethanol")
    settle(session)
    charges = session.scene.charges
    assert charges is not None
    session.scene.picked = [2]
    assert session.scene.atom_text() == f"Atom 3 · Oxygen (O) · {charges[2]:.3f} e".replace("-", "\N{MINUS SIGN}")
    session.scene.picked = [2, 3]
    assert session.scene.atom_text() == ""


def test_charges_of_a_run_are_those_of_its_model_and_follow_its_frames(
    session: Session, runs: FakeRuns, cluster: Any, settle: Settle
) -> None:
    runs.runs["other"] = FakeRun("other", cluster, model="charged", state="done", frames=3)
    session.open(run="other")
    settle(session)
    before = session.scene.charges
    assert before is not None
    session.scene.color = "charge"
    session.scene.frame = 2
    session.charges._next = 0.0
    settle(session)
    after = session.scene.charges
    assert session.scene.frames is not None
    shown = session.scene.frames[2]
    assert after is not None
    np.testing.assert_allclose(after, 0.1 * (np.arange(7) - 1) * shown[0, 0], rtol=1e-5)
    assert not np.allclose(after, before)


def test_another_molecule_forgets_the_charges_until_its_own_are_known(
    session: Session, installed: None, settle: Settle, tmp_path: Path
) -> None:
    session.open()
    settle(session)
    assert session.scene.charges is not None
    session.molecule.open_text("lj13")
    settle(session)
    assert session.scene.charges is not None
    assert len(session.scene.charges) == 13
