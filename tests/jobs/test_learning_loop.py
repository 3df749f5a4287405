"""Active learning in the background, with Lennard-Jones clusters and a network of eight features."""

import time
from pathlib import Path

import numpy as np
import pytest

from so3k_explore.io.datasets import DatasetError, load_dataset, save_dataset
from so3k_explore.jobs import LoopSettings, Runs
from so3k_explore.jobs.training_inputs import active_learning, fit_of
from so3k_explore.potentials.registry import load_potential
from so3k_explore.training.rounds import ActiveLearning
from tests.training.data import LOOP, TINY, clusters, loop_data


@pytest.fixture
def settings(tmp_path: Path) -> LoopSettings:
    return LoopSettings(dataset=str(save_dataset(tmp_path / "argon.npz", loop_data())), steps=15, **TINY, **LOOP)


def test_a_loop_is_a_run_that_can_be_stopped_resumed_and_continued(runs: Runs, settings: LoopSettings) -> None:
    run = runs.submit(settings)
    assert (run.kind, run.name, run.molecule.name) == ("loop", "argon", "cluster")
    deadline = time.monotonic() + 600
    while run.status().details.get("phase") != "exploring":
        assert time.monotonic() < deadline
        assert run.status().active
        time.sleep(0.001)
    run.stop()
    assert run.wait(600).state == "stopped"
    model = (run.folder / "start" / "model.npz").stat().st_mtime_ns
    run.resume()
    status = run.wait(600)
    assert status.state == "done", status.message
    assert (status.step, status.total, status.progress) == (30, 30, 1.0)
    assert (run.folder / "start" / "model.npz").stat().st_mtime_ns == model
    details, (found,) = status.details, status.details["rounds"]
    assert (details["phase"], details["labelled"], details["wanted"]) == ("done", 3, 1)
    assert (details["model"], details["data"], details["report"]) == ("model.npz", "data.npz", "report.md")
    assert found["error_before"] > 0
    assert f"{1000 * found['error_before']:.3g} meV/Å before they were learned" in status.message
    np.testing.assert_array_equal(run.series()["step"], [10, 15, 25, 30])
    assert load_potential(run.folder / "model.npz").elements == frozenset({18})
    assert len(load_dataset(run.folder / "data.npz")) == 33
    kinds = [event["kind"] for event in run.events()]
    assert kinds.count("round") == 1
    live = run.live()
    assert live is not None
    assert live.positions.shape == (2, 6, 3)

    run.change(rounds=2)
    run.resume()
    status = run.wait(600)
    assert (status.state, len(status.details["rounds"]), status.step) == ("done", 2, 45)
    assert status.details["rounds"][0] == found


def test_what_a_loop_cannot_work_with_is_refused_before_anything_starts(
    runs: Runs, settings: LoopSettings, tmp_path: Path
) -> None:
    other = save_dataset(tmp_path / "other.npz", clusters(20))
    for changes, sentence in (
        ({"dataset": str(other)}, "The data are of Lennard-Jones, and picks would be labelled with"),
        ({"dataset": "nowhere.npz"}, "There is no file nowhere.npz"),
        ({"explore": ("Xx",)}, "neither a file nor a name"),
        ({"explore": ("water",)}, "The data have no H, O, which"),
        ({"start": "no-such-model"}, "There is no model"),
    ):
        with pytest.raises((DatasetError, ValueError), match=sentence):
            runs.submit(settings.replace(**changes))
    with pytest.raises(ValueError, match="takes no `molecule`"):
        runs.submit(settings, "lj7")
    assert runs.list() == []


def test_settings_are_those_of_python(settings: LoopSettings) -> None:
    usual = active_learning(LoopSettings())
    assert usual == ActiveLearning(fit=fit_of(LoopSettings()))
    names = ("steps", "validate_every")
    assert {name: getattr(usual.fit, name) for name in names} == {
        name: getattr(ActiveLearning().fit, name) for name in names
    }
    assert LoopSettings.from_json(settings.to_json()) == settings
    assert LoopSettings.live() == ("rounds",)
