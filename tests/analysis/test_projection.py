import sys

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from so3k_explore.analysis import projection
from so3k_explore.analysis.projection import project
from tests.analysis.conformers import blobs

HERE = ("pca", "kpca", "tsne", "mds")


def separation(coordinates: np.ndarray, truth: np.ndarray) -> float:
    """Smallest distance between means of groups, in units of their largest spread."""
    groups = [coordinates[truth == k] for k in np.unique(truth)]
    spread = max(np.linalg.norm(group.std(axis=0)) for group in groups)
    return pdist(np.array([group.mean(axis=0) for group in groups])).min() / spread


@pytest.mark.parametrize("method", HERE)
@pytest.mark.parametrize("precomputed", [False, True])
def test_groups_are_apart_on_every_map(method, precomputed):
    points, truth = blobs()
    made = project(cdist(points, points) if precomputed else points, method, precomputed=precomputed)
    assert made.coordinates.shape == (120, 2)
    assert separation(made.coordinates, truth) > 2.5


@pytest.mark.parametrize("method", HERE)
def test_maps_do_not_depend_on_the_order_of_structures_or_columns(method):
    points, _ = blobs(20)
    order = np.random.default_rng(4).permutation(len(points))
    first = project(points, method).coordinates
    second = project(points[order][:, [2, 0, 1]], method).coordinates
    np.testing.assert_allclose(second, first[order], atol=1e-4 * np.abs(first).max())
    np.testing.assert_array_equal(project(points, method).coordinates, first)


def test_principal_components_explain_the_variance():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(4000, 5)) * [3, 2, 1, 0, 0] @ np.linalg.qr(rng.normal(size=(5, 5)))[0]
    made = project(points)
    np.testing.assert_allclose(made.explained, [9 / 14, 4 / 14], atol=0.03)
    np.testing.assert_allclose(made.coordinates.std(axis=0), [3, 2], rtol=0.05)
    assert np.isnan(project(points[:50], "mds").explained).all()


def test_scaling_of_euclidean_distances_gives_the_principal_components():
    points, _ = blobs()
    scores, scaled = project(points).coordinates, project(cdist(points, points), "mds", precomputed=True).coordinates
    np.testing.assert_allclose(scaled, scores, atol=1e-4)
    as_pca = project(cdist(points, points), "pca", precomputed=True)
    np.testing.assert_allclose(as_pca.coordinates, scaled, atol=1e-9)


@pytest.mark.parametrize("method", ["kpca", "tsne", "mds"])
def test_a_sample_carries_the_others(method, monkeypatch):
    points, truth = blobs(100)
    monkeypatch.setitem(projection.MOST, method, 90)
    made = project(points, method)
    assert made.note == "90 of 300 structures were mapped, the others placed among them."
    assert separation(made.coordinates, truth) > 2


def test_more_dimensions_than_there_are_stay_at_zero():
    line = np.linspace(0, 1, 9)[:, None] ** 2
    made = project(line, dimensions=2)
    assert made.coordinates[:, 1].tolist() == [0.0] * 9
    assert made.explained.tolist() == pytest.approx([1.0, 0.0])
    assert project(cdist(line, line), "mds", precomputed=True).coordinates[:, 1] == pytest.approx(np.zeros(9), abs=1e-6)


def test_what_cannot_be_mapped_is_refused_in_words():
    with pytest.raises(ValueError, match="must be one of pca, kpca, tsne, mds, umap, got 'som'"):
        project(np.eye(5), "som")
    with pytest.raises(ValueError, match="At least 3 structures are needed, got 2"):
        project(np.eye(2))
    with pytest.raises(ValueError, match="nothing tells them apart"):
        project(np.ones((9, 3)))


def test_umap_names_the_package_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)  # as if it were not installed
    with pytest.raises(ImportError, match="pip install umap-learn"):
        project(np.eye(9), "umap")
