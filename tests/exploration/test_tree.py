import itertools
import json

import numpy as np
import pytest

from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.records import Hop
from so3k_explore.exploration.tree_building import collapsed, disconnectivity_tree, landscape_tree, quantised
from tests.exploration.molecules import cluster

# Müller & Brown, Theor. Chim. Acta 53, 75 (1979): minima A, B, C and the two saddles between them
MINIMA = {1: -146.69951720995402, 2: -108.16672411685231, 3: -80.76781812965892}
PASSES = {(1, 3): -40.66484350865736, (2, 3): -72.24894011232522}


def muller_brown():
    return disconnectivity_tree(list(MINIMA), list(MINIMA.values()), list(PASSES), list(PASSES.values()))


def random_passes(minima, passes, seed, digits=None):
    rng = np.random.default_rng(seed)
    energies = rng.uniform(0, 1, minima)
    heights = rng.uniform(1, 2, passes)
    if digits is not None:
        energies, heights = energies.round(digits), heights.round(digits)
    return np.arange(1, minima + 1), energies, rng.integers(1, minima + 1, (passes, 2)), heights


def way_between(tree, first, second):
    found = tree.path(first, second)
    assert found is not None
    return found


def minimax(ids, energies, pairs, heights):
    """Lowest pass between all minima, by the algorithm of Floyd and Warshall."""
    found = np.full((len(ids), len(ids)), np.inf)
    np.fill_diagonal(found, energies)
    for (i, j), height in zip(np.searchsorted(ids, pairs), heights, strict=True):
        if i != j:
            found[i, j] = found[j, i] = min(found[i, j], height)
    for k in range(len(ids)):
        found = np.minimum(found, np.maximum(found[:, k : k + 1], found[k : k + 1, :]))
    return found


def test_the_tree_of_mueller_and_brown_is_exact():
    tree = muller_brown()
    assert tree.heights[3:].tolist() == [-72.24894011232522, -40.66484350865736]
    assert tree.parents.tolist() == [4, 3, 3, 4, -1]
    assert not tree.bound.any()
    assert tree.barrier(1, 2) == -40.66484350865736 + 146.69951720995402
    assert tree.barrier(2, 3) == -72.24894011232522 + 108.16672411685231
    assert tree.lowest_pass(3, 1) == tree.lowest_pass(1, 3) == -40.66484350865736
    way = way_between(tree, 1, 2)
    assert (way.minima, way.saddles, way.highest) == ((1, 3, 2), (1, 2), -40.66484350865736)
    assert tree.basins(-60).tolist() == [0, 1, 1]
    assert tree.basins(-40).tolist() == [0, 0, 0]
    assert tree.basins(-100).tolist() == [0, 1, -1]  # the third minimum lies above


def test_a_minimum_is_no_barrier_away_from_itself():
    tree = muller_brown()
    assert tree.barrier(2, 2) == 0
    assert way_between(tree, 2, 2).minima == (2,)
    assert way_between(tree, 2, 2).highest == -np.inf
    with pytest.raises(KeyError, match="no minimum 7 in this tree of 3 minima"):
        tree.barrier(1, 7)


@pytest.mark.parametrize("digits", [None, 1])  # one digit: many equal energies and heights
@pytest.mark.parametrize("seed", range(5))
def test_barriers_are_those_of_the_best_of_all_paths(seed, digits):
    given = random_passes(15, 22, seed, digits)
    tree = disconnectivity_tree(*given)
    right = minimax(*given)
    for i, j in itertools.combinations(range(15), 2):
        assert tree.lowest_pass(i + 1, j + 1) == right[i, j]
        if np.isfinite(right[i, j]):
            way = way_between(tree, i + 1, j + 1)
            assert way.highest == right[i, j]
            assert (way.minima[0], way.minima[-1]) == (i + 1, j + 1)
            steps = {tuple(sorted(pair)): s for pair, s in zip(given[2].tolist(), range(1, 23), strict=True)}
            for pair, height, saddle in zip(itertools.pairwise(way.minima), way.heights, way.saddles, strict=True):
                assert tuple(sorted(pair)) in steps
                assert sorted(given[2][saddle - 1]) == sorted(pair)
                assert given[3][saddle - 1] == height
        else:
            assert tree.path(i + 1, j + 1) is None


