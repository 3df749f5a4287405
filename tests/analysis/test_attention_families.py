import numpy as np
import pytest

from so3k_explore.analysis.attention_families import METHODS, attention_clusters, attention_space, by_size

PATTERNS = np.random.default_rng(9).normal(size=(3, 6, 6))
KINDS = np.array([0] * 40 + [1] * 25 + [2] * 12)


def landscape(seed: int = 0) -> np.ndarray:
    """Maps of three kinds around a common mean, in no order, with entries outside any cutoff."""
    rng = np.random.default_rng(seed)
    maps = 10 + PATTERNS[KINDS] * rng.uniform(0.8, 1.2, (len(KINDS), 1, 1)) + 0.1 * rng.normal(size=(len(KINDS), 6, 6))
    maps[:, 0, 5] = 0.0
    maps[0, 5, 0], maps[1:, 5, 0] = 1.0, 0.0
    return maps


@pytest.mark.parametrize("method", METHODS)
def test_kinds_of_maps_are_told_apart_whatever_their_order(method: str) -> None:
    order = np.random.default_rng(1).permutation(len(KINDS))
    space, shuffled = (attention_space(landscape()[rows], method=method) for rows in (np.arange(len(KINDS)), order))
    np.testing.assert_array_equal(space.labels, KINDS)
    np.testing.assert_array_equal(shuffled.labels, KINDS[order])
    np.testing.assert_allclose(np.abs(shuffled.scores[:, :2]), np.abs(space.scores[order, :2]), atol=1e-8)


def test_only_entries_that_are_present_count() -> None:
    entries = attention_space(landscape(), share=0.05).entries.tolist()
    assert [0, 5] not in entries
    assert [5, 0] not in entries
    assert len(entries) == 34
    assert [5, 0] in attention_space(landscape(), share=0.01).entries.tolist()


def test_components_are_those_of_the_covariance_from_either_side() -> None:
    maps = landscape()
    for chosen in (maps, maps[::4]):  # more structures than features, and fewer
        space = attention_space(chosen, components=3)
        features = space.residuals(chosen)
        np.testing.assert_allclose(space.components @ space.components.T, np.eye(3), atol=1e-10)
        np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-12)
        variances = np.sort(np.linalg.eigvalsh(features.T @ features))[::-1]
        np.testing.assert_allclose((space.scores**2).sum(axis=0), variances[:3], rtol=1e-6)
        np.testing.assert_allclose(space.explained, variances[:3] / variances.sum(), rtol=1e-6)


def test_structures_that_come_later_are_put_beside_those_they_resemble() -> None:
    space = attention_space(landscape())
    later = landscape(seed=7)
    np.testing.assert_array_equal(space.family_of(later), KINDS)
    np.testing.assert_allclose(space.project(landscape()), space.scores, atol=1e-10)


def test_the_number_of_families_can_be_asked_for() -> None:
    features = landscape().reshape(len(KINDS), -1) - 10
    assert attention_clusters(features, count=2).max() == 1
    assert attention_clusters(features, count=1).max() == 0
    with pytest.raises(ValueError, match="There can be 1 to 77 families, got 78"):
        attention_clusters(features, count=78)
    with pytest.raises(ValueError, match="`method` must be one of agglomerative, HDBSCAN"):
        attention_clusters(features, method="magic")


def test_clusters_are_numbered_by_size_and_noise_stays() -> None:
    np.testing.assert_array_equal(by_size(np.array([5, 2, -1, 2, 5, 7, 5])), [0, 1, -1, 1, 0, 2, 0])


def test_too_few_or_equal_structures_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="At least 5 structures are needed"):
        attention_space(landscape()[:4])
    with pytest.raises(ValueError, match="attended to in the same way"):
        attention_space(np.repeat(landscape()[:1], 9, axis=0))
