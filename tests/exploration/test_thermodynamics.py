"""Statistics of landscapes against closed forms."""

import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.exploration.identity import Identity
from so3k_explore.exploration.identity_record import keep_identity
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.exploration.thermodynamics import (
    PER_SECOND,
    Superposition,
    equilibrium,
    free_energy_tree,
    landscape_rates,
    populations,
    rates,
    thermal_functions,
)
from so3k_explore.exploration.vibrations import MINIMUM, SADDLE, store_vibrations, vibrations
from so3k_explore.io.molecule import Molecule
from so3k_explore.observables.hessian import normal_modes
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.system import System
from tests.exploration.molecules import cluster

CLASSICAL = Superposition(classical=True, quasi_harmonic=False, rotation=False)
TRIANGLE = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.3, 0.5, 0.0]])  # only the plane of the paper is a symmetry
ISOSCELES = np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.8, 0.0]])
NU = {1: [300.0, 400.0, 900.0], 2: [100.0, 350.0, 800.0], SADDLE: [-500.0, 250.0, 700.0]}
GAP, TOP = 0.05, 0.3  # eV


@pytest.fixture
def toy():
    """Two minima of three argon atoms and a saddle, with frequencies of our own."""
    with Landscape() as landscape:
        landscape.bind(Molecule("toy", System.create(TRIANGLE, [18] * 3), np.zeros((0, 2), int), "test"))
        landscape.add(0.0, TRIANGLE)
        landscape.add(GAP, ISOSCELES)
        landscape.add_saddle(1, 2, TOP, TRIANGLE, frequency=-500.0)
        store_vibrations(landscape, MINIMUM, [1, 2], [NU[1], NU[2]])
        store_vibrations(landscape, SADDLE, [1], [NU[SADDLE]])
        yield landscape


@pytest.mark.parametrize("temperature", [100.0, 300.0, 1000.0])
def test_populations_of_two_states_have_a_closed_form(toy, temperature):
    minima = vibrations(toy)
    assert minima.rotations.tolist() == [1, 2]
    found = equilibrium(minima, [temperature], CLASSICAL)
    kT = units.KB * temperature
    ratio = np.exp(-GAP / kT) * np.prod(NU[1]) / np.prod(NU[2]) / 2
    np.testing.assert_allclose(found.populations[0, 1] / found.populations[0, 0], ratio)
    np.testing.assert_allclose(found.populations.sum(), 1)
    p = found.populations[0]
    schottky = p[0] * p[1] * GAP**2 / (kT * temperature)
    np.testing.assert_allclose(found.heat_capacity[0], 3 * units.KB + schottky)
    np.testing.assert_allclose(found.internal_energy[0], 3 * kT + p[1] * GAP)


def test_heat_capacity_and_energy_are_derivatives_of_the_free_energy(toy):
    temperature, step = 250.0, 1e-2
    for how in (CLASSICAL, Superposition(quasi_harmonic=False)):
        down, here, up = (equilibrium(vibrations(toy), [temperature + shift], how) for shift in (-step, 0.0, step))
        slope = (up.free_energy / (temperature + step) - down.free_energy / (temperature - step)) / (2 * step)
        np.testing.assert_allclose(-(temperature**2) * slope, here.internal_energy, rtol=1e-6)
        np.testing.assert_allclose(
            (up.internal_energy - down.internal_energy) / (2 * step), here.heat_capacity, rtol=1e-6
        )


def test_rates_are_those_of_the_textbook(toy):
    temperature = 300.0
    found = landscape_rates(toy, temperature, superposition=CLASSICAL)
    assert found.pairs.tolist() == [[1, 2]]
    hertz = units.INVERSE_CM / (2 * np.pi * units.HBAR) * PER_SECOND
    np.testing.assert_allclose(hertz, 2.99792458e10, rtol=1e-6)
    ratio = np.prod(NU[1]) / np.prod(NU[SADDLE][1:]) * hertz
    np.testing.assert_allclose(found.forward, ratio * np.exp(-TOP / (units.KB * temperature)))
    ratio = 2 * np.prod(NU[2]) / np.prod(NU[SADDLE][1:]) * hertz  # the saddle is less symmetric than this minimum
    np.testing.assert_allclose(found.backward, ratio * np.exp(-(TOP - GAP) / (units.KB * temperature)))


@pytest.mark.parametrize("how", [CLASSICAL, Superposition(), Superposition(rotation=False)])
def test_rates_and_populations_balance_in_detail(toy, how):
    found = landscape_rates(toy, 400.0, superposition=how)
    first, second = equilibrium(vibrations(toy), [400.0], how).populations[0]
    np.testing.assert_allclose(first * found.forward, second * found.backward)