@pytest.mark.parametrize("seed", range(5))
def test_basins_are_the_connected_parts_below_an_energy(seed):
    given = random_passes(20, 30, seed, digits=1)
    tree, right = disconnectivity_tree(*given), minimax(*given)
    for energy in (1.0, 1.3, 1.7, 2.0, np.inf):
        labels = tree.basins(energy)
        together = (labels[:, None] == labels[None, :]) | np.eye(20, dtype=bool)
        np.testing.assert_array_equal(together, (right <= energy) & np.isfinite(right) | np.eye(20, dtype=bool))
        assert labels[np.argmin(given[1])] == 0


@pytest.mark.parametrize("digits", [None, 1])
def test_the_order_of_the_input_does_not_change_the_tree(digits):
    ids, energies, pairs, heights = random_passes(30, 60, seed=3, digits=digits)
    tree = disconnectivity_tree(ids, energies, pairs, heights)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        some, other = rng.permutation(len(ids)), rng.permutation(len(pairs))
        again = disconnectivity_tree(ids[some], energies[some], pairs[other][:, ::-1], heights[other], other + 1)
        for name in ("ids", "heights", "parents", "bound"):
            np.testing.assert_array_equal(getattr(again, name), getattr(tree, name))
        np.testing.assert_array_equal(again.links.ends, tree.links.ends)


@pytest.mark.parametrize("seed", range(3))
def test_ways_down_are_the_lowest_passes_to_anything_lower(seed):
    given = random_passes(20, 30, seed)
    tree, right = disconnectivity_tree(*given), minimax(*given)
    for place, node in enumerate(tree.ways_down.tolist()):
        lower = given[1] < given[1][place]
        lowest = right[place, lower].min(initial=np.inf)
        assert (tree.heights[node] if node >= 0 else np.inf) == lowest
        if node >= 0:
            assert tree.energies[tree.lowest[node]] < tree.energies[place]


def test_passes_of_equal_height_are_one_node():
    tree = disconnectivity_tree([1, 2, 3, 4], [0, 0, 0, 0], [(1, 2), (3, 4), (2, 3)], [1.0, 1.0, 1.0])
    assert tree.parents.tolist() == [4, 4, 4, 4, -1]
    assert tree.heights[4:].tolist() == [1.0]


def test_minima_without_any_pass_are_kept():
    tree = disconnectivity_tree([1, 2, 5], [0.0, -1.0, 0.5], [(2, 5), (1, 2), (1, 1)], [0.9, np.nan, 0.3])
    assert tree.lowest_pass(1, 2) == np.inf
    assert tree.path(1, 5) is None
    assert tree.components.tolist() == [1, 0, 0]
    alone = disconnectivity_tree([7], [0.0], [], [])
    assert alone.components.tolist() == [0]
    assert len(disconnectivity_tree([], [], [], [])) == 0


def test_a_pass_is_never_below_its_minima():
    """As with a flight that was stopped before the bottom, or free energies."""
    tree = disconnectivity_tree([1, 2], [0.0, 0.4], [(1, 2)], [0.3])
    assert tree.lowest_pass(1, 2) == 0.4
    assert tree.parents.tolist() == [2, 2, -1]


def test_nodes_say_whether_their_height_is_only_a_bound():
    tree = disconnectivity_tree([1, 2, 3], [0, 0, 0], [(1, 2), (2, 3), (1, 3)], [1.0, 2.0, 3.0], saddles=[0, 4, 0])
    assert tree.bound.tolist() == [False, False, False, True, False]
    assert way_between(tree, 1, 3).saddles == (0, 4)


def test_a_saddle_is_preferred_to_a_bound_of_the_same_height():
    tree = disconnectivity_tree([1, 2], [0, 0], [(1, 2), (1, 2)], [1.0, 1.0], saddles=[0, 9])
    assert not tree.bound.any()
    assert way_between(tree, 1, 2).saddles == (9,)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([1, 1], [0, 0], [], []), "`ids` must differ"),
        (([1, 2], [0], [], []), "`energies` must be 2 numbers"),
        (([1, 2], [0, np.nan], [], []), "minimum 2 is not"),
        (([1, 2], [0, 0], [(1, 2)], []), "got 1, 0 and 0"),
        (([1, 2], [0, 0], [(1, 3)], [1.0]), "minimum 3 is not among them"),
    ],
)
def test_numbers_that_make_no_tree_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        disconnectivity_tree(*given)


