from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from so3k_explore.app.models import improving
from so3k_explore.app.models.labelling import method_obstacle
from so3k_explore.app.models.learning import headlines, label_counts, remarks, round_errors
from so3k_explore.app.models.session import Session
from so3k_explore.app.models.training import ELSEWHERE, MORE, NETWORK
from so3k_explore.app.views.runs import brief
from so3k_explore.app.views.status import speeds
from so3k_explore.io.datasets import save_dataset
from so3k_explore.jobs.learning_settings import LabelSettings, LoopSettings
from so3k_explore.jobs.status import RunStatus
from tests.app.models.fakes import FakeRun, FakeRuns
from tests.app.models.labelled import labelled
from tests.training.data import LJ, loop_data

LABELS = {"counts": "structures", "phase": "labelling", "labelled": 12, "failed": 1, "structures": 40, "level": LJ}
LABELS |= {"problems": ["structure 3: no convergence", "structure 5: no convergence"], "data": "data.npz"}
ROUND = {"number": 0, "error_before": 0.08, "error_after": 0.03, "expected_error": 0.06}
LOOP = {"wanted": 3, "round": 2, "phase": "labelling", "phase_done": 4, "phase_total": 32, "rounds": [ROUND]}
LOOP |= {"labelled": 36, "failed": 0, "level": LJ, "seconds": 100.0}


@pytest.fixture
def ready(session: Session, settle: Callable[[Session], None]) -> Session:
    session.open()
    settle(session)
    return session


def read(session: Session, path: Path) -> None:
    session.training.labelling.path = str(path)
    session.background.wait()


def test_structures_are_described_and_labelled_with_the_form(ready: Session, runs: FakeRuns, tmp_path: Path) -> None:
    model = ready.training.labelling
    assert model.obstacle == "Choose structures first."
    read(ready, tmp_path / "absent.xyz")
    assert "There is no file" in model.problem
    assert model.obstacle == "They cannot be used; see above."
    path = save_dataset(tmp_path / "water.npz", labelled())
    read(ready, path)
    assert model.found is not None
    assert model.found.sentences == ("20 structures of water", "the first: H₂O, 3 atoms")
    model.form.param.update(method=LJ, structures=5, processes=2)
    assert model.obstacle == ""
    model.start()
    ready.background.wait()
    ((settings, molecule_model, _),) = runs.submitted
    assert settings == LabelSettings(source=str(path.resolve()), method=LJ, structures=5, processes=2)
    assert (molecule_model, ready.runs.shown) == (None, "new-1")


def test_why_labels_cannot_be_made_is_said(ready: Session, runs: FakeRuns, tmp_path: Path) -> None:
    assert "must be GFN2-xTB, GFN1-xTB or" in method_obstacle("B3LYP")
    assert "needs tblite" in method_obstacle("GFN2-xTB", lambda name: None)
    assert method_obstacle(LJ, lambda name: None) == ""
    model = ready.training.labelling
    model.open_file(b"", "empty.xyz")
    assert model.problem == "empty.xyz is empty."
    read(ready, save_dataset(tmp_path / "water.npz", labelled()))
    model.form.method = "B3LYP"
    assert "`method` must be" in model.obstacle
    model.form.method = LJ

    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("No calculator was found.")

    runs.submit = refuse  # pyright: ignore[reportAttributeAccessIssue]
    model.start()
    ready.background.wait()
    assert model.error == "No calculator was found."


def test_an_uploaded_file_is_kept_and_described(
    ready: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready.runs, "root", lambda: tmp_path)
    model = ready.training.labelling
    model.open_file(b"1\n\nAr 0 0 0\n", "one.xyz")
    ready.background.wait()
    assert model.found is not None
    assert model.found.sentences == ("1 structure of one", "Ar, 1 atom")
    assert Path(model.path).parent.parent.parent == tmp_path


