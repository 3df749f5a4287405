import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.exploration.curvilinear import StiffDistances
from so3k_explore.exploration.following import Following, follow
from so3k_explore.exploration.rigid import rigid_motions, without_rigid
from so3k_explore.observables.hessian import normal_modes
from so3k_explore.simulation.guards import make_guard
from so3k_explore.simulation.model_hessian import model_hessian
from so3k_explore.simulation.relaxation import relaxed
from so3k_explore.simulation.state import Status
from so3k_explore.system import replicate
from so3k_explore.typing import take
from tests.exploration.molecules import cluster, ethanol
from tests.exploration.muller_brown import ATOM, MINIMA, SADDLE_ENERGIES, SADDLES, SCALE, MullerBrown
from tests.exploration.searches import LJ, last

TIGHT = Following(force_tolerance=1e-8, max_steps=300)


def batch(system, positions):
    return replicate(system, len(positions)).replace(positions=jnp.asarray(positions))


@pytest.fixture(scope="module")
def lj7():
    return take(relaxed(LJ, cluster(7).system, force_tolerance=1e-8).system, 0)


@pytest.fixture(scope="module")
def starts(lj7):
    """Beside the minimum along each mode, both ways, and the directions."""
    modes = normal_modes(LJ, lj7).modes
    directions = np.concatenate([modes, -modes])
    return np.asarray(lj7.positions)[None] + 0.1 * directions, directions


def climb(lj7, starts, directions, running=None, **settings):
    guard = make_guard(lj7, [])
    chosen = TIGHT.replace(**settings)
    return last(follow(LJ, batch(lj7, starts), directions, chosen, running=running, guard=guard))


@pytest.fixture(scope="module")
def found(lj7, starts):
    return climb(lj7, *starts)


@pytest.mark.parametrize("interval", [1, 4])
def test_both_saddles_of_muller_and_brown_are_found_to_six_digits(interval):
    """From beside the intermediate minimum, along its soft valley both ways."""
    settings = Following(
        force_tolerance=1e-9, max_step=0.1, first_step=0.02, max_steps=200, rigid=False, hessian_interval=interval
    )
    directions = np.array([[[-1.0, 0.2, 0.0]], [[1.0, -0.7, 0.0]]])
    starts = MINIMA[2][None, None] + 0.02 * directions
    found = last(follow(MullerBrown(), batch(ATOM, starts), directions, settings))
    assert (np.asarray(found.status) == Status.CONVERGED).all()
    order = np.argsort(found.energy)[::-1]
    np.testing.assert_allclose(np.asarray(found.system.positions)[order, 0], SADDLES, atol=1e-6)
    np.testing.assert_allclose(np.asarray(found.energy)[order] / SCALE, SADDLE_ENERGIES, atol=1e-6)


def test_what_is_found_has_one_negative_mode_and_no_force(found):
    converged = np.flatnonzero(np.asarray(found.status) == Status.CONVERGED)
    assert len(converged) > 15
    for walker in converged:
        frequencies = normal_modes(LJ, take(found.system, walker)).frequencies
        assert (frequencies < 0).sum() == 1
        assert frequencies[0] < -50
    assert np.abs(np.asarray(found.forces)[converged]).max() < 1e-8


def test_saddles_are_those_of_the_literature(found):
    known = [-15.444734, -15.319864, -15.283421, -15.097846, -15.033384, -15.026438, -14.816400, -14.811130, -14.596947]
    known += [-14.568061, -14.548573]
    energies = np.asarray(found.energy)[np.asarray(found.status) == Status.CONVERGED]
    assert np.abs(energies[:, None] - np.array(known)[None, :]).min(axis=1).max() < 2e-6
    assert len(set(energies.round(4))) >= 3


def test_updated_hessians_lead_to_saddles_as_well(lj7, starts, found):
    updated = climb(lj7, *starts, hessian_interval=5)
    assert (np.asarray(updated.status) == Status.CONVERGED).mean() > 0.5
    assert updated.calls.sum() < found.calls.sum()


def test_walkers_do_not_know_of_each_other_and_others_cost_nothing(lj7, starts, found):
    running = np.arange(30) == 3
    alone = climb(lj7, *starts, running=running)
    np.testing.assert_allclose(alone.system.positions[3], found.system.positions[3], atol=1e-6)
    assert alone.calls[3] == found.calls[3]
    assert alone.calls[~running].sum() == 0
    np.testing.assert_array_equal(alone.system.positions[0], starts[0][0])


def test_a_walker_that_fails_fails_alone(lj7, starts, found):
    places = starts[0].copy()
    places[1, 0] = places[1, 1]  # one atom on top of another
    bad = climb(lj7, places, starts[1])
    assert bad.status[1] == Status.NOT_FINITE
    others = np.arange(30) != 1
    np.testing.assert_array_equal(bad.system.positions[others], found.system.positions[others])


def test_a_cluster_that_falls_apart_is_stopped(lj7, starts):
    places = starts[0].copy()
    places[0, 0] += 8.0
    bad = climb(lj7, places, starts[1], running=np.arange(30) == 0)
    assert bad.status[0] == Status.EVAPORATED


def test_steps_bend_so_that_bonds_keep_their_lengths():
    molecule = ethanol()
    model = model_hessian(molecule.system, molecule.bonds)
    stiff = StiffDistances.of(model)
    assert stiff is not None
    assert StiffDistances.of(None) is None
    positions = molecule.positions[None]
    axis = positions[0, 1] - positions[0, 2]  # C-O: the hydroxyl turns
    step = np.zeros_like(positions)
    step[0, 8] = np.cross(axis / np.linalg.norm(axis), positions[0, 8] - positions[0, 2]) * 0.4
    bent = np.asarray(stiff.bent(jnp.asarray(positions), jnp.asarray(step)))
    length = lambda r: np.linalg.norm(r[0, 8] - r[0, 2])
    assert length(positions + step) - length(positions) > 0.05
    assert abs(length(positions + bent) - length(positions)) < 0.005
    assert np.linalg.norm(bent - step) < 0.5 * np.linalg.norm(step)


@pytest.mark.parametrize(("atoms", "motions"), [(1, 3), (2, 5), (3, 5), (7, 6)])
def test_rigid_motions_are_counted_also_for_points_and_lines(atoms, motions):
    positions = np.random.default_rng(0).normal(size=(1, atoms, 3))
    if atoms == 3:
        positions[:, 2] = 2 * positions[:, 1] - positions[:, 0]
    found = np.asarray(rigid_motions(jnp.asarray(positions)))[0]
    overlaps = found @ found.T
    np.testing.assert_allclose(overlaps, np.diag(np.diag(overlaps)), atol=1e-10)
    assert round(float(np.trace(overlaps))) == motions
    turned = np.cross([0.3, -0.2, 0.5], positions) + np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(without_rigid(jnp.asarray(turned), jnp.asarray(found[None])), 0, atol=1e-10)
