import numpy as np
import pytest

from so3k_explore.exploration.tree_building import disconnectivity_tree
from so3k_explore.exploration.tree_layout import APART, MIXED, branch_groups, layout, strokes
from tests.exploration.test_tree import muller_brown, random_passes


def test_the_lowest_minimum_stands_in_the_middle_on_a_straight_trunk():
    drawn = layout(muller_brown())
    np.testing.assert_array_equal(drawn.x[[0, 4]], [0, 0])  # the trunk
    assert np.sort(drawn.x[:3]).tolist() == [0, 1, 2]
    for seed in range(5):
        tree = disconnectivity_tree(*random_passes(41, 400, seed))
        x = layout(tree).x
        largest = max(np.bincount(tree.basins(tree.heights[-2])))  # one big branch cannot be split
        assert abs(x[np.argmin(tree.energies)] - 20) <= max(20 - (41 - largest) // 2, 10)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("digits", [None, 1])
def test_branches_do_not_cross(seed, digits):
    """The minima below each node stand side by side, and all lines meet at right angles."""
    tree = disconnectivity_tree(*random_passes(30, 45, seed, digits))
    drawn = layout(tree)
    assert sorted(drawn.x[:30].tolist()) == list(range(30))
    np.testing.assert_array_equal(drawn.x[drawn.order], np.arange(30))
    below = [[k] for k in range(30)]
    for node in range(30, len(tree.heights)):
        below.append([minimum for branch in tree.children[node] for minimum in below[branch]])
        places = np.sort(drawn.x[below[node]])
        np.testing.assert_array_equal(places, np.arange(places[0], places[0] + len(places)))
    level = drawn.segments[:, 0, 1] == drawn.segments[:, 1, 1]
    upright = drawn.segments[:, 0, 0] == drawn.segments[:, 1, 0]
    assert (level ^ upright).all()


def test_every_minimum_ends_at_its_energy_and_every_part_at_the_top():
    tree = disconnectivity_tree([1, 2, 3, 4], [0.0, 0.2, 0.1, 0.9], [(1, 2), (2, 3)], [1.0, 0.5])
    drawn = layout(tree)
    for place in range(4):
        mine = drawn.segments[drawn.nodes == place]
        assert (mine[-1, 1] == [drawn.x[place], tree.energies[place]]).all()
    alone = drawn.segments[drawn.nodes == 3]
    assert alone[0, 0, 1] == drawn.top > 1.0


def test_slanting_branches_reach_their_place_below_the_node():
    drawn = layout(muller_brown(), slant=5.0)
    slanting = (drawn.segments[:, 0] != drawn.segments[:, 1]).all(axis=1)
    falls = drawn.segments[slanting, 0, 1] - drawn.segments[slanting, 1, 1]
    assert len(falls) == 2
    np.testing.assert_allclose(falls, 5.0)


def test_a_single_minimum_is_a_line_and_none_is_refused():
    drawn = layout(disconnectivity_tree([3], [-1.0], [], []))
    assert drawn.segments.tolist() == [[[0.0, -0.95], [0.0, -1.0]]]
    with pytest.raises(ValueError, match="at least one minimum"):
        layout(disconnectivity_tree([], [], [], []))


def test_ten_thousand_minima_in_a_chain_can_be_drawn():
    ids = np.arange(1, 10_001)
    tree = disconnectivity_tree(ids, ids / 1e4, np.stack([ids[:-1], ids[1:]], axis=1), 2 + ids[1:])
    assert len(layout(tree).segments) == 3 * 9999 + 1


def test_branches_belong_to_the_group_of_all_minima_below_them():
    tree = disconnectivity_tree([1, 2, 3, 4, 5], [0, 1, 2, 3, 4], [(1, 2), (3, 4), (2, 3)], [5.0, 6.0, 7.0])
    assert branch_groups(tree, [0, 0, 1, 1, -1]).tolist() == [0, 0, 1, 1, -1, 0, 1, MIXED]
    assert branch_groups(tree).tolist() == [MIXED] * 4 + [APART] + [MIXED] * 3


def test_strokes_hold_every_line_once_with_gaps_between_them():
    tree = disconnectivity_tree([1, 2, 3], [0.0, 1.0, 2.0], [(1, 2), (2, 3)], [4.0, 5.0], [7, 0])
    drawn = layout(tree)
    found = strokes(tree, drawn, [0, 0, 1])
    assert [(one.group, one.bound) for one in found] == [(MIXED, False), (0, False), (0, True), (1, True)]
    points = sum(np.isfinite(one.x).sum() for one in found)
    assert points == 2 * len(drawn.segments)
    assert sum(np.isnan(one.energies).sum() for one in found) == len(drawn.segments)
