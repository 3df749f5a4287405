"""The tab Landscape can be laid out without a browser, and follows its model; clicks reach the page's selection."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bokeh.plotting import figure

from so3k_explore.app.models.landscape import CHOOSE
from so3k_explore.app.models.session import Session
from so3k_explore.app.panes.scatter import POINTS
from so3k_explore.app.views.compared import ComparedCards
from so3k_explore.app.views.landscape import LandscapeTab, NetworkCard, TreeCard
from so3k_explore.app.views.thermal import ThermalCards
from tests.app.models.landscapes import open_run, settle_all

Settle = Callable[[Session], None]


def figures(view: Any) -> list[figure]:
    return list(view.__panel__().get_root().select({"type": figure}))


def charts(session: Session) -> dict[str, Any]:
    thermal, compared = ThermalCards(session), ComparedCards(session)
    return {
        "tree": TreeCard(session).chart,
        "network": NetworkCard(session).chart,
        "shares": thermal._shares,
        "capacity": thermal._capacity,
        "levels": compared._levels,
    }


def test_of_a_search_all_is_filled_but_what_needs_frequencies_or_another_run(shown: Session) -> None:
    filled = {name: chart.filled for name, chart in charts(shown).items()}
    assert filled == {"tree": True, "network": True, "shares": False, "capacity": False, "levels": False}
    assert "frequencies" in ThermalCards(shown)._sentence.object
    assert len(figures(LandscapeTab(shown))) >= 3


def test_without_a_run_every_card_is_there_and_waits(session: Session, settle: Settle) -> None:
    session.open(tab="landscape")
    settle(session)
    assert not any(chart.filled for chart in charts(session).values())
    tab = LandscapeTab(session)
    assert tab._sentence.object == CHOOSE
    assert len(figures(tab)) >= 3


def test_a_click_on_a_leaf_chooses_its_minimum_everywhere(shown: Session) -> None:
    tree, network = TreeCard(shown), NetworkCard(shown)
    for card in (tree, network):
        card.chart.__panel__().get_root()
    place = tree.keys.index(3)
    tree.chart._sources[POINTS][-1].selected.indices = [place]
    assert (shown.selection.focus, shown.selection.selection) == (3, [3])
    assert network.chart.selected == [network.keys.index(3)]
    shown.selection.choose([1, 4])
    assert sorted(tree.keys[k] for k in tree.chart.selected) == [1, 4]


def test_shift_adds_and_the_new_one_is_looked_at(shown: Session) -> None:
    tree = TreeCard(shown)
    tree.chart.__panel__().get_root()
    first, second = tree.keys.index(2), tree.keys.index(4)
    source = tree.chart._sources[POINTS][-1]
    source.selected.indices = [first]
    source.selected.indices = [first, second]
    assert (shown.selection.focus, shown.selection.selection) == (4, [2, 4])


def test_energies_are_in_the_unit_of_the_page(shown: Session) -> None:
    tree = TreeCard(shown)
    shown.display.energy_unit = "eV"
    assert tree.chart.y_label == "ΔE / eV"
    assert tree.chart._columns[POINTS]["y"].max() == pytest.approx(0.3)


def test_without_minima_the_tab_says_why(session: Session, cluster: Any, settle: Settle, tmp_path: Path) -> None:
    tab = LandscapeTab(session)
    assert "Choose a search" in tab._sentence.object
    open_run(session, cluster, None, tmp_path)
    settle_all(session, settle)
    assert "first minimum" in tab._sentence.object
