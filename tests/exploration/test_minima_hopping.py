import pytest

from so3k_explore.exploration.minima_hopping import MinimaHopping

HOPPING = MinimaHopping()


def test_known_minima_heat_the_more_often_they_were_visited_and_new_ones_cool():
    after = lambda visits: HOPPING.next_temperature(800.0, visits, 800.0)
    assert after(0) < 800 < after(1) < after(10) < after(100)


def test_temperatures_and_windows_stay_in_bounds():
    temperature, window = 800.0, HOPPING.window
    for _ in range(1000):
        temperature = HOPPING.next_temperature(temperature, 50, 800.0)
        window = HOPPING.next_window(window, accepted=False)
    assert (temperature, window) == (8000.0, 100 * HOPPING.window)


def test_one_acceptance_and_one_rejection_leave_the_window():
    window = HOPPING.next_window(HOPPING.next_window(0.3, accepted=True), accepted=False)
    assert window == pytest.approx(0.3)


def test_the_timestep_follows_the_accuracy_of_the_flight():
    assert HOPPING.next_timestep(1.0, potential_range=1.0, total_range=0.001) > 1
    assert 0.9 < HOPPING.next_timestep(1.0, potential_range=1.0, total_range=0.05) < 1
    assert HOPPING.next_timestep(1.0, potential_range=1.0, total_range=0.5) == 0.8


@pytest.mark.parametrize("change", [{"window": 0.0}, {"heating": 1.0}, {"passes": 0}, {"softening": -1}])
def test_parameters_that_make_no_sense_are_refused(change):
    with pytest.raises(ValueError, match="`hopping"):
        MinimaHopping(**change)
