import numpy as np
import pytest

from so3k_explore.exploration.coverage import estimate_coverage


def test_a_search_that_sees_only_old_friends_is_complete():
    found = estimate_coverage([9, 12, 7, 30])
    assert (found.minima, found.arrivals) == (4, 58)
    assert found.unseen_probability == 0
    assert found.estimated_minima == 4
    assert found.fraction == 1


def test_before_the_first_arrival_everything_is_unseen():
    found = estimate_coverage([])
    assert (found.unseen_probability, found.estimated_minima, found.fraction) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("draws", [60, 150, 400])
def test_the_number_of_equally_likely_minima_is_estimated_from_a_few_draws(draws):
    estimates = []
    for seed in range(50):
        visits = np.bincount(np.random.default_rng(seed).integers(0, 100, draws), minlength=100)
        estimates.append(estimate_coverage(visits[visits > 0]).estimated_minima)
    assert np.mean(estimates) == pytest.approx(100, rel=0.1)
