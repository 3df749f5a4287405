import dataclasses

import numpy as np
import pytest
from ase.calculators.calculator import CalculationFailed
from ase.calculators.lj import LennardJones

from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.recheck import recheck, stored_recheck
from so3k_explore.exploration.vibrations import SADDLE
from so3k_explore.io.datasets import DatasetError
from so3k_explore.io.molecule import Molecule
from so3k_explore.system import System

HERE = "tests.exploration.test_recheck"
EDGE = 2 ** (1 / 6)
TRIANGLE = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.5, np.sqrt(0.75), 0.0]])
WATER = np.array([[0.0, 0.0, 0.119], [0.0, 0.763, -0.477], [0.0, -0.763, -0.477]])


class Moody(LennardJones):
    """Fails for structures wider than 3 Å, and counts how often it is asked."""

    asked = 0

    def __init__(self) -> None:
        super().__init__(rc=20.0)

    def calculate(self, atoms=None, properties=None, system_changes=("positions",)) -> None:
        assert atoms is not None
        type(self).asked += 1
        if np.ptp(atoms.positions) > 3:
            raise CalculationFailed("too wide\nand more")
        super().calculate(atoms, properties, system_changes)


class Stretching(LennardJones):
    """Springs that want bonds with the first atom to be 3 Å long."""

    def calculate(self, atoms=None, properties=None, system_changes=("positions",)) -> None:
        assert atoms is not None
        arms = atoms.positions[1:] - atoms.positions[0]
        lengths = np.linalg.norm(arms, axis=1)
        pull = (3.0 - lengths[:, None]) * arms / lengths[:, None]
        self.atoms = atoms.copy()
        self.results = {"energy": ((lengths - 3.0) ** 2).sum() / 2, "forces": np.vstack([-pull.sum(axis=0), pull])}


@pytest.fixture
def clusters(tmp_path):
    """Triangles of three sizes, and a line: two that relax to the same place, one that cannot be computed."""
    with Landscape(tmp_path / "landscape.db") as landscape:
        landscape.bind(Molecule("lj3", System.create(TRIANGLE, [18] * 3), np.zeros((0, 2), int), "test"))
        for energy, size in ((-2.9, 1.1), (-2.8, 1.2), (-2.5, 4.0), (-2.0, 1.3)):
            landscape.add(energy, size * TRIANGLE)
        landscape.add_saddle(1, 2, -2.03, [[-EDGE, 0, 0], [0, 0, 0], [EDGE, 0, 0]], frequency=-10.0)
        yield landscape


def test_minima_are_relaxed_again_and_failures_are_recorded(clusters):
    told = []
    found = recheck(clusters, method=f"{HERE}:Moody", progress=lambda share, text: told.append((share, text)))
    assert found.ids.tolist() == [1, 2, 3, 4]
    assert found.fine.tolist() == [True, True, False, True]
    assert found.problems[2] == "the calculation failed: too wide"
    np.testing.assert_allclose(found.energies[found.fine], -3.0, atol=1e-3)
    assert np.isnan(found.energies[2])
    assert np.isnan(found.rmsd[2])
    sizes = np.array([1.1, 1.2, 1.3])
    np.testing.assert_allclose(found.rmsd[found.fine], np.abs(EDGE - sizes) / np.sqrt(3), atol=2e-3)
    first = 12 / 1.1**12 - 12 / 1.1**6
    np.testing.assert_allclose(found.single_points[0], first, atol=1e-4)
    assert found.steps[0] > 0
    assert found.same_as(clusters).tolist() == [1, 1, 3, 1]
    assert [share for share, _ in told] == [0.25, 0.5, 0.75, 1.0]
    assert told[2][1] == "minimum 3: the calculation failed: too wide"


def test_what_is_known_is_not_computed_again(clusters):
    method = f"{HERE}:Moody"
    first = recheck(clusters, [1, 2], method)
    assert first.ids.tolist() == [1, 2]
    Moody.asked = 0
    again = recheck(clusters, [1], method)
    assert Moody.asked == 0
    np.testing.assert_array_equal(again.energies, first.energies[:1])
    assert recheck(clusters, [1, 4], method).ids.tolist() == [1, 4]
    assert Moody.asked > 0
    assert stored_recheck(clusters, method).ids.tolist() == [1, 2, 4]


