import numpy as np
import pytest
from ase import Atoms

from so3k_explore.io.datasets import DatasetError
from so3k_explore.io.labels import label
from so3k_explore.io.reference import reference_calculator
from tests.training.calculators import Moody

WATER = Atoms("OHH", [[0, 0, 0.119], [0, 0.763, -0.477], [0, -0.763, -0.477]])


def hydrogens(distance: float) -> Atoms:
    return Atoms("HH", [[0, 0, 0], [distance, 0, 0]])


def test_gfn2_forces_on_water_are_the_slope_of_its_energy() -> None:
    pytest.importorskip("tblite", reason="This test needs tblite: pip install tblite")
    calculator = reference_calculator()
    found = label(WATER, calculator, molecule="water")
    assert found.energy == pytest.approx(-137.968, abs=0.01)
    assert found.molecule == "water"
    assert found.charges is not None
    np.testing.assert_allclose(found.charges.sum(), 0.0, atol=1e-6)
    step = 1e-3
    for atom, axis in ((0, 2), (1, 1)):
        ends = []
        for sign in (1, -1):
            moved = WATER.copy()
            moved.positions[atom, axis] += sign * step
            ends.append(label(moved, calculator).energy)
        assert found.forces[atom, axis] == pytest.approx(-(ends[0] - ends[1]) / (2 * step), abs=1e-3)


def test_a_failed_start_is_tried_again_from_scratch_and_failures_are_reported_in_place() -> None:
    calculator = Moody()
    label(hydrogens(2.0), calculator)
    assert label(hydrogens(4.0), calculator).energy == pytest.approx(4.0)
    with pytest.raises(DatasetError, match="no convergence"):
        label(hydrogens(0.5), calculator)
    with pytest.raises(DatasetError, match="not finite"):
        label(hydrogens(10.0), calculator)
