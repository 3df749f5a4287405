"""Free energy, stays and RMSD of a run on the page, from the frames it has."""

from typing import Any

import numpy as np
import pytest
from bokeh.document import Document

from so3k_explore.app.models.following import ERROR
from so3k_explore.app.models.following_pictures import FEWEST, FRAMES, coordinates, followed, stays
from so3k_explore.app.models.session import Session
from so3k_explore.app.models.track import Measured
from so3k_explore.app.views.following import _Cards
from so3k_explore.io.library import named
from tests.app.models.fakes import FakeRun, FakeRuns, fake_point

BUTANE = named("butane")


def measured(molecule: Any, frames: int = 400, walkers: int = 2) -> Measured:
    """Shaken frames whose first torsion goes between trans and gauche, through angles without a name."""
    rng = np.random.default_rng(0)
    positions = molecule.positions + 0.05 * rng.normal(size=(frames, walkers, *molecule.positions.shape))
    turn = np.repeat([175.0, 120.0, 62.0, 100.0], 25)[np.arange(frames) % 100]
    torsions = np.broadcast_to(turn[:, None, None], (frames, walkers, max(1, len(molecule.torsions))))
    return Measured(10.0 * np.arange(frames), positions.astype(np.float32), torsions, np.arange(frames))


def test_states_are_named_and_looks_over_the_barrier_do_not_count() -> None:
    found = stays(BUTANE, measured(BUTANE))
    assert found is not None
    assert sorted(found.names) == ["g+", "t"]
    np.testing.assert_allclose(found.residence.populations, 0.5, atol=0.02)
    trans, gauche = found.names.index("t"), found.names.index("g+")
    assert found.residence.exits[[trans, gauche]].tolist() == [8, 6]  # the last stays go on
    np.testing.assert_allclose(found.residence.times[[trans, gauche]], [500.0, 4000 / 6])  # fs
    assert found.ways_out(trans) == "g+ 8"
    assert stays(BUTANE, measured(BUTANE, frames=FEWEST - 1)) is None


def test_everything_is_made_from_the_frames() -> None:
    names = tuple(coordinates(BUTANE))
    assert names[-2:] == ("radius of gyration", "RMSD to the start")
    found = followed(BUTANE, measured(BUTANE), (names[0], names[-1]), 1, 300.0)
    assert found.surface is not None
    assert found.surface.energies.shape == (36, 36)
    assert found.surface.counts.sum() == 800
    assert found.rmsd.shape == (FRAMES, FRAMES)
    np.testing.assert_allclose(found.rmsd, found.rmsd.T, atol=1e-6)
    np.testing.assert_allclose(np.diag(found.rmsd), 0.0, atol=1e-6)
    assert 0.02 < found.rmsd[0, 1] < 0.2


def test_a_cluster_has_distances_but_no_names() -> None:
    cluster = named("lj7")
    found = followed(cluster, measured(cluster), tuple(coordinates(cluster)), 0, 300.0)  # type: ignore[arg-type]
    assert found.surface is not None
    assert found.rmsd.shape == (FRAMES, FRAMES)
    few = followed(cluster, measured(cluster, 5), tuple(coordinates(cluster)), 0, 300.0)  # type: ignore[arg-type]
    assert few.surface is None
    assert few.rmsd.shape == (5, 5)


def test_it_is_computed_only_while_somebody_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("SO3K_HOME", str(tmp_path))
    monkeypatch.delenv("SO3K_MODELS", raising=False)
    runs = FakeRuns(FakeRun("first", BUTANE, frames=3))
    session = Session(lambda: runs, "lj7", fake_point)  # pyright: ignore[reportArgumentType]
    cards = _Cards(session)
    assert cards.__panel__().get_root(Document()) is not None
    session.shown.attach(runs.get("first"))  # pyright: ignore[reportArgumentType]
    session.shown.measured = measured(BUTANE)
    session.tab = "dynamics"
    model = session.following
    model.tick(1e9)
    assert not session.background.busy("following")
    model.open = True
    model.tick(1e9)
    session.background.wait()
    assert model.found is not None
    assert cards._surface.filled
    assert cards._matrix.filled
    assert "frames count as" in cards._sentence.object
    assert model.found.stays is not None
    assert list(cards._stays._table.value["Conformation"]) == list(model.found.stays.names)
    model.quantity = ERROR
    assert cards._surface.title == "Error of the free energy"
    before = model.found
    model.tick(2e9)
    assert not session.background.busy("following")  # nothing is new
    model.first = model.param.first.objects[-1]
    model.tick(3e9)
    session.background.wait()
    assert model.found is not before
    assert cards._surface.x_label == "RMSD to the start / Å"
