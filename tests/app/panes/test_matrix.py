from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.models import Plot, Quad

from so3k_explore.app.panes.matrix import MatrixChart, ticks

MATRIX = np.array([[0.0, 0.5, -2.0], [0.1, 0.0, 0.0], [0.3, 0.0, 0.0]])


def drawn() -> tuple[MatrixChart, list[tuple[int, int]], Any]:
    chosen: list[tuple[int, int]] = []
    chart = MatrixChart("m", "to", "who", on_choose=lambda row, column: chosen.append((row, column)))
    chart.set(MATRIX, ("A", "B", "C"), 1.0)
    layout: Any = chart.__panel__()
    root = layout.get_root(Document())
    (figure,) = root.select({"type": Plot})
    return chart, chosen, figure


def test_the_first_row_is_at_the_top_and_nothing_is_transparent() -> None:
    chart, _, figure = drawn()
    image = chart._columns["cells"]["image"][0]
    np.testing.assert_array_equal(image[-1], [np.nan, 0.5, -2.0])
    assert np.isnan(image[0, 1])
    assert (figure.x_range.end, figure.y_range.end) == (3.0, 3.0)
    assert figure.yaxis[0].major_label_overrides == {2.5: "A", 1.5: "B", 0.5: "C"}
    assert figure.xaxis[0].major_label_overrides == {0.5: "A", 1.5: "B", 2.5: "C"}


def test_a_click_chooses_the_entry_below_it_and_beside_the_matrix_nothing() -> None:
    chart, chosen, _ = drawn()
    chart._tapped(SimpleNamespace(x=2.2, y=2.9))
    chart._tapped(SimpleNamespace(x=0.1, y=0.1))
    chart._tapped(SimpleNamespace(x=3.4, y=1.0))
    assert chosen == [(0, 2), (2, 0)]


def test_the_frame_surrounds_the_marked_entry() -> None:
    chart, _, figure = drawn()
    chart.mark((0, 2))
    quad = next(each for each in figure.renderers if isinstance(each.glyph, Quad))
    corners = {name: values.tolist() for name, values in quad.data_source.data.items()}
    assert corners == {"left": [2.0], "bottom": [2.0], "right": [3.0], "top": [3.0]}
    chart.mark(None)
    assert len(quad.data_source.data["left"]) == 0


def test_another_size_gets_other_names_and_limits() -> None:
    chart, _, figure = drawn()
    chart.set(np.ones((5, 5)), list("VWXYZ"), 2.0)
    assert (figure.x_range.start, figure.x_range.end) == (0.0, 5.0)
    assert figure.xaxis[0].major_label_overrides[4.5] == "Z"
    assert len(ticks(300)) <= 12
    with pytest.raises(ValueError, match="a row and a column for each of 2 names"):
        chart.set(np.ones((5, 5)), ["A", "B"], 1.0)
