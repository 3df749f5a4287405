"""What the tab Landscape knows, with real landscapes and runs without a worker."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from so3k_explore.app.models.landscape import CHOOSE, FREE, NOTHING_YET
from so3k_explore.app.models.landscape_pictures import STRATEGY, VISITS
from so3k_explore.app.models.session import Session
from so3k_explore.exploration.labels import Labelling, write_labelling
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.vibrations import store_vibrations
from tests.app.models.landscapes import open_run, settle_all

Settle = Callable[[Session], None]


def test_tree_network_and_coverage_appear(shown: Session) -> None:
    model = shown.landscape
    assert model.sentence == ""
    assert model.tree is not None
    assert sorted(model.tree.keys.tolist()) == [1, 2, 3, 4]
    assert "2 parts" in model.tree.sentence
    assert model.network is not None
    assert sorted(model.network.kinds) == ["bound", "move", "saddle"]
    assert model.seen is not None
    assert [coverage.minima for _, coverage in model.seen.windows] == [1, 2, 3, 4, 4]
    assert model.seen.growth.minima[-1] == 3  # nobody arrived at the fourth


def test_without_hops_only_saddles_connect(shown: Session, settle: Settle) -> None:
    shown.landscape.bounds = False
    settle_all(shown, settle)
    assert shown.landscape.tree is not None
    assert shown.landscape.tree.tree.components.tolist() == [0, 0, 1, 2]


def test_leaves_are_coloured_by_what_is_known_and_by_labellings(
    shown: Session, written: Landscape, settle: Settle
) -> None:
    model = shown.landscape
    model.color_by = STRATEGY
    settle_all(shown, settle)
    assert model.tree is not None
    assert set(model.tree.coloring.names.values()) == {"hopping", "kicks"}
    with Landscape.open(written.path) as other:
        write_labelling(other, Labelling("shape", np.array([1, 2, 3]), np.array([0, 0, 1]), {0: "round"}))
    settle_all(shown, settle)
    assert "shape" in model.param.color_by.objects
    model.color_by = "shape"
    settle_all(shown, settle)
    assert model.tree.coloring.names[0] == "round"
    groups = dict(zip(model.tree.keys.tolist(), model.tree.coloring.groups.tolist(), strict=True))  # pyright: ignore
    assert groups == {1: 0, 2: 0, 3: 1, 4: -1}
    model.color_by = VISITS
    settle_all(shown, settle)
    assert model.tree.coloring.values is not None


def test_what_another_program_writes_appears(shown: Session, written: Landscape, settle: Settle) -> None:
    before = shown.landscape.seen
    settle_all(shown, settle)
    assert shown.landscape.seen is before  # nothing has changed
    with Landscape.open(written.path) as other:
        other.add_saddle(3, 4, 0.5, np.asarray(written.minima().positions[3]), frequency=-50.0)
    settle_all(shown, settle)
    assert shown.landscape.tree is not None
    assert shown.landscape.tree.tree.components.tolist() == [0, 0, 0, 0]


def test_free_energies_need_frequencies_and_follow_the_temperature(
    shown: Session, written: Landscape, settle: Settle
) -> None:
    model = shown.landscape
    assert "frequencies" in model.no_thermal
    stiff, soft = np.linspace(100, 300, 15), np.linspace(10, 30, 15)
    with Landscape.open(written.path) as other:
        store_vibrations(other, "minimum", [1, 2], [stiff, soft])
        store_vibrations(other, "saddle", [1], [np.append(-80.0, soft[1:])])
    settle_all(shown, settle)
    assert model.no_thermal == ""
    model.energy = FREE
    orders = []
    for kelvin in (10.0, 900.0):
        model.temperature = kelvin
        settle_all(shown, settle)
        assert model.tree is not None
        orders.append(model.tree.keys[np.argsort(model.tree.energies)].tolist())
    assert orders == [[1, 2], [2, 1]]  # entropy wins
    assert "2 minima have no stored frequencies" in model.tree.sentence
    assert model.thermal is not None
    np.testing.assert_allclose(model.thermal.shares.sum(axis=0), 1.0)


def test_an_empty_landscape_no_run_and_other_kinds_say_so(
    session: Session, cluster: Any, settle: Settle, tmp_path: Path
) -> None:
    assert session.landscape.sentence == CHOOSE
    empty = Landscape.open(tmp_path / "landscape.db")
    open_run(session, cluster, empty, tmp_path)
    settle_all(session, settle)
    assert session.landscape.sentence == NOTHING_YET
    assert session.landscape.tree is None
    session.runs.shown = "first"
    settle_all(session, settle)
    assert "dynamics" in session.landscape.sentence


@pytest.mark.parametrize("state", ["done", "running"])
def test_the_tree_of_a_search_that_has_ended_is_made_ahead(
    state: str, session: Session, cluster: Any, written: Landscape, settle: Settle, tmp_path: Path
) -> None:
    open_run(session, cluster, written, tmp_path, state=state)
    session.tab = "molecule"
    settle_all(session, settle)
    assert session.landscape.tree is None, "the page is being drawn"
    session.shown._since -= 60.0
    settle_all(session, settle)
    assert (session.landscape.tree is not None) == (state == "done")
    assert session.landscape.network is None
    session.tab = "landscape"
    settle_all(session, settle)
    assert session.landscape.network is not None


def test_one_minimum_is_a_tree_of_one_leaf(session: Session, cluster: Any, settle: Settle, tmp_path: Path) -> None:
    landscape = Landscape.open(tmp_path / "landscape.db")
    landscape.bind(cluster)
    landscape.add(0.0, cluster.positions)
    open_run(session, cluster, landscape, tmp_path)
    settle_all(session, settle)
    assert session.landscape.tree is not None
    assert session.landscape.tree.sentence == "One minimum: nothing to connect yet."


def test_a_damaged_and_a_deleted_landscape_are_a_sentence(
    shown: Session, written: Landscape, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    def broken(*_: Any) -> Any:
        raise sqlite3.DatabaseError("database disk image is malformed")

    with monkeypatch.context() as patch:
        patch.setattr(type(written), "version", property(broken))
        settle_all(shown, settle)
        assert "cannot be read (database disk image is malformed)" in shown.landscape.sentence
    written.path.unlink()
    settle_all(shown, settle)
    assert "deleted" in shown.landscape.sentence
    assert shown.scene.structure is not None
