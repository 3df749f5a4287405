"""Thermodynamics against limits and textbook numbers."""

import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.observables.thermodynamics import principal_moments, rigid_rotor, rotational, vibrational
from so3k_explore.system import System
from tests.molecules import WATER

R = 8.314462618  # J/(mol K)
PER_MOLE = units.KB / R  # eV/K to J/(mol K)
GRID = np.array([250.0, 900.0, 1600.0, 3000.0])


def test_hot_oscillators_are_classical() -> None:
    hot = vibrational(GRID, 1e6)
    np.testing.assert_allclose(hot.heat_capacity, 4 * units.KB, rtol=1e-4)
    np.testing.assert_allclose(hot.internal_energy, 4 * units.KB * 1e6, rtol=1e-4)


def test_cold_oscillators_keep_their_zero_point_energy() -> None:
    cold = vibrational(GRID, 5.0)
    np.testing.assert_allclose(cold.internal_energy, 0.5 * units.INVERSE_CM * GRID.sum(), rtol=1e-9)
    np.testing.assert_allclose([cold.entropy, cold.heat_capacity], 0, atol=1e-12)


def test_classical_vibrations_are_the_limit_of_hot_ones() -> None:
    hot, classical = vibrational(GRID, 1e5), vibrational(GRID, 1e5, classical=True)
    np.testing.assert_allclose(classical.free_energy, hot.free_energy, rtol=1e-5)
    np.testing.assert_allclose(classical.heat_capacity, 4 * units.KB)
    by_hand = units.KB * 1e5 * np.log(units.INVERSE_CM * GRID / (units.KB * 1e5)).sum()
    np.testing.assert_allclose(classical.free_energy, by_hand)


@pytest.mark.parametrize("temperature", [150.0, 298.15, 900.0])
def test_functions_are_derivatives_of_each_other(temperature: float) -> None:
    step = 1e-3
    for function in (
        lambda t: vibrational(GRID, t),
        lambda t: vibrational(GRID, t) + rotational(WATER, t),
        lambda t: vibrational(GRID, t, classical=True),
    ):
        up, down, here = function(temperature + step), function(temperature - step), function(temperature)
        np.testing.assert_allclose(-(up.free_energy - down.free_energy) / (2 * step), here.entropy, rtol=1e-6)
        np.testing.assert_allclose(
            (up.internal_energy - down.internal_energy) / (2 * step), here.heat_capacity, rtol=1e-6
        )


def test_water_turns_with_the_entropy_of_the_textbook() -> None:
    entropy = rotational(WATER, 298.15, symmetry_number=2).entropy / PER_MOLE
    np.testing.assert_allclose(entropy, 43.7, atol=0.8)  # J/(mol K), from its rotational constants


def test_moments_of_inertia_are_all_that_a_rotation_needs() -> None:
    by_moments = rigid_rotor(principal_moments(WATER), 298.15, symmetry_number=2)
    assert by_moments == rotational(WATER, 298.15, symmetry_number=2)


def test_a_linear_molecule_turns_about_two_axes() -> None:
    nitrogen = System.create([[0.0, 0.0, 0.0], [0.0, 0.0, 1.098]], [7, 7])
    rotation = rotational(nitrogen, 298.15, symmetry_number=2)
    np.testing.assert_allclose(rotation.heat_capacity, units.KB)
    np.testing.assert_allclose(rotation.entropy / PER_MOLE, 41.2, atol=0.3)
    atom = rotational(System.create([[0.0, 0.0, 0.0]], [18]), 298.15)
    assert atom.entropy == atom.heat_capacity == 0
    assert principal_moments(nitrogen)[0] < 1e-9


def test_soft_modes_become_free_rotors_and_stiff_ones_stay() -> None:
    stiff = np.array([1500.0])
    np.testing.assert_allclose(
        vibrational(stiff, 300.0, quasi_harmonic=True).entropy, vibrational(stiff, 300.0).entropy, atol=1e-4 * units.KB
    )
    soft = [vibrational(np.array([nu]), 298.15, quasi_harmonic=True).entropy / PER_MOLE for nu in (1e-3, 1.0, 10.0)]
    harmonic = vibrational(np.array([1e-3]), 298.15).entropy / PER_MOLE
    assert max(soft) < 46 < harmonic  # the bound of the inertia
    np.testing.assert_allclose(soft[2], 21.5, atol=0.1)  # J/(mol K); a rotor with 16.86 u Å² / 10
    assert (
        vibrational(np.array([10.0]), 298.15).entropy
        > vibrational(np.array([10.0]), 298.15, quasi_harmonic=True).entropy
    )


def test_saddles_and_impossible_temperatures_are_refused() -> None:
    with pytest.raises(ValueError, match="no minimum"):
        vibrational(np.array([-50.0, 100.0]), 300.0)
    with pytest.raises(ValueError, match="positive"):
        vibrational(GRID, 0.0)
    with pytest.raises(ValueError, match="symmetry_number"):
        rotational(WATER, 300.0, symmetry_number=0)
    with pytest.raises(ValueError, match="agree"):
        _ = vibrational(GRID, 300.0) + vibrational(GRID, 301.0)
