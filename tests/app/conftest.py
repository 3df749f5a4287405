"""Molecules, runs and sessions that models and views are tested with; no worker, no page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from so3k_explore.app.models.session import Session
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.records import Hop
from so3k_explore.io.library import named
from tests.app.models.fakes import FakeRun, FakeRuns, fake_point
from tests.app.models.landscapes import open_run, settle_all


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


@pytest.fixture
def written(cluster: Any, tmp_path: Path) -> Landscape:
    """Four minima: 1, 2 and 3 joined by a saddle and a hop, 4 by nothing."""
    landscape = Landscape.open(tmp_path / "landscape.db")
    landscape.bind(cluster)
    for k, energy in enumerate((0.0, 0.1, 0.2, 0.3)):
        landscape.add(energy, cluster.positions * (1 + 0.1 * k), call=10 * k, strategy="kicks" if k else "hopping")
    landscape.add_saddle(1, 2, 0.4, cluster.positions * 1.05, frequency=-80.0)
    for start, finish, barrier in ((None, 1, None), (None, 2, None), (2, 3, 0.6), (3, 1, None)):
        landscape.add_hop(Hop(start, finish, 40, 0, "hopping", barrier, accepted=True))
    return landscape


@pytest.fixture
def shown(
    session: Session, cluster: Any, written: Landscape, settle: Callable[[Session], None], tmp_path: Path
) -> Session:
    """A page that shows them in the tab Landscape."""
    open_run(session, cluster, written, tmp_path)
    settle_all(session, settle)
    return session
