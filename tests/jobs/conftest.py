"""Folders of runs that are over with their test, and models that take their time."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from so3k_explore.jobs import Runs
from so3k_explore.potentials import registry


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    """An empty folder of runs, worked on in this process."""
    runs = Runs(tmp_path / "runs", engine="inline")
    yield runs
    for run in runs.list():
        run.stop()
    runs.close()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Loading a model takes until this event is set."""
    event, load = threading.Event(), registry.load_potential

    def slow(*arguments: object, **options: object) -> object:
        assert event.wait(600)
        return load(*arguments, **options)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(registry, "load_potential", slow)
    yield event
    event.set()
