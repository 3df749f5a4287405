"""Structures of every source labelled in the background, with pair potentials and methods that fail at times."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from so3k_explore.exploration import Landscape
from so3k_explore.io.datasets import DatasetError, load_dataset, save_dataset
from so3k_explore.io.library import named
from so3k_explore.io.trajectories import read_trajectory
from so3k_explore.jobs import DynamicsSettings, LabelSettings, Run, Runs
from so3k_explore.jobs.job import make_job
from so3k_explore.jobs.labelling_inputs import read_structures
from so3k_explore.jobs.recorder import Recorder
from so3k_explore.jobs.store import RunFolder
from tests.test_cli_training import ENVIRONMENT
from tests.training.data import LJ, clusters

MOODY, SLOW = "tests.training.calculators:Moody", "tests.training.calculators:Slow"
WORKER = "from so3k_explore.jobs.worker import run_job; import sys; run_job(sys.argv[1])"


def done(run: Run) -> Any:
    status = run.wait(600)
    assert status.state == "done", status.message
    return status


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.xyz"
    write(path, [Atoms("HH", [[0, 0, 0], [distance, 0, 0]]) for distance in (2.0, 0.5, 2.5, 2.2)])
    return path


def test_structures_of_a_file_become_a_data_set_and_failures_are_told(runs: Runs, pairs: Path) -> None:
    run = runs.submit(LabelSettings(source=str(pairs), method=MOODY))
    status = done(run)
    assert (run.kind, run.model, run.name, run.molecule.formula) == ("label", MOODY, "pairs", "H2")
    assert (status.step, status.total, status.progress) == (4, 4, 1.0)
    assert f"3 structures labelled with {MOODY}. 1 failed: structure 1:" in status.message
    assert (status.details["labelled"], status.details["failed"], status.details["data"]) == (3, 1, "data.npz")
    data = load_dataset(run.folder / "data.npz")
    np.testing.assert_allclose(data.energies, [2.0, 2.5, 2.2], rtol=1e-12)
    assert (data.level, data.groups.tolist()) == (MOODY, [0, 2, 3])
    series = run.series()
    np.testing.assert_array_equal(series["step"], [1, 2, 3, 4])
    np.testing.assert_array_equal(series["labelled"][:, 0], [1, 1, 2, 3])
    assert [event["message"][:12] for event in run.events() if event["kind"] == "failed label"] == ["Structure 1:"]


def test_a_killed_worker_loses_no_label(runs: Runs, tmp_path: Path) -> None:
    write(tmp_path / "many.xyz", [Atoms("Ar2", [[0, 0, 0], [1.1 + 0.01 * k, 0, 0]]) for k in range(12)])
    job = make_job(LabelSettings(source=str(tmp_path / "many.xyz"), method=SLOW, processes=2), None)
    RunFolder.create(runs.root / "killed", job.to_json())  # which nobody in this process works on
    (run,) = runs.list()
    labels = run.folder / "labels.jsonl"
    count = lambda: len([line for line in labels.read_text().splitlines() if line]) if labels.exists() else 0
    with subprocess.Popen([sys.executable, "-c", WORKER, str(run.folder)], env=ENVIRONMENT) as worker:
        deadline = time.monotonic() + 600
        while count() < 4:  # the first line tells whose labels they are
            assert time.monotonic() < deadline
            assert worker.poll() is None
            time.sleep(0.02)
        worker.send_signal(signal.SIGKILL)
    killed = [json.loads(line) for line in labels.read_text().splitlines() if line]
    assert run.status().state == "interrupted"
    run.resume()
    assert done(run).details["labelled"] == 12
    rows = [json.loads(line) for line in labels.read_text().splitlines() if line]
    assert rows[: len(killed)] == killed
    numbers = [row["structure"] for row in rows[1:]]
    assert sorted(numbers) == list(range(12)), "each structure is labelled once"
    assert len(load_dataset(run.folder / "data.npz")) == 12


def test_frames_of_a_run_and_minima_of_a_landscape_are_sources(runs: Runs, tmp_path: Path) -> None:
    cluster = named("lj7")
    moved = RunFolder.create(tmp_path / "moved", make_job(DynamicsSettings(), cluster, "lennard-jones").to_json())
    recorder = Recorder(moved, cluster.system)
    for step in range(3):
        positions = cluster.positions * np.array([1 + 0.01 * step, 1 + 0.02 * step])[:, None, None]
        recorder.append(step, float(step), positions, {"energy": np.zeros(2)})
    recorder.close()
    name, frames = read_structures(moved.path)
    assert name == cluster.name
    with read_trajectory(moved.trajectory) as trajectory:
        assert len(frames) == 2 * len(trajectory)
        np.testing.assert_allclose(frames[3].positions, trajectory.positions[1, 1])
        alone = read_structures(trajectory.path, 3)[1]
        np.testing.assert_allclose(alone[2].positions, trajectory.positions[-1, 1])
    assert set(frames.groups.tolist()) == {0, 1}
    run = runs.submit(LabelSettings(source=str(moved.path), method=LJ, structures=4))
    assert done(run).details["labelled"] == 4

    with Landscape.open(tmp_path / "landscape.db") as landscape:
        landscape.bind(cluster)
        for k, energy in enumerate((0.0, 0.1, 0.2)):
            landscape.add(energy, cluster.positions * (1 + 0.1 * k), call=10 * k)
    minima = read_structures(tmp_path / "landscape.db")[1]
    np.testing.assert_allclose(minima[1].positions, cluster.positions * 1.1, atol=1e-5)
    assert minima.groups.tolist() == [0, 1, 2]
    again = read_structures(run.folder)[1]
    assert (len(again), again.level, float(np.abs(again.forces).max())) == (4, "", 0.0)


def test_nothing_labelled_is_a_failure_that_says_why(runs: Runs, tmp_path: Path) -> None:
    write(tmp_path / "close.xyz", Atoms("HH", [[0, 0, 0], [0.5, 0, 0]]))
    run = runs.submit(LabelSettings(source=str(tmp_path / "close.xyz"), method=MOODY))
    status = run.wait(600)
    assert status.state == "failed"
    assert "Not one of 1 structures got a label. The reference calculation failed: no convergence" in status.message
    run.resume()
    assert run.wait(600).state == "failed"
    assert [event["kind"] for event in run.events()].count("failed label") == 2, "it was tried again"


def test_bad_input_is_refused_before_anything_starts(
    runs: Runs, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = LabelSettings(source=str(pairs), method=LJ)
    save_dataset(tmp_path / "empty" / "data.npz", clusters(2))
    (tmp_path / "uranium.xyz").write_text("1\n\nU 0 0 0\n")
    for settings, sentence in (
        (good.replace(source=""), "needs a `source`, got none"),
        (good.replace(source="nowhere.xyz"), "There is no file nowhere.xyz"),
        (good.replace(source=str(tmp_path / "empty")), "holds no run"),
        (good.replace(method="ase.calculators.lj:Nothing"), "No calculator was found"),
    ):
        with pytest.raises(DatasetError, match=sentence):
            runs.submit(settings)
    with pytest.raises(ValueError, match="`method` must be GFN2-xTB, GFN1-xTB or"):
        good.replace(method="B3LYP")
    with pytest.raises(ValueError, match="takes no `molecule`"):
        runs.submit(good, "lj7")
    monkeypatch.setitem(sys.modules, "tblite.ase", None)
    with pytest.raises(DatasetError, match="GFN2-xTB needs tblite, which is not installed"):
        runs.submit(good.replace(method="GFN2-xTB"))
    assert runs.list() == []
