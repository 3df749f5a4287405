import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from so3k_explore.analysis.torsions import set_torsion
from so3k_explore.app.models import families
from so3k_explore.app.models.families import CHOOSE, COMPUTED, DESCRIPTORS, NOTHING_YET
from so3k_explore.app.models.session import Session
from so3k_explore.exploration.labels import list_labellings, read_labelling
from so3k_explore.exploration.landscape import Landscape
from tests.app.models.fakes import FakeRun, FakeRuns

ANGLES = (180.0, 65.0, -65.0)  # degrees: the three families, from the lowest on


def turned(butane: Any, angle: float) -> np.ndarray:
    return set_torsion(np.asarray(butane.positions, float), butane.bonds, butane.torsions[0], angle)


@pytest.fixture
def landscape(butane: Any, tmp_path: Any) -> Any:
    rng = np.random.default_rng(0)
    made = Landscape.open(tmp_path / "landscape.db")  # not closed: threads of the page may still read
    made.bind(butane)
    for k in range(18):
        made.add(0.1 * (k % 3) + 0.001 * k, turned(butane, ANGLES[k % 3] + rng.uniform(-5, 5)))
    return made


@pytest.fixture
def shown(session: Session, runs: FakeRuns, butane: Any, landscape: Any, settle: Callable[[Session], None]) -> Session:
    """A page with the tab open, showing a finished search."""
    runs.runs = {"search": FakeRun("search", butane, kind="minima", state="done", found=landscape)}
    session.open(run="search", tab="conformers")
    session.families.method = "kmedoids"
    session.families.clusters = 3
    settle(session)
    return session


def refresh(session: Session, settle: Callable[[Session], None]) -> Any:
    session.families._next = 0.0
    settle(session)
    return session.families.picture


def test_without_a_search_the_tab_says_what_to_do(session: Session, settle: Callable[[Session], None]) -> None:
    assert session.families.sentence == CHOOSE
    session.open(run="first", tab="conformers")
    settle(session)
    assert session.families.sentence.startswith("A run of the kind “dynamics” has no conformers to sort.")
    assert session.families.picture is None


def test_minima_are_mapped_and_sorted_while_the_tab_is_open(shown: Session) -> None:
    picture = shown.families.picture
    assert picture is not None
    assert picture.coordinates.shape == (18, 2)
    assert picture.clusters.tolist() == [0] * 6 + [1] * 6 + [2] * 6  # by energy, as the minima are
    assert picture.explained[0] > 0.5
    assert len(set(picture.colors)) == 3
    assert shown.families.sentence == ""
    assert picture.radii == pytest.approx(picture.radii.mean(), abs=0.3)
    assert picture.hydrogen_bonds.tolist() == [0] * 18


def test_a_tab_that_is_opened_is_drawn_before_its_minima_are_sorted_anew(
    session: Session,
    runs: FakeRuns,
    butane: Any,
    landscape: Any,
    settle: Callable[[Session], None],
) -> None:
    runs.runs = {"search": FakeRun("search", butane, kind="minima", state="done", found=landscape)}
    session.open(run="search", tab="conformers")
    session.families.method = "kmedoids"
    settle(session)
    session.tab = "molecule"
    session.families._wished()
    session.tab = "conformers"
    now = time.monotonic()
    session.families.tick(now)
    assert not session.background.busy("families")
    session.families.tick(now + 2 * families.DRAWING_SECONDS)
    assert session.background.busy("families")
    settle(session)


def test_a_family_is_chosen_from_its_middle_outwards(shown: Session) -> None:
    shown.families.choose(1)
    picture, chosen = shown.families.picture, shown.selection.selection
    assert picture is not None
    assert sorted(chosen) == [key for key in range(1, 19) if key % 3 == 2]
    assert shown.selection.focus == chosen[0] == picture.minima.keys[picture.representatives[1]]
    assert len(shown.scene.overlay) == 5
    shown.families.choose(7)  # there is none
    assert shown.families.family == 1


def test_renaming_keeps_the_families_in_the_landscape(
    shown: Session, landscape: Any, settle: Callable[[Session], None]
) -> None:
    assert list_labellings(landscape) == []
    shown.families.choose(2)
    shown.families.rename("gauche minus")
    picture = refresh(shown, settle)
    assert picture.labelling.name_of(2) == "gauche minus"
    assert shown.families.source == "torsions, kmedoids"
    assert read_labelling(landscape, "torsions, kmedoids").names == {2: "gauche minus"}
    shown.families.recolor("#123456")
    picture = refresh(shown, settle)
    assert picture.colors[-1] == "#123456"
    assert (read_labelling(landscape, "torsions, kmedoids").names, len(picture.labelling)) == ({2: "gauche minus"}, 3)
    shown.families.source = COMPUTED
    assert refresh(shown, settle).labelling.name_of(2) == "family 3"


