"""The dashed line that shows where a film or a way is."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from bokeh.document import Document

from so3k_explore.app.panes.charts import LineChart, ProfileChart

Heard = Callable[[float], None]


def line_chart(on_tap: Heard | None = None) -> LineChart:
    chart = LineChart("Energy", "t / ps", "E / eV", ["potential"], on_tap=on_tap)
    chart.set({"potential": ([0, 1], [5.0, 6.0])})
    return chart


def profile_chart(on_tap: Heard | None = None) -> ProfileChart:
    chart = ProfileChart("Way", on_tap=on_tap)
    chart.draw([0, 5], [0.0, 1.0], ["minimum", "saddle"], ["red", "blue"], ["1", "2"])
    return chart


BOTH: Any = pytest.mark.parametrize("make", [line_chart, profile_chart])


@BOTH
def test_the_cursor_of_every_drawing_moves_and_hides(make: Callable[[], Any]) -> None:
    chart = make()
    chart.set_cursor(0.5)
    for _ in range(2):
        chart.__panel__().get_root(Document())
    spans = chart.cursor.spans
    assert len(spans) >= 2
    assert [(span.location, span.visible) for span in spans] == [(0.5, True)] * len(spans)
    chart.set_cursor(0.75)
    assert {span.location for span in spans} == {0.75}
    chart.set_cursor(None)
    assert not any(span.visible for span in spans)


@BOTH
def test_a_click_tells_where_it_was(make: Callable[[Heard], Any]) -> None:
    heard: list[float] = []
    cursor = make(heard.append).cursor
    cursor._tapped(SimpleNamespace(x=2))
    cursor._tapped(SimpleNamespace(x=None))  # beside the axes
    assert heard == [2.0]
