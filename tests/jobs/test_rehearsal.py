"""What is compiled before a run is asked for, and that it never stands in the way."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jax
import pytest

from so3k_explore.jobs import DynamicsSettings, MinimaSettings, RelaxSettings, Runs, rehearsal
from so3k_explore.jobs.inline import InlineEngine
from so3k_explore.jobs.job import Job, make_job
from so3k_explore.jobs.setting import Settings

DYNAMICS = DynamicsSettings(walkers=3, temperature=300.0, duration=0.01)
MINIMA = MinimaSettings(walkers=3, max_calls=200)


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker that has rehearsed nothing."""
    monkeypatch.setattr(rehearsal, "_stage", rehearsal._Stage())
    yield
    finish()


@pytest.fixture
def compiled() -> Iterator[list[str]]:
    """Programs compiled since the test began."""
    events: list[str] = []

    def listen(event: str, duration_secs: float, **kwargs: str | int) -> None:
        if "backend_compile" in event:
            events.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield events
    jax.monitoring.unregister_event_duration_listener(listen)


def job(settings: Settings = DYNAMICS) -> Job:
    return make_job(settings, "lj7", "lennard-jones")


def finish() -> None:
    deadline = time.monotonic() + 600
    while rehearsal._stage.current is not None and rehearsal._stage.current.going:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("settings", [DYNAMICS, MINIMA, RelaxSettings()], ids=lambda settings: settings.kind)
def test_a_rehearsed_run_compiles_nothing(settings: Settings, runs: Runs, compiled: list[str]) -> None:
    rehearsal.rehearse(job(settings).to_json())
    finish()
    assert len(rehearsal._stage.known) == 1
    assert compiled or settings.kind == "relax"
    compiled.clear()
    assert runs.submit(settings, "lj7", "lennard-jones").wait(600).state == "done"
    assert compiled == []


def test_what_is_known_is_not_rehearsed_again() -> None:
    rehearsal.rehearse(job().to_json())
    finish()
    before = rehearsal._stage.current
    rehearsal.rehearse(job(replace(DYNAMICS, temperature=700.0, seed=3)).to_json())
    assert rehearsal._stage.current is before
    rehearsal.rehearse(job(replace(DYNAMICS, walkers=2)).to_json())
    assert rehearsal._stage.current is not before


def test_a_run_waits_for_the_rehearsal_of_its_programs_and_says_so(held: threading.Event) -> None:
    rehearsal.rehearse(job().to_json())
    said: list[str] = []

    def say(message: str) -> None:
        said.append(message)
        held.set()

    rehearsal.make_way(job(), say)
    assert said
    assert rehearsal._stage.known == [rehearsal.programs_of(job(replace(DYNAMICS, relax_first=False)))]


def test_a_run_of_another_kind_ends_the_rehearsal_and_does_not_wait(held: threading.Event) -> None:
    rehearsal.rehearse(job().to_json())
    said: list[str] = []
    rehearsal.make_way(job(MINIMA), said.append)
    assert said == []
    held.set()
    finish()
    assert rehearsal._stage.known == []


def test_a_changed_form_ends_the_rehearsal_of_the_one_before(held: threading.Event) -> None:
    rehearsal.rehearse(job().to_json())
    first = rehearsal._stage.current
    rehearsal.rehearse(job(MINIMA).to_json())
    assert first is not None
    assert first._ended.is_set()
    held.set()
    finish()
    assert rehearsal._stage.known == [rehearsal.programs_of(job(MINIMA))]


def test_nothing_is_rehearsed_while_a_run_is_going() -> None:
    rehearsal.enter()
    rehearsal.rehearse(job().to_json())
    assert rehearsal._stage.current is None
    rehearsal.leave()
    rehearsal.rehearse(job().to_json())
    assert rehearsal._stage.current is not None


def test_a_rehearsal_that_fails_is_left_to_the_run_to_explain(runs: Runs) -> None:
    content = job().to_json()
    content["model"]["name"] = "no-such-model"
    rehearsal.rehearse(content)
    finish()
    assert rehearsal._stage.known == []
    assert runs.submit(DYNAMICS, "lj7", "lennard-jones").wait(600).state == "done"


def test_programs_are_dropped_after_some_molecules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "KEPT", 2)
    rehearsal._stage.known += ["one", "two"]
    rehearsal.rehearse(job().to_json())
    finish()
    assert rehearsal._stage.known == [rehearsal.programs_of(job(replace(DYNAMICS, relax_first=False)))]


def test_rehearsals_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []
    engine = InlineEngine()
    monkeypatch.setattr(engine, "rehearse", asked.append)
    runs = Runs(tmp_path / "runs", engine=engine)
    runs.rehearse(DYNAMICS, "lj7", "lennard-jones")
    assert [content["kind"] for content in asked] == ["dynamics"]
    monkeypatch.setenv("SO3K_REHEARSE", "0")
    runs.rehearse(DYNAMICS, "lj7", "lennard-jones")
    assert len(asked) == 1
