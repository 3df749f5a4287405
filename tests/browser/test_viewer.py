"""The molecular viewer in a real browser: what is drawn, what the mouse and the keys do, what Python hears."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.browser.conftest import APPS, Server, Watched, expect
from tests.browser.pixels import change, ink, pixels, wait_until

PLACE = """(element, index) => {
    const box = element.getBoundingClientRect(), place = element.__viewer.scene.project(index)
    return [box.x + place.x, box.y + place.y]
}"""


@pytest.fixture(scope="session")
def server(serve: Callable[..., Server]) -> Server:
    return serve(APPS / "viewer.py")


@pytest.fixture
def open_viewer(server: Server, page: Any) -> Callable[..., Any]:
    """Function that opens the page and returns the viewer's element once its molecule is drawn."""

    def opened(query: str = "", *, ready: str = "[data-ready]") -> Any:
        page.goto(f"{server.url}/viewer{query}")
        expect(page.locator(f".viewer{ready}")).to_be_visible()
        return page.locator(".viewer")

    return opened


@pytest.fixture
def viewer(open_viewer: Callable[..., Any]) -> Any:
    return open_viewer()


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def click_atom(viewer: Any, index: int) -> None:
    x, y = viewer.evaluate(PLACE, index)
    viewer.page.mouse.click(x, y)


def hears(page: Any, text: str) -> bool:
    """Python says it on the page; waits for it, and fails where it does not come."""
    expect(page.locator(".heard")).to_contain_text(text)
    return True


def drawn(viewer: Any) -> np.ndarray:
    """Screenshot after the molecule has appeared."""
    assert wait_until(lambda: ink(pixels(viewer)) > 0.02, viewer.page, "the molecule is drawn")
    return pixels(viewer)


def changes(viewer: Any, before: np.ndarray, what: str, least: float = 0.01) -> None:
    assert wait_until(lambda: change(before, pixels(viewer)) > least, viewer.page, what)


def test_a_molecule_is_drawn_with_its_bonds(viewer: Any) -> None:
    assert 0.02 < ink(drawn(viewer)) < 0.9
    assert viewer.get_attribute("data-bonds") == "8"


def test_clicking_atoms_measures_and_python_hears_it(viewer: Any, page: Any) -> None:
    before = drawn(viewer)
    click_atom(viewer, 0)
    assert hears(page, "picked [0] measured C1")
    click_atom(viewer, 2)
    assert hears(page, "picked [0, 2] measured C1-O3 2.37 Å")
    changes(viewer, before, "the distance is drawn", least=0.002)
    click_atom(viewer, 4)
    assert hears(page, "picked [0, 2, 4] measured C1-O3-H5")
    page.keyboard.press("Escape")
    assert hears(page, "picked [] measured")


def test_a_fifth_click_starts_again_and_a_second_click_takes_back(viewer: Any, page: Any) -> None:
    drawn(viewer)
    for index in (0, 1, 2, 8):
        click_atom(viewer, index)
        expect(page.locator(f'.viewer[data-picked$="{index}"]')).to_be_visible()
    assert hears(page, "picked [0, 1, 2, 8] measured C1-C2-O3-H9")
    click_atom(viewer, 5)
    assert hears(page, "picked [5]")
    click_atom(viewer, 5)
    assert hears(page, "picked []")


def test_clicking_beside_the_molecule_clears(viewer: Any, page: Any) -> None:
    drawn(viewer)
    click_atom(viewer, 0)
    assert hears(page, "picked [0]")
    box = viewer.bounding_box()
    page.mouse.click(box["x"] + 20, box["y"] + box["height"] - 20)
    assert hears(page, "picked []")


