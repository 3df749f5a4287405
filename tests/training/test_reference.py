import math

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import CalculationFailed, Calculator, all_changes

from so3k_explore.io.datasets import DatasetError, Frame
from so3k_explore.io.reference import reference_calculator
from so3k_explore.training.reference import Failure, label, label_all

WATER = Atoms("OHH", [[0, 0, 0.119], [0, 0.763, -0.477], [0, -0.763, -0.477]])


class Moody(Calculator):
    """Fails when it is asked for two hydrogens closer than 1 Å, and once after a failure elsewhere."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012 - as ASE has it

    def __init__(self) -> None:
        super().__init__()
        self.fresh = True

    def reset(self) -> None:
        super().reset()
        self.fresh = True

    def calculate(self, atoms=None, properties=None, system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None
        distance = self.atoms.get_distance(0, 1)
        if distance < 1.0 or (distance > 3.0 and not self.fresh):
            raise CalculationFailed("no convergence")
        self.fresh = False
        energy = math.nan if distance > 9.0 else distance
        self.results = {"energy": energy, "forces": np.zeros((2, 3))}


def hydrogens(distance: float) -> Atoms:
    return Atoms("HH", [[0, 0, 0], [distance, 0, 0]])


def test_gfn2_forces_on_water_are_the_slope_of_its_energy() -> None:
    pytest.importorskip("tblite", reason="tblite is not installed (extra `reference`)")
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


def test_any_calculator_labels_by_its_import_path_and_failures_are_reported() -> None:
    structures = [hydrogens(2.0), hydrogens(0.5), hydrogens(2.5)]
    found = list(label_all(structures, f"{__name__}:Moody", molecule="H2"))
    assert isinstance(found[1], Failure)
    assert found[1].structure == 1
    assert [frame.energy for frame in found if isinstance(frame, Frame)] == pytest.approx([2.0, 2.5])
