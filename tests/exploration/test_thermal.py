"""Flights at a temperature: the right distribution, and the right force of the bias."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.analysis.alignment import superpose
from so3k_explore.exploration.departures import biased_flight
from so3k_explore.exploration.tasks import Flight, TaskSheet
from so3k_explore.exploration.thermal import DEPOSIT, WIDTH, bias_and_force, blank, heated, thermal_flights
from so3k_explore.exploration.walker_state import Phase, Rules, assign, waiting_walkers
from so3k_explore.exploration.walkers import advance_walkers
from so3k_explore.geometry.rotations import random_rotation
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.simulation.lbfgs import LBFGS
from so3k_explore.simulation.relaxation import relaxed
from so3k_explore.simulation.state import Status
from so3k_explore.system import replicate
from tests.exploration.molecules import cluster

LJ, MINIMIZER, ATOMS = LennardJones(), LBFGS(), 7
RULES = Rules(20, 2, 400)


def bias(positions, memory, height=0.7):
    """The bias written down with the superposition of the rest of the program."""
    square = [np.mean(np.sum((superpose(positions, other) - other) ** 2, axis=1)) for other in memory]
    return height * np.exp(-WIDTH * np.array(square)).sum()


def structures(count, seed=0):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(9, 3))
    return base[None] + rng.normal(scale=0.2, size=(count, 9, 3))


def test_the_force_of_the_bias_is_the_slope_of_its_energy():
    x, *memory = structures(4)
    energy, force = bias_and_force(jnp.asarray(x), jnp.asarray(memory), jnp.asarray(3), jnp.asarray(0.7))
    assert float(energy) == pytest.approx(bias(x, memory), rel=1e-12)
    h, slope = 1e-5, np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        slope[index] = (bias(x + step, memory) - bias(x - step, memory)) / (2 * h)
    np.testing.assert_allclose(force, -slope, atol=1e-8)
    assert np.abs(slope).max() > 1e-2


def test_the_bias_does_not_turn_or_move_the_molecule_and_turns_with_it():
    x, *memory = structures(3, seed=1)
    number, height = jnp.asarray(2), jnp.asarray(0.7)
    force = np.asarray(bias_and_force(jnp.asarray(x), jnp.asarray(memory), number, height)[1])
    np.testing.assert_allclose(force.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.cross(x - x.mean(axis=0), force).sum(axis=0), 0, atol=1e-12)
    rotation = np.asarray(random_rotation(jax.random.key(0)))
    _, turned = bias_and_force(jnp.asarray(x @ rotation.T + 1.0), jnp.asarray(memory), number, height)
    np.testing.assert_allclose(turned, force @ rotation.T, atol=1e-12)


def test_what_is_not_remembered_yet_does_not_push():
    x, *memory = structures(3, seed=2)
    _, none = bias_and_force(jnp.asarray(x), jnp.asarray(memory), jnp.asarray(0), jnp.asarray(0.7))
    _, one = bias_and_force(jnp.asarray(x), jnp.asarray(memory), jnp.asarray(1), jnp.asarray(0.7))
    _, alone = bias_and_force(jnp.asarray(x), jnp.asarray(memory[:1]), jnp.asarray(1), jnp.asarray(0.7))
    assert not np.asarray(none).any()
    np.testing.assert_allclose(one, alone)


def test_the_bath_brings_momenta_to_its_temperature_and_leaves_the_others_alone():
    walkers, atoms, kT = 3, 400, 0.03
    fields = blank(walkers, atoms)
    fields["friction"][:2], fields["kT"][:2], fields["seed"][:] = 5.0, kT, [1, 2, 3]
    flights = thermal_flights(fields, float)
    momenta, step = jnp.ones((walkers, atoms, 3)), jnp.zeros(walkers, int)
    mixed, heat = heated(flights, momenta, jnp.full(walkers, 2.0), step)
    np.testing.assert_allclose(heat, np.sum(np.asarray(mixed) ** 2 - 1, axis=(1, 2)) / 2, atol=1e-9)
    spread = np.asarray(mixed).reshape(walkers, -1).var(axis=1)
    np.testing.assert_allclose(spread[:2], kT, rtol=0.1)
    np.testing.assert_array_equal(mixed[2], momenta[2])
    np.testing.assert_array_equal(mixed, heated(flights, momenta, jnp.full(walkers, 2.0), step)[0])
    assert not np.allclose(mixed[0], mixed[1])
    assert not np.allclose(mixed[0], heated(flights, momenta, jnp.full(walkers, 2.0), step + 1)[0][0])


@pytest.fixture(scope="module")
def minimum():
    return relaxed(LJ, cluster(ATOMS).system, method=MINIMIZER, force_tolerance=1e-6)


def airborne(flights, timestep=0.01):
    """Walkers on thermal flights."""
    idle = waiting_walkers(LJ, MINIMIZER, replicate(cluster(ATOMS).system, len(flights)), None, thermal=True)
    sheet = TaskSheet(len(flights), ATOMS, np.full(len(flights), timestep), thermal=True)
    for w, flight in enumerate(flights):
        sheet.fly_at(w, flight, tolerance=0.01)
    return assign(idle, sheet.task(float))


def thermal(state):
    assert state.thermal is not None
    return state.thermal


def test_a_flight_in_a_bath_samples_the_boltzmann_distribution(minimum):
    """Near its minimum the cluster is a harmonic solid: 3N - 6 coordinates with kT / 2 each."""
    kT, walkers, length = 2e-3, 16, 6000
    positions, energy = np.asarray(minimum.system.positions[0]), float(minimum.energy[0])
    still = np.zeros_like(positions)
    state = airborne([Flight(positions, energy, still, w, kT, 1.0, length) for w in range(walkers)])
    above = []
    for _ in range(100):
        state = advance_walkers(RULES, MINIMIZER, LJ, state, 50)
        above.append(np.asarray(state.energy) - energy)
    assert (np.asarray(state.phase) == Phase.FLYING).all()
    mean = np.array(above[20:]).mean()
    assert mean == pytest.approx((3 * ATOMS - 6) / 2 * kT, rel=0.08)


def test_a_flight_at_a_temperature_ends_after_its_length_and_notes_where(minimum):
    positions, energy = np.asarray(minimum.system.positions[0]), float(minimum.energy[0])
    state = airborne([Flight(positions, energy, np.zeros_like(positions), 1, 0.02, 1.0, length) for length in (7, 30)])
    assert np.isnan(np.asarray(thermal(state).landing_energy)).all()
    for _ in range(10):
        state = advance_walkers(RULES, MINIMIZER, LJ, state, 1)
    assert np.asarray(state.phase).tolist() == [Phase.RELAXING, Phase.FLYING]
    landing, at = np.asarray(thermal(state).landing[0]), float(thermal(state).landing_energy[0])
    there = energy_and_forces(LJ, cluster(ATOMS).system.replace(positions=jnp.asarray(landing)))[0]
    assert at == pytest.approx(float(there), abs=1e-9)
    assert np.isnan(float(thermal(state).landing_energy[1]))
    for _ in range(40):
        state = advance_walkers(RULES, MINIMIZER, LJ, state, 20)
    assert (np.asarray(state.status) == Status.CONVERGED).all()
    np.testing.assert_array_equal(thermal(state).landing[0], landing)


def test_the_bias_drives_walkers_further_than_heat_alone(minimum):
    """Of LJ7 at a temperature where it stays in its minimum, biased flights leave, the same flights unbiased do not."""
    positions, energy = np.asarray(minimum.system.positions[0]), float(minimum.energy[0])
    make = lambda w: biased_flight(positions, energy, 300.0, w, np.random.default_rng(w))
    flights = [make(w)._replace(friction=1.0, length=8 * DEPOSIT, kT=300 * units.KB / 2) for w in range(6)]
    ends = []
    for height in (0.0, 6.0):
        state = airborne([flight._replace(height=height) for flight in flights], timestep=0.02)
        for _ in range(60):
            state = advance_walkers(RULES, MINIMIZER, LJ, state, 20)
        ends.append(np.asarray(state.energy) - energy)
        assert int(thermal(state).remembered.max()) == (1 if height == 0 else 1 + 8)
    assert (np.abs(ends[0]) < 1e-3).all()
    assert (np.abs(ends[1]) > 1e-2).sum() >= 2


def test_energy_and_bias_less_heat_is_constant_along_a_flight(minimum):
    positions, energy = np.asarray(minimum.system.positions[0]), float(minimum.energy[0])
    flight = biased_flight(positions, energy, 300.0, 3, np.random.default_rng(0))
    spreads = []
    for timestep in (0.01, 0.005):
        state = airborne([flight._replace(friction=1.0, height=2.0, length=10**6)], timestep=timestep)
        for _ in range(int(1.5 / timestep / 10)):
            state = advance_walkers(RULES, MINIMIZER, LJ, state, 10)
        low, high = np.asarray(state.total_range[0])
        swing = np.ptp(np.asarray(state.potential_range[0]))
        spreads.append((high - low) / swing)
    assert spreads[0] < 0.05
    assert spreads[1] < spreads[0] / 2.5  # second order