def test_dragging_rotates_and_the_wheel_zooms(viewer: Any, page: Any) -> None:
    before = drawn(viewer)
    box = viewer.bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 420, box["y"] + 260, steps=4)
    page.mouse.up()
    changes(viewer, before, "the molecule has turned")
    turned, covered = pixels(viewer), ink(pixels(viewer))
    page.mouse.wheel(0, 400)
    changes(viewer, turned, "the molecule is farther or nearer")
    assert wait_until(lambda: abs(ink(pixels(viewer)) - covered) > 0.01, page, "its size has changed")
    page.locator(".viewer button.center").click()
    assert wait_until(lambda: abs(ink(pixels(viewer)) - covered) < 0.03, page, "it fills the view again")


def test_frames_play_in_the_browser_and_python_learns_the_frame(viewer: Any, page: Any) -> None:
    drawn(viewer)
    press(page, "frames")
    expect(page.locator('.viewer[data-frame="0"]')).to_be_visible()
    press(page, "play")
    assert wait_until(lambda: int(viewer.get_attribute("data-shown")) > 20, page, "twenty frames were shown")
    press(page, "play")
    page.wait_for_timeout(300)
    frame = viewer.get_attribute("data-frame")
    assert hears(page, f"frame {frame}")


def test_keys_play_and_step(viewer: Any, page: Any) -> None:
    drawn(viewer)
    press(page, "frames")
    expect(page.locator('.viewer[data-frame="0"]')).to_be_visible()
    viewer.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert hears(page, "frame 2")
    page.keyboard.press("ArrowLeft")
    assert hears(page, "frame 1")
    page.keyboard.press(" ")
    assert wait_until(lambda: int(viewer.get_attribute("data-shown")) > 12, page, "space started playback")
    page.keyboard.press(" ")


def test_a_measurement_follows_the_frames(viewer: Any, page: Any) -> None:
    drawn(viewer)
    click_atom(viewer, 0)
    click_atom(viewer, 2)
    expect(page.locator('.viewer[data-measurement="C1-O3 2.37 Å"]')).to_be_visible()
    press(page, "push")
    expect(page.locator('.viewer[data-measurement="C1-O3 2.84 Å"]')).to_be_visible()


def test_many_frames_arrive_in_several_blocks(viewer: Any, page: Any) -> None:
    press(page, "many frames")
    assert wait_until(
        lambda: viewer.evaluate("element => element.__viewer.player.loaded") == 60_000, page, "all arrived"
    )
    assert viewer.evaluate("element => element.__viewer.player.blocks.length") == 2


def test_bonds_stay_when_atoms_move_apart(viewer: Any, page: Any) -> None:
    before = drawn(viewer)
    press(page, "long bond")
    changes(viewer, before, "the molecule is stretched")
    assert viewer.evaluate("element => element.__viewer.scene.component.structure.bondStore.count") == 8


def test_colours_change_and_return(viewer: Any, page: Any) -> None:
    before = drawn(viewer)
    press(page, "colour")
    changes(viewer, before, "the colours have changed", least=0.02)
    press(page, "element")
    assert wait_until(lambda: change(before, pixels(viewer)) < 0.005, page, "the colours are back")


def test_overlays_and_edges_are_drawn_and_go_with_the_next_molecule(viewer: Any, page: Any) -> None:
    before = drawn(viewer)
    press(page, "overlay")
    expect(page.locator('.viewer[data-overlays="2"]')).to_be_visible()
    changes(viewer, before, "the overlays are drawn")
    with_overlays = pixels(viewer)
    press(page, "edges")
    expect(page.locator('.viewer[data-edges="2"]')).to_be_visible()
    changes(viewer, with_overlays, "the edges are drawn", least=0.003)
    press(page, "cluster")
    expect(page.locator('.viewer[data-atoms="13"][data-overlays="0"][data-edges="0"]')).to_be_visible()


def test_styles_and_hidden_hydrogens_change_the_picture(viewer: Any, page: Any) -> None:
    before = drawn(viewer)
    press(page, "hydrogens")
    changes(viewer, before, "the hydrogens are gone", least=0.02)
    press(page, "hydrogens")
    press(page, "licorice")
    expect(page.locator('.viewer[data-style="licorice"]')).to_be_visible()
    changes(viewer, before, "atoms are sticks", least=0.02)


