"""Charts, table and player in a real browser: drawn, changed in place, chosen from, in light and in dark."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import APPS, Server, expect
from tests.browser.pixels import change, ink, pixels, place, wait_until

FIGURE = """title => {
    const views = Bokeh.index.query(view => view.model.type === "Figure" || view.model.type?.endsWith("figure"))
    const axis = view => view.model.below[0].axis_label
    const view = [...views].find(view => axis(view) === title)
    const box = view.el.getBoundingClientRect()
    return [box.x, box.y, box.width, box.height]
}"""

POINT = """() => {
    for (const view of Bokeh.index.query(view => view.model.below?.[0]?.axis_label === "RMSD to lowest / Å")) {
        const box = view.el.getBoundingClientRect(), frame = view.frame
        const data = view.model.renderers[0].data_source.data
        const far = data.x.indexOf(Math.max(...data.x))
        return [box.x + frame.x_scale.compute(data.x[far]), box.y + frame.y_scale.compute(data.y[far]), far]
    }
}"""


@pytest.fixture(scope="session")
def server(serve: Callable[..., Server]) -> Server:
    return serve(APPS / "charts.py")


@pytest.fixture
def charts(server: Server, new_page: Callable[..., Any]) -> Any:
    """The page with empty charts."""
    page = new_page(1440, 900)
    page.goto(f"{server.url}/charts")
    expect(page.locator(".viewer[data-ready]")).to_be_visible()
    expect(page.get_by_text("Appears when a run is started.").first).to_be_visible()
    return page


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_charts_wait_then_fill_then_grow_and_turn_dark(charts: Any) -> None:
    empty = pixels(charts)
    assert charts.get_by_text("Appears when a run is started.").count() == 5
    press(charts, "fill")
    assert wait_until(lambda: change(empty, pixels(charts)) > 0.02, charts, "the charts are drawn")
    expect(charts.get_by_text("Appears when a run is started.").first).to_be_hidden()
    filled = pixels(charts)
    press(charts, "more")
    assert wait_until(lambda: change(filled, pixels(charts)) > 0.002, charts, "the curves have grown")
    charts.get_by_label("Toggle theme").click()
    assert wait_until(lambda: pixels(charts)[-4, 4].sum() < 90, charts, "the page is dark")
    assert ink(pixels(charts)) > 0.02


def test_points_rows_and_curves_answer_clicks(charts: Any) -> None:
    press(charts, "fill")
    expect(charts.locator(".tabulator-row").first).to_be_visible()
    x, y, index = place(charts, POINT)
    charts.mouse.click(x, y)
    expect(charts.get_by_text(f"selected 1 first {index}")).to_be_visible()
    charts.locator(".tabulator-row").nth(1).click()
    expect(charts.get_by_text("rows [1]")).to_be_visible()
    left, top, width, height = charts.evaluate(FIGURE, "time / ps")
    charts.mouse.click(left + width / 2, top + height / 2)
    expect(charts.get_by_text("tapped")).to_be_visible()


def test_the_player_moves_the_molecule(charts: Any) -> None:
    press(charts, "fill")
    expect(charts.locator('.viewer[data-frame="0"]')).to_be_visible()
    charts.get_by_label("Last frame").click()
    expect(charts.locator('.viewer[data-frame="59"]')).to_be_visible()
    charts.get_by_label("Play or pause (space)").click()
    shown = int(charts.locator(".viewer").get_attribute("data-shown"))
    viewer = charts.locator(".viewer")
    assert wait_until(lambda: int(viewer.get_attribute("data-shown")) > shown + 5, charts, "it plays")
    charts.get_by_label("Play or pause (space)").click()


def test_a_card_fills_the_screen_and_returns(charts: Any) -> None:
    press(charts, "fill")
    expect(charts.locator(".tabulator-row").first).to_be_visible()
    charts.get_by_label("Enlarge; Escape returns").first.click()
    charts.wait_for_function("document.fullscreenElement !== null")
    assert wait_until(lambda: charts.evaluate(FIGURE, "time / ps")[2] > 1000, charts, "the chart is wide")
    charts.evaluate("document.exitFullscreen()")
    charts.wait_for_function("document.fullscreenElement === null")
