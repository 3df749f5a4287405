"""The viewer in JupyterLab without internet: a cell that shows it must draw, not only run without an exception."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from so3k_explore.jobs import Runs
from tests.browser.conftest import TIMEOUT, Server, Watched, expect
from tests.browser.pixels import ink, pixels, wait_until

SETUP = """import panel as pn
pn.extension(inline=True)
from so3k_explore.app.panes import MoleculePane
from tests.browser.apps.structures import ETHANOL, ETHANOL_BONDS, ETHANOL_NUMBERS"""
SHOW = """pane = MoleculePane(width=500, height=300, sizing_mode="fixed")
pane.show(ETHANOL_NUMBERS, ETHANOL, ETHANOL_BONDS)
pane"""
EXPLORE = """from so3k_explore.app.main import explore
explore("lj7")"""


@pytest.fixture
def lab(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("jupyterlab", reason="This test needs JupyterLab: pip install jupyterlab")
    folder: Path = tmp_path_factory.mktemp("notebooks")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in (SETUP, SHOW, EXPLORE)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "viewer.ipynb")
    settings = {
        **{"ip": "localhost", "open_browser": "False", "root_dir": str(folder), "allow_root": "True"},
        **{"log_level": "CRITICAL"},
    }
    options = [f"--ServerApp.{name}={value}" for name, value in settings.items()]
    quiet = [
        "--IdentityProvider.token=",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    options.append("--LabApp.expose_app_in_browser=True")
    home = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "RUNTIME")}
    home |= {"SO3K_RUNS": str(folder / "runs"), "SO3K_HOME": str(folder / "home"), "SO3K_MODELS": ""}
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.port={port}", *options, *quiet]
    yield serve(command=command, environment=home)
    Runs(folder / "runs").close(workers=True)


def run_all_cells(page: Any) -> None:
    """Runs the notebook to its end; asks again where JupyterLab was not ready to hear it."""
    prompts = page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt")
    begun = lambda: re.search(r"[\d*]", prompts.first.inner_text())
    for second in range(180):
        if begun():
            break
        if second % 20 == 0:
            page.evaluate("() => { void jupyterapp.commands.execute('notebook:run-all-cells') }")
        page.wait_for_timeout(1000)
    for number in range(3):
        expect(prompts.nth(number)).to_have_text(re.compile(r"^\[\d+\]:$"))


def test_the_viewer_draws_in_a_notebook(lab: Server, new_page: Callable[..., Any], watched: Watched) -> None:
    # Panel asks its own server for two optional files even when told to bring everything; the molecule must appear
    # without them. It also scrolls a table back one animation frame after it was taken away (`rowManager`). The other
    # complaints are JupyterLab's own.
    watched.expect += ["external: https://cdn.holoviz.org/", "reading 'rowManager'", "failed", "console"]
    page = new_page(1200, 800)
    page.goto(f"{lab.url}/lab/tree/viewer.ipynb?reset")
    expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible()
    page.set_default_timeout(3000 * TIMEOUT)  # a kernel has to start and to import
    expect(page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]')).to_be_visible()
    run_all_cells(page)
    viewer = page.locator(".viewer[data-ready]").first
    expect(viewer).to_be_visible()
    assert wait_until(lambda: ink(pixels(viewer)) > 0.02, page, "the molecule is drawn")
    explored = page.locator('.viewer[data-atoms="7"]')
    expect(explored).to_be_visible()
    expect(page.get_by_role("button", name="Run dynamics")).to_be_enabled()
    assert wait_until(lambda: ink(pixels(explored)) > 0.02, page, "the cluster is drawn")
    page.wait_for_timeout(3000)  # for what the browser answers
    complaints = page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]')
    assert complaints.all_inner_texts() == []
