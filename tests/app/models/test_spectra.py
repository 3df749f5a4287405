"""What the tab Spectra knows, without a page and without a worker."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from so3k_explore.app.models.session import Session
from so3k_explore.app.models.spectra_pictures import (
    NO_DIPOLES,
    NO_VELOCITIES,
    SWING,
    WAITING,
    Lines,
    film,
    shares_of,
    spectra_of,
)
from so3k_explore.io.trajectories import read_trajectory
from so3k_explore.io.trajectory_writer import TrajectoryWriter
from so3k_explore.jobs.harmonic import Harmonic, Structures
from tests.app.models.fakes import FakeRun, FakeRuns

FREQUENCIES = np.array([300.0, 1200.0, 3000.0])


def harmonic(atoms: int = 7, energy: float = -1.0, lowest: float = 300.0) -> Harmonic:
    rng = np.random.default_rng(0)
    modes = rng.normal(size=(3, atoms, 3))
    modes /= np.sqrt(np.sum(modes**2, axis=(1, 2)))[:, None, None]
    frequencies = np.array([lowest, 1200.0, 3000.0])
    return Harmonic(
        energy, 1e-3, rng.normal(size=(atoms, 3)), frequencies, modes, np.ones(3), np.array([1.0, 5.0, 0.0])
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Structures]:
    """Questions that would have gone to the helper process."""
    questions: list[Structures] = []

    def answer(question: Structures) -> list[Harmonic]:
        questions.append(question)
        return [harmonic(len(question.numbers), energy=-1.0 - 0.01 * k) for k in range(len(question.positions))]

    monkeypatch.setattr("so3k_explore.jobs.harmonic.harmonic_apart", answer)
    return questions


@pytest.fixture
def shown(session: Session, settle: Callable[[Session], None]) -> Session:
    """A session that shows the run of the fixture `runs`."""
    session.open("first", "spectra")
    settle(session)
    return session


def trajectory(path: Path, molecule: Any, frames: int, **recorded: bool) -> Path:
    rng = np.random.default_rng(1)
    positions = molecule.positions + 0.01 * rng.normal(size=(frames, 2, *molecule.positions.shape))
    with TrajectoryWriter(path, molecule.system, walkers=2, flush_every=500) as writer:
        for k in range(frames):
            vectors = {}
            if recorded.get("velocities"):
                vectors["velocities"] = 0.001 * rng.normal(size=positions.shape[1:])
            if recorded.get("dipoles"):
                vectors["dipoles"] = rng.normal(size=(2, 3))
            writer.append(2.0 * k, 4 * k, positions[k], temperature=300.0, **vectors)
    return path


def test_without_a_run_harmonic_lines_of_the_molecule_are_offered(
    session: Session, settle: Callable[[Session], None], asked: list[Structures]
) -> None:
    session.open("", "spectra")
    settle(session)
    model = session.spectra
    assert "when a run of dynamics is shown" in model.no_dynamics
    assert model.about == session.molecule.molecule.name
    model.compute()
    assert model.computing
    assert session.background.doing == f"computing the vibrations of {model.about}"
    session.background.wait()
    assert not model.computing
    assert asked[0].model == "lennard-jones"
    assert model.lines is not None
    session.molecule.open_text("lj13")
    session.background.wait()
    assert model.lines is None  # another molecule
    session.molecule.open_text("lj7")


def test_a_mode_plays_until_something_else_is_shown(
    runs: FakeRuns, session: Session, settle: Callable[[Session], None], asked: list[Structures]
) -> None:
    runs.runs["first"].state = "done"
    session.open("first", "spectra")
    settle(session)
    shown, model, scene = session, session.spectra, session.scene
    recorded = scene.frames
    assert recorded is not None
    model.compute()
    shown.background.wait()
    assert np.allclose(asked[0].positions[0], shown.shown.run.molecule.positions)
    assert model.nearest(1180.0) == 1
    assert model.nearest(2000.0) is None
    model.play(1)
    assert scene.film
    assert scene.playing
    assert (model.mode, scene.title) == (1, "Normal mode 2 of 3, 1200 cm⁻¹")
    shown._recorded()
    assert model.mode == 1  # new frames of the run do not interrupt
    model.stop()
    assert model.mode is None
    assert not scene.film
    assert scene.frames is not None
    assert scene.frames.shape == recorded.shape


def test_a_failure_is_a_sentence_and_can_be_tried_again(shown: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(question: Structures) -> list[Harmonic]:
        raise ValueError("The weights are gone.")

    monkeypatch.setattr("so3k_explore.jobs.harmonic.harmonic_apart", fail)
    shown.spectra.compute()
    shown.background.wait()
    assert shown.spectra.problem == "Harmonic lines could not be computed: The weights are gone."
    assert not shown.spectra.computing


@pytest.mark.parametrize(
    ("kind", "sentence"), [("relax", "no dynamics"), ("train", "no dynamics"), ("minima", "minimum")]
)
def test_other_kinds_of_run_say_what_works(
    cluster: Any, runs: FakeRuns, session: Session, settle: Callable[[Session], None], kind: str, sentence: str
) -> None:
    runs.runs["first"].kind = kind
    session.open("first", "spectra")
    settle(session)
    assert sentence in session.spectra.no_dynamics
    assert (session.spectra.about == "") == (kind in ("train", "minima"))  # the search has found nothing yet


def test_what_was_not_recorded_or_is_too_short_is_said(cluster: Any, tmp_path: Path) -> None:
    run = FakeRun("x", cluster)
    run.trajectory = lambda: None  # type: ignore[method-assign]
    found = spectra_of(run, 10.0, 0.0, None)
    assert found is not None
    assert (found.no_power, found.no_infrared) == (WAITING, WAITING)
    path = trajectory(tmp_path / "plain.h5", cluster, 300)
    run.trajectory = lambda: read_trajectory(path)  # type: ignore[method-assign,assignment]
    found = spectra_of(run, 10.0, 0.0, None)
    assert found is not None
    assert (found.no_power, found.no_infrared) == (NO_VELOCITIES, NO_DIPOLES)
    path = trajectory(tmp_path / "short.h5", cluster, 20, velocities=True)
    found = spectra_of(run, 10.0, 0.0, None)
    assert found is not None
    assert (found.no_power, found.power) == (WAITING, None)


def test_a_young_trajectory_is_shown_as_sharply_as_it_can_be(cluster: Any, tmp_path: Path) -> None:
    path = trajectory(tmp_path / "t.h5", cluster, 600, velocities=True, dipoles=True)
    run = FakeRun("x", cluster)
    run.trajectory = lambda: read_trajectory(path)  # type: ignore[method-assign,assignment]
    found = spectra_of(run, 10.0, 0.0, None)
    assert found is not None
    assert found.power is not None
    assert found.infrared is not None
    assert 38 < found.power.resolution < 45  # 1.2 ps
    assert found.power.integral() == pytest.approx(15.0)
    assert spectra_of(run, 10.0, 0.0, found) is None  # nothing new
    coarse = spectra_of(run, 60.0, 100.0, None)
    assert coarse is not None
    assert coarse.power is not None
    assert coarse.power.resolution == pytest.approx(60.0, rel=0.02)


def test_a_film_is_one_period_and_moves_no_atom_too_far() -> None:
    frames, times = film(harmonic(), 2)
    still = harmonic().positions
    np.testing.assert_allclose(frames[0], still, atol=1e-6)
    assert np.linalg.norm(frames - still, axis=-1).max() == pytest.approx(SWING, rel=1e-3)
    np.testing.assert_allclose(times[-1] + times[1], 11.12, atol=0.01)  # fs, 3000 cm⁻¹


def test_lines_are_weighted_by_boltzmann() -> None:
    pair = (harmonic(energy=-1.0), harmonic(energy=-1.0 - 0.025852 * np.log(3)))
    shares = shares_of(pair, 300.0)
    np.testing.assert_allclose(shares, [0.25, 0.75], rtol=1e-3)
    np.testing.assert_allclose(shares_of((pair[0], harmonic(energy=-9.0, lowest=-50.0)), 300.0), [1.0, 0.0])
    lines = Lines("2 minima", pair[0], pair, shares, 300.0)
    grid = np.arange(0.0, 4000.0, 1.0)
    infrared = lines.broadened(grid, 10.0, infrared=True)
    assert infrared is not None
    assert infrared.sum() == pytest.approx(6.0, rel=0.02)
    assert lines.averaged
