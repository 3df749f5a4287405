import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score

from so3k_explore.analysis import clustering
from so3k_explore.analysis.agreement import compare_labellings, stability
from so3k_explore.analysis.clustering import METHODS, find_clusters, numbered
from so3k_explore.analysis.descriptors import torsion_features
from so3k_explore.analysis.medoids import k_medoids
from tests.analysis.conformers import blobs, conformers, dipeptide, renumbered

ALL = [(method, known) for method in METHODS for known in (False, True) if not (method == "kmeans" and known)]


@pytest.mark.parametrize(("method", "precomputed"), ALL)
def test_separate_groups_are_found_and_counted(method, precomputed):
    points, truth = blobs()
    values = cdist(points, points) if precomputed else points
    found = find_clusters(values, method, precomputed=precomputed)
    clear = found.labels >= 0
    assert len(found) == 3
    assert adjusted_rand_score(truth[clear], found.labels[clear]) == 1
    assert clear.mean() > 0.8
    assert found.silhouette > 0.6


@pytest.mark.parametrize(("method", "precomputed"), ALL)
def test_clusters_do_not_depend_on_the_order_of_structures(method, precomputed):
    points, _ = blobs(30, ((0, 0, 0), (3, 0, 0), (0, 3, 0)))  # groups that touch
    of = lambda some: find_clusters(cdist(some, some) if precomputed else some, method, precomputed=precomputed)
    order = np.random.default_rng(8).permutation(len(points))
    first = of(points).labels
    np.testing.assert_array_equal(of(points[order]).labels, first[order])
    np.testing.assert_array_equal(of(points).labels, first)


@pytest.mark.parametrize("method", METHODS)
def test_clusters_do_not_depend_on_the_order_of_atoms(method):
    molecule = dipeptide()
    positions = conformers(molecule, 60)
    order, numbers, bonds = renumbered(molecule)
    first = find_clusters(torsion_features(positions, molecule.numbers, molecule.bonds), method)
    second = find_clusters(torsion_features(positions[:, order], numbers, bonds), method)
    np.testing.assert_array_equal(first.labels, second.labels)


def test_clusters_are_numbered_by_lowest_energy_else_by_size():
    labels = np.array([7, 7, 7, 2, 2, -1, 5])
    assert numbered(labels).tolist() == [0, 0, 0, 1, 1, -1, 2]
    energies = np.array([0.0, 1.0, 2.0, -3.0, 4.0, -9.0, -1.0])
    assert numbered(labels, energies).tolist() == [2, 2, 2, 0, 0, -1, 1]


def test_the_number_of_clusters_may_be_given():
    points, truth = blobs()
    for method in ("agglomerative", "kmeans", "spectral", "kmedoids"):
        found = find_clusters(points, method, clusters=2)
        assert (len(found), found.parameter) == (2, 2)
    assert adjusted_rand_score(truth, found.labels) < 1


def test_a_smallest_size_makes_small_groups_noise():
    points, truth = blobs()
    points = np.concatenate([points[truth < 2], points[truth == 2][:6]])
    assert len(find_clusters(points, smallest=4)) == 3
    large = find_clusters(points, smallest=10)
    assert len(large) == 2
    assert (large.labels[-6:] == -1).all()
    assert find_clusters(points).parameter == 3  # 2 % of 86, at least 3


def test_a_sample_stands_for_many_structures(monkeypatch):
    monkeypatch.setitem(clustering.MOST, "kmedoids", 60)
    points, truth = blobs(100)
    found = find_clusters(points, "kmedoids", clusters=3)
    assert adjusted_rand_score(truth, found.labels) == 1
    assert found.note == "60 of 300 structures were clustered, the others joined the nearest."


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        (np.zeros((3, 2)), {}, "At least 5 structures are needed, got 3"),
        (np.ones((30, 4)), {}, "same descriptors, so that nothing tells them apart"),
        (np.zeros((30, 30)), {"precomputed": True}, "distance zero from each other"),
        (np.where(np.eye(30, 4, -2) > 0, np.nan, 1.0), {}, "those of 4 structures are not; the first is 2"),
        (np.eye(30), {"method": "dbscan"}, "must be one of hdbscan, agglomerative, kmeans, spectral, kmedoids"),
        (np.eye(30), {"method": "kmeans", "precomputed": True}, "Use k-medoids"),
        (np.eye(30), {"clusters": 3}, "HDBSCAN finds the number of clusters by itself"),
        (np.eye(30), {"method": "kmeans", "clusters": 30}, "must be from 2 to 29"),
        (np.eye(30), {"smallest": 31}, "must be from 2 to the number of structures, 30; got 31"),
        (np.eye(30, 20), {"precomputed": True}, r"symmetric square table, got shape \(30, 20\)"),
    ],
)
def test_what_cannot_be_clustered_is_refused_in_words(values, options, words):
    with pytest.raises(ValueError, match=words):
        find_clusters(values, **options)


def test_medoids_have_the_smallest_sum_of_distances():
    points = np.random.default_rng(2).normal(size=(14, 2))
    distances = cdist(points, points)
    pairs = [(i, j) for i in range(14) for j in range(i)]
    best = min(np.minimum(distances[:, i], distances[:, j]).sum() for i, j in pairs)
    found = k_medoids(distances, 2)
    assert found.cost == pytest.approx(best)
    np.testing.assert_array_equal(found.labels, distances[:, found.medoids].argmin(axis=1))
    assert k_medoids(distances, 1).medoids.tolist() == [int(distances.sum(axis=0).argmin())]
    with pytest.raises(ValueError, match="from 1 to the number of structures, 14; got 15"):
        k_medoids(distances, 15)


def test_unrelated_labellings_do_not_agree_and_equal_ones_do():
    rng = np.random.default_rng(0)
    first = rng.integers(-1, 3, size=200)
    same = compare_labellings(first, np.array([5, 0, 2, 1])[first], permutations=99)
    assert (same.rand, same.p_value) == (1.0, 0.01)
    assert same.table.shape == (4, 4)
    assert same.table.sum() == 200
    other = rng.integers(0, 4, size=200)
    unrelated = compare_labellings(first, other, permutations=199)
    assert unrelated.rand == pytest.approx(adjusted_rand_score(first, other))
    assert unrelated.p_value > 0.05
    assert unrelated.table[0, 1] == np.sum((first == -1) & (other == 1))
    with pytest.raises(ValueError, match=r"same structures, got shapes \(200,\) and \(199,\)"):
        compare_labellings(first, other[1:])


def test_clear_groups_are_stable_and_arbitrary_cuts_are_not():
    clear, _ = blobs()
    cloud = np.random.default_rng(3).normal(size=(120, 3))
    three = lambda values: find_clusters(values, "kmeans", clusters=3).labels
    assert stability(clear, three, samples=5).mean > 0.95
    assert stability(cloud, three, samples=5).mean < 0.8
    by_distance = lambda values: find_clusters(values, "kmedoids", clusters=3, precomputed=True).labels
    found = stability(cdist(clear, clear), by_distance, samples=3, precomputed=True)
    assert (found.rand.shape, found.clusters.tolist()) == ((3,), [3, 3, 3])
