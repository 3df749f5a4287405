from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from so3k_explore.app.models.learning import headlines, learning_curves, remarks, usable
from so3k_explore.app.models.session import Session
from so3k_explore.app.models.shown import MAX_ROWS, sparse
from so3k_explore.app.models.training import BASICS, ELSEWHERE, MORE, NETWORK
from so3k_explore.io.datasets import save_dataset
from so3k_explore.jobs.learning_settings import TrainSettings
from so3k_explore.jobs.status import RunStatus
from so3k_explore.potentials import registry
from so3k_explore.potentials.checkpoints import save_potential
from so3k_explore.potentials.so3lr import So3lr
from tests.app.models.fakes import FakeRun, FakeRuns
from tests.app.models.labelled import labelled
from tests.potentials import SMALL

DETAILS = {
    "best_step": 500,
    "best_force_error": 0.0312,
    "best_energy_error": 0.0021,
    "epoch": 3,
    "frames": {"training": 60, "validation": 3, "test": 3, "unseen": 0},
    "parameters": 12345,
    "level": "GFN2-xTB",
    "learning_rate": 1e-3,
    "seconds": 200.0,
    "model": "model.npz",
}
GOING = RunStatus(
    "running", step=500, total=20000, seconds_left=600.0, speed={"steps_per_second": 12.34}, details=DETAILS
)


@pytest.fixture
def ready(session: Session, settle: Callable[[Session], None], tmp_path: Path) -> Session:
    """A session that has read a data set."""
    session.open()
    settle(session)
    session.training.dataset.path = str(save_dataset(tmp_path / "water.npz", labelled()))
    settle(session)
    return session


def trained(folder: Path, molecule: Any) -> FakeRun:
    """A training that has ended with a model."""
    folder.mkdir()
    save_potential(folder / "model.npz", So3lr.create(5, SMALL))
    return FakeRun("fit", molecule, kind="train", name="water fit", state="done", folder=folder)


def test_every_setting_has_its_place() -> None:
    places = [*BASICS, *NETWORK, *ELSEWHERE, *MORE, "held_out"]
    assert sorted(places) == sorted(field.name for field in fields(TrainSettings))


def test_without_data_nothing_can_be_learned(session: Session, runs: FakeRuns) -> None:
    assert session.training.obstacle == "Choose a data set first."
    session.training.start()
    session.background.wait()
    assert runs.submitted == []


def test_a_training_gets_the_form_and_becomes_the_run_on_show(ready: Session, runs: FakeRuns, tmp_path: Path) -> None:
    training = ready.training
    training.form.param.update(steps=300, features=16, degrees=[1])
    training.name_ = "first fit"
    assert training.obstacle == ""
    training.start()
    ready.background.wait()
    (settings, model, options) = runs.submitted[0]
    path = str((tmp_path / "water.npz").resolve())
    assert settings == TrainSettings(dataset=path, steps=300, features=16, degrees=(1,))
    assert (model, options["name"]) == (None, "first fit")
    assert ready.runs.shown == "new-1"


def test_why_a_training_could_not_start_is_said_beside_the_button(ready: Session, runs: FakeRuns) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("No frame is left for validation.")

    runs.submit = refuse  # pyright: ignore[reportAttributeAccessIssue]
    ready.training.start()
    ready.background.wait()
    assert ready.training.error == "No frame is left for validation."
    assert ready.runs.message == ""


def test_sizes_that_do_not_fit_together_are_an_obstacle(ready: Session) -> None:
    ready.training.form.param.update(features=16)
    assert ready.training.obstacle == "With 4 heads and 3 degrees, the features must be a multiple of 12, got 16."
    ready.training.form.param.update(features=24)
    assert ready.training.obstacle == ""
    ready.training.form.param.update(features=12, degrees=[])
    assert "at least one degree" in ready.training.obstacle
    ready.training.form.param.update(degrees=[1], validation=0.6, test=0.5)
    assert "below 1 together" in ready.training.obstacle


def test_a_model_that_lacks_an_element_cannot_be_trained_further(ready: Session) -> None:
    noble = replace(registry.model_info(registry.LENNARD_JONES), name="noble", kind="so3krates", elements=(2, 10))
    ready.potential.models = [*ready.potential.models, noble]
    assert "noble" in ready.training.param.start_from.objects
    assert registry.LENNARD_JONES not in ready.training.param.start_from.objects
    ready.training.start_from = "noble"
    assert ready.training.obstacle == "The model noble does not know H, O. Start from a fresh network."


def test_molecules_can_be_held_out_where_there_are_several(ready: Session, tmp_path: Path) -> None:
    assert ready.training.form.param.held_out.objects == []
    data = labelled()
    names = np.where(np.arange(len(data)) < 5, "ice", data.molecules)
    ready.training.dataset.path = str(save_dataset(tmp_path / "two.npz", replace(data, molecules=names)))
    ready.background.wait()
    assert ready.training.form.param.held_out.objects == ["water", "ice"]
    ready.training.form.param.update(held_out=["ice"])
    assert ready.training.settings().held_out == ("ice",)