def test_saddles_of_one_pair_add_up_and_degenerate_ones_do_not_count(toy):
    before = landscape_rates(toy, 300.0, superposition=CLASSICAL)
    toy.add_saddle(2, 1, TOP, TRIANGLE, frequency=-500.0)
    toy.add_saddle(1, 1, 0.1, TRIANGLE, frequency=-500.0)
    store_vibrations(toy, SADDLE, [2, 3], [NU[SADDLE]] * 2)
    after = landscape_rates(toy, 300.0, superposition=CLASSICAL)
    assert after.pairs.tolist() == [[1, 2]]
    np.testing.assert_allclose(after.forward, 2 * before.forward)


def test_the_tree_of_free_energies_is_that_of_the_free_energies(toy):
    tree = free_energy_tree(toy, 300.0, superposition=CLASSICAL)
    kT = units.KB * 300.0
    expected = [
        kT * np.log(units.INVERSE_CM * np.array(nu) / kT).sum() + energy + kT * np.log(symmetry)
        for energy, nu, symmetry in ((0.0, NU[1], 1), (GAP, NU[2], 2), (TOP, NU[SADDLE][1:], 1))
    ]
    np.testing.assert_allclose(tree.heights, expected)
    assert tree.parents.tolist() == [2, 2, -1]


def test_a_chiral_minimum_counts_twice_where_mirror_images_are_one():
    """Of a chain of four atoms, the twisted form has a mirror image, and the flat one has none."""
    twisted = np.array([[1.0, 0.9, 0.4], [0.7, 0.0, 0.0], [-0.7, 0.0, 0.0], [-1.0, 0.9, -0.4]])
    flat = np.array([[1.0, 0.9, 0.0], [0.7, 0.0, 0.0], [-0.7, 0.0, 0.0], [-1.0, -0.9, 0.0]])
    molecule = Molecule("HOOH", System.create(twisted, [1, 8, 8, 1]), np.array([[0, 1], [1, 2], [2, 3]]), "test")
    with Landscape() as landscape:
        landscape.bind(molecule)
        for positions in (twisted, flat):
            landscape.add(0.0, positions)
        store_vibrations(landscape, MINIMUM, [1, 2], [[1000.0] * 6] * 2)
        points = vibrations(landscape)
        keep_identity(landscape, Identity(chirality="same"))
        assert vibrations(landscape).chiral.tolist() == [False, False]
    assert points.chiral.tolist() == [True, False]
    assert points.rotations.tolist() == [2, 2]
    both = equilibrium(points, [300.0], CLASSICAL).populations[0]
    np.testing.assert_allclose(both, [2 / 3, 1 / 3])
    apart = Superposition(classical=True, quasi_harmonic=False, rotation=False, mirror_images=False)
    np.testing.assert_allclose(equilibrium(points, [300.0], apart).populations[0], [0.5, 0.5])


def test_frequencies_are_computed_once_and_kept(tmp_path):
    molecule, rng = cluster(3), np.random.default_rng(0)
    edge = 2 ** (1 / 6)
    triangle = edge * np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.5, np.sqrt(0.75), 0.0]])
    with Landscape(tmp_path / "landscape.db") as landscape:
        landscape.bind(molecule)
        for _ in range(3):
            landscape.add(-3.0, triangle[rng.permutation(3)])
        with pytest.raises(LandscapeError, match="3 of 3 frequencies are not stored"):
            vibrations(landscape)
        first = vibrations(landscape, potential=LennardJones(), numbers=[2])
        assert first.ids.tolist() == [2]
    with Landscape.open(tmp_path / "landscape.db") as landscape:
        again = vibrations(landscape, numbers=[2])
        np.testing.assert_array_equal(again.frequencies[0], first.frequencies[0])
        with pytest.raises(LandscapeError, match="2 of 3"):
            vibrations(landscape)
        found = vibrations(landscape, potential=LennardJones())
        expected = normal_modes(LennardJones(), landscape.system(1)).frequencies
        for frequencies in found.frequencies:
            np.testing.assert_allclose(frequencies, expected, rtol=1e-8)
        assert found.rotations.tolist() == [6, 6, 6]
        with pytest.raises(KeyError, match="no minimum 9"):
            vibrations(landscape, numbers=[9])


def test_what_is_no_minimum_has_no_share_and_flat_modes_are_no_trouble(toy):
    toy.add(-1.0, TRIANGLE)
    store_vibrations(toy, MINIMUM, [2, 3], [[-5.0, 300.0, 400.0], [-80.0, 300.0, 400.0]])
    points = vibrations(toy)
    found = thermal_functions(points, 300.0)
    assert np.isnan(found.free_energies).tolist() == [False, False, True]
    shares = populations(found.free_energies, 300.0)
    assert shares[2] == 0
    np.testing.assert_allclose(shares.sum(), 1)
    assert free_energy_tree(toy, 300.0).ids.tolist() == [1, 2]


def test_temperatures_that_make_no_sense_are_refused(toy):
    cold, warm = (thermal_functions(vibrations(toy), temperature) for temperature in (100, 200))
    with pytest.raises(ValueError, match="one temperature, got 100"):
        rates(cold, warm, [1, 2], [[1, 2], [1, 2]])
    with pytest.raises(ValueError, match="must be positive"):
        populations([0.0], 0)
