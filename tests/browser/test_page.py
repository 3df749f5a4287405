"""The page as people use it, with clusters that a laptop moves in no time."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import ROOT, TIMEOUT
from tests.browser.pixels import change, ink, pixels, wait_until


@dataclass
class Served:
    """Address of the page, and the folder of its runs."""

    url: str
    runs: Path


@pytest.fixture(scope="module")
def served(serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The application with an empty folder of runs and no model but the embedded one."""
    from so3k_explore.jobs import Runs

    folder = tmp_path_factory.mktemp("runs")
    environment = {"SO3K_RUNS": str(folder), "SO3K_HOME": str(tmp_path_factory.mktemp("home")), "SO3K_MODELS": ""}
    server = serve(ROOT / "apps" / "dashboard.py", environment=environment)
    server.forgive.append("WebSocketClosedError")
    yield Served(f"{server.url}/dashboard", folder)
    Runs(folder).close(workers=True)
    shutil.rmtree(folder, ignore_errors=True)


def open_at(page: Any, url: str) -> None:
    page.goto(url)
    page.get_by_text("13 atoms").first.wait_for()
    page.locator("canvas").first.wait_for()


def write(page: Any, label: str, text: str) -> None:
    field = page.get_by_label(label).first
    field.fill(text)
    field.press("Enter")


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def run_dynamics(page: Any, picoseconds: str) -> str:
    """Starts dynamics of the cluster on show; the run's address."""
    press(page, "Dynamics")
    write(page, "Duration / ps", picoseconds)
    press(page, "Run dynamics")
    page.wait_for_url("**run=*dynamics*")
    return str(page.url)


def test_the_page_opens_with_a_cluster_and_says_which_model_is_missing(new_page: Any, served: Served) -> None:
    page = new_page(1440, 900)
    open_at(page, served.url)
    assert page.get_by_text("No SO3krates model is installed yet").count() == 1
    canvas = page.locator("canvas").first
    wait_until(lambda: ink(pixels(canvas)) > 0.02, page, "the cluster is drawn")
    assert page.get_by_role("button", name="Run dynamics").is_enabled()


def test_the_page_fits_a_small_screen_and_a_dark_one(new_page: Any, served: Served) -> None:
    page = new_page(1280, 720, color_scheme="dark")
    open_at(page, served.url)
    canvas = page.locator("canvas").first
    wait_until(lambda: ink(pixels(canvas)) > 0.02, page, "the cluster is drawn")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for tab in ("Molecule", "Dynamics", "Minima"):
        page.get_by_role("tab", name=tab).click()
        wait_until(lambda: ink(pixels(page)) > 0.05, page, f"the tab {tab} is drawn")


def test_a_wrong_upload_is_explained_beside_the_button(new_page: Any, served: Served) -> None:
    page = new_page()
    open_at(page, served.url)
    wrong = {"name": "broken.xyz", "mimeType": "chemical/x-xyz", "buffer": b"this is no molecule"}
    page.locator("input[type=file]").first.set_input_files(wrong)
    page.get_by_text("broken.xyz").first.wait_for()
    assert page.get_by_text("13 atoms").count() >= 1  # the molecule before is still there


def test_a_molecule_without_its_model_disables_the_button_with_the_reason(new_page: Any, served: Served) -> None:
    page = new_page()
    open_at(page, served.url)
    write(page, "Name, SMILES or sequence", "ethanol")
    page.get_by_text("9 atoms").first.wait_for()
    page.get_by_text("so3lr is not installed here yet").first.wait_for()
    assert page.get_by_role("button", name="Run dynamics").is_disabled()


def test_a_run_is_watched_paused_resumed_and_stopped(new_page: Any, served: Served) -> None:
    page = new_page(1440, 900)
    open_at(page, served.url)
    run_dynamics(page, "100000")
    page.get_by_text("ns/day").first.wait_for()
    viewer = page.locator("canvas").first
    before = pixels(viewer)
    wait_until(lambda: change(before, pixels(viewer)) > 0.001, page, "the atoms move", seconds=TIMEOUT)
    press(page, "Pause")
    page.get_by_role("button", name="Resume", exact=True).first.wait_for()
    press(page, "Resume")
    page.get_by_role("button", name="Pause", exact=True).first.wait_for()
    press(page, "Stop")
    page.get_by_text("stopped", exact=False).first.wait_for()


def test_a_second_window_and_a_reload_show_the_run_with_its_history(new_page: Any, served: Served) -> None:
    page = new_page(1440, 900)
    open_at(page, served.url)
    address = run_dynamics(page, "1")
    page.get_by_text("1 ps of dynamics").first.wait_for()
    other = new_page(1440, 900)
    open_at(other, address)
    for window in (other, page):
        window.bring_to_front()
        window.reload()
        window.get_by_text("1 ps of dynamics").first.wait_for()
        window.get_by_text("Frame:").first.wait_for()  # the player holds the frames
        plot = window.locator(".bk-Figure").first
        wait_until(lambda plot=plot: ink(pixels(plot)) > 0.005, window, "the curves are drawn", seconds=TIMEOUT)


def test_minima_are_found_and_a_click_shows_one(new_page: Any, served: Served) -> None:
    page = new_page(1440, 900)
    open_at(page, served.url)
    press(page, "Minima")
    write(page, "Minima wanted", "4")
    press(page, "Find minima")
    page.wait_for_url("**tab=minima*")
    page.get_by_text(re.compile(r"Found \d+ minima")).first.wait_for(timeout=3000 * TIMEOUT)
    page.locator(".tabulator-row").nth(1).click()
    page.get_by_text("Minimum 2 of").first.wait_for()
    page.keyboard.press("]")
    page.get_by_text("Minimum 3 of").first.wait_for()
