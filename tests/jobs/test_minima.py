"""Searches for minima as runs, in worker processes that are killed."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from so3k_explore.exploration.storage import Storage
from so3k_explore.io.checkpoints import save_checkpoint
from so3k_explore.io.library import named
from so3k_explore.jobs import MinimaSettings, Run, Runs, minima
from so3k_explore.jobs.job import make_job
from so3k_explore.jobs.store import RunFolder
from tests.exploration.searches import content
from tests.jobs.test_labelling import WORKER
from tests.test_cli_training import ENVIRONMENT

SEARCH = MinimaSettings(walkers=8, max_calls=6000, seed=1)
PATIENCE = 600  # s


def started(runs: Runs, interval: float) -> Run:
    """A run on which nobody in this process works."""
    job = make_job(SEARCH, named("lj13"), "lennard-jones", "killed", checkpoint_interval=interval)
    RunFolder.create(runs.root / "killed", job.to_json())
    return runs.get("killed")


def kill_when(run: Run, now: Callable[[], bool]) -> None:
    with subprocess.Popen([sys.executable, "-c", WORKER, str(run.folder)], env=ENVIRONMENT) as worker:
        deadline = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < deadline
            assert worker.poll() is None, "it ended before it could be killed"
            if now():
                worker.send_signal(signal.SIGSTOP)
                if now():  # still, as nothing moves any more
                    break
                worker.send_signal(signal.SIGCONT)
        worker.send_signal(signal.SIGKILL)
    assert run.status().state == "interrupted"


def written(run: Run) -> tuple:
    """All that is in the landscape, and then the curves."""
    with run.landscape() as landscape:
        return *content(landscape), {name: column.tobytes() for name, column in run.series().items()}


def reaches(run: Run, calls: int) -> Callable[[], bool]:
    def there() -> bool:
        time.sleep(0.01)
        return run.status().state == "running" and run.status().step >= calls

    return there


def is_saving(run: Run) -> Callable[[], bool]:
    return lambda: run.status().step >= 1000 and any(run.folder.glob(".checkpoint.npz.*.tmp"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The search that nothing has interrupted, and its first checkpoint beside it."""
    runs = Runs(tmp_path_factory.mktemp("alone"), engine="inline")

    def save(path: Path, *arguments: Any, **options: Any) -> None:
        save_checkpoint(path, *arguments, **options)
        if not (path.parent / "first.npz").exists():
            shutil.copy(path, path.parent / "first.npz")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minima, "save_checkpoint", save)
        run = runs.submit(SEARCH, named("lj13"), "lennard-jones")
        assert run.wait(PATIENCE).state == "done"
    yield run
    runs.close()


def test_a_search_killed_before_it_was_saved_again_ends_as_if_nothing_had_happened(alone: Run) -> None:
    """As if the worker had been killed in its very last moment."""
    before = written(alone)
    shutil.copy(alone.folder / "first.npz", alone.folder / "checkpoint.npz")
    alone.resume()
    assert alone.wait(PATIENCE).state == "done"
    assert [event["step"] for event in alone.events() if event["kind"] == "resumed"] == [0]
    assert written(alone) == before


def test_a_search_killed_twice_ends_as_if_nothing_had_happened(runs: Runs, alone: Run) -> None:
    run = started(runs, interval=0.05)
    kill_when(run, is_saving(run))
    assert any(run.folder.glob(".checkpoint.npz.*.tmp"))
    first = written(run)
    kill_when(run, reaches(run, 4000))
    second = written(run)
    run.resume()
    assert run.wait(PATIENCE).state == "done"
    end = written(run)
    assert end == written(alone)
    for killed in (first, second):
        assert 0 < len(killed[2]) == len([row for row in killed[2] if row in end[2]]), "no minimum is lost or moved"
    assert not any(run.folder.glob(".checkpoint.npz.*")), "halves of checkpoints do not pile up"


def test_minima_are_on_the_disk_before_a_checkpoint_speaks_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    sync = Storage.sync

    def save(*arguments: Any, **options: Any) -> None:
        order.append("checkpoint")
        save_checkpoint(*arguments, **options)

    monkeypatch.setattr(Storage, "sync", lambda self: (order.append("landscape"), sync(self)))
    monkeypatch.setattr(minima, "save_checkpoint", save)
    runs = Runs(tmp_path, engine="inline")
    run = runs.submit(MinimaSettings(walkers=4, max_calls=200), named("lj7"), "lennard-jones")
    assert run.wait(600).state == "done"
    runs.close()
    assert len(order) >= 2
    assert order == ["landscape", "checkpoint"] * (len(order) // 2)


def test_a_resumed_search_counts_the_time_that_it_had_spent_before(tmp_path: Path) -> None:
    runs = Runs(tmp_path, engine="inline")
    run = runs.submit(MinimaSettings(walkers=4, minutes=0.001), named("lj7"), "lennard-jones")
    assert run.wait(PATIENCE).message == "Searched for 0.001 min."
    calls = run.status().step
    run.resume()
    again = run.wait(PATIENCE)
    runs.close()
    assert (again.state, again.step, again.progress) == ("done", calls, 1.0)
