import math

import pytest

from so3k_explore.app.panes.limits import grown, grown_logarithmic, nice_step


@pytest.mark.parametrize(
    ("span", "step"), [(1.0, 0.1), (9.0, 1.0), (11.0, 2.0), (24.0, 2.5), (600.0, 100.0), (0.03, 0.005)]
)
def test_steps_are_round(span: float, step: float) -> None:
    assert nice_step(span) == pytest.approx(step)


def test_limits_contain_the_data_and_stay_while_they_fit() -> None:
    limits = grown(None, 0.3, 7.2)
    assert limits[0] <= 0.3
    assert limits[1] >= 7.2
    assert grown(limits, 0.2, 7.4) == limits


def test_a_growing_curve_changes_its_limits_rarely() -> None:
    limits, changes = None, 0
    for end in range(1, 1001):
        new = grown(limits, 0.0, float(end), from_zero=True)
        changes += new != limits
        limits = new
    assert changes < 45  # about ln(1000) / ln(1.15)


def test_limits_shrink_when_the_data_fill_little_of_them() -> None:
    assert grown((0.0, 1000.0), 0.0, 10.0)[1] < 20.0


def test_counting_quantities_start_at_zero() -> None:
    assert grown(None, 3.0, 9.0, from_zero=True)[0] == 0.0


def test_limits_from_zero_never_go_below_it() -> None:
    limits = None
    for low, high in ((0.4, 0.4), (0.3, 0.5), (0.0, 0.6), (0.2, 2.0)):
        limits = grown(limits, low, high, from_zero=True)
        assert limits[0] == 0.0


def test_a_constant_lies_inside_its_limits() -> None:
    low, high = grown(None, 5.0, 5.0)
    assert low < 5.0 < high


def test_values_that_are_not_finite_change_nothing() -> None:
    assert grown((1.0, 2.0), math.nan, math.inf) == (1.0, 2.0)
    assert grown(None, math.nan, math.nan) == (0.0, 1.0)


def test_a_logarithmic_axis_ends_at_one_two_or_five() -> None:
    limits = grown_logarithmic(None, 30.0, 700.0)
    assert limits == (20.0, 1000.0)
    assert grown_logarithmic(limits, 25.0, 900.0) == limits
    assert grown_logarithmic(limits, 19.0, 900.0) == (10.0, 1000.0)
    assert grown_logarithmic(None, 0.5, 0.5) == (0.25, 1.0)
    assert grown_logarithmic(limits, 0.0, 1.0) == limits
    assert grown_logarithmic(None, -1.0, float("nan")) == (0.1, 10.0)
