import numpy as np
import pytest

from so3k_explore.app.models.curves import axis_of, broken, curves
from so3k_explore.app.models.display import Display, counted, lasting, simulated, typeset


@pytest.mark.parametrize(("unit", "expected"), [("eV", 1.0), ("kcal/mol", 23.0605), ("kJ/mol", 96.4853)])
def test_energies_are_shown_in_the_chosen_unit(unit: str, expected: float) -> None:
    assert Display(energy_unit=unit).energies(np.ones(1))[0] == pytest.approx(expected, rel=1e-5)


def test_numbers_have_a_true_minus_sign_and_zero_has_none() -> None:
    assert typeset(-1.25, 1) == "\N{MINUS SIGN}1.2"
    assert typeset(-0.001, 2) == "0.00"


def test_times_and_counts_are_worded_as_people_say_them() -> None:
    assert (lasting(8), lasting(700), lasting(10000)) == ("8 s", "12 min", "3 h")
    assert (simulated(40), simulated(2500), simulated(3e6)) == ("40.0 fs", "2.50 ps", "3.00 ns")
    assert (counted(1, "minimum"), counted(2, "minimum"), counted(3, "run")) == ("1 minimum", "2 minima", "3 runs")


def test_the_time_axis_changes_its_unit_with_the_length_of_the_run() -> None:
    assert [axis_of("dynamics", t).label for t in (100, 5e3, 5e6)] == ["time / fs", "time / ps", "time / ns"]
    assert axis_of("relax", 0).label == "step"


def test_curves_are_relative_to_the_start() -> None:
    series = {"time_fs": np.array([0.0, 1.0]), "energy": np.array([[1.0, 2.0], [3.0, 4.0]])}
    found = curves(series, axis_of("dynamics", 1.0), "energy", Display(energy_unit="eV"))
    assert found["walker 2"][1].tolist() == [1.0, 3.0]


def test_a_torsion_that_passes_through_180_degrees_is_not_joined_by_a_line() -> None:
    assert np.isnan(broken(np.array([[170.0], [-175.0], [-170.0]]))[:, 0]).tolist() == [False, True, False]
