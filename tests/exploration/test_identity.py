import numpy as np
import pytest

from so3k_explore.analysis.alignment import best_rmsd
from so3k_explore.exploration.identity import Fingerprint, Identity, KnownMinima, shape_of
from so3k_explore.units import KCAL_PER_MOL
from tests.analysis.test_alignment import alkane, rotated, shuffled
from tests.molecules import random_cluster

CLUSTER = np.asarray(random_cluster(9, seed=4).positions)
NUMBERS = np.full(9, 18)


def known(identity=None, positions=CLUSTER):
    minima = KnownMinima(NUMBERS, None, identity or Identity())
    minima.add(1, -1.0, positions)
    return minima


@pytest.mark.parametrize("mirror", [False, True])
def test_a_turned_renumbered_copy_is_known(mirror):
    rng = np.random.default_rng(0)
    copy = rotated(CLUSTER[rng.permutation(9)], rng, mirror=mirror)
    assert known().find(-1.0005, copy) == 1
    assert known(Identity(chirality="same")).find(-1.0005, copy) == (None if mirror else 1)


def test_other_energies_and_other_shapes_are_new():
    assert known().find(-1.01, CLUSTER) is None
    assert known().find(-1.0, np.asarray(random_cluster(9, seed=5).positions)) is None
    assert known().find(-1.0, 1.2 * CLUSTER) is None


def test_a_structure_on_its_way_down_may_lie_higher_but_not_lower():
    assert known().find(-0.98, CLUSTER) is None
    assert known().find(-0.98, CLUSTER, above=0.03) == 1
    assert known().find(-1.02, CLUSTER, above=0.03) is None


def test_the_closest_of_several_is_chosen():
    rng = np.random.default_rng(1)
    shaken = CLUSTER + rng.normal(scale=0.03, size=CLUSTER.shape)
    minima = known()
    minima.add(2, -1.001, shaken)
    assert minima.find(-1.0, shaken) == 2
    minima.discard(2)
    assert minima.find(-1.0, shaken) == 1
    assert len(minima) == 1


def test_cheap_tests_never_reject_what_the_rmsd_accepts():
    rng = np.random.default_rng(2)
    fingerprint = Fingerprint(NUMBERS)
    for _ in range(30):
        other = CLUSTER + rng.normal(scale=0.1, size=CLUSTER.shape)
        distance = best_rmsd(other, CLUSTER, NUMBERS, mirror=True)
        assert np.linalg.norm(shape_of(other) - shape_of(CLUSTER)) <= distance + 1e-9
        apart = Fingerprint.distance(fingerprint(other), fingerprint(CLUSTER))
        assert apart <= 2 * distance + 1e-9
        coarse = fingerprint.coarse(fingerprint(other)) - fingerprint.coarse(fingerprint(CLUSTER))
        assert 0.2 * apart < np.linalg.norm(coarse) <= apart + 1e-9


def test_a_single_atom_has_an_empty_fingerprint():
    fingerprint = Fingerprint(np.array([18]))
    assert len(fingerprint.coarse(fingerprint(np.zeros((1, 3))))) == 0


def test_many_minima_are_told_apart_and_forgotten_one_by_one():
    """More than are kept at first, with equal energies, so that every question meets all of them."""
    rng = np.random.default_rng(5)
    crowd = CLUSTER + rng.normal(scale=1.0, size=(80, *CLUSTER.shape))
    minima = KnownMinima(NUMBERS, None, Identity())
    for number, positions in enumerate(crowd):
        minima.add(number, rng.normal(scale=1e-4), positions)
    assert [minima.find(0.0, positions) for positions in crowd] == list(range(80))
    for number in range(0, 80, 2):
        minima.discard(number)
    assert [minima.find(0.0, positions) for positions in crowd[:10]] == [None, 1, None, 3, None, 5, None, 7, None, 9]
    assert (np.diff(minima.energies) >= 0).all()


@pytest.mark.parametrize("name", ["pentane", "hexane", "heptane"])
def test_every_reference_conformer_is_told_from_the_others(reference, name):
    """All energies are made equal, so that only geometry can tell: hexane has minima 0.02 kcal/mol apart."""
    rng = np.random.default_rng(3)
    positions, numbers, bonds = alkane(reference, name)
    minima = KnownMinima(numbers, bonds, Identity())
    for number, one in enumerate(positions):
        assert minima.find(0.0, one) is None
        minima.add(number, 0.0, one)
    for number, one in enumerate(positions):
        copy = rotated(shuffled(one, numbers, bonds, rng), rng, mirror=bool(number % 2))
        assert minima.find(0.02 * KCAL_PER_MOL, copy) == number


@pytest.mark.parametrize(
    ("change", "message"),
    [({"rmsd": 0.0}, "`rmsd` must be positive"), ({"chirality": "left"}, "one of merge, same, mirror, got 'left'")],
)
def test_thresholds_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Identity(**change)
