"""A Dask cluster that somebody else has started, given by its address."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from so3k_explore.io.structures import load_molecule
from so3k_explore.jobs import DynamicsSettings, Runs

CLUSTER = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    options = {"processes": True, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    with LocalCluster(n_workers=2, local_directory=sys.argv[1], **options) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""
PATIENCE = 600


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "cluster.py").write_text(CLUSTER)
    command = [sys.executable, str(folder / "cluster.py"), str(folder)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as cluster:
        assert cluster.stdout is not None
        yield cluster.stdout.readline().strip()
        cluster.communicate(timeout=800)


def test_two_workers_of_a_cluster_work_at_the_same_time(tmp_path: Path, address: str) -> None:
    runs = Runs(tmp_path, scheduler=address)
    endless = DynamicsSettings(temperature=300.0, seed=1)
    going = [runs.submit(endless, load_molecule("lj7"), "lennard-jones") for _ in range(2)]
    for run in going:
        assert run.wait(PATIENCE, states=("running",)).state == "running"
    assert len({run._folder.status()["pid"] for run in going}) == 2
    assert not (tmp_path / "engine.json").exists()
    going[0].change(temperature=50.0)
    going[1].stop()
    assert going[1].wait(PATIENCE).state == "stopped"
    runs.close()  # the cluster goes on without us
    elsewhere = Runs(tmp_path, scheduler=address).get(going[0].id)
    assert elsewhere.status().state == "running"
    elsewhere.stop()
    assert elsewhere.wait(PATIENCE).state == "stopped"
    assert elsewhere.settings.to_json()["temperature"] == 50.0


def test_the_command_line_hands_runs_to_the_scheduler_it_is_given(tmp_path: Path, address: str) -> None:
    command = [sys.executable, "-m", "so3k_explore.cli", "md", "lj7", "--model", "lennard-jones", "--duration", "0.1"]
    places = ["--detach", "--runs", str(tmp_path), "--scheduler", address]
    root = Path(__file__).parents[2]
    subprocess.run([*command, *places], check=True, cwd=root, timeout=PATIENCE, capture_output=True)
    (run,) = Runs(tmp_path).list()
    status = run.wait(PATIENCE)
    assert (status.state, status.step) == ("done", 200), status.message
    assert run._folder.status()["queue"] == address
    np.testing.assert_array_equal(run.series()["time_fs"], np.arange(0, 101, 10))
    assert not (tmp_path / "engine.json").exists()
