"""Real worker processes on the loopback interface; one engine serves all tests, because starting one takes seconds."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from so3k_explore.io.structures import load_molecule
from so3k_explore.jobs import DynamicsSettings, Run, Runs
from so3k_explore.jobs.engine import running_engine
from so3k_explore.jobs.store import is_locked

ENDLESS = DynamicsSettings(temperature=300.0, seed=1)
PATIENCE = 600  # s, for machines with too much to do


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("engine")
    yield root
    Runs(root).close(workers=True)
    assert running_engine(root) is None


@pytest.fixture
def runs(root: Path) -> Iterator[Runs]:
    runs = Runs(root)
    yield runs
    for run in runs.list():
        run.stop()
    for run in runs.list():
        run.wait(PATIENCE)
        runs.delete(run.id)
    runs.close()


def start(runs: Runs, settings: DynamicsSettings = ENDLESS, checkpoint_interval: float = 30.0) -> Run:
    molecule = load_molecule("lj13")
    return runs.submit(settings, molecule, "lennard-jones", checkpoint_interval=checkpoint_interval)


def wait_for_steps(run: Run, more: int = 1) -> int:
    before, deadline = run.status().step, time.monotonic() + PATIENCE
    while run.status().step < before + more:
        status = run.status()
        assert status.active, status.message
        assert time.monotonic() < deadline, status.message
        time.sleep(0.01)
    return run.status().step


def worker_pid(run: Run) -> int:
    return int(run._folder.status()["pid"])


def test_submitting_returns_at_once_and_updates_come_ten_times_a_second(runs: Runs) -> None:
    began = time.monotonic()
    run = start(runs)
    assert time.monotonic() - began < 2.0
    assert run.status().state == "queued"
    wait_for_steps(run)
    assert worker_pid(run) != os.getpid()
    seen, began = set(), time.monotonic()
    while time.monotonic() - began < 2.0:
        frame = run.live()
        assert frame is not None
        seen.add(frame.step)
        time.sleep(0.01)
    assert len(seen) >= 20
    status = run.status()
    assert status.speed["steps_per_second"] > 0
    assert status.speed["ns_per_day"] > 0


def test_runs_wait_for_their_turn_and_a_paused_one_gives_the_device_away(runs: Runs, root: Path) -> None:
    first = start(runs)
    wait_for_steps(first)
    second = start(runs, DynamicsSettings(duration=0.1, seed=2))
    time.sleep(0.5)
    assert second.status().state == "queued"

    elsewhere = Runs(root).get(first.id)  # as another window or a terminal would
    elsewhere.pause()
    assert second.wait(PATIENCE).state == "done"
    assert first.status().state == "paused"
    assert "another run" in first.status().message
    elsewhere.change(temperature=50)
    first.resume()
    held = first.status().step
    first.wait(PATIENCE, states=("running",))
    wait_for_steps(first)
    assert first.status().step > held
    assert first.status().details["temperature"] == 50.0


def watch(run: Run, seconds: float) -> list[tuple[float, int]]:
    """Times and steps of the newest frames."""
    seen: list[tuple[float, int]] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        frame = run.live()
        if frame is not None and (not seen or frame.step > seen[-1][1]):
            seen.append((time.monotonic(), frame.step))
        time.sleep(0.01)
    return seen


def test_a_killed_worker_loses_at_most_a_checkpoint_interval(runs: Runs) -> None:
    interval, slack = 1.0, 0.5  # s; the last block and the writing itself take some time on a busy machine
    run = start(runs, checkpoint_interval=interval)
    wait_for_steps(run, 1000)
    seen = watch(run, 3.3)
    os.kill(worker_pid(run), signal.SIGKILL)
    killed = time.monotonic()
    status = run.wait(PATIENCE)
    assert status.state == "interrupted"
    assert "Resume continues from the checkpoint" in status.message
    time.sleep(2.0)  # Dask gives the task to the new worker, which must leave it alone
    assert run.status().state == "interrupted"
    recorded = run.series()["step"]

    run.resume()
    run.wait(PATIENCE, states=("running",))
    (resumed,) = [event["step"] for event in run.events() if event["kind"] == "resumed"]
    reached = max(step for when, step in seen if when < killed - interval - slack)
    assert reached <= resumed <= recorded[-1] + ENDLESS.steps_per_frame
    assert recorded[-1] > reached
    wait_for_steps(run, 1000)
    run.stop()
    assert run.wait(PATIENCE).state == "stopped"
    times = run.trajectory().times
    np.testing.assert_allclose(np.diff(times), 10.0)
    np.testing.assert_array_equal(run.series()["time_fs"], times)


def test_a_run_outlives_the_process_that_started_it(root: Path, runs: Runs) -> None:
    program = (
        "import sys, time; from so3k_explore.jobs import DynamicsSettings, Runs\n"
        "runs = Runs(sys.argv[1]); run = runs.submit(DynamicsSettings(), 'lj13', 'lennard-jones'); runs.flush()\n"
        "print(run.id, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(root)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        run = runs.get(process.stdout.readline().strip())
        process.kill()
    wait_for_steps(run, 1000)
    assert run.status().state == "running"


def test_workers_that_are_asked_to_end_save_first_and_a_lost_queue_is_noticed(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    run, waiting = start(runs, checkpoint_interval=1000.0), start(runs)
    runs.flush()
    wait_for_steps(run, 1000)
    runs.close(workers=True)
    assert is_locked(tmp_path / "engine.lock") is False
    status = run.status()
    assert (status.state, status.message.startswith("The worker was asked to end")) == ("interrupted", True)
    assert run.series()["step"][-1] >= status.step - ENDLESS.steps_per_frame
    assert waiting.status().state == "interrupted"
    assert "queue" in waiting.status().message


def test_a_scheduler_that_is_not_there_makes_the_run_fail_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("so3k_explore.jobs.engine.CONNECT_TIMEOUT", 0.5)
    runs = Runs(tmp_path, scheduler="tcp://127.0.0.1:1")
    run = start(runs)
    status = run.wait(PATIENCE)
    assert status.state == "failed"
    assert "tcp://127.0.0.1:1 cannot be reached" in status.message
    runs.close()