def test_a_trained_model_is_added_under_a_free_name_and_chosen(
    ready: Session, settle: Callable[[Session], None], cluster: Any, tmp_path: Path
) -> None:
    run = trained(tmp_path / "run", cluster)
    training, done = ready.training, replace(GOING, state="done")
    training.suggest(run)  # pyright: ignore[reportArgumentType]
    assert training.model_name == "water-fit"
    training.use(run, done)  # pyright: ignore[reportArgumentType]
    settle(ready)
    assert training.added == {"fit": "water-fit"}
    assert ready.potential.name_ == "water-fit"
    assert (tmp_path / "models" / "water-fit.npz").is_file()
    again = replace(run, id="second")
    training.suggest(again)  # pyright: ignore[reportArgumentType]
    assert training.model_name == "water-fit-2"


@pytest.mark.parametrize("name", ["../escape", "", "a/b", "-x"])
def test_a_name_that_is_no_name_is_refused(ready: Session, cluster: Any, tmp_path: Path, name: str) -> None:
    ready.training.model_name = name
    ready.training.use(trained(tmp_path / "run", cluster), GOING)  # pyright: ignore[reportArgumentType]
    assert "letters, digits, dots and dashes" in ready.training.use_error
    assert not ready.background.busy("models")


def test_a_name_that_is_taken_is_refused_and_its_model_stays(
    ready: Session, settle: Callable[[Session], None], cluster: Any, tmp_path: Path
) -> None:
    mine = save_potential(tmp_path / "models" / "mine.npz", So3lr.create(1, SMALL)).read_bytes()
    ready.training.model_name = "mine"
    ready.training.use(trained(tmp_path / "run", cluster), GOING)  # pyright: ignore[reportArgumentType]
    settle(ready)
    assert ready.training.use_error == "There is a model called mine already. Choose another name."
    assert (tmp_path / "models" / "mine.npz").read_bytes() == mine
    assert ready.training.added == {}


def test_curves_are_in_mev_and_validation_has_its_own_steps() -> None:
    series = {
        "step": np.array([10.0, 20.0, 30.0]),
        "force_error": np.array([[0.3], [0.2], [0.1]]),
        "validation_force_error": np.array([[np.nan], [0.25], [np.nan]]),
    }
    curves = learning_curves(series, "force_error")
    np.testing.assert_allclose(curves["training"], ([10, 20, 30], [300, 200, 100]))
    np.testing.assert_allclose(curves["validation"], ([20], [250]))
    assert learning_curves({}, "force_error") == {}


def test_a_long_table_keeps_every_validation() -> None:
    rows = 5 * MAX_ROWS
    rare = np.full((rows, 1), np.nan)
    rare[7::50] = 1.0
    kept = sparse({"step": np.arange(rows), "force_error": np.ones((rows, 1)), "validation_force_error": rare})
    assert np.isfinite(kept["validation_force_error"]).sum() == len(rare[7::50])
    assert len(kept["step"]) <= MAX_ROWS + len(rare[7::50])
    assert kept["step"][-1] == rows - 1


def test_the_numbers_to_look_at_first() -> None:
    told = headlines(GOING)
    assert told["Best force error"] == ("31.2 meV/Å", "in validation, step 500")
    assert told["Best energy error"][0] == "2.1 meV per atom"
    assert told["Time left"] == ("10 min", "12.3 steps/s")
    assert told["Epoch"][0] == "4"
    assert list(headlines(None)) == list(told)


def test_the_rest_is_told_in_a_line() -> None:
    tested = replace(GOING, details={**DETAILS, "test_force_error": 0.04, "test_energy_error": 0.003})
    line = remarks(tested, "fresh network")
    assert "60 to learn from, 3 to validate with, 3 to test with." in line
    assert "begun as fresh network" in line
    assert "In the test: 40 meV/Å and 3 meV per atom." in line
    assert remarks(None, "") == ""


@pytest.mark.parametrize(("state", "model", "expected"), [("done", "m", True), ("running", "m", False)])
def test_only_a_training_that_has_ended_offers_its_model(state: str, model: str, expected: bool) -> None:
    assert usable(replace(GOING, state=state)) is expected
    assert not usable(replace(GOING, state=state, details={}))


def test_nobody_is_asked_for_charges_while_a_training_is_on_show(
    session: Session, runs: FakeRuns, settle: Callable[[Session], None], tmp_path: Path, cluster: Any
) -> None:
    runs.runs["fit"] = trained(tmp_path / "fit", cluster)
    session.open(run="fit")
    settle(session)
    assert session.shown.run is not None
    assert session.scene.no_charges == "Structures to learn from are shown without charges."
