from types import SimpleNamespace

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.events import Tap

from so3k_explore.app.panes.charts import Chart, DensityChart, LineChart, ScatterChart, link_x
from so3k_explore.app.panes.lines import MAX_POINTS, thinned
from so3k_explore.app.panes.scatter import FEW, QUIET
from so3k_explore.app.theme import TICKS


def figure(chart: Chart):
    """Draws the chart as a page would, and returns Bokeh's figure."""
    chart.__panel__().get_root()
    return chart._figures[-1]


def source(chart: Chart, name: str):
    return chart._sources[name][-1]


def test_thinning_keeps_every_peak() -> None:
    x = np.arange(100_000.0)
    y = np.sin(x / 500)
    y[31_415] = 9.0
    thin_x, thin_y = thinned(x, y)
    assert len(thin_x) <= MAX_POINTS
    assert thin_y.max() == 9.0
    assert thin_y.min() == pytest.approx(-1.0, abs=1e-4)
    assert (np.diff(thin_x) > 0).all()


def test_curves_are_written_into_the_drawn_figure() -> None:
    chart = LineChart("Energy", "t / ps", "E / eV", ["potential", "conserved"])
    drawn = figure(chart)
    chart.set({"potential": ([0, 1, 2], [5.0, 6.0, 7.0])})
    chart.stream({"potential": ([3], [8.0])})
    assert source(chart, "potential").data["y"].tolist() == [5, 6, 7, 8]
    assert len(source(chart, "conserved").data["x"]) == 0
    assert drawn.x_range.start == 0
    assert drawn.x_range.end >= 3
    assert drawn.y_range.start <= 5
    assert drawn.y_range.end >= 8


def test_a_chart_that_is_drawn_late_shows_the_same() -> None:
    chart = LineChart("Energy", "t / ps", "E / eV", ["potential"])
    chart.set({"potential": ([0, 1], [5.0, 6.0])})
    chart.set_cursor(0.5)
    drawn = figure(chart)
    assert source(chart, "potential").data["y"].tolist() == [5, 6]
    assert drawn.y_range.start <= 5
    assert chart.cursor.spans[0].location == 0.5


def test_a_zoom_of_the_user_survives_new_data() -> None:
    chart = LineChart("Energy", "t / ps", "E / eV", ["potential"])
    drawn = figure(chart)
    chart.set({"potential": ([0, 1], [5.0, 6.0])})
    drawn.x_range.update(start=0.2, end=0.4)
    chart.set({"potential": ([0, 100], [5.0, 6.0])})
    assert (drawn.x_range.start, drawn.x_range.end) == (0.2, 0.4)
    assert drawn.x_range.reset_end >= 100


def test_an_unknown_curve_is_refused_with_the_known_ones() -> None:
    chart = LineChart("Energy", "t / ps", "E / eV", ["potential"])
    with pytest.raises(ValueError, match="The curves are potential; got kinetic"):
        chart.set({"kinetic": ([0], [0])})


def test_charts_say_what_they_wait_for_until_they_have_data() -> None:
    chart = LineChart("Energy", "t / ps", "E / eV", ["potential"], empty="Start a run to see its energy.")
    assert (chart.filled, chart.empty) == (False, "Start a run to see its energy.")
    chart.set({"potential": ([0], [1.0])})
    assert chart.filled
    chart.clear()
    assert not chart.filled


def test_axes_have_few_labels_and_counts_no_fractions() -> None:
    chart = LineChart("Minima found", "force calls", "minima", ["minima"], from_zero="xy", whole=True)
    drawn = figure(chart)
    chart.set({"minima": ([200, 9000], [1, 2])})
    assert (drawn.x_range.start, drawn.y_range.start) == (0.0, 0.0)
    assert drawn.xaxis.ticker.desired_num_ticks == drawn.yaxis.ticker.desired_num_ticks == TICKS
    assert drawn.yaxis.ticker.min_interval == 1


def test_distances_in_a_scatter_begin_at_zero_with_room_for_half_a_point() -> None:
    chart = ScatterChart("Minima", "RMSD / Å", "E / eV", positive="x")
    drawn = figure(chart)
    chart.set([0.0, 1.3], [0.0, 0.5])
    assert -0.1 < drawn.x_range.start < 0.0
    assert drawn.y_range.start < 0.0
    assert drawn.x_range.end > 1.3


def test_linked_charts_move_together() -> None:
    first, second = (LineChart(name, "t / ps", name, ["all"]) for name in ("energy", "temperature"))
    link_x(first, second)
    figure(first)
    figure(second)
    assert first._figures[0].x_range.js_property_callbacks
    assert second._figures[0].x_range.js_property_callbacks


