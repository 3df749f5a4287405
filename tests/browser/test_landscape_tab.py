"""The tab Landscape as people use it: linked selection both ways, the address, empty and small, light and dark."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import ROOT, Watched, expect
from tests.browser.pixels import ink, pixels, place, wait_until

DARK = 110  # mean brightness, of 255
LEAF = """(k) => {
    if (!window.Bokeh) return null
    const drawn = model => Array.isArray(model?.renderers) && model.renderers.some(one => one.name === "points")
    const views = [...Bokeh.index.query(view => drawn(view.model))]
    const seen = view => view.el?.getBoundingClientRect().width > 0
    const view = views.find(view => seen(view) && view.model.left?.[0]?.axis_label?.startsWith("ΔE"))
    const points = view?.model.renderers.find(one => one.name === "points").data_source.data
    if (!points || points.x.length <= k) return null
    view.el.scrollIntoView({block: "nearest"})
    const box = view.el.getBoundingClientRect(), frame = view.frame
    return [box.x + frame.x_scale.compute(points.x[k]), box.y + frame.y_scale.compute(points.y[k])]
}"""


@pytest.fixture(scope="module")
def served(serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    """Address of the page, and the runs with a small and with an empty landscape."""
    from so3k_explore.exploration.landscape import Landscape
    from so3k_explore.io.library import named
    from so3k_explore.jobs import MinimaSettings, Runs
    from tests.browser.apps.landscapes import write_funnel

    folder, home = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("home")
    runs = Runs(folder, engine="inline")
    found = []
    for minima in (8, 0):
        run = runs.submit(MinimaSettings(max_calls=1), named("lj7"), "lennard-jones")
        run.wait(600)
        for path in Path(run.folder).glob("landscape.db*"):
            path.unlink()
        if minima:
            write_funnel(run.folder / "landscape.db", run.molecule, minima)
        else:
            Landscape.open(run.folder / "landscape.db").close()
        found.append(run.id)
    environment = {"SO3K_RUNS": str(folder), "SO3K_HOME": str(home), "SO3K_MODELS": ""}
    server = serve(ROOT / "apps" / "dashboard.py", environment=environment)
    yield f"{server.url}/dashboard", found[0], found[1]
    Runs(folder).close(workers=True)


def test_a_leaf_a_row_and_the_address_choose_the_same_minimum(new_page: Any, served: tuple[str, str, str]) -> None:
    url, run, _ = served
    page = new_page(1440, 900)
    page.goto(f"{url}?run={run}&tab=landscape&focus=3")
    expect(page.get_by_text("Minimum 3 of 8").first).to_be_visible()
    expect(page.get_by_text("Disconnectivity tree of 8 minima")).to_be_visible()
    page.mouse.click(*place(page, LEAF, 5))
    expect(page.get_by_text("Minimum 6 of 8").first).to_be_visible()
    page.wait_for_url("**focus=6*")
    page.get_by_role("tab", name="Minima").click()
    page.locator(".tabulator-row").nth(1).click()
    expect(page.get_by_text("Minimum 2 of 8").first).to_be_visible()
    page.wait_for_url("**focus=2*")


def test_an_empty_landscape_says_so_and_the_page_goes_on(new_page: Any, served: tuple[str, str, str]) -> None:
    url, _, empty = served
    page = new_page(1440, 900)
    page.goto(f"{url}?run={empty}&tab=landscape")
    expect(page.get_by_text("Appears with the first minimum that the search finds.").first).to_be_visible()
    page.get_by_role("tab", name="Dynamics").click()
    expect(page.get_by_role("tab", name="Dynamics")).to_have_attribute("aria-selected", "true")


def test_the_tab_is_legible_on_a_small_dark_screen(
    new_page: Any, served: tuple[str, str, str], watched: Watched
) -> None:
    watched.expect.append("net::ERR_ABORTED")  # of what the first page was loading when it was made dark
    url, run, _ = served
    page = new_page(1280, 720, color_scheme="dark")
    page.goto(f"{url}?run={run}&tab=landscape")
    place(page, LEAF, 0)
    assert wait_until(lambda: pixels(page).mean() < DARK, page, "the page is dark")
    figure = page.locator(".bk-Figure").first
    assert wait_until(lambda: ink(pixels(figure)) > 0.003, page, "the tree is drawn")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
