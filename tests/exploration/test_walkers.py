import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.exploration.proposals import Proposals
from so3k_explore.exploration.tasks import TaskSheet
from so3k_explore.exploration.walker_state import Phase, Rules, assign, waiting_walkers
from so3k_explore.exploration.walkers import GLIMPSE, advance_walkers
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.simulation.lbfgs import LBFGS
from so3k_explore.simulation.relaxation import relaxed
from so3k_explore.simulation.state import Status
from so3k_explore.system import replicate
from tests.exploration.molecules import cluster

LJ, MINIMIZER = LennardJones(), LBFGS()
WALKERS, ATOMS = 4, 7


@pytest.fixture(scope="module")
def minimum():
    return relaxed(LJ, cluster(ATOMS).system, method=MINIMIZER, force_tolerance=1e-6)


@pytest.fixture(scope="module")
def idle():
    return waiting_walkers(LJ, MINIMIZER, replicate(cluster(ATOMS).system, WALKERS), None)


def flights(idle, minimum, *, kinetic, timestep):
    sheet = TaskSheet(WALKERS, ATOMS, np.full(WALKERS, timestep))
    positions, energy = np.asarray(minimum.system.positions[0]), float(minimum.energy[0])
    for w in range(WALKERS):
        direction = Proposals.direction(positions, np.random.default_rng(w))
        sheet.fly(w, positions, energy, direction, kinetic, tolerance=0.01)
    return assign(idle, sheet.task(float))


def advance(rules, walkers, steps):
    for _ in range(steps):  # one at a time, so that every state is seen
        walkers = advance_walkers(rules, MINIMIZER, LJ, walkers, 1)
        yield walkers


def test_walkers_without_a_task_do_nothing(idle):
    later = advance_walkers(Rules(20, 2, 400), MINIMIZER, LJ, idle, 5)
    np.testing.assert_array_equal(later.system.positions, idle.system.positions)
    assert int(later.calls.sum()) == 0


def test_relaxing_walkers_reach_the_minima_that_the_minimizer_reaches_alone(idle, minimum):
    rng = np.random.default_rng(0)
    starts = np.asarray(minimum.system.positions[0]) + rng.normal(scale=0.05, size=(WALKERS, ATOMS, 3))
    sheet = TaskSheet(WALKERS, ATOMS, np.ones(WALKERS))
    for w in range(WALKERS):
        sheet.relax(w, starts[w], tolerance=0.01)
    walkers = assign(idle, sheet.task(float))
    for _ in range(40):
        walkers = advance_walkers(Rules(20, 2, 400), MINIMIZER, LJ, walkers, 20)
    alone = relaxed(LJ, idle.system.replace(positions=jnp.asarray(starts)), method=MINIMIZER, force_tolerance=0.01)
    assert (np.asarray(walkers.status) == Status.CONVERGED).all()
    np.testing.assert_allclose(walkers.energy, alone.energy, atol=1e-10)
    np.testing.assert_array_equal(walkers.calls, alone.calls)


def test_softening_turns_to_softer_directions_and_keeps_the_walker_in_its_minimum(idle, minimum):
    def curvature(walkers, w):
        moved = walkers.system.positions[w] + walkers.direction[w]
        force = energy_and_forces(LJ, cluster(ATOMS).system.replace(positions=moved))[1]
        return -float(jnp.sum(force * walkers.direction[w]) / jnp.sum(walkers.direction[w] ** 2))

    start = flights(idle, minimum, kinetic=0.5, timestep=0.02)
    *_, end = advance(Rules(100, 2, 400), start, 20)
    np.testing.assert_array_equal(end.system.positions, start.system.positions)
    for w in range(WALKERS):
        assert curvature(end, w) < 0.8 * curvature(start, w)


def test_flights_conserve_energy_and_end_after_two_minima_of_the_potential(idle, minimum):
    start = flights(idle, minimum, kinetic=0.5, timestep=0.005)
    states = list(advance(Rules(0, 2, 4000), start, 400))
    energy = float(minimum.energy[0])
    for w in range(WALKERS):
        flown = [state for state in states if int(state.phase[w]) == Phase.FLYING]
        assert len(flown) > 20
        low, high = np.asarray(flown[-1].total_range[w])
        assert high - low < 1e-3
        assert low == pytest.approx(energy + 0.5, abs=2e-3)
        potential = [float(state.energy[w]) for state in flown]
        valleys = sum(b < a and b <= c for a, b, c in zip(potential, potential[1:], potential[2:], strict=False))
        assert valleys <= 2
        assert float(states[-1].highest[w]) >= max(potential)


def test_long_flights_are_cut(idle, minimum):
    start = flights(idle, minimum, kinetic=0.01, timestep=1e-4)
    *_, end = advance(Rules(0, 2, 10), start, 12)
    assert (np.asarray(end.phase) != Phase.FLYING).all()
    assert (np.asarray(end.calls) >= 11).all()  # one softening, ten of the flight


@pytest.mark.parametrize("steps", [1, 11, 60])
def test_watching_changes_nothing(idle, minimum, steps):
    start = flights(idle, minimum, kinetic=0.5, timestep=0.02)
    rules, seen = Rules(3, 1, 40), []
    alone = advance_walkers(rules, MINIMIZER, LJ, start, steps)
    watched = advance_walkers(rules, MINIMIZER, LJ, start, steps, lambda walkers: seen.append(int(walkers.step)))
    assert int(watched.step) == int(alone.step)
    np.testing.assert_array_equal(watched.system.positions, alone.system.positions)
    np.testing.assert_array_equal(watched.phase, alone.phase)
    assert seen == sorted(seen)
    assert seen[-1] == int(alone.step)
    assert max(np.diff([0, *seen])) <= GLIMPSE


def test_a_walker_whose_energy_is_not_finite_stops_alone(idle, minimum):
    start = flights(idle, minimum, kinetic=0.1, timestep=0.01)
    sheet = TaskSheet(WALKERS, ATOMS, np.ones(WALKERS))
    collapsed = np.array(minimum.system.positions[0])
    collapsed[1] = collapsed[0]
    sheet.relax(2, collapsed, tolerance=0.01)
    *_, end = advance(Rules(0, 2, 400), assign(start, sheet.task(float)), 5)
    assert int(end.status[2]) == Status.NOT_FINITE
    assert (np.asarray(end.phase)[[0, 1, 3]] == Phase.FLYING).all()
    assert np.isfinite(np.asarray(end.energy)[[0, 1, 3]]).all()
