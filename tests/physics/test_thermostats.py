"""Thermostats sample the canonical distribution: means, fluctuations, every degree of freedom."""

import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.simulation import NVE, Langevin, NoseHooverChain, advance, initial_state
from so3k_explore.system import replicate
from tests.molecules import random_cluster
from tests.simulation.toys import TETRAHEDRON, springs_of

KELVIN = 300.0
KT = units.KB * KELVIN


@pytest.mark.physics
@pytest.mark.parametrize(
    "integrator", [Langevin(0.25 * units.FS, KT, 0.02 / units.FS), NoseHooverChain(0.25 * units.FS, KT)]
)
def test_energies_have_the_canonical_mean_and_fluctuation(integrator: Langevin | NoseHooverChain) -> None:
    """Nine nearly harmonic modes: potential and kinetic energy are 9/2 kT each, with variance 9/2 kT²."""
    potential = springs_of(TETRAHEDRON)
    state = initial_state(potential, replicate(TETRAHEDRON, 64), temperature=KELVIN, seed=1)
    state = advance(integrator, potential, state, 4000)
    energies, kinetic = [], []
    for _ in range(200):
        state = advance(integrator, potential, state, 200)
        energies.append(np.asarray(state.energy))
        kinetic.append(np.asarray(state.kinetic_energy))
    for values, tolerance in ((kinetic, 0.02), (energies, 0.03)):
        np.testing.assert_allclose(np.mean(values), 4.5 * KT, rtol=tolerance)
        np.testing.assert_allclose(np.var(values), 4.5 * KT**2, rtol=0.1)


@pytest.mark.physics
def test_every_atom_has_its_share() -> None:
    """Kinetic energy of each atom, summed all three degrees, as nothing is removed."""
    potential = springs_of(TETRAHEDRON)
    integrator = Langevin(0.25 * units.FS, KT, 0.02 / units.FS)
    state = initial_state(potential, replicate(TETRAHEDRON, 64), temperature=KELVIN, overall="kept")
    total = np.zeros(5)
    for _ in range(200):
        state = advance(integrator, potential, state, 100)
        total += np.asarray((state.momenta**2).sum(axis=-1) / state.system.masses).mean(axis=0)
    np.testing.assert_allclose(total / 200, 3 * KT, rtol=0.03)


@pytest.mark.physics
def test_walkers_at_different_temperatures_do_not_mix() -> None:
    potential, cluster = LennardJones(sigma=3.4, epsilon=0.0104), random_cluster(7, seed=1, spacing=3.8)
    kelvin = np.repeat([4.0, 8.0, 16.0], 16)
    state = initial_state(potential, replicate(cluster, 48), temperature=kelvin)
    integrator = Langevin(5 * units.FS, units.KB * kelvin, 0.01 / units.FS)
    state, temperatures = advance(integrator, potential, state, 2000), []
    for _ in range(100):
        state = advance(integrator, potential, state, 100)
        temperatures.append(np.asarray(state.temperature))
    means = np.mean(temperatures, axis=0).reshape(3, 16).mean(axis=1)
    np.testing.assert_allclose(means, [4, 8, 16], rtol=0.04)


@pytest.mark.physics
def test_energy_does_not_drift_over_a_long_run() -> None:
    potential = springs_of(TETRAHEDRON)
    state = initial_state(potential, TETRAHEDRON, temperature=KELVIN)
    energies = []
    for _ in range(100):
        state = advance(NVE(0.5 * units.FS), potential, state, 2000)
        energies.append(float(state.conserved_energy[0]))
    slope = np.polyfit(np.arange(100) * 1e-3, energies, 1)[0]  # eV/ns
    assert abs(slope) < 2e-3
