import numpy as np

from so3k_explore.app.panes.linked import STEM
from so3k_explore.app.panes.scatter import POINTS, RINGS
from so3k_explore.app.panes.tree import SIZES, TreeChart
from so3k_explore.exploration.tree import Tree
from so3k_explore.exploration.tree_building import disconnectivity_tree
from so3k_explore.exploration.tree_layout import layout, strokes
from tests.browser.apps.landscapes import funnel_tree


def filled(tree: Tree, **options) -> TreeChart:
    chart = TreeChart("Tree", **options)
    drawn = layout(tree)
    chart.draw((drawn.x[: len(tree)], tree.energies), strokes(tree, drawn))
    return chart


def figure(chart: TreeChart):
    chart.__panel__().get_root()
    return chart._figures[-1]


def test_bounds_are_drawn_apart_from_saddles() -> None:
    tree = disconnectivity_tree([1, 2, 3], [0.0, 0.1, 0.2], [(1, 2), (2, 3)], [0.5, 0.7], [4, 0])
    chart = filled(tree)
    drawn = figure(chart)
    heights = lambda name: {y for ys in chart._columns[name]["ys"] for y in np.round(ys, 6) if np.isfinite(y)}
    assert heights("solid") >= {0.0, 0.1, 0.5}
    assert heights("dashed") == {0.2, 0.5, 0.7}
    dashes = [r.glyph.line_dash for r in drawn.renderers if "xs" in r.data_source.data]
    assert dashes == ["solid", "dashed", "dotted"]
    assert drawn.y_range.end > 0.7
    assert (drawn.x_range.start, drawn.x_range.end) == (-0.575, 2.575)


def test_branches_have_the_colour_of_their_group_and_parts_apart_are_grey() -> None:
    tree = disconnectivity_tree([1, 2, 3, 4], [0.0, 0.1, 0.2, 0.3], [(1, 2)], [0.5])
    chart = TreeChart("Tree")
    drawn = layout(tree)
    chart.draw((drawn.x[:4], tree.energies), strokes(tree, drawn, [0, 0, 1, -1]), groups={0: "#111111", 1: "#222222"})
    assert set(chart._columns["solid"]["color"]) == {"#111111", "#222222", STEM}
    assert chart._columns["solid"]["color"].count(STEM) == 1


def test_leaves_are_chosen_keep_their_rings_and_shrink_where_there_are_many() -> None:
    heard: list[list[int]] = []
    chart = filled(funnel_tree(6), on_select=heard.append)
    drawn = figure(chart)
    chart._sources[POINTS][-1].selected.indices = [4, 2]
    assert heard == [[4, 2]]
    assert len(chart._sources[RINGS][-1].data["x"]) == 2
    sizes = lambda: {r.glyph.size for r in drawn.select({"name": POINTS})}
    assert sizes() == {SIZES[0]}
    many = funnel_tree(1500)
    placed = layout(many)
    chart.draw((placed.x[:1500], many.energies), strokes(many, placed))
    assert sizes() == {SIZES[1]}
    assert chart.selected == [4, 2]
    chart.clear()
    assert not chart.filled
    assert chart._columns["solid"]["xs"] == []
