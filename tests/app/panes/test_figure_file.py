import csv
import io

import numpy as np
import pytest

from so3k_explore.app.panes.charts import BandChart, Chart, DensityChart, LineChart, NetworkChart, ScatterChart
from tests.app.panes.test_tree import filled
from tests.browser.apps.landscapes import funnel_tree


def line() -> Chart:
    chart = LineChart("Energy against time", "t / ps", "E / eV", ["potential", "kinetic"])
    chart.set({"potential": ([0, 1, 2], [5.0, 6.0, 5.5]), "kinetic": ([0, 1, 2], [1.0, 2.0, 1.5])})
    return chart


def band() -> Chart:
    chart = BandChart("Minima", "calls", "minima", ["found"])
    chart.set({"found": ([0, 10], [1, 5])})
    chart.set_band([0, 10], [1, 4], [2, 8])
    return chart


def points() -> Chart:
    chart = ScatterChart("Map", "a / Å", "b / Å")
    chart.set([0.0, 1.0], [2.0, 3.0], ["#112233", "#445566"], ["one", "two"])
    chart.highlight([1])
    return chart


def density() -> Chart:
    chart = DensityChart("Ramachandran")
    chart.set([-80.0, -80.0, 60.0], [70.0, 71.0, 10.0])
    return chart


def network() -> Chart:
    chart = NetworkChart("Graph")
    chart.draw([[0, 0], [1, 1], [2, 0]], [(0, 1), (1, 2)], ["saddle", "move"], ["#112233"] * 3, ["a", "b", "c"])
    return chart


CHARTS = {"line": line, "band": band, "points": points, "density": density, "network": network}
CHARTS["tree"] = lambda: filled(funnel_tree(9))


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_becomes_a_picture_and_a_table(name: str) -> None:
    chart = CHARTS[name]()
    chart.__panel__().get_root()
    file, content = chart.file("svg")
    assert file.endswith(".svg")
    text = content.decode()
    assert chart.title in text
    drawn = text.count("<path") + text.count("<use") + text.count("<image")
    assert drawn > 4
    assert chart.file("png")[1].startswith(b"\x89PNG")
    rows = list(csv.DictReader(io.StringIO(chart.file("csv")[1].decode())))
    assert rows
    assert {"element", "x", "y"} <= set(rows[0])


def test_colours_labels_and_legend_are_those_of_the_chart() -> None:
    chart = points()
    chart.__panel__().get_root()
    text = chart.file("svg")[1].decode()
    assert "a / Å" in text
    assert "#112233" in text
    curves = line()
    curves.__panel__().get_root()
    text = curves.file("svg")[1].decode()
    assert "potential" in text
    assert "kinetic" in text


def test_the_table_holds_all_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(points().file("csv")[1].decode())))
    kept = [row for row in rows if row["element"] == "points"]
    assert [(float(row["x"]), float(row["y"]), row["label"]) for row in kept] == [(0, 2, "one"), (1, 3, "two")]
    cells = list(csv.DictReader(io.StringIO(density().file("csv")[1].decode())))
    assert len([row for row in cells if row["element"] == "cells"]) == 2
    assert np.isclose(float(cells[0]["value"]), 0.0) or np.isclose(float(cells[1]["value"]), 0.0)


def test_a_file_that_cannot_be_made_is_explained() -> None:
    with pytest.raises(ValueError, match="svg, png, csv, got 'gif'"):
        points().file("gif")
    with pytest.raises(ValueError, match="Show the chart first"):
        points().file("svg")


def test_a_file_is_handed_to_the_browser() -> None:
    chart = points()
    chart.__panel__().get_root()
    chart._deliver("csv")
    name, kind, content = chart._figures[-1].tags
    assert (name, kind) == ("map.csv", "text/csv")
    assert content
