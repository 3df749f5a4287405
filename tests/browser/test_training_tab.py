"""The tab Training as people use it: water that a tiny network learns in seconds, pairs that get labels."""

import re
from pathlib import Path
from typing import Any

import pytest
from ase import Atoms
from ase.io import write

from so3k_explore.io.datasets import load_dataset, save_dataset
from tests.app.models.labelled import labelled
from tests.browser.conftest import expect
from tests.browser.pixels import ink, pixels, wait_until
from tests.browser.test_page import Served, press
from tests.browser.test_page import served as served

MOODY = "tests.training.calculators:Moody"


def fill(page: Any, label: str, text: str) -> None:
    field = page.get_by_role("textbox", name=re.compile(f"^{label}"))  # the help follows
    field.fill(text)
    field.press("Enter")


def test_a_model_is_trained_watched_found_again_and_used(new_page: Any, served: Served, tmp_path: Path) -> None:
    page = new_page(1280, 800)
    page.goto(f"{served.url}?tab=training")
    train = page.get_by_role("button", name="Train a model")
    expect(page.get_by_text("Choose a data set first.")).to_be_visible()
    assert train.is_disabled()
    fill(page, "Data set", str(tmp_path / "absent.npz"))
    expect(page.get_by_text("There is no file")).to_be_visible()
    fill(page, "Data set", str(save_dataset(tmp_path / "water.npz", labelled())))
    expect(page.get_by_text("20 structures of 1 molecule (water)")).to_be_visible()
    page.get_by_role("button", name="Network").click()
    for label, text in (("Steps", "60"), ("Validate every", "20"), ("Features", "24"), ("Layers", "1")):
        fill(page, label, text)
    expect(train).to_be_enabled()
    train.click()
    page.wait_for_url("**run=*train*")
    expect(page.get_by_text("begun as fresh network")).to_be_visible()
    expect(page.get_by_role("button", name="Use this model")).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile(r"^[\d.]+ meV/Å$")).first).to_be_visible()
    for k in range(2):
        plot = page.locator(".bk-Figure").nth(k)
        assert wait_until(lambda plot=plot: ink(pixels(plot)) > 0.005, page, "the curves are drawn")
    expect(page.get_by_text("water training").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    press(page, "Use this model")
    try:
        expect(page.get_by_text("Added to your models as water")).to_be_visible()
        expect(page.get_by_label("Model", exact=True).first).to_have_text("water")
        label_and_offer(page, tmp_path)
    finally:
        (served.home / "models" / "water.npz").unlink(missing_ok=True)


def label_and_offer(page: Any, folder: Path) -> None:
    """Labels structures on the same page, one of which fails, and fills the form of active learning with them."""
    write(folder / "pairs.xyz", [Atoms("HH", [[0, 0, 0], [distance, 0, 0]]) for distance in (2.0, 0.5, 2.5, 2.2)])
    press(page, "Label")
    expect(page.get_by_text("Choose structures first.")).to_be_visible()
    fill(page, "Method", "B3LYP")
    fill(page, "Structures", str(folder / "pairs.xyz"))
    expect(page.get_by_text("4 structures of pairs")).to_be_visible()
    button = page.get_by_role("button", name="Label structures")
    expect(page.get_by_text("must be GFN2-xTB, GFN1-xTB or")).to_be_visible()
    assert button.is_disabled()
    fill(page, "Method", MOODY)
    button.click()
    page.wait_for_url("**run=*label*")
    expect(page.get_by_text("Without a label: structure 1: The reference calculation failed")).to_be_visible()
    expect(page.get_by_text("pairs labelling").first).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_text("Save data set").click()
    assert load_dataset(saved.value.path()).energies.tolist() == pytest.approx([2.0, 2.5, 2.2])
    press(page, "Train with these data")
    expect(page.get_by_text("3 structures of 1 molecule (pairs)")).to_be_visible()
    press(page, "Improve")
    expect(page.get_by_role("textbox", name=re.compile("^Method"))).to_have_value(MOODY)
    expect(page.get_by_role("button", name="Improve a model")).to_be_enabled()


def test_the_tab_takes_room_from_the_viewer_when_it_is_opened_and_gives_it_back(new_page: Any, served: Served) -> None:
    page = new_page(1440, 900)
    page.goto(served.url)
    page.wait_for_selector(".viewer[data-ready]")
    width = lambda: page.locator(".viewer").first.bounding_box()["width"]
    usual = width()
    page.get_by_role("tab", name="Training").click()
    expect(page.get_by_text("Force error (dashed: the best model)")).to_be_visible()
    assert wait_until(lambda: width() < 0.85 * usual, page, "the viewer is narrower")
    page.get_by_role("tab", name="Molecule").click()
    assert wait_until(lambda: abs(width() - usual) < 5, page, "the viewer is as wide as before")
