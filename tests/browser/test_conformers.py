"""The tab Conformers in a real browser: without, with few and with many minima."""

import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from so3k_explore.potentials.checkpoints import save_potential
from so3k_explore.potentials.so3lr import So3lr
from tests.browser.apps.conformers import write_search
from tests.browser.conftest import ROOT, expect
from tests.browser.pixels import change, ink, pixels, place, wait_until
from tests.potentials import SMALL

SEARCHES = {"empty": 0, "few": 4, "small": 60}
POINT = """([label, k]) => {
    const views = [...Bokeh.index.query(view => view.model.type === "Figure")]
    const view = views.find(view => view.model.below.some(axis => (axis.axis_label || "").startsWith(label)))
    const points = view.model.renderers.find(renderer => renderer.name === "points").data_source.data
    view.el.scrollIntoView({block: "nearest"})
    const box = view.el.getBoundingClientRect(), frame = view.frame
    return [box.x + frame.x_scale.compute(points.x[k]), box.y + frame.y_scale.compute(points.y[k])]
}"""


@pytest.fixture(scope="module")
def served(serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the application with finished searches; one of them with a model that has charges."""
    folder, home = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("home")
    for name, minima in SEARCHES.items():
        write_search(folder, name, minima)
    model = save_potential(home / "charges.npz", So3lr.create(5, SMALL))
    write_search(folder, "charged", 12, "Ac-A-NHMe", model)
    environment = {"SO3K_RUNS": str(folder), "SO3K_HOME": str(home), "SO3K_MODELS": ""}
    server = serve(ROOT / "apps" / "dashboard.py", environment=environment)
    server.forgive.append("WebSocketClosedError")
    yield f"{server.url}/dashboard"
    shutil.rmtree(folder, ignore_errors=True)


def opened(new_page: Callable[..., Any], served: str, run: str, *size: int, **options: Any) -> Any:
    page = new_page(*(size or (1600, 1000)), **options)
    page.goto(f"{served}?run={run}&tab=conformers")
    expect(page.get_by_role("tab", name="Conformers")).to_have_attribute("aria-selected", "true")
    return page


def click_point(page: Any, label: str, number: int) -> None:
    """Clicks a point of the chart whose horizontal axis begins so."""
    page.mouse.click(*place(page, POINT, [label, number]))


def test_a_search_without_minima_says_what_it_waits_for(new_page: Any, served: str) -> None:
    page = opened(new_page, served, "empty")
    expect(page.get_by_text("Appears with the first minimum that the search finds.").first).to_be_visible()


def test_few_minima_are_shown_without_families(new_page: Any, served: str) -> None:
    page = opened(new_page, served, "few")
    expect(page.get_by_text("Families need at least 5 minima, 4 are known.")).to_be_visible()
    expect(page.get_by_text("4 minima, lowest first").last).to_be_visible()
    expect(page.get_by_text("Appear when there are minima enough to be sorted.")).to_be_visible()


def test_a_click_on_the_map_moves_the_viewer_the_ring_and_the_row(new_page: Any, served: str) -> None:
    page = opened(new_page, served, "small")
    expect(page.get_by_text("family 1 ·")).to_be_visible()
    chart = page.locator(".bk-Figure:visible").first
    chart.scroll_into_view_if_needed()
    assert wait_until(lambda: ink(pixels(chart)) > 0.005, page, "the map is drawn")
    before = pixels(chart)
    click_point(page, "PCA 1", 40)
    expect(page.get_by_text("of 60", exact=False).first).not_to_have_text("Minimum 1 of 60")
    assert wait_until(lambda: change(before, pixels(chart)) > 0.0002, page, "the ring has moved")
    page.locator(".tabulator-selected:visible").first.wait_for()


def test_dipole_moments_fill_their_column_and_colour_the_charts(new_page: Any, served: str) -> None:
    page = opened(new_page, served, "charged")
    expect(page.get_by_text("12 minima, lowest first").last).to_be_visible()
    heading = page.get_by_role("columnheader", name="μ / D").last
    heading.scroll_into_view_if_needed()
    moments = page.locator('.tabulator-row:visible .tabulator-cell[tabulator-field="μ / D"]')
    expect(moments.first).to_have_text(re.compile(r"^\d+\.\d\d$"))
    page.get_by_label("Colour by").last.click()
    page.locator("li", has_text="Dipole moment").click()
    expect(page.get_by_text(re.compile(r"^μ \d+\.\d\d D$"))).to_have_count(2)  # the ends of the scale
    assert len(set(moments.all_inner_texts())) > 1
