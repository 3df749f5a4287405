import jax
import numpy as np
import pytest

from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.search import explore_minima, initial_search
from so3k_explore.exploration.settings import MinimaSearch
from so3k_explore.io.checkpoints import load_checkpoint, save_checkpoint
from so3k_explore.observables.forces import energy_and_forces
from tests.exploration.molecules import cluster
from tests.exploration.searches import LJ, LJ7_MINIMA, content, last

WARM = {
    "metadynamics": MinimaSearch(walkers=6, seed=1, max_calls=9000, temperature=4000.0, strategies=("metadynamics",)),
    "tempering": MinimaSearch(walkers=8, seed=1, max_calls=12_000, temperature=1500.0, strategies=("tempering",)),
}


@pytest.mark.parametrize("name", WARM)
def test_flights_at_a_temperature_find_minima_and_resume_to_the_bit(name, tmp_path):
    settings = WARM[name]
    with Landscape() as landscape, Landscape() as other:
        states = list(explore_minima(LJ, cluster(7), settings, landscape))
        found = landscape.minima()
        assert set(found.strategies) <= {name, "hopping"}
        assert (found.strategies.count(name)) >= 2
        np.testing.assert_allclose(np.sort(found.energies)[:2], LJ7_MINIMA[:2], atol=2e-6)

        half = states[len(states) // 2]
        for _ in zip(range(len(states) // 2 + 3), explore_minima(LJ, cluster(7), settings, other), strict=False):
            pass
        save_checkpoint(tmp_path / "half.npz", half)
        resumed = load_checkpoint(tmp_path / "half.npz", initial_search(LJ, cluster(7), settings))
        list(explore_minima(LJ, cluster(7), settings, other, state=resumed))
        assert content(other) == content(landscape)


def test_replicas_travel_on_the_ladder_and_never_lie_where_no_walker_left_them():
    with Landscape() as landscape:
        state = last(explore_minima(LJ, cluster(7), WARM["tempering"], landscape))
        hops = landscape.hops()
    replicas = state.ledger.replicas
    assert replicas is not None
    assert replicas.stretches.min() >= 2
    tried, made = replicas.exchanges
    assert tried >= made > 0
    assert np.isfinite(replicas.energy).all()
    for positions, energy in zip(replicas.positions, replicas.energy, strict=True):
        there = energy_and_forces(LJ, cluster(7).system.replace(positions=jax.numpy.asarray(positions)))[0]
        assert energy == pytest.approx(float(there), abs=1e-6)
    assert all(hop.start is None and hop.barrier is None for hop in hops if hop.strategy == "tempering")


def test_biased_flights_bound_barriers_from_above():
    with Landscape() as landscape:
        list(explore_minima(LJ, cluster(7), WARM["metadynamics"], landscape))
        energies = dict(zip(landscape.minima().ids.tolist(), landscape.minima().energies.tolist(), strict=True))
        hops = [hop for hop in landscape.hops() if hop.start is not None and hop.start != hop.finish]
    assert hops
    assert all(hop.barrier > max(energies[hop.start], energies[hop.finish]) for hop in hops)
