"""Seconds from the press of *Run* to what is then seen, with 22 atoms.

*Cold* begins without compiled programs, *warm* finds those of the cold run on the disk.

First without a page, SO3LR, no engine process running before. Beside the seconds on the clock stand those of the
worker's CPU time, which count where other programs run as well. Then on the page, bundled model: from the address to a
drawn molecule, and from the press of the button, after the form was read for some seconds, to the first moved frame.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.browser import ARGUMENTS, PageServer
from so3k_explore.jobs import DynamicsSettings, Run, Runs
from so3k_explore.potentials.registry import ModelNotFoundError, model_info

ATOMS, MOLECULE = 22, "ala2"
PATIENCE = 600  # s
READING = 20  # s, between the molecule and the button
VIEWER = '.viewer[data-ready="1"]'


def main() -> None:
    """Prints two lines for runs, and two for the page."""
    print(f"first frame, {ATOMS} atoms; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    for measure in (runs_alone, on_the_page):
        with tempfile.TemporaryDirectory() as cache:
            os.environ["JAX_COMPILATION_CACHE_DIR"] = cache
            measure()


def runs_alone() -> None:
    """Prints what a run with SO3LR shows, and when."""
    try:
        installed = model_info("so3lr").installed
    except ModelNotFoundError:
        installed = False
    if not installed:
        print("first frame: SO3LR is not on this machine; fetch it with `so3k models get so3lr`")
        return
    print("SO3LR   molecule  relaxing  dynamics  worker CPU s until dynamics")
    for name in ("cold", "warm"):
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name:6s} {_start(Path(folder))}", flush=True)


def on_the_page() -> None:
    """Prints what Chromium shows of a run with the bundled model, and when."""
    from tests.browser.get_browser import find_browser

    browser = find_browser()
    if browser is None:
        print("page: Chromium is not on this machine")
        return
    print("page    molecule  first moved frame after the press")
    for name in ("cold", "warm"):
        with tempfile.TemporaryDirectory() as folder:
            runs = Runs(folder)
            try:
                with PageServer(runs) as server:
                    print(f"{name:6s} {_press(browser, server.url)}", flush=True)
            finally:
                runs.close(workers=True)


def _press(browser: str, url: str) -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=list(ARGUMENTS))
        page: Any = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(1000 * PATIENCE)
        began = time.monotonic()
        page.goto(f"{url}/?molecule={MOLECULE}&tab=dynamics")
        viewer = page.locator(VIEWER).first
        viewer.wait_for()
        drawn = time.monotonic() - began
        page.wait_for_timeout(1000 * READING)
        button, before = page.get_by_role("button", name="Run dynamics"), _shown(viewer)
        began = time.monotonic()
        button.click()
        while _shown(viewer) < before + 2 and time.monotonic() - began < PATIENCE:  # the first shows the start
            page.wait_for_timeout(20)
        moved = time.monotonic() - began
        page.get_by_role("button", name="Stop", exact=True).first.click()
        chromium.close()
    return f"{drawn:9.1f} {moved:34.1f}"


def _shown(viewer: Any) -> int:
    """Frames that the viewer has drawn."""
    return int(viewer.get_attribute("data-shown") or 0)


def _start(folder: Path) -> str:
    runs = Runs(folder)
    began = time.monotonic()
    run = runs.submit(DynamicsSettings(), MOLECULE, "so3lr")
    try:
        seen = _watch(run, began)
    finally:
        run.stop()
        runs.close(workers=True)
    return f"{seen['molecule']:9.1f} {seen['relaxing']:9.1f} {seen['dynamics']:9.1f} {seen['cpu']:28.1f}"


def _watch(run: Run, began: float) -> dict[str, float]:
    """Seconds until the molecule, its relaxation and its dynamics are seen, and CPU seconds until the last."""
    seen: dict[str, float] = {}
    while "dynamics" not in seen and time.monotonic() - began < PATIENCE:
        frame, status = run.live(), run.status()
        now = time.monotonic() - began
        if frame is not None:
            seen.setdefault("molecule", now)
        if status.message.startswith("Relaxing"):
            seen.setdefault("relaxing", now)
        if status.step > 0:
            seen |= {"dynamics": now, "cpu": _cpu_seconds(run)}
        time.sleep(0.02)
    return seen


def _cpu_seconds(run: Run) -> float:
    import psutil  # comes with Dask

    times = psutil.Process(int(run._folder.status()["pid"])).cpu_times()
    return times.user + times.system
