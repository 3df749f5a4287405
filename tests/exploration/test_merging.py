from dataclasses import replace

import numpy as np
import pytest

from so3k_explore.exploration.identity import Identity
from so3k_explore.exploration.identity_record import keep_identity, mirror_images, recorded_identity
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.exploration.merging import merge_landscapes, molecule_of
from so3k_explore.exploration.records import Attempt, Hop
from so3k_explore.exploration.vibrations import MINIMUM, SADDLE, store_vibrations, stored_frequencies
from tests.exploration.molecules import cluster, ethanol

SHAPES = np.random.default_rng(4).uniform(-1.5, 1.5, (6, 5, 3))  # of five atoms
TURN = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]


def hop(start, finish, call):
    return Hop(start, finish, call, walker=1, strategy="kicks", barrier=0.9, accepted=True)


@pytest.fixture
def two(tmp_path):
    """Landscapes that share one minimum and one saddle; in the second these are turned and renumbered."""
    with Landscape(tmp_path / "one.db") as one, Landscape(tmp_path / "other.db") as other:
        for landscape in (one, other):
            landscape.bind(cluster(5))
        one.add(0.0, SHAPES[0], call=10)
        one.add(0.1, SHAPES[1], call=40, label="mine")
        one.add_saddle(1, 2, 0.5, SHAPES[4], frequency=-90.0, call=50)
        one.add_hop(hop(1, 2, 40))
        other.add(0.2, SHAPES[2], call=5, walker=3, strategy="seeds", label="theirs")
        other.add(0.1001, SHAPES[1] @ TURN.T + 2.0, call=6, label="also theirs")
        other.add(0.0001, SHAPES[0][::-1], call=7, label="lowest")
        other.add_saddle(2, 3, 0.5001, SHAPES[4] @ TURN.T, frequency=-91.0, call=8)
        other.add_saddle(1, 3, 0.6, SHAPES[5], frequency=-70.0, call=9, method="dimer")
        other.add_hop(hop(None, 1, 5))
        other.add_hop(hop(1, 3, 7))
        other.add_attempt(Attempt(1, 3, 9, "dimer", 2, ""))
        other.set_aside("a bond broke", 0.3, SHAPES[3], call=6)
        yield one, other


def test_what_is_in_both_is_kept_once_and_the_rest_is_renumbered(two):
    one, other = two
    merged = merge_landscapes(one, other)
    assert merged.minima == {1: 3, 2: 2, 3: 1}
    assert merged.saddles == {1: 1, 2: 2}
    assert (merged.new_minima, merged.new_saddles) == (1, 1)
    minima, saddles = one.minima(), one.saddles()
    assert minima.energies.tolist() == [0.0, 0.1, 0.2]
    assert minima.labels == ("lowest", "mine", "theirs")
    assert (minima.calls[2], minima.walkers[2], minima.strategies[2]) == (55, -1, "seeds")
    assert saddles.pairs.tolist() == [[1, 2], [1, 3]]
    assert (saddles.methods[1], saddles.calls[1], saddles.frequencies[1]) == ("dimer", 59, -70.0)
    assert [(one.start, one.finish, one.call) for one in one.hops()] == [(1, 2, 40), (None, 3, 55), (3, 1, 57)]
    assert one.attempts() == [Attempt(3, 1, 59, "dimer", 2, "")]
    assert [kept.reason for kept in one.set_aside_structures()] == ["a bond broke"]
    assert one.minima().visits.tolist() == [1, 1, 1]


def test_mirror_images_know_each_other_in_the_merged_landscape(two):
    """The second landscape has a structure and its mirror image, which the first one does not know."""
    one, other = two
    keep_identity(other, Identity(chirality="mirror"))
    left = other.add(0.4, SHAPES[5])
    other.add(0.4, -SHAPES[5], mirror=left)
    keep_identity(one, Identity())
    with pytest.raises(LandscapeError, match="`chirality` 'merge', got 'mirror'"):
        merge_landscapes(one, other, Identity(chirality="mirror"))
    with Landscape() as empty:
        merged = merge_landscapes(empty, other)
        pair = merged.minima[left], merged.minima[left + 1]
        assert mirror_images(empty) == {pair[0]: pair[1], pair[1]: pair[0]}
        assert recorded_identity(empty).chirality == "mirror"


def test_merging_twice_adds_no_structure(two):
    one, other = two
    merge_landscapes(one, other)
    again = merge_landscapes(one, other)
    assert (again.new_minima, again.new_saddles) == (0, 0)
    assert (len(one), len(one.saddles())) == (3, 2)


def test_an_empty_landscape_becomes_a_copy(two):
    _, other = two
    with Landscape() as copy:
        merge_landscapes(copy, other)
        np.testing.assert_array_equal(copy.minima().positions, other.minima().positions)
        assert copy.hops() == [replace(one, walker=-1) for one in other.hops()]
        assert copy.name == "lj5"


def test_the_same_structure_between_other_minima_is_another_saddle(two):
    one, other = two
    other.add_saddle(3, 3, 0.5, SHAPES[4], frequency=-90.0)
    assert merge_landscapes(one, other).new_saddles == 2


def test_frequencies_come_along(two):
    one, other = two
    store_vibrations(other, MINIMUM, [1, 2, 3], [[1.0], [2.0], [3.0]])
    store_vibrations(other, SADDLE, [2], [[-4.0]])
    store_vibrations(one, MINIMUM, [2], [[9.0]])
    merge_landscapes(one, other)
    assert {k: v.tolist() for k, v in stored_frequencies(one, MINIMUM).items()} == {1: [3.0], 2: [9.0], 3: [1.0]}
    assert stored_frequencies(one, SADDLE)[2].tolist() == [-4.0]


def test_landscapes_that_do_not_fit_are_refused_and_nothing_changes(two):
    one, _ = two
    with Landscape() as stranger:
        stranger.bind(ethanol())
        stranger.add(0.0, np.zeros((9, 3)))
        with pytest.raises(LandscapeError, match="landscape of 'lj5'"):
            merge_landscapes(one, stranger)
    with pytest.raises(LandscapeError, match="cannot be merged with itself"):
        merge_landscapes(one, one)
    with Landscape() as empty, pytest.raises(LandscapeError, match="has no minimum"):
        merge_landscapes(one, empty)
    assert len(one) == 2


def test_the_molecule_of_a_landscape_is_in_its_lowest_minimum(two):
    molecule = molecule_of(two[1])
    assert molecule.name == "lj5"
    np.testing.assert_array_equal(molecule.positions, SHAPES[0][::-1])
