import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.exploration.band import ElasticBand, broken_bands, relax_bands
from so3k_explore.exploration.paths import PathGuesses
from so3k_explore.simulation.guards import make_guard
from so3k_explore.simulation.relaxation import relaxed
from so3k_explore.simulation.state import Status
from so3k_explore.system import replicate
from tests.exploration.molecules import cluster
from tests.exploration.muller_brown import ATOM, MINIMA, MINIMUM_ENERGIES, SADDLE_ENERGIES, SADDLES, SCALE, MullerBrown
from tests.exploration.searches import LJ, last

FIELD = ElasticBand(force_tolerance=1e-5, climb=0.5, max_steps=2000, max_step=0.05, spring=1.0, rigid=False)


def straight(start, finish, images):
    shares = np.linspace(0, 1, images + 2)[:, None, None]
    return (1 - shares) * start + shares * finish


@pytest.fixture(scope="module")
def muller_brown():
    pairs = [(0, 2), (2, 1)]
    paths = [straight(MINIMA[a][None], MINIMA[b][None], 9) for a, b in pairs]
    energies = SCALE * MINIMUM_ENERGIES[np.array(pairs)]
    return last(relax_bands(MullerBrown(), ATOM, paths, energies, FIELD))


def test_the_highest_images_climb_to_the_saddles_of_muller_and_brown(muller_brown):
    assert (np.asarray(muller_brown.status) == Status.CONVERGED).all()
    for band in range(2):
        positions, energies = muller_brown.profile(band)
        top = int(np.argmax(energies))
        np.testing.assert_allclose(positions[top, 0], SADDLES[band], atol=1e-6)
        np.testing.assert_allclose(energies[top] / SCALE, SADDLE_ENERGIES[band], atol=1e-6)


def test_springs_keep_images_apart_evenly(muller_brown):
    positions, energies = muller_brown.profile(0)
    steps = np.linalg.norm(np.diff(positions[:, 0], axis=0), axis=1)
    top = int(np.argmax(energies))
    for side in (steps[:top], steps[top:]):
        np.testing.assert_allclose(side, side.mean(), rtol=0.02)


@pytest.fixture(scope="module")
def lj7():
    """Three bands between minima of seven atoms."""
    rng = np.random.default_rng(1)
    starts = rng.normal(scale=0.7, size=(40, 7, 3)) + cluster(7).positions
    system = cluster(7).system
    state = relaxed(LJ, replicate(system, 40).replace(positions=jnp.asarray(starts)), force_tolerance=1e-6)
    energies = np.asarray(state.energy)
    minima = [int(np.argmin(np.abs(energies - e))) for e in (-16.505384, -15.935043, -15.593211)]
    positions, energies = np.asarray(state.system.positions)[minima], energies[minima]
    guesses = PathGuesses(system.numbers, [])
    pairs = np.array([(0, 1), (1, 2), (0, 2)])
    paths = np.array([guesses.path(positions[a], positions[b], 8, 0, rng) for a, b in pairs])
    return system, paths, energies[pairs]


def test_bands_of_a_cluster_converge_together(lj7):
    system, paths, energies = lj7
    state = last(relax_bands(LJ, system, paths, energies))
    assert (np.asarray(state.status) == Status.CONVERGED).all()
    assert float(state.max_force.max()) < 0.1
    for band in range(3):
        _, profile = state.profile(band)
        assert profile.max() > energies[band].max()
        assert -15.5 < profile.max() < -14


def test_a_band_that_fails_fails_alone(lj7):
    system, paths, energies = lj7
    good = last(relax_bands(LJ, system, paths, energies))
    broken = paths.copy()
    broken[1, 4, 0] = broken[1, 4, 1]  # one atom on top of another, in one image
    bad = last(relax_bands(LJ, system, broken, energies))
    assert np.asarray(bad.status).tolist() == [Status.CONVERGED, Status.NOT_FINITE, Status.CONVERGED]
    np.testing.assert_array_equal(bad.profile(0)[0], good.profile(0)[0])
    np.testing.assert_array_equal(bad.profile(2)[1], good.profile(2)[1])


def test_bands_that_only_fill_the_batch_cost_nothing(lj7):
    system, paths, energies = lj7
    state = last(relax_bands(LJ, system, paths, energies, running=[True, False, False]))
    assert state.calls[0] > 0
    assert state.calls[1:].sum() == 0


def test_a_band_that_takes_too_long_says_so(lj7):
    system, paths, energies = lj7
    state = last(relax_bands(LJ, system, paths, energies, ElasticBand(max_steps=3)))
    assert (np.asarray(state.status) == Status.MAX_STEPS).all()


def test_bands_along_which_a_bond_breaks_are_recognised(lj7):
    system, paths, energies = lj7
    still = np.broadcast_to(paths[:, :1], paths.shape).copy()
    still[1, 4, 0] += 5.0
    guard = make_guard(system.replace(positions=jnp.asarray(paths[0, 0])), [[0, 1]], contact=0.0)
    state = next(relax_bands(LJ, system, still, energies, ElasticBand(max_steps=0)))
    assert broken_bands(state, guard)[:2].tolist() == [False, True]
    assert broken_bands(state, None).tolist() == [False, False, False]
