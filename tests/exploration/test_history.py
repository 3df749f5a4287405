import numpy as np

from so3k_explore.exploration.history import History
from so3k_explore.exploration.identity import Identity
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.search import explore_minima
from so3k_explore.exploration.settings import MinimaSearch
from tests.exploration.molecules import cluster
from tests.exploration.searches import LJ, last


def test_low_minima_are_worth_more_than_high_ones():
    with Landscape() as landscape:
        history = History(cluster(3), Identity(), landscape)
        for k, energy in enumerate((-3.0, -1.0, -2.0, 0.0)):
            history.store(energy, np.eye(3) * (1 + k), call=1, walker=0, strategy="seeds")
            if k == 0:
                assert history.worth(-3.0) == 1
        np.testing.assert_allclose(
            [history.worth(e) for e in (-3.0, -2.0, -1.0, 0.0)], np.array([1, 0.75, 0.5, 0.25]) ** 2
        )


def test_a_random_structure_takes_a_walker_only_where_a_hop_would_take_it():
    settings = MinimaSearch(walkers=4, seed=0, max_calls=8000, strategies=("kicks", "seeds"))
    with Landscape() as landscape:
        last(explore_minima(LJ, cluster(13), settings, landscape))
        energies = dict(zip(landscape.minima().ids.tolist(), landscape.minima().energies.tolist(), strict=True))
        current: dict[int, float] = {}
        refused = 0
        for hop in landscape.hops():
            if hop.strategy == "seeds" and hop.walker in current and not hop.accepted:
                assert energies[hop.finish] > current[hop.walker]
                refused += 1
            if hop.accepted:
                current[hop.walker] = energies[hop.finish]
        assert refused > 5


def test_now_and_then_a_walker_begins_anew_from_a_random_structure():
    settings = MinimaSearch(walkers=8, seed=0, max_calls=15_000, strategies=("seeds",))
    with Landscape() as landscape:
        states = list(explore_minima(LJ, cluster(13), settings, landscape))
    settled = states[len(states) // 2 :]  # every walker has been somewhere
    assert 0 < np.mean([state.ledger.current == 0 for state in settled]) < 0.2
