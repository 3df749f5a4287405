import numpy as np
import pytest
from scipy.stats import mannwhitneyu, spearmanr

from so3k_explore.analysis.attention_statistics import compare_maps, correlate, false_discovery_rates


def sets(count: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of maps that differ in one entry only; one entry never varies."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(count, 4, 4)), rng.normal(size=(count + 5, 4, 4))
    second[:, 1, 2] += 3.0
    first[:, 0, 0] = second[:, 0, 0] = 0.0
    return first, second


def test_the_entry_that_separates_two_sets_is_found_and_no_other() -> None:
    first, second = sets()
    found = compare_maps(first, second)
    assert found.strongest(5, rate=0.001) == [(1, 2)]
    assert found.change[1, 2] == pytest.approx(second[:, 1, 2].mean() - first[:, 1, 2].mean())
    assert found.superiority[1, 2] > 0.95
    assert (found.p_values[0, 0], found.superiority[0, 0]) == (1.0, 0.5)
    alone = mannwhitneyu(second[:, 2, 3], first[:, 2, 3], method="asymptotic")
    assert found.p_values[2, 3] == pytest.approx(alone.pvalue)


def test_exchanging_the_sets_turns_the_change_around() -> None:
    first, second = sets()
    one, other = compare_maps(first, second), compare_maps(second, first)
    np.testing.assert_allclose(one.change, -other.change)
    np.testing.assert_allclose(one.superiority, 1 - other.superiority)
    np.testing.assert_allclose(one.p_values, other.p_values)


def test_two_single_maps_have_a_difference_and_no_tests() -> None:
    first, second = sets()
    found = compare_maps(first[:1], second[:1])
    assert not found.tested
    assert np.isnan(found.p_values).all()
    assert len(found.strongest(3)) == 3
    same = compare_maps(first[:1], first[:1])
    assert same.strongest(3) == []


def test_false_discovery_rates_are_those_of_benjamini_and_hochberg() -> None:
    rates = false_discovery_rates(np.array([0.01, np.nan, 0.02, 0.04, 0.5]))
    np.testing.assert_allclose(rates, [0.04, np.nan, 0.04, 4 / 3 * 0.04, 0.5])


def test_of_many_pairs_without_a_difference_few_are_called_different() -> None:
    rng = np.random.default_rng(4)
    found = compare_maps(rng.normal(size=(20, 30, 30)), rng.normal(size=(20, 30, 30)))
    assert (found.p_values < 0.05).sum() > 20
    assert (found.rates < 0.05).sum() == 0


def test_correlations_are_spearmans_entry_by_entry_and_with_a_number() -> None:
    rng = np.random.default_rng(5)
    maps, lengths = rng.normal(size=(25, 3, 3)), rng.normal(size=25)
    maps[:, 0, 1] = -np.exp(lengths)
    maps[:, 2, 2] = 7.0
    found = correlate(maps, lengths)
    assert found.rho[0, 1] == pytest.approx(-1.0)
    expected = spearmanr(maps[:, 1, 1], lengths)
    assert found.rho[1, 1] == pytest.approx(expected[0])
    assert found.p_values[1, 1] == pytest.approx(expected[1])
    assert np.isnan(found.rho[2, 2])
    other = rng.normal(size=(25, 3, 3))
    both = correlate(maps, other)
    assert both.rho[1, 0] == pytest.approx(spearmanr(maps[:, 1, 0], other[:, 1, 0])[0])


def test_what_cannot_be_compared_is_refused_in_words() -> None:
    first, second = sets()
    with pytest.raises(ValueError, match="Two sets of maps of the same shape"):
        compare_maps(first, second[:, :3])
    with pytest.raises(ValueError, match="At least 4 structures"):
        correlate(first[:3], np.zeros(3))
