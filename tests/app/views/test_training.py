"""The tab of trainings without a browser: what it shows of its models."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bokeh.document import Document

from so3k_explore.app.models.display import DASH
from so3k_explore.app.models.session import Session
from so3k_explore.app.views.runs import RunList
from so3k_explore.app.views.status import speeds
from so3k_explore.app.views.training import TrainingTab, UseData, UseModel
from so3k_explore.app.views.training_form import DatasetCard, TrainingForm
from so3k_explore.io.datasets import save_dataset
from so3k_explore.io.library import named
from so3k_explore.jobs.status import RunStatus
from tests.app.models.fakes import FakeRun, FakeRuns
from tests.app.models.labelled import labelled
from tests.app.models.test_labelling import LABELS
from tests.app.models.test_training import GOING
from tests.app.views.test_page import tick


class FakeTraining(FakeRun):
    """A training whose curves and status are set by the test."""

    shown = GOING

    def status(self) -> Any:
        return self.shown

    def series(self) -> dict[str, np.ndarray]:
        columns = ("force_error", "energy_error", "validation_force_error", "validation_energy_error")
        return {"step": np.array([10.0, 20.0]), **{name: np.array([[0.2], [0.1]]) for name in columns}}

    def trajectory(self) -> None:
        return None


class FakeLabelling(FakeTraining):
    """A labelling that has done two structures."""

    shown = RunStatus("running", details=LABELS)

    def series(self) -> dict[str, np.ndarray]:
        names = ("structure", "force", "labelled", "failed", "seconds")
        return {"step": np.array([1.0, 2.0]), **{name: np.array([[1.0], [2.0]]) for name in names}}


@pytest.fixture
def runs() -> FakeRuns:
    training = FakeTraining("fit", named("lj7"), kind="train", name="water", model="fresh network")
    return FakeRuns(training, FakeRun("first", named("lj7"), frames=3))


def said(notes: Any) -> str:
    """The first sentence of a column."""
    return str(notes.objects[0].object)


def test_a_training_opens_its_tab_and_draws_its_curves(session: Session) -> None:
    tab = TrainingTab(session)
    assert tab.__panel__().get_root(Document()) is not None
    chart = tab.charts["force_error"]
    assert not chart.filled
    session.open(run="fit")
    tick(session)
    assert session.tab == "training"
    np.testing.assert_allclose(chart._columns["training"]["y"], [200, 100])
    assert chart._limits["y_range"] == (100, 200)
    assert chart.cursor.x == 500
    assert tab._numbers.shown["Best force error"] == "31.2 meV/Å"
    session.runs.shown = "first"
    tick(session)
    assert not chart.filled
    assert tab._numbers.shown["Best force error"] == DASH


def test_the_model_is_offered_when_the_training_has_ended(session: Session, runs: FakeRuns) -> None:
    part = UseModel(session)
    session.open(run="fit")
    tick(session)
    assert not part._layout.visible
    runs.runs["fit"].shown = replace(GOING, state="done")  # pyright: ignore[reportAttributeAccessIssue]
    tick(session)
    assert part._layout.visible
    assert part._name.value == "water"
    session.training.added = {"fit": "water"}
    assert part._button.disabled
    assert said(part._notes) == "Added to your models as water, and chosen in card 2."


def test_the_button_says_why_until_the_data_are_read(session: Session, tmp_path: Path) -> None:
    form: Any = TrainingForm(session.training).forms["train"]
    assert form._button.disabled
    assert form._why.object == "Choose a data set first."
    session.training.dataset.path = str(save_dataset(tmp_path / "water.npz", labelled()))
    session.background.wait()
    assert not form._button.disabled
    assert not form._held_out.visible
    session.training.form.features = 10
    assert form._button.disabled
    assert "must be a multiple of 12" in form._why.object


def test_units_are_asked_for_only_where_the_file_does_not_say_them(session: Session, tmp_path: Path) -> None:
    card = DatasetCard(session.training.dataset)
    assert not card._units.visible
    np.savez(tmp_path / "md17.npz", R=np.zeros((2, 1, 3)), F=np.zeros((2, 1, 3)), E=np.zeros(2), z=np.array([2]))
    session.training.dataset.path = str(tmp_path / "md17.npz")
    session.background.wait()
    assert card._units.visible
    assert card._notes.objects == []
    session.training.dataset.path = str(tmp_path / "absent.npz")
    session.background.wait()
    assert not card._units.visible
    assert "There is no file" in said(card._notes)


def test_trainings_are_listed_in_their_own_words(session: Session, runs: FakeRuns) -> None:
    listed = RunList(session.runs)
    runs.runs["fit"].shown = replace(GOING, state="done")  # pyright: ignore[reportAttributeAccessIssue]
    session.open()
    tick(session)
    row = listed._rows["fit"]
    assert row._name.label == "water training"
    assert row._state.label == "done · 31.2 meV/Å"
    both = replace(GOING, speed={"steps_per_second": 12.0, "calls_per_second": 12.0})
    assert speeds(both) == {"steps/s": 12.0}


def test_labels_have_pictures_of_their_own_and_are_offered_as_data(
    session: Session, runs: FakeRuns, tmp_path: Path
) -> None:
    save_dataset(tmp_path / "data.npz", labelled())
    run = FakeLabelling("labels", named("lj7"), kind="label", name="water", folder=tmp_path)
    runs.runs["labels"] = run
    tab, offer = TrainingTab(session), UseData(session)
    assert list(tab.charts) == ["force_error", "energy_error"]
    session.training.task = "loop"
    assert list(tab.charts) == ["rounds", "force_error"]
    assert not offer._layout.visible
    session.open(run="labels")
    tick(session)
    assert (session.tab, session.training.task) == ("training", "label")
    assert tab._numbers.shown["Labelled"] == "12"
    assert list(tab.charts) == ["counts", "forces"]
    np.testing.assert_array_equal(tab.charts["counts"]._columns["labelled"]["y"], [1, 2])
    assert tab.charts["forces"].filled
    assert not offer._layout.visible, "the run is still going"
    run.shown = replace(run.shown, state="done")
    tick(session)
    assert offer._layout.visible
    assert not offer._files["report"].visible
    assert offer._content("data").getvalue() == (tmp_path / "data.npz").read_bytes()
    session.training.learn_from(session.shown.run, session.shown.status)
    session.background.wait()
    assert (session.training.task, session.training.dataset.path) == ("train", str(tmp_path / "data.npz"))
    assert session.training.dataset.summary is not None


def test_the_forms_change_with_what_is_to_be_done(session: Session, tmp_path: Path) -> None:
    form = TrainingForm(session.training)
    cases = (("label", "Label structures"), ("loop", "Improve a model"), ("train", "Train a model"))
    for task, button in cases:
        form._task.value = task
        shown: Any = form.forms[task]
        assert form._body.objects == [shown.__panel__()]
        assert session.training.task == task
        assert shown._button.label == button
        assert shown._button.disabled
        assert form._data.visible is (task != "label")
    labels: Any = form.forms["label"]
    assert labels._run.disabled
    session.training.labelling.path = str(tmp_path / "absent.xyz")
    session.background.wait()
    assert "There is no file" in said(labels._notes)
