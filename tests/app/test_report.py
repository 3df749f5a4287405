"""The report of a run holds everything it shows."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from so3k_explore.app.report import write_report
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.io.library import named
from tests.app.models.fakes import FakeRun
from tests.browser.apps.landscapes import write_funnel


def reported(folder: Path, minima: int = 5) -> Any:
    """A run with a synthetic landscape of butane."""
    butane = named("butane")
    write_funnel(folder / "landscape.db", butane, minima)
    run = FakeRun("20260101-butane", butane, kind="minima", name="butane & <co>", state="done", folder=folder)
    run.landscape = lambda: Landscape.open(folder / "landscape.db")
    return run


def test_a_report_tells_the_story_and_needs_nothing_else(tmp_path: Path) -> None:
    path = write_report(reported(tmp_path), tmp_path / "report.html")
    text = path.read_text("utf-8")
    assert "butane &amp; &lt;co&gt;: minima with lennard-jones" in text
    assert "5 minima were found in" in text
    outside = re.sub(r"<script>.*?</script>", "", text, flags=re.S)  # NGL names servers it never asks by itself
    assert outside.count("<svg") == 3
    assert outside.count("<tr data-minimum=") == 5
    assert not re.findall(r"(?:src|href)=[\"']https?:", outside)
    held = json.loads(re.search(r'id="structures">(.*?)</script>', text, re.S).group(1))  # pyright: ignore[reportOptionalMemberAccess]
    assert len(held) == 5
    assert all("V2000" in record and "M  END" in record for record in held.values())
    assert not list(tmp_path.glob(".report*"))


def test_a_run_without_minima_has_no_report(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no minimum to tell about"):
        write_report(reported(tmp_path, minima=0), tmp_path / "report.html")
