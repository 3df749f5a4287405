"""The tree in a real browser: leaves are hovered over and clicked, small and large, in light and in dark."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import APPS, Server, expect
from tests.browser.pixels import change, ink, pixels, place, wait_until

DOUBLE_CLICK = 500  # ms; two clicks within less are one double click for Bokeh, wherever they are
LEAF = """(k) => {
    const view = [...Bokeh.index.query(view => view.model.type === "Figure")][0]
    const points = view.model.renderers.find(renderer => renderer.name === "points").data_source.data
    const box = view.el.getBoundingClientRect(), frame = view.frame
    return [box.x + frame.x_scale.compute(points.x[k]), box.y + frame.y_scale.compute(points.y[k])]
}"""


@pytest.fixture(scope="session")
def server(serve: Callable[..., Server]) -> Server:
    return serve(APPS / "tree.py")


def opened(server: Server, new_page: Callable[..., Any], minima: int, **options: Any) -> Any:
    page = new_page(1000, 700, **options)
    page.goto(f"{server.url}/tree?minima={minima}")
    expect(page.get_by_text("nothing yet")).to_be_visible()
    return page


def test_a_leaf_tells_its_name_is_chosen_by_a_click_and_shift_adds(server: Server, new_page: Any) -> None:
    page = opened(server, new_page, 12)
    figure = page.locator(".bk-Figure").first
    assert wait_until(lambda: ink(pixels(figure)) > 0.005, page, "the tree is drawn")
    page.mouse.move(*place(page, LEAF, 3))
    expect(page.get_by_text("minimum 4", exact=True)).to_be_visible()
    page.mouse.click(*place(page, LEAF, 3))
    expect(page.get_by_text("chosen [3]")).to_be_visible()
    page.wait_for_timeout(DOUBLE_CLICK)
    page.keyboard.down("Shift")
    page.mouse.click(*place(page, LEAF, 0))
    page.keyboard.up("Shift")
    expect(page.get_by_text("chosen [0, 3]")).to_be_visible()
    page.mouse.move(5, 690)
    ringed = pixels(figure)
    page.get_by_role("button", name="Highlight").click()
    assert wait_until(lambda: change(ringed, pixels(figure)) > 0.0005, page, "the rings have moved")


def test_ten_thousand_leaves_are_drawn_and_one_can_be_chosen(server: Server, new_page: Any) -> None:
    page = opened(server, new_page, 10_000)
    figure = page.locator(".bk-Figure").first
    assert wait_until(lambda: ink(pixels(figure)) > 0.1, page, "the tree is drawn")
    page.mouse.click(*place(page, LEAF, 0))
    expect(page.get_by_text("chosen [")).to_be_visible()


def test_without_minima_the_card_says_what_it_waits_for(server: Server, new_page: Any) -> None:
    page = opened(server, new_page, 0)
    expect(page.get_by_text("Appears when a run is started.")).to_be_visible()
