"""A report opens from the disk, with no network at all, and draws its structures."""

from pathlib import Path
from typing import Any

from tests.app.test_report import reported
from tests.browser.conftest import Watched, expect
from tests.browser.pixels import change, ink, pixels, wait_until


def test_a_report_opens_from_the_disk_without_network(new_page: Any, watched: Watched, tmp_path: Path) -> None:
    from so3k_explore.app.report import write_report

    path = write_report(reported(tmp_path), tmp_path / "report.html")
    watched.expect.append("external: file://")  # the report itself
    page = new_page(1200, 900)
    page.context.set_offline(True)
    page.goto(path.as_uri())
    viewer = page.locator("#viewer")
    expect(page.locator("#viewer[data-state^='shows']")).to_be_visible()
    assert wait_until(lambda: ink(pixels(viewer)) > 0.01, page, "the lowest minimum is drawn")
    before = pixels(viewer)
    page.locator("tr[data-minimum]").nth(3).click()
    expect(page.locator("tr[data-minimum]").nth(3)).to_have_class("chosen")
    assert wait_until(lambda: change(before, pixels(viewer)) > 0.002, page, "another one is drawn")