def test_new_minima_appear_and_have_no_family_of_a_kept_labelling(
    shown: Session, butane: Any, landscape: Any, settle: Callable[[Session], None]
) -> None:
    shown.families.keep()
    assert len(refresh(shown, settle).minima) == 18
    described = shown.families._maker._rows  # pyright: ignore[reportOptionalMemberAccess]
    before = {key: id(row) for key, row in next(iter(described.values())).items()}
    landscape.add(0.5, turned(butane, 62.0))
    settle(shown)
    assert len(shown.families.picture.minima) == 18  # pyright: ignore[reportOptionalMemberAccess]
    picture = refresh(shown, settle)  # after a while
    assert (len(picture.minima), picture.clusters[-1]) == (19, -1)
    after = {key: id(row) for key, row in next(iter(described.values())).items()}
    assert {key: after[key] for key in before} == before  # nothing was described twice


def test_nothing_is_made_while_another_tab_is_open(shown: Session, settle: Callable[[Session], None]) -> None:
    before = shown.families.picture
    shown.tab = "minima"
    shown.families.by = "distances"
    assert refresh(shown, settle) is before
    shown.tab = "conformers"
    assert refresh(shown, settle).wish.by == "distances"


@pytest.mark.parametrize("state", ["done", "running"])
def test_the_first_picture_of_a_search_that_has_ended_is_made_ahead(
    state: str, session: Session, runs: FakeRuns, butane: Any, landscape: Any, settle: Callable[[Session], None]
) -> None:
    runs.runs = {"search": FakeRun("search", butane, kind="minima", state=state, found=landscape)}
    session.open(run="search", tab="molecule")
    assert refresh(session, settle) is None, "the page is being drawn"
    session.shown._since -= 60.0
    ahead = refresh(session, settle)
    assert (ahead is not None) == (state == "done")
    session.families.by = "distances"
    assert refresh(session, settle) is ahead, "nobody has asked for another one"


def test_too_few_minima_are_shown_with_a_sentence(
    session: Session, runs: FakeRuns, butane: Any, settle: Callable[[Session], None]
) -> None:
    with Landscape() as few:
        runs.runs = {"search": FakeRun("search", butane, kind="minima", found=few)}
        session.open(run="search", tab="conformers")
        few.bind(butane)
        settle(session)
        assert session.families.sentence == NOTHING_YET
        for angle in ANGLES[:2]:
            few.add(0.0, turned(butane, angle))
        picture = refresh(session, settle)
        assert len(picture.minima) == 2
        assert "Families need at least 5 minima, 2 are known" in session.families.sentence
        assert "A map needs at least 3 minima, 2 are known" in session.families.sentence


def test_equal_minima_and_missing_packages_are_told(
    shown: Session, runs: FakeRuns, butane: Any, settle: Callable[[Session], None]
) -> None:
    shown.families.method = "tree"
    assert "No pass between these minima is known" in " ".join(refresh(shown, settle).notes)
    with Landscape() as same:
        same.bind(butane)
        for _ in range(6):
            same.add(0.0, turned(butane, 180.0))
        runs.runs["same"] = FakeRun("same", butane, kind="minima", found=same)
        shown.runs.shown = "same"
        settle(shown)
        shown.tab = "conformers"
        refresh(shown, settle)
        assert "nothing tells them apart" in shown.families.sentence


def test_a_cluster_has_distances_only(
    session: Session, runs: FakeRuns, cluster: Any, settle: Callable[[Session], None]
) -> None:
    rng = np.random.default_rng(0)
    with Landscape() as seven:
        seven.bind(cluster)
        for k in range(8):
            seven.add(0.1 * k, rng.uniform(-1.5, 1.5, (7, 3)))
        runs.runs = {"search": FakeRun("search", cluster, kind="minima", found=seven)}
        session.open(run="search", tab="conformers")
        picture = refresh(session, settle)
        assert session.families.param.by.objects == {"Distances": "distances"}
        assert (picture.wish.by, picture.coordinates.shape, picture.pairs) == ("distances", (8, 2), ())


def test_features_of_a_network_name_their_layers(
    shown: Session, runs: FakeRuns, butane: Any, landscape: Any, settle: Callable[[Session], None]
) -> None:
    runs.runs["other"] = FakeRun(
        "other", butane, kind="minima", state="done", model="so3k-peptide-gfn2", found=landscape
    )
    shown.runs.shown = "other"
    settle(shown)
    shown.tab = "conformers"
    assert shown.families.param.by.objects == DESCRIPTORS
    shown.families.by = "features"
    picture = refresh(shown, settle)
    assert picture.layers == 2
    assert list(shown.families.param.layer.objects.keys()) == ["Last layer", "Layer 1", "Layer 2"]
    shown.families.layer = 0
    assert not np.allclose(refresh(shown, settle).coordinates, picture.coordinates)


def test_a_landscape_that_is_gone_is_told(shown: Session, landscape: Any, settle: Callable[[Session], None]) -> None:
    landscape.path.unlink()
    shown.families.by = "distances"
    refresh(shown, settle)
    assert "The landscape of this run is gone" in shown.families.sentence


def test_many_minima_are_mapped_before_they_are_sorted(
    shown: Session, monkeypatch: pytest.MonkeyPatch, settle: Callable[[Session], None]
) -> None:
    monkeypatch.setattr(families, "MANY", 10)
    shown.families.picture = None
    seen = []
    shown.families.param.watch(lambda event: seen.append(len(event.new.labelling)), "picture")
    shown.families._wished()
    settle(shown)
    settle(shown)
    assert seen == [0]  # the map is drawn first
    refresh(shown, settle)
    assert seen == [0, 3]
