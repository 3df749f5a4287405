"""Molecules and models that view models are tested with; no worker, no page."""

from collections.abc import Callable
from typing import Any

import pytest

from so3k_explore.app.models.session import Session
from so3k_explore.io.library import named
from tests.app.models.fakes import FakeRun, FakeRuns, fake_point


@pytest.fixture(scope="session")
def cluster() -> Any:
    return named("lj7")


@pytest.fixture(scope="session")
def butane() -> Any:
    return named("butane")


@pytest.fixture
def runs(cluster: Any) -> FakeRuns:
    return FakeRuns(FakeRun("first", cluster, frames=3))


@pytest.fixture
def session(runs: FakeRuns, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Session:
    monkeypatch.setenv("SO3K_HOME", str(tmp_path))
    monkeypatch.delenv("SO3K_MODELS", raising=False)
    return Session(lambda: runs, "lj7", fake_point)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def settle() -> Callable[[Session], None]:
    """Lets a session's clock tick until nothing is left to do."""

    def run(session: Session) -> None:
        for _ in range(4):
            session.runs._listed = 0.0
            session.shown._next = dict.fromkeys(session.shown._next, 0.0)
            session.tick()
            session.background.wait()

    return run
