"""The tab Spectra as people use it, with clusters whose vibrations take no time."""

import re
from pathlib import Path
from typing import Any

from so3k_explore.io.library import named
from so3k_explore.jobs import DynamicsSettings, Runs
from tests.browser.conftest import Watched, expect
from tests.browser.pixels import change, ink, pixels, wait_until
from tests.browser.test_page import DARK, Served
from tests.browser.test_page import served as served


def moved(folder: Path, name: str, **settings: Any) -> str:
    """A finished run of dynamics of seven atoms; its id."""
    runs = Runs(folder, engine="inline")
    asked = DynamicsSettings(**{"temperature": 300.0, "walkers": 2, **settings})
    run = runs.submit(asked, named("lj7"), "lennard-jones", name=name)
    assert run.wait(600).state == "done"
    runs.close()
    return run.id


def wide(page: Any) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_without_a_run_a_mode_is_computed_clicked_and_moves(new_page: Any, served: Served) -> None:
    page = new_page(1440, 900)
    page.goto(f"{served.url}?molecule=lj7&tab=spectra")
    page.wait_for_selector(".viewer[data-ready]")
    expect(page.get_by_text("Appears when a run of dynamics is shown").first).to_be_visible()
    page.get_by_role("button", name=re.compile("Harmonic lines of")).click()
    modes = page.get_by_text(re.compile("Normal modes of"))
    expect(modes).to_be_visible()
    modes.scroll_into_view_if_needed()  # tables draw their rows when they are seen
    page.locator(".tabulator:visible").last.scroll_into_view_if_needed()
    rows = page.locator(".tabulator-row:visible")
    rows.nth(2).click()
    title = page.get_by_text("Normal mode 3 of 15,")
    expect(title).to_be_visible()
    canvas = page.locator("canvas").first
    before = pixels(canvas)
    assert wait_until(lambda: change(before, pixels(canvas)) > 0.002, page, "the atoms move")
    plot = page.locator(".bk-Figure").first
    assert wait_until(lambda: ink(pixels(plot)) > 0.005, page, "the lines are drawn")
    page.get_by_role("button", name="Stop", exact=True).last.click()
    expect(title).to_be_hidden()
    assert wide(page)


def test_a_run_with_velocities_has_a_spectrum_on_a_small_dark_screen_and_says_what_it_lacks(
    new_page: Any, served: Served, watched: Watched
) -> None:
    watched.expect.append("net::ERR_ABORTED")  # of what the first page was loading when it was made dark
    run = moved(served.runs, "recorded", duration=1.2, record=("velocities",), frame_interval=2.0)
    page = new_page(1000, 760, color_scheme="dark")
    page.goto(f"{served.url}?run={run}&tab=spectra")
    page.wait_for_selector(".viewer[data-ready]")
    expect(page.get_by_text(re.compile(r"Power spectrum, \d+ K, resolution \d+ cm⁻¹, 15\.0 degrees"))).to_be_visible()
    expect(page.get_by_text(re.compile("did not record dipole moments.*Record for spectra"))).to_be_visible()
    plot = page.locator(".bk-Figure").first
    assert wait_until(lambda: ink(pixels(plot)) > 0.005, page, "the spectrum is drawn")
    assert pixels(plot).mean() < DARK
    assert wide(page)


def test_a_short_run_and_one_without_velocities_say_what_to_do(new_page: Any, served: Served) -> None:
    plain = moved(served.runs, "plain", duration=0.3)
    short = moved(served.runs, "short", duration=0.02, record=("velocities",), frame_interval=2.0)
    page = new_page(1280, 800)
    page.goto(f"{served.url}?run={plain}&tab=spectra")
    expect(page.get_by_text(re.compile("did not record velocities.*“More”.*Record for spectra"))).to_be_visible()
    page.goto(f"{served.url}?run={short}&tab=spectra")
    expect(page.get_by_text("Appears when there are frames enough").first).to_be_visible()


def test_below_the_curves_of_dynamics_are_free_energy_and_distances(new_page: Any, served: Served) -> None:
    run = moved(served.runs, "followed", duration=0.6)
    page = new_page(1440, 900)
    page.goto(f"{served.url}?run={run}&tab=dynamics")
    title = page.get_by_text("Free energy, distances between frames, stays in conformations")
    title.scroll_into_view_if_needed()
    title.click()
    expect(page.get_by_text(re.compile(r"frames count as .* independent sample"))).to_be_visible()
    heat = page.get_by_text("RMSD between all frames")
    heat.scroll_into_view_if_needed()
    expect(heat).to_be_visible()
    expect(page.get_by_text("Without torsions conformations have no names.")).to_be_attached()
    assert wide(page)
