import numpy as np
import pytest

from so3k_explore.exploration.coverage import coverage_below, coverage_growth, estimate_coverage


def test_a_search_that_sees_only_old_friends_is_complete():
    found = estimate_coverage([9, 12, 7, 30])
    assert (found.minima, found.arrivals) == (4, 58)
    assert found.unseen_probability == 0
    assert found.estimated_minima == 4
    assert found.fraction == 1


def test_before_the_first_arrival_everything_is_unseen():
    found = estimate_coverage([])
    assert (found.unseen_probability, found.estimated_minima, found.fraction) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(("minima", "draws", "spread"), [(100, 150, 0.0), (100, 500, 0.0), (40, 200, 1.0)])
def test_the_interval_holds_the_true_number_about_as_often_as_it_says(minima, draws, spread):
    """Chao's estimate is a lower bound, so it is fair only to minima that are about equally likely."""
    inside, rng = 0, np.random.default_rng(1)
    weights = np.exp(-spread * np.linspace(0, 1, minima))
    for _ in range(300):
        visits = np.bincount(rng.choice(minima, draws, p=weights / weights.sum()), minlength=minima)
        found = estimate_coverage(visits[visits > 0])
        low, high = found.interval
        assert found.minima <= low <= found.estimated_minima <= high
        inside += np.floor(low) <= minima <= np.ceil(high)  # a number of minima is whole
    assert 0.88 < inside / 300 <= 1


def test_the_interval_is_that_of_the_formula_of_chao():
    """Ten minima of which four were seen once and two twice in twenty arrivals, by hand."""
    found = estimate_coverage([1, 1, 1, 1, 2, 2, 3, 3, 3, 3])
    assert found.estimated_minima == pytest.approx(10 + 0.95 * 4 * 3 / 6)
    variance = 0.95 * 2 + 0.95**2 * 4 * 49 / 36 + 0.95**2 * 16 * 2 * 9 / 324
    factor = np.exp(1.96 * np.sqrt(np.log(1 + variance / 1.9**2)))
    np.testing.assert_allclose(found.interval, (10 + 1.9 / factor, 10 + 1.9 * factor), rtol=1e-4)


def test_few_visits_of_few_minima_are_not_sure():
    assert estimate_coverage([2]).sure_fraction < 0.9
    assert estimate_coverage([30, 12, 25]).sure_fraction > 0.99
    assert estimate_coverage([1]).interval[1] > 2


def test_low_minima_are_judged_by_themselves():
    energies, visits = [0.3, -1.0, -0.9, 2.0], [1, 20, 30, 1]
    low = coverage_below(energies, visits, 0.2)
    assert (low.minima, low.arrivals, low.unseen_probability) == (2, 50, 0)
    assert coverage_below(energies, visits, 10.0) == estimate_coverage(visits)
    assert coverage_below([], [], 1.0).minima == 0


@pytest.mark.parametrize("draws", [60, 150, 400])
def test_the_number_of_equally_likely_minima_is_estimated_from_a_few_draws(draws):
    estimates = []
    for seed in range(50):
        visits = np.bincount(np.random.default_rng(seed).integers(0, 100, draws), minlength=100)
        estimates.append(estimate_coverage(visits[visits > 0]).estimated_minima)
    assert np.mean(estimates) == pytest.approx(100, rel=0.1)


def test_coverage_is_told_as_it_grew():
    finishes = [1, 1, 2, 1, 3, 2, 3, 3]
    found = coverage_growth(range(10, 90, 10), finishes, points=4)
    assert found.calls.tolist() == [20, 40, 60, 80]
    assert found.minima.tolist() == [1, 2, 3, 3]
    last = estimate_coverage([3, 2, 3])
    assert (found.estimated[-1], found.low[-1], found.high[-1]) == (last.estimated_minima, *last.interval)
    assert found.unseen_probability.tolist() == [0.0, 0.25, 1 / 6, 0.0]
    assert len(coverage_growth([], []).calls) == 0