def test_what_failed_is_tried_again(clusters):
    method = "ase.calculators.lj:LennardJones"
    assert recheck(clusters, [1], method, max_steps=2, force_tolerance=1e-6).problems == ("not relaxed after 2 steps",)
    assert recheck(clusters, [1], method).problems == ("",)


def test_a_method_that_was_never_used_has_no_results(clusters):
    assert len(stored_recheck(clusters, "another:Method")) == 0


def test_saddles_are_only_evaluated(clusters):
    found = recheck(clusters, method=f"{HERE}:Moody", kind=SADDLE)
    np.testing.assert_allclose(found.energies, -2 + 1 / 4096 - 1 / 32, atol=1e-5)
    np.testing.assert_array_equal(found.energies, found.single_points)
    assert (found.rmsd[0], found.steps[0]) == (0, 0)


def test_a_calculator_is_found_by_its_import_path(clusters):
    found = recheck(clusters, [1], "ase.calculators.lj:LennardJones", max_steps=2, force_tolerance=1e-6)
    assert found.problems == ("not relaxed after 2 steps",)
    with pytest.raises(DatasetError, match=r"No calculator was found at `ase\.calculators\.lj:Nothing`"):
        recheck(clusters, method="ase.calculators.lj:Nothing")
    with pytest.raises(KeyError, match="no minimum 9"):
        recheck(clusters, [9], "ase.calculators.lj:LennardJones")


def test_several_processes_find_the_same(clusters, tmp_path):
    method = "ase.calculators.lj:LennardJones"
    with Landscape(tmp_path / "again.db") as again:
        again.bind(Molecule("lj3", System.create(TRIANGLE, [18] * 3), np.zeros((0, 2), int), "test"))
        for size in (1.1, 1.2):
            again.add(0.0, size * TRIANGLE)
        side_by_side = recheck(again, [1, 2], method, processes=2)
    np.testing.assert_array_equal(side_by_side.energies, recheck(clusters, [1, 2], method).energies)


def test_ranks_are_compared_and_a_constant_does_not_matter(clusters):
    found = recheck(clusters, method=f"{HERE}:Moody")
    ordered = dataclasses.replace(found, energies=np.array([-70.0, -60.0, np.nan, -50.0]))
    assert ordered.rank_correlation == pytest.approx(1.0)
    assert dataclasses.replace(found, energies=np.array([-50.0, -60.0, np.nan, -70.0])).rank_correlation == -1.0
    shifted = dataclasses.replace(found, energies=found.model_energies - 100.0)
    np.testing.assert_allclose(shifted.energy_errors, [0, 0, np.nan, 0], atol=1e-12)
    assert np.isnan(dataclasses.replace(found, energies=np.zeros(4)).rank_correlation)
    assert np.isnan(recheck(clusters, [1, 2], f"{HERE}:Moody").rank_correlation)


def water():
    return Molecule("water", System.create(WATER, [8, 1, 1]), np.array([[0, 1], [0, 2]]), "test")


def test_changed_bonds_are_a_problem():
    with Landscape() as landscape:
        landscape.bind(water())
        landscape.add(0.0, WATER)
        found = recheck(landscape, method=f"{HERE}:Stretching")
        assert found.problems == ("its bonds changed",)
        assert found.energies[0] < 0.01
        assert not found.fine[0]


def test_gfn2_relaxes_water():
    pytest.importorskip("tblite", reason="This test needs tblite: pip install tblite")
    with Landscape() as landscape:
        landscape.bind(water())
        landscape.add(-1.0, 1.1 * WATER)
        found = recheck(landscape)
        assert found.problems == ("",)
        assert found.energies[0] == pytest.approx(-137.976, abs=0.02)
        assert found.single_points[0] > found.energies[0] + 0.05
        bond = np.linalg.norm(found.positions[0, 1] - found.positions[0, 0])
        assert bond == pytest.approx(0.959, abs=0.005)
