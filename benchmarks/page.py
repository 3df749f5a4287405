"""How the tabs Landscape and Conformers feel: seconds until they are drawn, latency of clicks, lag of the event loop.

A page with ten thousand synthetic minima is opened in Chromium, which draws without a GPU on the same cores. A tab is
drawn when its chart has a point for each minimum, counted from the click on the tab; the map of conformers has to be
computed first. A click on a point is counted from the mouse button until the address of the page names the minimum,
which the server writes after everything else. The lag is how much later than asked for a timer of the server's event
loop fires, every 20 ms, while a search with a pair potential is followed live.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.browser import ARGUMENTS, PageServer

MINIMA, CLICKS, SECONDS = 10_000, 12, 20.0
TABS = {"landscape": ("left", "ΔE"), "conformers": ("below", "PCA 1")}  # axis and label of the chart of each
CHART = """([side, label]) => {
    if (!window.Bokeh) return null
    const drawn = model => Array.isArray(model?.renderers) && model.renderers.some(one => one.name === "points")
    const seen = view => view.el?.getBoundingClientRect().width > 0
    const views = [...Bokeh.index.query(view => drawn(view.model) && seen(view))]
    const view = views.find(view => view.model[side]?.[0]?.axis_label?.startsWith(label))
    const points = view?.model.renderers.find(one => one.name === "points").data_source.data
    if (!points || !points.x.length) return null
    const box = view.el.getBoundingClientRect()
    const at = k => [box.x + view.frame.x_scale.compute(points.x[k]), box.y + view.frame.y_scale.compute(points.y[k])]
    const some = Array.from({ length: 12 }, (_, k) => Math.floor(k * points.x.length / 12))
    return { count: points.x.length, at: some.map(at) }
}"""


def main() -> None:
    """Prints what it measures as it goes."""
    from so3k_explore.io.library import named
    from so3k_explore.jobs import MinimaSettings, Runs
    from tests.browser.apps.conformers import write_search
    from tests.browser.apps.landscapes import write_funnel
    from tests.browser.get_browser import find_browser

    browser = find_browser()
    if browser is None:
        print("page: Chromium is not on this machine")
        return
    print(f"page, {MINIMA} minima; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(folder)
        large = runs.submit(MinimaSettings(max_calls=1), named("lj13"), "lennard-jones")
        large.wait(300)
        for path in large.folder.glob("landscape.db*"):
            path.unlink()
        write_funnel(large.folder / "landscape.db", large.molecule, MINIMA)
        _on_the_server(large.folder / "landscape.db")
        peptide = write_search(Path(folder), "peptide", MINIMA, "Ac-A-NHMe")
        try:
            _measure(browser, runs, {"landscape": large.id, "conformers": peptide})
        finally:
            runs.close(workers=True)


def _on_the_server(path: Path) -> None:
    """CPU seconds of the page's process for the tree, which count where other programs run as well."""
    from so3k_explore.app.models.landscape import tree_of
    from so3k_explore.app.models.landscape_pictures import tree_picture
    from so3k_explore.app.models.landscape_reader import read
    from so3k_explore.app.models.session import Session
    from so3k_explore.app.views.landscape import TreeCard
    from so3k_explore.exploration.landscape import Landscape

    def timed(name: str, work: Any) -> Any:
        began = time.process_time()
        found = work()
        print(f"  {name}: {1000 * (time.process_time() - began):.0f} ms of CPU time", flush=True)
        return found

    session = Session(lambda: None, "lj13")  # pyright: ignore[reportArgumentType] - nothing is asked of its runs
    card = TreeCard(session)
    card.__panel__().get_root()
    with Landscape.open(path) as landscape:
        seen = timed("reading the landscape", lambda: read(landscape))
    make = lambda: tree_picture(seen, tree_of(seen, bounds=True), "Basin", 0.0, free=False)
    picture = timed("making the tree", make)
    timed("writing it into the page", lambda: setattr(session.landscape, "tree", picture))
    timed("choosing a minimum", lambda: card.choose([len(card.keys) // 3]))


def _measure(browser: str, runs: Any, finished: dict[str, str]) -> None:
    from playwright.sync_api import sync_playwright

    from so3k_explore.jobs import MinimaSettings

    with PageServer(runs) as server, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=list(ARGUMENTS))
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(300_000)
        for tab, run in finished.items():
            print(f"  {tab} drawn after {_drawn(page, server.url, tab, run):.2f} s", flush=True)
            print(f"  {tab}, clicks on points {_percentiles(_clicks(page, tab))} s", flush=True)
        search = runs.submit(MinimaSettings(), "lj38", "lennard-jones")
        page.goto(f"{server.url}/?run={search.id}&tab=landscape")
        page.wait_for_function(CHART, arg=TABS["landscape"])
        lags = server.lags(SECONDS)
        search.stop()
        print(f"  lag of the event loop in a search {_percentiles(lags, 1000)} ms", flush=True)
        chromium.close()


def _drawn(page: Any, url: str, tab: str, run: str) -> float:
    """Seconds from the click on a tab until its chart has all points; the page is at rest before."""
    page.goto(f"{url}/?run={run}&tab=molecule")
    page.locator(".viewer[data-ready]").wait_for()
    page.wait_for_timeout(5000)
    began = time.perf_counter()
    page.get_by_role("tab", name=tab.capitalize()).click()
    page.wait_for_function(f"([where, count]) => ({CHART})(where)?.count === count", arg=[TABS[tab], MINIMA])
    return time.perf_counter() - began


def _clicks(page: Any, tab: str) -> list[float]:
    """Seconds from each click on a point until the address names its minimum."""
    found = []
    for place in page.evaluate(CHART, TABS[tab])["at"][:CLICKS]:
        before = page.url
        began = time.perf_counter()
        page.mouse.click(*place)
        try:
            page.wait_for_function("before => location.href !== before", arg=before, timeout=20_000)
            found.append(time.perf_counter() - began)
        except Exception as error:  # a click that hit a leaf chosen before changes nothing
            if "Timeout" not in str(error):
                raise
        page.wait_for_timeout(500)
    return found


def _percentiles(values: list[float], scale: float = 1.0) -> str:
    p50, p95 = np.percentile(np.asarray(values) * scale, [50, 95]) if values else (np.nan, np.nan)
    return f"p50 {p50:.3g}, p95 {p95:.3g} ({len(values)} values)"


if __name__ == "__main__":
    main()
