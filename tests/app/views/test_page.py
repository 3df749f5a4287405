"""Every part of the page can be laid out without a browser, and follows its model."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import panel_material_ui as pmui
from bokeh.document import Document

from so3k_explore.app.address import keep_address
from so3k_explore.app.main import Components, create_app, explore
from so3k_explore.app.models.background import Background
from so3k_explore.app.models.potential import PotentialModel
from so3k_explore.app.models.session import Session
from so3k_explore.app.views.echo import Echo
from so3k_explore.app.views.fields import NumberField
from so3k_explore.app.views.minima import MinimaTab
from so3k_explore.app.views.model_card import ModelCard
from so3k_explore.app.views.run_card import LiveFields, RunCard
from so3k_explore.app.views.runs import RunList
from so3k_explore.app.views.status import StatusLine
from so3k_explore.io.library import named
from tests.app.models.fakes import FakeRun, FakeRuns, fake_point
from tests.app.models.test_session import landscape


def tick(session: Session, times: int = 4) -> None:
    for _ in range(times):
        session.runs._listed = 0.0
        session.shown._next = dict.fromkeys(session.shown._next, 0.0)
        session.tick()
        session.background.wait()


def test_the_whole_page_can_be_laid_out(runs: Any) -> None:
    page = create_app(runs)
    assert page.get_root(Document()) is not None
    assert page.title == "so3k explore"


def test_the_page_of_a_notebook_starts_from_atoms(runs: Any) -> None:
    assert explore(named("lj7").system.to_ase(), runs).get_root(Document()) is not None


def test_all_tabs_draw_a_run_that_has_frames(session: Session) -> None:
    components = Components(session)
    for tab in ("molecule", "dynamics", "minima"):
        session.tab = tab
    session.open(run="first")
    tick(session)
    assert components.viewer.pane.n_atoms == 7
    assert session.shown.run is not None


def test_the_table_of_minima_names_the_unit_and_has_no_shapes_of_a_cluster(session: Session, runs: Any) -> None:
    molecule = named("lj7")
    runs.runs["search"] = FakeRun("search", molecule, kind="minima", state="done", found=landscape(molecule.positions))
    card = MinimaTab(session)._table
    session.open(run="search")
    tick(session)
    assert card._table.titles == {"ΔE": "ΔE / kcal/mol"}
    assert card._table.hidden_columns == ["Shape"]
    session.display.energy_unit = "eV"
    assert card._table.titles == {"ΔE": "ΔE / eV"}


def test_pause_and_stop_stand_in_the_line_that_is_always_visible(session: Session, runs: Any) -> None:
    line = StatusLine(session)
    session.open(run="first")
    tick(session)
    assert line._layout.select(lambda part: part is line._buttons._stop)
    assert line._buttons._pause.visible
    assert line._buttons._stop.visible
    runs.runs["first"].state = "done"
    tick(session)
    assert not line._buttons._bar.visible


def test_the_button_carries_the_reason_why_it_cannot_be_pressed(session: Session) -> None:
    card = RunCard(session.run, session.start)
    assert card._button.disabled
    assert card._why.object == "Choose a molecule first."
    session.open()
    tick(session)
    card.refresh()
    assert not card._button.disabled


def test_a_wrong_entry_is_refused_with_what_is_expected(session: Session) -> None:
    form = session.run.forms["dynamics"]
    field = NumberField(form, "walkers")
    field._layout.value = "many"
    assert field._layout.error_state
    assert "whole number" in field._layout.helper_text
    field._layout.value = "3"
    assert form.param.values()["walkers"] == 3
    assert not field._layout.error_state


def test_a_going_run_takes_a_new_temperature(session: Session, runs: Any) -> None:
    fields = LiveFields(session)
    session.open(run="first")
    tick(session)
    assert fields._layout.visible
    fold = fields._layout.objects[0]
    assert not list(fold.select(pmui.TextInput)), "nobody has looked yet"
    fold.active = [0]
    temperature = next(part for part in fold.select(pmui.TextInput) if part.label.startswith("Temperature"))
    temperature.value = "450"
    tick(session)
    assert ("change", {"temperature": 450.0}) in runs.runs["first"].calls


def test_runs_are_listed_with_what_can_be_done(session: Session) -> None:
    listed = RunList(session.runs, full=True)
    session.open()
    tick(session)
    assert [row._run.id for row in listed._rows.values()] == ["first"]


def test_escape_closes_the_drawer_before_it_forgets_the_chosen_minima(session: Session) -> None:
    components = Components(session)
    session.selection.selection = [0]
    components.drawer.open = True
    components.keyboard._handle_msg({"key": "Escape"})
    assert (components.drawer.open, session.selection.selection) == (False, [0])
    components.keyboard._handle_msg({"key": "Escape"})
    assert session.selection.selection == []


def test_an_empty_list_says_whether_anybody_has_looked() -> None:
    none: Any = FakeRuns()
    session = Session(lambda: none, "lj7", fake_point)
    listed = RunList(session.runs)
    assert listed._empty.object == "Looking for runs …"
    tick(session)
    assert listed._empty.object == "No runs yet."


def test_a_model_is_only_chosen_by_its_name() -> None:
    background = Background()
    model = PotentialModel(background)
    card = ModelCard(model)
    model.look()
    background.wait()
    assert next(iter(card._select.options.values())) == ""
    card._select.value = ""
    assert model.name_ is None
    card._select.value = "lennard-jones"
    assert model.name_ == "lennard-jones"
    assert "" not in card._select.options.values()


def test_a_page_that_does_not_answer_is_not_sent_more() -> None:
    echo = Echo()
    echo.ask()  # is not heard before the page is drawn
    assert not echo.heard  # nothing is drawn yet
    echo._handle_msg({"number": 0})
    assert echo.heard
    echo.ask()
    assert not echo.heard
    echo._handle_msg({"number": 1})
    assert echo.heard


def test_charges_stay_chosen_while_they_are_missing(session: Session) -> None:
    """A model may be taken away while its charges are on show."""
    colour = Components(session).viewer._look._colour
    session.open()
    tick(session)
    session.scene.charges = np.linspace(-0.5, 0.5, 7)
    colour.value = "charge"
    session.scene.charges = None
    assert (session.scene.color, colour.disabled_options) == ("charge", [])
    session.scene.color = "element"
    assert colour.disabled_options == ["charge"]
    session.scene.charges = np.zeros(7)
    assert colour.disabled_options == []


def test_the_address_keeps_run_tab_and_what_is_chosen(session: Session) -> None:
    address = SimpleNamespace(search="")
    keep_address(session, address)
    session.tab = "landscape"
    assert address.search == "?tab=landscape"
    session.runs.shown = "first"
    session.selection.choose([4, 9])
    assert address.search == "?run=first&focus=4&selection=4,9&tab=landscape"
    session.selection.choose([4])
    assert address.search == "?run=first&focus=4&tab=landscape"
