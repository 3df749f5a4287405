import numpy as np

from so3k_explore.exploration.graph import spring_layout, transition_graph


def test_a_pair_has_its_lowest_pass_and_a_saddle_before_a_bound_of_equal_height():
    found = transition_graph(
        [1, 2, 3], [0.2, 0.0, 0.1], [(1, 2), (2, 1), (3, 2), (3, 3)], [0.9, 0.5, np.nan, 1.0], [0, 7, 0, 8]
    )
    assert found.ids.tolist() == [2, 3, 1]
    assert found.edges.tolist() == [[0, 2], [0, 1]] or sorted(map(sorted, found.edges.tolist())) == [[0, 1], [0, 2]]
    heights = {
        tuple(sorted(found.ids[list(pair)].tolist())): h for pair, h in zip(found.edges, found.heights, strict=True)
    }
    assert heights == {(1, 2): 0.5, (2, 3): np.inf}
    assert (found.left_out, found.edges_left_out) == (0, 0)


def test_a_large_network_is_reduced_to_its_lowest_minima():
    pairs = [(k, k + 1) for k in range(1, 100)]
    found = transition_graph(np.arange(1, 101), np.arange(100.0), pairs, np.full(99, 200.0), np.zeros(99), most=10)
    assert found.ids.tolist() == list(range(1, 11))
    assert (len(found.edges), found.left_out, found.edges_left_out) == (9, 90, 90)


def test_neighbours_are_near_each_other_and_nothing_lies_on_top_of_another():
    ring = [(k, (k + 1) % 12) for k in range(12)]
    places = spring_layout(13, ring)  # the last one is alone
    apart = np.linalg.norm(places[:, None] - places[None, :], axis=-1)
    joined = [apart[i, j] for i, j in ring]
    assert max(joined) < 2.0
    assert min(joined) > 0.3
    assert apart[0, 6] > 2 * max(joined) / 2
    assert apart[~np.eye(13, dtype=bool)].min() > 0.2
    np.testing.assert_allclose(places.mean(axis=0), 0.0, atol=1e-9)


def test_a_drawing_goes_on_from_where_it_was():
    edges = [(0, 1), (1, 2), (2, 3)]
    before = spring_layout(4, edges)
    known = np.vstack([before, [[np.nan, np.nan]]])
    after = spring_layout(5, [*edges, (3, 4)], known)
    turned = np.linalg.norm((after[:4] - after[:4].mean(0)) - (before - before.mean(0)), axis=1)
    assert turned.max() < 1.5
    assert spring_layout(0, []).shape == (0, 2)
