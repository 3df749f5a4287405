"""The page as people use it, with clusters that a laptop moves in no time."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import ROOT, Watched, expect
from tests.browser.pixels import change, ink, pixels, wait_until
from tests.potentials import SMALL

OFFLINE = "http://127.0.0.1:9"  # nobody listens there
DARK = 100  # mean brightness, of 255


@dataclass
class Served:
    """Address of the page, and the folders of its runs and its models."""

    url: str
    runs: Path
    home: Path


@pytest.fixture(scope="module")
def served(serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The application with an empty folder of runs and no model but the embedded one."""
    from so3k_explore.jobs import Runs

    folder, home = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("home")
    environment = {"SO3K_RUNS": str(folder), "SO3K_HOME": str(home), "SO3K_MODELS": ""}
    environment |= {"https_proxy": OFFLINE, "no_proxy": "localhost,127.0.0.1"}
    server = serve(ROOT / "apps" / "dashboard.py", environment=environment)
    server.forgive.append("WebSocketClosedError")
    yield Served(f"{server.url}/dashboard", folder, home)
    Runs(folder).close(workers=True)
    shutil.rmtree(folder, ignore_errors=True)


PLACE = """(element, index) => {
    const box = element.getBoundingClientRect(), place = element.__viewer.scene.project(index)
    return [box.x + place.x, box.y + place.y]
}"""


def open_at(page: Any, url: str) -> None:
    page.goto(f"{url}{'&' if '?' in url else '?'}molecule=lj13")
    expect(page.get_by_text("13 atoms").first).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()


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


def test_the_page_opens_with_a_peptide_and_the_bundled_model(new_page: Any, served: Served) -> None:
    page = new_page(1440, 900)
    page.goto(served.url)
    expect(page.get_by_text("42 atoms").first).to_be_visible()
    expect(page.get_by_text("so3k-peptide-gfn2").first).to_be_visible()
    canvas = page.locator("canvas").first
    assert wait_until(lambda: ink(pixels(canvas)) > 0.02, page, "the peptide is drawn")
    expect(page.get_by_role("button", name="Run dynamics")).to_be_enabled()


def test_a_cluster_has_no_charges_and_the_model_for_another_element_can_be_fetched(
    new_page: Any, served: Served
) -> None:
    page = new_page(1440, 900)
    open_at(page, served.url)
    expect(page.get_by_text("lennard-jones knows no charges")).to_be_visible()
    page.get_by_label("Colour by").click()
    expect(page.locator("li", has_text="Charge")).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Escape")
    write(page, "Name, SMILES or sequence", "CSC")
    expect(page.get_by_text("so3lr is not installed here yet").first).to_be_visible()
    expect(page.get_by_role("button", name="Run dynamics")).to_be_disabled()
    press(page, "Get so3lr")
    expect(page.get_by_text("Without internet, fetch the file elsewhere").first).to_be_visible()


def test_the_page_fits_a_small_screen_and_a_dark_one(new_page: Any, served: Served, watched: Watched) -> None:
    watched.expect.append("net::ERR_ABORTED")  # of what the first page was loading when it was made dark
    page = new_page(1280, 720, color_scheme="dark")
    open_at(page, f"{served.url}?tab=dynamics")
    expect(page.get_by_role("tab", name="Dynamics")).to_have_attribute("aria-selected", "true")
    canvas = page.locator("canvas").first
    assert wait_until(lambda: ink(pixels(canvas)) > 0.02, page, "the cluster is drawn")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for tab in ("Molecule", "Dynamics", "Minima", "Training"):
        page.get_by_role("tab", name=tab).click()
        assert wait_until(lambda: ink(pixels(page)) > 0.05, page, f"the tab {tab} is drawn")
        assert wait_until(lambda: pixels(page).mean() < DARK, page, f"the tab {tab} is dark")


def test_a_wrong_upload_is_explained_beside_the_button(new_page: Any, served: Served) -> None:
    page = new_page()
    open_at(page, served.url)
    wrong = {"name": "broken.xyz", "mimeType": "chemical/x-xyz", "buffer": b"this is no molecule"}
    page.locator("input[type=file]").first.set_input_files(wrong)
    expect(page.get_by_text("broken.xyz").first).to_be_visible()
    assert page.get_by_text("13 atoms").count() >= 1  # the molecule before is still there


def test_a_run_is_watched_paused_resumed_and_stopped(new_page: Any, served: Served) -> None:
    page = new_page(1440, 900)
    open_at(page, served.url)
    run_dynamics(page, "100000")
    expect(page.get_by_text("ns/day").first).to_be_visible()
    viewer = page.locator("canvas").first
    before = pixels(viewer)
    assert wait_until(lambda: change(before, pixels(viewer)) > 0.001, page, "the atoms move")
    press(page, "Pause")
    expect(page.get_by_role("button", name="Resume", exact=True).first).to_be_visible()
    press(page, "Resume")
    expect(page.get_by_role("button", name="Pause", exact=True).first).to_be_visible()
    press(page, "Stop")
    expect(page.get_by_text("stopped", exact=False).first).to_be_visible()
    expect(page.get_by_text("Frame:").first).to_have_text(re.compile(r"Frame: ?[1-9]"))  # the player is at the end