def test_the_run_on_show_is_offered_unless_it_is_a_training(
    ready: Session, runs: FakeRuns, settle: Callable[[Session], None], cluster: Any
) -> None:
    model = ready.training.labelling
    model.take_run()
    assert (model.run, model.path) == (None, "")
    runs.runs["fit"] = FakeRun("fit", cluster, kind="train")
    for name, offered in (("first", True), ("fit", False)):
        ready.runs.shown = name
        settle(ready)
        assert (model.run is not None) is offered
    ready.runs.shown = "first"
    settle(ready)
    model.take_run()
    assert model.path == "nowhere"


def test_a_loop_takes_data_and_start_of_the_training_and_the_method_of_the_data(
    ready: Session, runs: FakeRuns, tmp_path: Path
) -> None:
    training = ready.training
    loop = training.improving
    assert loop.obstacle == "Choose a data set first."
    training.dataset.path = str(save_dataset(tmp_path / "water.npz", labelled()))
    ready.background.wait()
    assert "The data set is of harmonic, new labels would be of GFN2-xTB." in loop.obstacle
    path = save_dataset(tmp_path / "argon.npz", loop_data())
    training.dataset.path = str(path)
    ready.background.wait()
    assert loop.form.method == LJ
    assert loop.obstacle == ""
    loop.form.param.update(features=10)
    assert "must be a multiple of 12" in loop.obstacle
    loop.form.param.update(features=24, rounds=2)
    loop.explore = "CCO; Ac-AAA-NHMe;"
    loop.start()
    ready.background.wait()
    ((settings, _, _),) = runs.submitted
    wanted = {"rounds": 2, "features": 24, "method": LJ, "explore": ("CCO", "Ac-AAA-NHMe")}
    assert settings == LoopSettings(dataset=str(path.resolve()), **wanted)


def test_every_setting_of_a_loop_and_of_labels_has_its_place() -> None:
    places = [*improving.BASICS, *improving.MORE, *NETWORK, *ELSEWHERE, *MORE, "held_out", "explore", "method"]
    assert sorted(places) == sorted(field.name for field in fields(LoopSettings))
    assert {field.name for field in fields(LabelSettings)} == {"source", "method", "structures", "processes"}


def test_labels_are_told_in_numbers_and_drawn_against_time() -> None:
    status = RunStatus("running", details=LABELS, seconds_left=20.0, speed={"steps_per_second": 2.5})
    told = headlines(status, "label")
    assert told["Labelled"] == ("12", "of 40 structures")
    assert told["Failed"][0] == "1"
    assert told["Time left"] == ("20 s", "2.5 structures/s")
    assert len(headlines(None, "label")) == len(headlines(None)) == len(headlines(None, "loop"))
    assert remarks(status, "") == "Without a label: structure 3: no convergence …"
    assert speeds(status) == {"structures/s": 2.5}
    assert brief(RunStatus("done", details=LABELS)) == "done · 12 labelled"
    series = {name: np.array([[1.0], [2.0]]) for name in ("labelled", "failed", "seconds")}
    np.testing.assert_array_equal(label_counts(series)["labelled"], ([1, 2], [1, 2]))
    assert label_counts({}) == {}


def test_rounds_are_told_in_numbers_and_drawn_by_number() -> None:
    status = RunStatus("running", details=LOOP, speed={"steps_per_second": 2.5})
    told = headlines(status, "loop")
    assert told["Round"] == ("2 of 3", "labelling, 4 of 32")
    assert told["Error before"] == ("80 meV/Å", "on the picks of round 1")
    assert told["Error after"][0] == "30 meV/Å"
    assert remarks(status, "") == f"36 new structures labelled. Level of theory: {LJ}."
    assert speeds(status) == {}
    curves = round_errors(status)
    for name, error in (("before", 80), ("after", 30)):
        np.testing.assert_allclose(np.stack(curves[name]), [[0.5, 1.5], [error, error]])
    assert headlines(RunStatus("done", details=LOOP | {"phase": "done", "round": 3}), "loop")["Round"][1] == "all done"
