from typing import Any

import numpy as np
import pytest

from so3k_explore import views
from so3k_explore.app.models.conformer_colors import DIPOLE, RADIUS
from so3k_explore.app.models.session import Session
from so3k_explore.app.theme import NOISE
from so3k_explore.app.views.conformers import MOMENT, ConformersTab
from so3k_explore.app.views.standalone import MapView
from so3k_explore.exploration import find_families
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.io.structures import load_molecule
from tests.app.models.fakes import FakeRun, FakeRuns
from tests.browser.apps.conformers import conformers


@pytest.fixture
def runs() -> FakeRuns:
    return FakeRuns()


@pytest.fixture(scope="module")
def peptide() -> Any:
    return load_molecule("Ac-A-NHMe")


@pytest.fixture
def landscape(peptide: Any, tmp_path: Any) -> Any:
    made = Landscape.open(tmp_path / "landscape.db")  # not closed: threads of the page may still read
    with made.transaction():
        made.bind(peptide)
        for k, positions in enumerate(conformers(peptide, 40)):
            made.add(0.01 * k, positions)
    return made


@pytest.fixture
def tab(
    session: Session,
    runs: FakeRuns,
    peptide: Any,
    landscape: Any,
) -> ConformersTab:
    runs.runs = {"search": FakeRun("search", peptide, kind="minima", state="done", found=landscape)}
    made = ConformersTab(session)
    session.open(run="search", tab="conformers")
    for _ in range(4):
        session.runs._listed = 0.0
        session.shown._next = dict.fromkeys(session.shown._next, 0.0)
        session.tick()
        session.background.wait()
    return made


def test_the_tab_can_be_drawn_with_and_without_minima(
    session: Session,
    tab: ConformersTab,
) -> None:
    assert ConformersTab(Session(lambda: FakeRuns(), "lj7")).__panel__().get_root()  # pyright: ignore[reportArgumentType]
    assert tab.__panel__().get_root()
    assert tab._map.filled
    assert tab._angles.title == "Ramachandran: Ala1"
    assert tab._table.title.endswith("40 minima, lowest first")


def test_every_picture_chooses_and_follows_the_selection(tab: ConformersTab) -> None:
    selection, keys = tab.session.selection, tab.session.families.picture.minima.keys  # pyright: ignore[reportOptionalMemberAccess]
    charts = (tab._map, tab._energies, tab._angles)
    for k, chart in enumerate(charts):
        chart._on_select([k + 2, k + 3])  # pyright: ignore[reportOptionalCall]
        assert selection.selection == [keys[k + 2], keys[k + 3]]
        assert all(other.selected == [k + 2, k + 3] for other in charts)
    tab._table._table.selection = [7]
    assert selection.focus == keys[7]
    assert all(chart.selected == [7] for chart in charts)
    selection.choose([keys[1]])
    assert tab._table._table.selection == [1]
    selection.clear()
    assert all(chart.selected == [] for chart in charts)


def test_a_residue_can_be_chosen_and_units_change(tab: ConformersTab) -> None:
    tab.session.display.energy_unit = "kJ/mol"
    assert tab._energies.y_label == "ΔE / kJ/mol"
    assert tab._pair.value == "Ala1"
    assert not tab._pair.visible  # there is no other residue


def test_controls_that_say_nothing_are_left_out(tab: ConformersTab) -> None:
    model = tab.session.families
    assert (tab._layer.visible, tab._count.visible) == (False, False)
    model.param.update(by="distances", method="kmeans")
    assert (tab._layer.visible, tab._count.visible) == (False, True)


def legend_of(tab: ConformersTab) -> list[str]:
    return [str(chip.label) for chip in tab._legend.objects]  # pyright: ignore[reportAttributeAccessIssue]


def test_dipole_moments_are_a_column_where_the_model_has_charges(tab: ConformersTab) -> None:
    assert MOMENT in tab._table._table.hidden_columns
    dipoles, keys = tab.session.dipoles, tab.session.families.picture.minima.keys  # pyright: ignore[reportOptionalMemberAccess]
    dipoles.offered = True
    assert MOMENT not in tab._table._table.hidden_columns
    assert tab._table._table.value[MOMENT].isna().all()
    dipoles.known = {keys[0]: 2.89, keys[2]: 7.44}
    shown = tab._table._table.value[MOMENT]
    assert shown[[0, 2]].tolist() == [2.89, 7.44]
    assert shown.isna().sum() == 38
    dipoles.doing = "computing dipole moments of 38 minima"
    assert tab._sentence.object.startswith("computing dipole moments of 38 minima …")
    assert tab._table.title == "40 minima, lowest first"  # not an ion, whose moment would have an origin


def test_minima_can_be_coloured_by_a_number(tab: ConformersTab) -> None:
    model, dipoles = tab.session.families, tab.session.dipoles
    before = list(tab._map._columns["points"]["color"])
    assert legend_of(tab) == []
    model.color = RADIUS
    colors = tab._map._columns["points"]["color"]
    assert colors != before
    assert tab._angles._columns["points"]["color"] == tab._energies._columns["points"]["color"] == colors
    assert [words[:2] for words in legend_of(tab)] == ["Rg", "Rg"]
    dipoles.offered = True
    model.color = DIPOLE
    assert set(tab._map._columns["points"]["color"]) == {NOISE}  # none is known yet
    dipoles.known = dict(zip(model.picture.minima.keys, np.linspace(1, 5, 40).tolist(), strict=True))  # pyright: ignore[reportOptionalMemberAccess]
    assert len(set(tab._map._columns["points"]["color"])) == 40
    assert legend_of(tab) == ["μ 1.00 D", "μ 5.00 D"]
    assert tab._map._columns["points"]["label"][39].endswith("μ 5.00 D")


def test_a_map_for_notebooks_shows_what_is_chosen(landscape: Any) -> None:
    made = views.map(landscape, projection="mds")
    assert isinstance(made, MapView)
    assert made.__panel__().get_root()
    made.map._on_select([3, 5])  # pyright: ignore[reportOptionalCall]
    assert made.energies.selected == [3, 5]
    assert made.caption.object.startswith("Minimum 4 of 40: ΔE 0.69 kcal/mol")
    (overlay, _, _), *others = made.molecule.overlays
    assert (overlay.shape, others) == ((22, 3), [])


def test_a_map_for_notebooks_takes_kept_families_and_refuses_in_words(landscape: Any, tmp_path: Any) -> None:
    find_families(landscape, "torsions", "kmedoids", clusters=2, name="mine")
    made = views.map(landscape, method="mine")
    assert np.unique(made.picture.clusters).tolist() == [0, 1]
    with pytest.raises(ValueError, match="Give a So3krates model"):
        views.map(landscape, by="features", model="lennard-jones")
    with Landscape(tmp_path / "empty.db") as empty, pytest.raises(LandscapeError, match="has no minimum"):
        views.map(empty)