def test_choosing_a_point_is_heard_once_and_ringed() -> None:
    heard: list[list[int]] = []
    chart = ScatterChart("Minima", "RMSD / Å", "E / eV", on_select=heard.append)
    figure(chart)
    chart.set([0.0, 1.0, 2.0], [3.0, 4.0, 5.0], ["#0072B2", "#E69F00", "#009E73"], ["a", "b", "c"])
    source(chart, "points").selected.indices = [2]
    assert heard == [[2]]
    assert source(chart, "rings").data["x"].tolist() == [2.0]
    assert source(chart, "points").data["color"] == ["#0072B2", "#E69F00", "#009E73"]


def test_a_click_chooses_the_nearest_of_many_points_shift_adds_and_takes_back() -> None:
    heard: list[list[int]] = []
    chart = ScatterChart("Minima", "RMSD / Å", "E / eV", on_select=heard.append)
    drawn = figure(chart)
    chart.set(np.append(np.linspace(0.0, 0.1, 500), [1.0, np.nan]), np.append(np.zeros(500), [5.0, 1.0]))
    click = lambda x, y, shift=False: drawn._trigger_event(
        Tap(drawn, x=x, y=y, modifiers={"shift": shift, "ctrl": False, "alt": False})
    )
    click(0.03, 0.0)
    click(0.99, 4.99, shift=True)
    click(0.03, 0.0, shift=True)
    click(0.5, 2.5)
    click(0.5, 2.5)
    assert heard == [[150], [150, 500], [500], []]
    assert chart.selected == []


def test_highlighting_from_python_is_not_heard() -> None:
    heard: list[list[int]] = []
    chart = ScatterChart("Minima", "RMSD / Å", "E / eV", on_select=heard.append)
    figure(chart)
    chart.set([0.0, 1.0], [3.0, 4.0])
    chart.highlight([0, 1])
    assert heard == []
    assert source(chart, "points").selected.indices == [0, 1]
    chart.set([0.0], [3.0])
    assert chart.selected == [0]


def test_rings_are_drawn_on_their_own_canvas() -> None:
    chart = ScatterChart("Minima", "RMSD / Å", "E / eV")
    levels = {one.data_source: one.level for one in figure(chart).renderers}
    assert levels[source(chart, "rings")] == "overlay"
    assert levels[source(chart, "points")] == "glyph"


def test_many_points_are_told_what_is_chosen_when_clicking_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    chart = ScatterChart("Minima", "RMSD / Å", "E / eV")
    document = Document()
    document.add_root(figure(chart))
    monkeypatch.setattr(Document, "session_context", SimpleNamespace())

    def run_callbacks(until: int) -> list[int]:
        """Those that are due in so many milliseconds, one highlight's after the other; when each was due."""
        due = [each for each in document.session_callbacks if getattr(each, "timeout", 0) <= until]
        for each in due:
            document.callbacks.remove_session_callback(each)
            each.callback()
        return [getattr(each, "timeout", 0) for each in due]

    for count, pauses in ((FEW, []), (FEW + 1, [QUIET, QUIET])):
        chart.set(np.arange(count), np.arange(count))
        run_callbacks(QUIET)
        for chosen in ([3], [5, 7]):
            chart.highlight(chosen)
            run_callbacks(0)
        assert source(chart, "rings").data["x"].tolist() == [5.0, 7.0]
        assert source(chart, "points").selected.indices == ([] if pauses else [5, 7])
        assert run_callbacks(QUIET) == pauses
        assert source(chart, "points").selected.indices == [5, 7]
        chart.highlight([])
        run_callbacks(QUIET)


def test_points_need_one_colour_and_label_each() -> None:
    chart = ScatterChart("Minima", "RMSD / Å", "E / eV")
    with pytest.raises(ValueError, match="each of 2 x, got 2 y, 1 colours and 2 labels"):
        chart.set([0.0, 1.0], [0.0, 1.0], ["#000000"])


def test_a_density_counts_rows_upwards_and_columns_to_the_right() -> None:
    chart = DensityChart("Ramachandran", bins=4)
    figure(chart)
    chart.set([-170.0, -170.0, 100.0], [170.0, 170.0, -100.0])
    assert chart.counts[3, 0] == 2
    assert chart.counts[0, 3] == 1
    image = source(chart, "cells").data["image"][0]
    assert image[3, 0] == 0.0
    assert image[0, 3] == pytest.approx(np.log10(0.5))
    assert np.isnan(image[1, 1])