@pytest.mark.parametrize("atoms", ["7", "8"])
def test_barriers_between_lennard_jones_clusters_are_those_of_all_their_saddles(atoms, reference):
    found = json.loads((reference / "landscapes" / "lj.json").read_text())[atoms]
    saddles = np.array(found["ts_list"])
    energies = np.array(found["minE"])
    pairs = saddles[:, 1:].astype(int) + 1
    ids = np.arange(1, len(energies) + 1)
    tree, right = (
        disconnectivity_tree(ids, energies, pairs, saddles[:, 0]),
        minimax(ids, energies, pairs, saddles[:, 0]),
    )
    for i, j in itertools.combinations(range(len(ids)), 2):
        assert tree.lowest_pass(i + 1, j + 1) == right[i, j]
    if atoms == "7":  # by hand: 4 joins 3, then 1 and then 2 join 4
        assert tree.heights[4:].tolist() == [-15.444733799819415, -15.31986444086062, -15.283421275349813]
        assert tree.links.ends.tolist() == [[2, 3], [0, 3], [1, 3]]


def test_a_small_branch_is_counted_to_the_branch_it_leaves():
    ids, energies = [1, 2, 3, 4], [0.0, 0.9, 0.2, 0.5]
    tree = disconnectivity_tree(ids, energies, [(1, 2), (3, 4), (2, 4)], [1.0, 0.6, 1.5])
    shallow = collapsed(tree, depth=0.3)
    assert shallow.ids.tolist() == [1, 3]
    assert shallow.counts.tolist() == [2, 2]
    assert shallow.lowest_pass(1, 3) == 1.5
    assert collapsed(tree, size=2).ids.tolist() == [1, 3]
    assert collapsed(tree, size=3).ids.tolist() == [1]
    assert collapsed(tree).ids.tolist() == ids


@pytest.mark.parametrize("seed", range(3))
def test_collapsing_keeps_the_barriers_between_what_stays(seed):
    given = random_passes(40, 80, seed, digits=2)
    tree = disconnectivity_tree(*given)
    small = collapsed(tree, depth=0.4, size=2)
    assert 1 < len(small) < 40
    assert small.counts.sum() == 40
    for one, other in itertools.combinations(small.ids.tolist(), 2):
        assert small.lowest_pass(one, other) == tree.lowest_pass(one, other)


def test_levels_lift_passes_and_merge_nodes():
    tree = disconnectivity_tree([1, 2, 3], [0, 0, 0], [(1, 2), (2, 3)], [0.9, 1.0])
    coarse = quantised(tree, 2)
    assert coarse.heights.tolist() == [0, 0, 0, 1.0]
    assert quantised(tree, 10).heights.tolist() == pytest.approx([0, 0, 0, 0.9, 1.0])
    with pytest.raises(ValueError, match="`levels` must be 1 or more"):
        quantised(tree, 0)


def test_the_tree_of_a_landscape_takes_saddles_and_bounds():
    with Landscape() as landscape:
        landscape.bind(cluster(3))
        for energy in (0.0, 0.1, 0.2, 0.3):
            landscape.add(energy, np.zeros((3, 3)))
        landscape.add_saddle(1, 2, 1.0, np.zeros((3, 3)), frequency=-100.0)
        landscape.add_saddle(2, 2, 0.5, np.zeros((3, 3)), frequency=-100.0)  # a degenerate rearrangement
        for pair, barrier in (((1, 2), 1.4), ((2, 3), 1.7), ((3, 2), 1.6)):
            landscape.add_hop(Hop(*pair, call=1, walker=0, strategy="hopping", barrier=barrier, accepted=True))
        tree = landscape_tree(landscape)
        assert tree.heights[4:].tolist() == [1.0, 1.6]
        assert tree.bound[4:].tolist() == [False, True]
        assert landscape_tree(landscape, bounds=False).components.tolist() == [0, 0, 1, 2]


def test_ten_thousand_minima_in_a_chain_are_no_problem():
    """A chain is the deepest of all trees: recursion would fail, and a quadratic algorithm take minutes."""
    minima = 10_000
    ids = np.arange(1, minima + 1)
    tree = disconnectivity_tree(ids, np.linspace(0, 1, minima), np.stack([ids[:-1], ids[1:]], axis=1), 2 + ids[1:])
    assert len(tree.heights) == 2 * minima - 1
    assert tree.lowest_pass(1, minima) == minima + 2
    assert len(way_between(tree, 1, minima).minima) == minima
    assert len(np.unique(tree.basins(5000.5))) == minima - 4998 + 1
    assert len(collapsed(tree, depth=4000.0)) < minima
