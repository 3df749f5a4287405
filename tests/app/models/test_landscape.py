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
from so3k_explore.exploration.records import Hop
from so3k_explore.exploration.vibrations import store_vibrations
from tests.app.models.fakes import FakeRun

Settle = Callable[[Session], None]


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
def shown(session: Session, cluster: Any, written: Landscape, settle: Settle, tmp_path: Path) -> Session:
    """A page that shows them in the tab Landscape."""
    open_run(session, cluster, written, tmp_path)
    settle_all(session, settle)
    return session


def open_run(session: Session, cluster: Any, landscape: Any, folder: Path, **values: Any) -> FakeRun:
    options = {"kind": "minima", "state": "done", "frames": 1, **values}
    run = FakeRun("search", cluster, found=landscape, folder=folder, **options)
    session.runs._open().runs["search"] = run  # pyright: ignore[reportAttributeAccessIssue]
    session.open(run="search", tab="landscape")
    return run


def settle_all(session: Session, settle: Settle) -> None:
    for _ in range(3):
        session.landscape._next = {}
        settle(session)


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


def test_the_way_between_two_chosen_minima_is_a_film(shown: Session, settle: Settle) -> None:
    shown.selection.choose([1, 3])
    settle_all(shown, settle)
    way = shown.way.way
    assert way is not None
    assert [(stop.kind, stop.number) for stop in way.stops] == [
        ("minimum", 1),
        ("saddle", 1),
        ("minimum", 2),
        ("bound", 0),
        ("minimum", 3),
    ]
    assert way.barrier == pytest.approx(0.6)
    assert "at most 13.84 kcal/mol there, 9.22 kcal/mol back" in shown.way.sentence
    shown.way.play()
    assert shown.scene.frames is way.frames
    shown.scene.frame = 3
    assert (shown.way.frame, shown.selection.selection) == (3, [1, 3])
    shown.minima.param.trigger("minima")  # a search finds something: the film goes on
    assert shown.scene.frames is way.frames
    shown.selection.choose([2])
    assert shown.way.frame is None
    assert shown.way.way is None


def test_minima_that_nothing_joins_have_no_way(shown: Session, settle: Settle) -> None:
    shown.selection.choose([1, 4])
    settle_all(shown, settle)
    assert shown.way.way is None
    assert "No way between these two minima is known" in shown.way.sentence


def test_saddles_are_searched_in_the_landscape_on_show(shown: Session, settle: Settle) -> None:
    assert shown.sharpening.obstacle == ""
    assert "no reference method" in shown.sharpening.no_reference
    shown.selection.choose([2])
    shown.sharpening.window = 5.0
    shown.sharpening.find_saddles()
    settle_all(shown, settle)
    runs: Any = shown.runs._open()
    settings, model, options = runs.submitted[-1]
    assert (settings.kind, settings.landscape, model) == ("saddles", "search", "lennard-jones")
    assert settings.energy_window == pytest.approx(5 * 0.0433641, rel=1e-4)
    assert options["precision"] == "float64"


def test_a_running_search_is_not_disturbed(session: Session, cluster: Any, written: Landscape, settle: Settle) -> None:
    open_run(session, cluster, written, written.path.parent, state="running")
    settle_all(session, settle)
    assert "still writing this landscape" in session.sharpening.obstacle
    session.sharpening.find_saddles()
    settle_all(session, settle)
    runs: Any = session.runs._open()
    assert runs.submitted == []


def test_another_run_is_compared_and_another_molecule_in_numbers_only(
    shown: Session, cluster: Any, butane: Any, settle: Settle, tmp_path: Path
) -> None:
    runs: Any = shown.runs._open()
    for name, molecule in (("same", cluster), ("else", butane)):
        path = tmp_path / name / "landscape.db"
        path.parent.mkdir()
        with Landscape.open(path) as other:
            other.bind(molecule)
            for k in range(2):
                other.add(1.0 + 0.3 * k, molecule.positions * (1 + 0.1 * k) + 0.01 * k)
        run = FakeRun(name, molecule, kind="minima", folder=path.parent)
        run.landscape = lambda path=path: Landscape.open(path)  # opened anew by each reader
        runs.runs[name] = run
    settle_all(shown, settle)
    assert set(shown.compared.param.other.objects) == {"", "same", "else"}
    shown.compared.other = "same"
    settle_all(shown, settle)
    assert sorted(shown.compared.found.pairs[:, 0].tolist()) == [1, 2]
    assert "2 minima in common among the 4 and 2 lowest" in shown.compared.sentence
    assert "differ by 2.31 kcal/mol" in shown.compared.sentence
    shown.compared.other = "else"
    settle_all(shown, settle)
    assert "other atoms" in shown.compared.sentence
    assert len(shown.compared.found.pairs) == 0
    shown.compared.other = ""
    assert shown.compared.found is None


def test_chosen_minima_become_files_that_other_programs_read(
    shown: Session, written: Landscape, settle: Settle, tmp_path: Path
) -> None:
    from ase.io import read

    shown.selection.choose([3, 1])
    for name, ending, read_as in (("Extended XYZ", "extxyz", "extxyz"), ("PDB", "pdb", "proteindatabank")):
        shown.exports.make(name)
        settle_all(shown, settle)
        assert shown.exports.file is not None, shown.exports.message
        file, content = shown.exports.file
        path = tmp_path / file
        path.write_bytes(content)
        frames: Any = read(path, index=":", format=read_as)
        assert (path.suffix, len(frames)) == (f".{ending}", 2)
        np.testing.assert_allclose(frames[0].positions, written.minima().positions[2], atol=2e-3)


def test_a_notebook_shows_the_same_and_names_no_path_of_this_machine(
    shown: Session, written: Landscape, settle: Settle, tmp_path: Path
) -> None:
    import nbformat

    shown.selection.choose([2, 4])
    shown.exports.make("Notebook")
    settle_all(shown, settle)
    name, content = shown.exports.file
    assert name == "search.ipynb"
    assert str(tmp_path) not in content.decode()
    found = nbformat.reads(content.decode(), as_version=4)
    nbformat.validate(found)
    code = "\n".join(cell.source for cell in found.cells if cell.cell_type == "code")
    assert "chosen = [2, 4]" in code
    compile(code, "notebook", "exec")
    from so3k_explore import views

    scope: dict[str, Any] = {"landscape": written, "chosen": [2, 4], "views": views}
    line = next(line for line in code.splitlines() if line.startswith("views.tree("))
    figure = eval(line, scope)
    assert sorted(figure.keys[k] for k in figure.chart.selected) == [2, 4]
    figure.__panel__().get_root()


def test_nothing_to_export_is_a_sentence(session: Session) -> None:
    session.exports.make("SDF")
    assert session.exports.message == "There is no minimum to write yet."
