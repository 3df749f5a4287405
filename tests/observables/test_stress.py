from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.observables.forces import energy_and_forces, neighbors_for, potential_energy
from so3k_explore.observables.stress import energy_forces_stress, stress
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.protocol import Potential
from so3k_explore.potentials.registry import load_potential
from so3k_explore.system import System
from tests.molecules import WATER
from tests.potentials import so3lr
from tests.potentials_.cases import read_case, system_of

CELL = np.array([[6.2, 0.0, 0.0], [0.7, 6.5, 0.0], [0.0, -0.4, 6.9]])
POTENTIALS = {"lennard-jones": LennardJones(sigma=0.9, cutoff=4.0), "so3lr": so3lr(5.0)}


def box() -> System:
    second = np.asarray(WATER.positions) + np.array([1.5, 2.6, 2.2])
    return System.create(np.concatenate([WATER.positions, second]), [8, 1, 1, 8, 1, 1], cell=CELL)


@pytest.mark.parametrize("name", sorted(POTENTIALS))
def test_stress_is_the_slope_of_the_energy_in_strain(name: str) -> None:
    potential, system = POTENTIALS[name], box()
    neighbors = neighbors_for(potential, system, skin=0.2)
    energy = jax.jit(lambda s: potential_energy(potential, s, neighbors))
    found = stress(potential, system, neighbors)
    volume = abs(np.linalg.det(CELL))
    step = 1e-5
    for row, column in ((0, 0), (1, 1), (0, 1), (1, 2)):
        strain = np.zeros((3, 3))
        strain[row, column] += step / 2
        strain[column, row] += step / 2
        deformed = [jnp.asarray(np.eye(3) + sign * strain) for sign in (1, -1)]
        above, below = (energy(system.replace(positions=system.positions @ d, cell=CELL @ d)) for d in deformed)
        slope = (above - below) / (2 * step * volume)
        np.testing.assert_allclose(slope, found[row, column], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found, np.asarray(found).T, atol=1e-14)


def test_energy_and_forces_are_those_without_stress() -> None:
    potential = POTENTIALS["so3lr"]
    energy, forces, _ = energy_forces_stress(potential, box())
    expected_energy, expected_forces = energy_and_forces(potential, box())
    np.testing.assert_allclose(energy, expected_energy, atol=1e-12)
    np.testing.assert_allclose(forces, expected_forces, atol=1e-12)


def test_a_molecule_without_a_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a periodic system"):
        stress(LennardJones(), WATER)


def check_box(potential: Potential, name: str, reference: Path) -> None:
    case = read_case(name, reference)
    energy, forces, found = energy_forces_stress(potential, system_of(case))
    np.testing.assert_allclose(energy, case["energy"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(forces, case["forces"], rtol=0, atol=1e-9)
    xx, yy, zz, yz, xz, xy = case["stress_voigt"]
    np.testing.assert_allclose(found, [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]], rtol=0, atol=5e-9)


def test_a_box_of_water_has_the_stress_of_the_original(reference: Path) -> None:
    check_box(load_potential(reference / "so3lr", "float64", long_range_cutoff=6.0), "water_64_lr6", reference)


@pytest.mark.physics
def test_a_large_box_of_water_has_the_stress_of_the_original(reference: Path) -> None:
    check_box(load_potential(reference / "so3lr", "float64", long_range_cutoff=12.0), "water_512_lr12", reference)
