import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from so3k_explore.app.models.session import Session
from so3k_explore.exploration.records import Minima
from so3k_explore.potentials import registry
from tests.app.models.fakes import FakeRun, FakeRuns

Settle = Callable[[Session], None]


class FakeLandscape:
    def __init__(self, found: Minima) -> None:
        self._found = found

    def minima(self) -> Minima:
        return self._found

    @property
    def version(self) -> int:
        return id(self._found)


def landscape(positions: np.ndarray) -> FakeLandscape:
    stretched = np.stack([positions * 1.2, positions, positions * 1.1])
    counts = np.array([1, 4, 2])
    energies = np.array([-1.0, -3.0, -2.0])
    return FakeLandscape(Minima(counts * 0 + [1, 2, 3], energies, stretched, counts, 10 * counts, counts, (), ()))


def test_a_page_opens_with_a_molecule_and_a_model_that_fits(session: Session, settle: Settle) -> None:
    session.open()
    settle(session)
    assert session.molecule.molecule.n_atoms == 7
    assert session.potential.name_ == "lennard-jones"
    assert session.scene.structure is not None
    assert session.run.obstacle == ""


def test_without_a_network_the_page_says_so_and_offers_one(
    session: Session, settle: Settle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(registry, "PRETRAINED", tmp_path / "nothing")
    session.open()
    settle(session)
    assert "No SO3krates model is installed" in session.potential.notice
    assert session.potential.wanted is not None
    assert session.potential.wanted.name == "so3lr"


def test_a_model_chosen_by_hand_stays_for_the_molecules_that_it_knows(
    session: Session, settle: Settle, tmp_path: Path
) -> None:
    session.open()
    settle(session)
    model = tmp_path / "mine.npz"
    shutil.copy(registry.PRETRAINED / "so3k-peptide-gfn2.npz", model)
    session.potential.add(model, "mine", lambda: None, lambda error: pytest.fail(str(error)))
    settle(session)
    assert session.potential.name_ == "mine"
    for text, name in (("ethanol", "mine"), ("lj7", "lennard-jones"), ("water", "so3k-peptide-gfn2")):
        session.molecule.open_text(text)
        settle(session)
        assert session.potential.name_ == name


def test_the_button_says_which_model_is_missing_for_a_molecule(session: Session, settle: Settle) -> None:
    session.open()
    settle(session)
    session.molecule.open_text("water")
    settle(session)
    assert (session.potential.name_, session.run.obstacle) == ("so3k-peptide-gfn2", "")
    session.molecule.open_text("CSC")
    settle(session)
    assert session.potential.name_ == "so3lr"
    assert "so3lr is not installed" in session.run.obstacle


def test_starting_a_run_submits_the_form_and_shows_the_run(session: Session, runs: FakeRuns, settle: Settle) -> None:
    session.open()
    settle(session)
    session.run.forms["dynamics"].param.update(walkers=3, duration=0.5)
    session.start()
    settle(session)
    settings, model, options = runs.submitted[0]
    assert (settings.walkers, settings.duration, model) == (3, 0.5, "lennard-jones")
    assert options == {"precision": "float32", "long_range_cutoff": None}
    assert session.tab == "dynamics"
    assert session.shown.run is runs.runs[session.runs.shown]


def test_an_address_with_a_run_attaches_to_it_with_its_history(session: Session, settle: Settle) -> None:
    session.open(run="first", tab="dynamics")
    settle(session)
    assert session.shown.run.id == "first"
    assert session.shown.series["time_fs"].tolist() == [0.0, 5.0, 10.0]
    assert session.shown.measured is not None
    assert len(session.shown.measured.times) == 3
    assert session.tab == "dynamics"


def test_a_going_run_is_followed_live_and_its_frames_are_given_when_asked_for(session: Session, settle: Settle) -> None:
    session.open(run="first")
    settle(session)
    assert session.scene.live is not None
    assert session.scene.frames is None
    session.scene.follow = False
    assert session.scene.frames is not None
    assert session.scene.frames.shape[0] == 3


def test_the_frames_of_an_ended_run_can_be_played_at_once(session: Session, runs: FakeRuns, settle: Settle) -> None:
    runs.runs["first"].state = "done"
    session.open(run="first")
    settle(session)
    assert session.scene.frames is not None
    session.scene.walker = 1
    assert session.scene.frames.shape == (3, 7, 3)


def test_a_new_molecule_leaves_the_run(session: Session, settle: Settle) -> None:
    session.open(run="first")
    settle(session)
    session.molecule.open_text("lj13")
    settle(session)
    assert session.shown.run is None
    assert session.runs.shown == ""
    assert len(session.scene.structure.numbers) == 13  # pyright: ignore[reportOptionalMemberAccess]


def test_a_chosen_minimum_is_shown_and_the_others_laid_over_it(session: Session, cluster: Any, settle: Settle) -> None:
    run = FakeRun("search", cluster, kind="minima", found=landscape(cluster.positions))
    session.runs._open().runs["search"] = run  # pyright: ignore[reportAttributeAccessIssue]
    session.open(run="search", tab="minima")
    settle(session)
    minima = session.minima.minima
    assert minima is not None
    assert minima.energies.tolist() == [0.0, 1.0, 2.0]
    assert minima.keys == (2, 3, 1)
    session.minima.choose([1, 0])
    assert session.scene.title == "Minimum 2 of 3"
    assert "23.06 kcal/mol" in session.scene.detail
    assert len(session.scene.overlay) == 1
    session.display.energy_unit = "eV"
    assert "1.000 eV" in session.scene.detail
    session.minima.step(1)
    assert session.scene.title == "Minimum 3 of 3"
    session.selection.clear()
    assert session.scene.title == run.name


def search(session: Session, cluster: Any, state: str = "done") -> FakeRun:
    """A page on a search with three minima, whose keys from the lowest on are 2, 3, 1."""
    run = FakeRun("search", cluster, kind="minima", state=state, found=landscape(cluster.positions))
    session.runs._open().runs["search"] = run  # pyright: ignore[reportAttributeAccessIssue]
    return run


def test_the_player_walks_through_the_minima_by_energy(session: Session, cluster: Any, settle: Settle) -> None:
    search(session, cluster)
    session.open(run="search", tab="minima")
    settle(session)
    scene, minima, chosen = session.scene, session.minima, session.selection
    assert scene.title == "Minimum 1 of 3"
    assert scene.frames is not None
    assert (scene.frames.shape, scene.times, scene.frame) == ((3, 7, 3), None, 0)
    frames = scene.frames
    scene.frame = 2
    assert (chosen.focus, chosen.selection, scene.title) == (1, [1], "Minimum 3 of 3")
    minima.choose([1, 0])
    assert (scene.frame, len(scene.overlay)) == (1, 1)
    assert scene.frames is frames
    chosen.clear()
    assert scene.frames is None


def test_a_minimum_found_below_the_others_does_not_move_the_focus(
    session: Session, cluster: Any, settle: Settle
) -> None:
    run = search(session, cluster, state="running")
    session.open(run="search", tab="minima")
    settle(session)
    session.minima.choose([1])
    found = run.found.minima()
    ids, energies = np.append(found.ids, 9), np.append(found.energies, -5.0)
    positions = np.concatenate([found.positions, 1.3 * cluster.positions[None]])
    counts = np.append(found.visits, 1)
    run.found._found = Minima(ids, energies, positions, counts, counts, counts, (), ())
    session.scene.playing = True
    settle(session)
    assert (session.selection.focus, session.scene.title, session.scene.frame) == (3, "Minimum 3 of 4", 1)
    session.scene.playing = False
    session.minima.choose([0])
    assert session.scene.frames is not None
    assert (len(session.scene.frames), session.scene.title) == (4, "Minimum 1 of 4")


def test_card_and_tab_follow_the_kind_of_the_run(session: Session, cluster: Any, settle: Settle) -> None:
    search(session, cluster)
    session.open(run="first", tab="dynamics")
    settle(session)
    assert (session.run.kind, session.tab) == ("dynamics", "dynamics")
    session.runs.shown = "search"
    settle(session)
    assert (session.run.kind, session.tab) == ("minima", "minima")
    session.runs.shown = "first"
    settle(session)
    assert (session.run.kind, session.tab) == ("dynamics", "dynamics")


def test_an_address_decides_about_the_tab(session: Session, cluster: Any, settle: Settle) -> None:
    search(session, cluster)
    session.open(run="search", tab="dynamics")
    settle(session)
    assert (session.run.kind, session.tab) == ("minima", "dynamics")


def test_a_deleted_run_can_be_brought_back(session: Session, runs: FakeRuns, settle: Settle) -> None:
    session.open(run="first")
    settle(session)
    session.runs.delete("first")
    settle(session)
    assert (session.runs.deleted, session.runs.entries) == ("first", [])
    session.runs.restore()
    settle(session)
    assert [run.id for run, _ in session.runs.entries] == ["first"]


def test_a_failure_of_the_queue_becomes_a_sentence(session: Session, runs: FakeRuns, settle: Settle) -> None:
    session.open()
    settle(session)
    session.runs.act("stop", "first")  # the fake cannot stop
    settle(session)
    assert session.runs.failed
    assert "stop" in session.runs.message


def test_runs_that_ended_while_nobody_looked_are_told_once(session: Session, runs: FakeRuns, settle: Settle) -> None:
    for number, (state, updated) in enumerate([("done", 20.0), ("failed", 30.0), ("done", 5.0), ("running", 30.0)]):
        runs.runs[str(number)] = FakeRun(str(number), runs.runs["first"].molecule, state=state, updated=updated)
    runs.looked = 10.0
    session.open()
    settle(session)
    assert session.runs.greeting == "2 runs finished while you were away: a run dynamics, a run dynamics."
    session.runs._opened -= 61.0
    settle(session)
    assert session.runs.greeting == ""


def test_an_uploaded_model_gets_the_name_of_its_file_or_a_new_one(session: Session, settle: Settle) -> None:
    session.open()
    settle(session)
    content = (registry.PRETRAINED / "so3k-peptide-gfn2.npz").read_bytes()
    for name in ("my model.npz", "my model.npz", "so3k-peptide-gfn2.npz"):
        session.potential.open_file(content, name)
        settle(session)
    assert session.potential.error == ""
    assert session.potential.name_ == "so3k-peptide-gfn2-2"
    assert {"my-model", "my-model-2", "so3k-peptide-gfn2-2"} <= {model.name for model in session.potential.models}


def test_an_uploaded_file_that_is_no_model_says_so_and_changes_nothing(session: Session, settle: Settle) -> None:
    session.open()
    settle(session)
    before = session.potential.name_
    session.potential.open_file(b"no model", "notes.npz")
    settle(session)
    assert "notes.npz" in session.potential.error
    assert session.potential.name_ == before


def test_an_address_names_minima_that_are_chosen(session: Session, cluster: Any, settle: Settle) -> None:
    search(session, cluster)
    session.open(run="search", tab="minima", focus="1", selection="3,1,x")
    settle(session)
    assert (session.selection.focus, session.selection.selection) == (1, [1, 3])
    assert session.scene.title == "Minimum 3 of 3"


def test_an_address_with_minima_that_are_not_there_shows_the_lowest(
    session: Session, cluster: Any, settle: Settle
) -> None:
    search(session, cluster)
    session.open(run="search", tab="minima", focus="77", selection="77,78")
    settle(session)
    assert (session.selection.focus, session.selection.selection) == (2, [2])