def test_a_cluster_without_bonds_is_drawn_as_touching_neighbours(open_viewer: Callable[..., Any]) -> None:
    viewer = open_viewer("?what=cluster")
    assert viewer.get_attribute("data-bonds") == "0"
    assert ink(drawn(viewer)) > 0.15
    assert viewer.evaluate("element => element.__viewer.scene.contacts.component !== null")


def test_a_cell_is_drawn_around_a_crystal(open_viewer: Callable[..., Any]) -> None:
    viewer = open_viewer("?what=crystal")
    drawn(viewer)
    assert viewer.evaluate("element => element.__viewer.scene.cell.component !== null")


def test_the_picture_follows_the_size_and_the_theme(viewer: Any, page: Any) -> None:
    drawn(viewer)
    press(page, "wide")
    expect(page.locator('.viewer[data-size="800x440"]')).to_be_visible()
    assert wait_until(lambda: 0.01 < ink(pixels(viewer)) < 0.9, page, "it is drawn again")
    press(page, "dark")
    assert wait_until(lambda: pixels(viewer)[-5, 5].sum() < 90, page, "the background is dark")
    assert ink(pixels(viewer)) > 0.01


def test_without_a_molecule_the_pane_says_what_to_do(open_viewer: Callable[..., Any], page: Any) -> None:
    viewer = open_viewer("?what=none", ready="[data-atoms='0']")
    expect(viewer.get_by_text("Choose a molecule to see it here.")).to_be_visible()
    press(page, "cluster")
    expect(page.locator('.viewer[data-atoms="13"]')).to_be_visible()
    assert viewer.locator(".note").inner_text() == ""
    press(page, "empty")
    expect(viewer.get_by_text("Choose a molecule to see it here.")).to_be_visible()


def test_the_picture_can_be_saved(viewer: Any, page: Any, tmp_path: Any) -> None:
    drawn(viewer)
    with page.expect_download() as download:
        press(page, "screenshot")
    path = tmp_path / "picture.png"
    download.value.save_as(path)
    from PIL import Image

    with Image.open(path) as picture:
        assert picture.size == (1280, 880)
        assert ink(np.asarray(picture.convert("RGB")).astype(int)) > 0.02
    assert download.value.suggested_filename == "ethanol.png"


def test_one_graphics_context_serves_all_molecules(viewer: Any, page: Any) -> None:
    drawn(viewer)
    viewer.evaluate("element => { element.querySelector('.stage canvas').marked = true }")
    for _ in range(2):
        press(page, "cluster")
        expect(page.locator('.viewer[data-atoms="13"]')).to_be_visible()
        press(page, "empty")
        expect(page.locator('.viewer[data-atoms="0"]')).to_be_visible()
    assert viewer.evaluate("element => element.querySelector('.stage canvas').marked")
    assert page.locator(".viewer").count() == 1


def test_python_sends_the_library_when_it_cannot_be_fetched(
    open_viewer: Callable[..., Any], page: Any, watched: Watched
) -> None:
    watched.expect.append("404")
    page.route("**/nglview/index.js*", lambda route: route.fulfill(status=404, body="gone"))
    assert ink(drawn(open_viewer())) > 0.02


def test_an_unreadable_library_is_reported_in_the_pane(open_viewer: Callable[..., Any], page: Any) -> None:
    page.route("**/nglview/index.js*", lambda route: route.fulfill(body="define([], () => ({}))"))
    viewer = open_viewer(ready="[data-problem]")
    expect(viewer.get_by_text("pip install nglview==4.0.1")).to_be_visible()


def test_a_browser_without_3d_graphics_is_told_so(open_viewer: Callable[..., Any], page: Any) -> None:
    page.add_init_script(
        """const original = HTMLCanvasElement.prototype.getContext
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
            return kind.startsWith("webgl") ? null : original.call(this, kind, ...rest)
        }"""
    )
    viewer = open_viewer(ready="[data-problem]")
    expect(viewer.get_by_text("Switch on hardware acceleration")).to_be_visible()
