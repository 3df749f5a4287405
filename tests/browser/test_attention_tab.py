"""The tab Attention as people use it: a small molecule, the bundled model, and a cluster that has no attention."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import ROOT, TIMEOUT, Watched, expect
from tests.browser.pixels import change, ink, pixels, wait_until
from tests.browser.test_page import DARK, OFFLINE, PLACE

SLOW = 2000 * TIMEOUT  # ms: a network and its second derivatives are compiled
JOINED = '.viewer[data-edges]:not([data-edges="0"])'


@pytest.fixture(scope="module")
def address(serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The application with an empty folder of runs and no model but the bundled one."""
    from so3k_explore.jobs import Runs

    folder, home = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("home")
    environment = {"SO3K_RUNS": str(folder), "SO3K_HOME": str(home)}
    environment |= {"SO3K_MODELS": "", "https_proxy": OFFLINE, "no_proxy": "localhost,127.0.0.1"}
    server = serve(Path(ROOT) / "apps" / "dashboard.py", environment=environment)
    server.forgive.append("WebSocketClosedError")
    yield f"{server.url}/dashboard"
    Runs(folder).close(workers=True)  # the page has one compile what its form describes


def test_matrix_viewer_and_verdict_belong_together(new_page: Any, address: str) -> None:
    page = new_page(1440, 900)
    page.goto(f"{address}?molecule=CO&tab=attention")
    expect(page.get_by_role("tab", name="Attention")).to_have_attribute("aria-selected", "true")
    expect(page.locator(JOINED)).to_be_visible(timeout=SLOW)
    matrix = page.locator(".bk-Figure").first
    assert wait_until(lambda: ink(pixels(matrix)) > 0.05, page, "the matrix is drawn")
    expect(page.get_by_text("Rows listen to columns").first).to_be_visible()
    expect(page.get_by_text("Does attention say what matters?").first).to_be_visible()

    box = matrix.bounding_box()
    page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + 0.6 * box["height"])
    expect(page.locator('.viewer[data-picked=""]')).to_have_count(0)
    expect(page.get_by_text(re.compile(r"^[CHO]\d listens to [CHO]\d: "))).to_be_visible()

    viewer = page.locator(".viewer")
    viewer.press("Escape")
    expect(page.get_by_text("Rows listen to columns").first).to_be_visible()
    for atom in (1, 0):
        page.mouse.click(*viewer.evaluate(PLACE, atom))
    expect(page.get_by_text(re.compile(r"^O2 listens to C1: .*; C1 to O2: "))).to_be_visible()

    before = pixels(viewer)
    page.get_by_role("checkbox", name="Cylinders").uncheck()
    expect(page.locator('.viewer[data-edges="0"]')).to_be_visible()
    page.get_by_label("Colour by").click()
    page.locator("li", has_text="Attention").click()
    expect(page.get_by_text("how much others listen to an atom")).to_be_visible()
    assert wait_until(lambda: change(before, pixels(viewer)) > 0.005, page, "the colours have changed")
    expect(page.get_by_text(re.compile(r"^Faithfulness (low|moderate|high|unknown)"))).to_be_visible(timeout=SLOW)


def test_a_cluster_is_explained_on_a_small_dark_screen_too(new_page: Any, address: str, watched: Watched) -> None:
    watched.expect.append("net::ERR_ABORTED")  # of what the first page was loading when it was made dark
    page = new_page(1280, 720, color_scheme="dark")
    page.goto(f"{address}?molecule=lj13&tab=attention")
    expect(page.get_by_text("lennard-jones has no attention").first).to_be_visible()
    expect(page.get_by_text("Choose a SO3krates model in card 2").first).to_be_visible()
    expect(page.get_by_text("Rows listen to columns")).to_be_hidden()
    assert wait_until(lambda: pixels(page).mean() < DARK, page, "the tab is dark")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
