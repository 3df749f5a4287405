"""Ten thousand minima in the tabs Conformers, Landscape and Minima: drawn, chosen from, told by the address."""

import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.apps.conformers import write_search
from tests.browser.conftest import ROOT, expect
from tests.browser.pixels import ink, pixels, place, wait_until
from tests.browser.test_conformers import click_point
from tests.browser.test_landscape_tab import LEAF

MANY = 10_000  # the viewer says 10 000


@pytest.fixture(scope="module")
def served(serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the application with one finished search."""
    folder, home = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("home")
    write_search(folder, "many", MANY, "Ac-A-NHMe")
    server = serve(
        ROOT / "apps" / "dashboard.py",
        environment={"SO3K_RUNS": str(folder), "SO3K_HOME": str(home), "SO3K_MODELS": ""},
    )
    yield f"{server.url}/dashboard"
    shutil.rmtree(folder, ignore_errors=True)


def focus(page: Any) -> int:
    """The minimum that the address names."""
    return int(page.url.split("focus=")[1].split("&")[0])


def minimum(rank: int) -> re.Pattern[str]:
    """What the viewer says of a minimum."""
    return re.compile(rf"^Minimum {rank} of 10\s000$")


def test_ten_thousand_minima_are_drawn_and_chosen_from(new_page: Any, served: str) -> None:
    page = new_page(1600, 1000)
    page.goto(f"{served}?run=many&tab=conformers&focus=9")
    expect(page.get_by_text(minimum(9)).first).to_be_visible()
    drawn(page)
    until_chosen(page, lambda: click_point(page, "PCA 1", 5000))
    chosen = focus(page)
    expect(page.get_by_text(minimum(chosen)).first).to_be_visible()
    page.locator(".tabulator-selected:visible").first.wait_for()
    page.get_by_role("tab", name="Landscape").click()
    drawn(page)
    until_chosen(page, lambda: page.mouse.click(*place(page, LEAF, 3)))
    page.get_by_role("tab", name="Minima").click()
    page.locator(".tabulator-row:visible").nth(1).click()
    page.wait_for_url("**focus=2*")
    expect(page.get_by_text(minimum(2)).first).to_be_visible()


def drawn(page: Any) -> None:
    """Waits for the first chart of the tab."""
    chart = page.locator(".bk-Figure:visible").first
    assert wait_until(lambda: ink(pixels(chart)) > 0.005, page, "the chart is drawn")


def until_chosen(page: Any, click: Callable[[], None]) -> None:
    """Clicks until the address names another minimum: while a tab fills, a chart may move between look and click."""
    before = focus(page)

    def chosen() -> bool:
        click()
        page.wait_for_timeout(3000)
        return focus(page) != before

    assert wait_until(chosen, page, "the click is heard")