def test_a_second_window_and_a_reload_show_the_run_and_its_deletion_can_be_undone(
    new_page: Any, served: Served
) -> None:
    from so3k_explore.jobs import Runs

    page = new_page(1440, 900)
    open_at(page, served.url)
    address = run_dynamics(page, "1")
    expect(page.get_by_text("1 ps of dynamics").first).to_be_visible()
    other = new_page(1440, 900)
    open_at(other, address)
    page.reload()
    for window in (other, page):
        window.bring_to_front()
        expect(window.get_by_text("1 ps of dynamics").first).to_be_visible()
        expect(window.get_by_text("Frame:").first).to_be_visible()  # the player holds the frames
        plot = window.locator(".bk-Figure").first
        assert wait_until(lambda plot=plot: ink(pixels(plot)) > 0.005, window, "the curves are drawn")
    other.close()
    page.get_by_role("button", name=re.compile(r"^\d+ runs?$")).click()
    delete = page.get_by_label("Delete (can be undone for 30 s)")
    runs = len(Runs(served.runs).list())
    expect(delete).to_have_count(runs)
    delete.first.click()
    expect(page.get_by_text("Deleted “LJ13”.")).to_be_visible()
    expect(delete).to_have_count(runs - 1)
    page.keyboard.press("Escape")
    press(page, "Undo")
    expect(page).to_have_url(re.compile("run=.*dynamics"))


def test_minima_are_found_walked_through_laid_over_each_other_and_bookmarked(new_page: Any, served: Served) -> None:
    page = new_page(1440, 900)
    open_at(page, served.url)
    press(page, "Minima")
    write(page, "Minima wanted", "4")
    press(page, "Find minima")
    page.wait_for_url("**tab=minima*")
    expect(page.get_by_text(re.compile(r"Found \d+ minima")).first).to_be_visible()
    page.locator(".tabulator-row").nth(1).click()
    expect(page.get_by_text("Minimum 2 of").first).to_be_visible()
    page.keyboard.press("]")
    expect(page.get_by_text("Minimum 3 of").first).to_be_visible()
    page.get_by_label("First frame").click()
    expect(page.get_by_text("Minimum 1 of").first).to_be_visible()
    page.keyboard.press("b")
    expect(page.get_by_label("Bookmarks", exact=True)).to_be_visible()
    expect(page.get_by_role("columnheader", name="ΔE / kcal/mol")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Shape")).to_be_hidden()
    for row in (1, 2):
        page.locator(".tabulator-row").nth(row).click(modifiers=["Control"])
    expect(page.locator('.viewer[data-overlays="2"]')).to_be_visible()


def test_a_model_from_a_file_brings_charges_energy_and_a_cutoff(new_page: Any, served: Served, tmp_path: Path) -> None:
    from so3k_explore.potentials.checkpoints import save_potential
    from so3k_explore.potentials.so3lr import So3lr

    model = save_potential(tmp_path / "params.npz", So3lr.create(5, SMALL))
    page = new_page(1440, 900)
    open_at(page, served.url)
    page.get_by_label("Model", exact=True).click()
    page.locator("li", has_text="so3lr (not installed)").click()
    page.locator("input[type=file]").nth(1).set_input_files(model)
    expect(page.get_by_role("button", name="Get so3lr")).to_be_hidden()
    write(page, "Name, SMILES or sequence", "ethanol")
    try:
        expect(page.get_by_role("button", name="Run dynamics")).to_be_enabled()
        viewer = page.locator('.viewer[data-atoms="9"]')
        expect(page.get_by_text(re.compile(r"\d eV/Å$"))).to_be_visible()
        expect(page.get_by_text("Charges are being computed.")).to_be_hidden()
        before = pixels(viewer)
        page.get_by_label("Colour by").click()
        page.locator("li", has_text="Charge").click()
        assert wait_until(lambda: change(before, pixels(viewer)) > 0.005, page, "the colours have changed")
        page.mouse.click(*viewer.evaluate(PLACE, 2))
        expect(page.get_by_text(re.compile(r"^Atom 3 · Oxygen \(O\) · .*\d e$"))).to_be_visible()
        page.get_by_text("Precision and cutoff").click()
        write(page, "Long-range cutoff / Å", "1.5")
        expect(page.get_by_text("a number above 2, or empty")).to_be_visible()
        write(page, "Long-range cutoff / Å", "6")
        expect(page.get_by_text("long range to 6 Å").first).to_be_visible()
    finally:
        (served.home / "models" / "so3lr.npz").unlink(missing_ok=True)
