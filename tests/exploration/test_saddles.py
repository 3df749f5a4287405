import itertools

import numpy as np
import pytest

from so3k_explore.exploration.identity import Identity
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.exploration.network import Network
from so3k_explore.exploration.pairing import TRIES, Task, propose
from so3k_explore.exploration.records import Attempt, Hop
from so3k_explore.exploration.saddle_settings import SaddleSearch
from so3k_explore.exploration.saddles import find_saddles
from so3k_explore.exploration.search import explore_minima
from so3k_explore.exploration.settings import MinimaSearch
from so3k_explore.exploration.state import SearchError
from so3k_explore.io.molecule import Molecule
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.system import System
from tests.exploration.molecules import cluster, ethanol
from tests.exploration.searches import LJ, last

SADDLES = {  # all twelve: energies, and the minima by rising energy
    -15.444734: (1, 2),
    -15.319864: (2, 3),
    -15.283421: (2, 4),
    -15.097846: (2, 2),
    -15.033384: (1, 3),
    -15.026438: (1, 4),
    -14.816400: (4, 4),
    -14.811130: (4, 4),
    -14.596947: (1, 4),
    -14.568061: (3, 3),
    -14.548573: (4, 4),
    -12.548938: (3, 3),
}
SEARCH = SaddleSearch(pairs=4, walkers=16, kicks=60, seed=1, strategies=("nearest", "kicks"))


@pytest.fixture(scope="module")
def minima():
    """Energies and positions of the four minima of seven atoms, by rising energy."""
    with Landscape() as landscape:
        last(explore_minima(LJ, cluster(7), MinimaSearch(walkers=8, seed=1, max_calls=2000), landscape))
        found = landscape.minima()
    order = np.argsort(found.energies)
    assert len(order) == 4
    return found.energies[order], found.positions[order]


def lj7_landscape(minima, path=None, only=(0, 1, 2, 3)):
    landscape = Landscape(path)
    landscape.bind(cluster(7))
    for k in only:
        landscape.add(minima[0][k], minima[1][k])
    return landscape


@pytest.fixture(scope="module")
def lj7(minima):
    with lj7_landscape(minima) as landscape:
        yield landscape, list(find_saddles(LJ, cluster(7), landscape, SEARCH))


def test_saddles_of_seven_atoms_join_the_minima_that_they_should(lj7):
    landscape, _ = lj7
    saddles = landscape.saddles()
    assert len(saddles) == len(set(saddles.energies.round(5)))
    assert len(saddles) >= 10
    assert len(landscape) == 4  # and no minimum that is none
    for energy, pair, frequency in zip(saddles.energies, saddles.pairs.tolist(), saddles.frequencies, strict=True):
        (known,) = (known for known in SADDLES if abs(known - energy) < 1e-5)
        assert tuple(pair) == SADDLES[known]
        assert frequency < -50


def test_states_tell_what_happens(lj7):
    landscape, states = lj7
    assert states[-1].finished == "nothing is left to try"
    assert all(state.finished is None for state in states[:-1])
    assert {state.phase for state in states} == {"joining", "climbing", "descending", "resting"}
    assert [number for state in states for number in state.found] == landscape.saddles().ids.tolist()
    assert [state.calls for state in states] == sorted(state.calls for state in states)
    assert (states[-1].n_saddles, states[-1].n_minima) == (len(landscape.saddles()), 4)
    assert states[-1].connected == 1.0
    assert landscape.calls == landscape.attempts()[-1].call > 1000
    reasons = {reason for state in states for reason in state.failures}
    assert "an atom or a fragment left the others" in reasons


def test_every_attempt_is_remembered_with_its_reason(lj7):
    landscape, states = lj7
    attempts = landscape.attempts()
    assert len(attempts) == states[-1].tried
    assert all(attempt.saddle is not None or attempt.reason for attempt in attempts)
    assert len({attempt.saddle for attempt in attempts} - {None}) == len(landscape.saddles())


def test_a_search_that_is_repeated_has_nothing_left_to_do(lj7):
    landscape, _ = lj7
    (state,) = find_saddles(LJ, cluster(7), landscape, SEARCH)
    assert (state.finished, state.calls) == ("nothing is left to try", 0)


def test_an_interrupted_search_goes_on_where_it_was(minima, tmp_path):
    settings = SaddleSearch(pairs=4, walkers=16, kicks=4, seed=1, strategies=("nearest", "kicks"))
    with lj7_landscape(minima) as landscape:
        last(find_saddles(LJ, cluster(7), landscape, settings))
        whole = [(attempt.first, attempt.second, attempt.method) for attempt in landscape.attempts()]
        energies = landscape.saddles().energies
    with lj7_landscape(minima, tmp_path / "landscape.db") as landscape:
        interrupted = find_saddles(LJ, cluster(7), landscape, settings)
        for state in interrupted:
            if state.found and state.phase == "resting":
                break
        for _ in itertools.islice(interrupted, 2):
            pass  # in the middle of a round
        del interrupted
    with Landscape.open(tmp_path / "landscape.db") as landscape:
        last(find_saddles(LJ, cluster(7), landscape, settings))
        assert [(attempt.first, attempt.second, attempt.method) for attempt in landscape.attempts()] == whole
        np.testing.assert_allclose(landscape.saddles().energies, energies, atol=1e-9)


def test_minima_on_the_other_side_of_a_saddle_are_added(minima):
    settings = SaddleSearch(pairs=4, walkers=16, kicks=16, strategies=("kicks",), connected=None, saddles=3)
    with lj7_landscape(minima, only=(0,)) as landscape:
        state = last(find_saddles(LJ, cluster(7), landscape, settings))
        assert state.finished is not None
        assert state.finished.startswith("found")
        found = landscape.minima()
        assert len(found) > 1
        assert np.abs(found.energies[:, None] - minima[0][None, :]).min(axis=1).max() < 1e-5
        assert set(found.strategies) == {"", "saddles"}


@pytest.mark.parametrize(
    ("limit", "finished"),
    [({"max_calls": 200}, "used"), ({"saddles": 1}, "found"), ({"connected": 0.5}, "hang together")],
)
def test_a_search_ends_at_its_limits(minima, limit, finished):
    with lj7_landscape(minima) as landscape:
        state = last(find_saddles(LJ, cluster(7), landscape, SaddleSearch(pairs=4, walkers=16, **limit)))
        assert finished in state.finished
        assert len(landscape.attempts()) < 20


def test_landscapes_that_do_not_fit_are_refused(minima):
    with Landscape() as empty, pytest.raises(SearchError, match="has no minima yet"):
        last(find_saddles(LJ, cluster(7), empty))
    with lj7_landscape(minima) as landscape:
        with pytest.raises(SearchError, match="belongs to another one"):
            last(find_saddles(LennardJones(epsilon=2.0), cluster(7), landscape))
        with pytest.raises(LandscapeError, match="landscape of 'lj7'"):
            last(find_saddles(LJ, ethanol(), landscape))
    atom = Molecule("argon", System.create([[0, 0, 0]], [18]), np.zeros((0, 2), int), "test")
    with Landscape() as empty, pytest.raises(ValueError, match="single atom"):
        last(find_saddles(LJ, atom, empty))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pairs": 0}, "`pairs` must be 1 or more, got 0"),
        ({"modes": -1}, "`modes` must be 0 or more"),
        ({"images": 2}, "`images` must be 3 or more, got 2"),
        ({"force_tolerance": 0.0}, "`force_tolerance` must be positive, got 0.0 eV/Å"),
        ({"connected": 1.5}, "`connected` must lie above 0"),
        ({"strategies": ("luck",)}, "`strategies` must be some of hops, .*, got luck"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        SaddleSearch(**change)


# What to try next


@pytest.fixture
def line(minima):
    """Six minima of seven atoms, 1-2-3 and 5-6 joined by saddles, 4 alone; energies rise with the numbers."""
    rng = np.random.default_rng(0)
    with Landscape() as landscape:
        landscape.bind(cluster(7))
        for k in range(6):
            landscape.add(-10.0 + k, minima[1][0] * (1 + 0.1 * k) + rng.normal(scale=1e-3, size=(7, 3)))
        for pair in ((1, 2), (2, 3), (5, 6)):
            landscape.add_saddle(*pair, -5.0 + pair[0] / 10, minima[1][0] + pair[0], frequency=-50.0)
        yield landscape


def proposals(landscape, *strategies, count=20, **settings):
    network = Network(landscape, Identity(), settings.pop("energy_window", None))
    return propose(network, SaddleSearch(strategies=strategies, **settings), torsions=2, modes=15, count=count)


def pairs(tasks):
    return [task.pair for task in tasks]


def test_parts_of_the_network_are_told_apart(line):
    network = Network(line, Identity())
    assert network.components() == [[1, 2, 3], [5, 6], [4]]
    assert network.connected == 0.5
    assert Network(line, Identity(), energy_window=2.5).connected == 1.0
    assert Network(line, Identity(), energy_window=3.5).components() == [[1, 2, 3], [4]]


def test_hops_are_tried_by_the_barriers_they_prove(line):
    for first, second, barrier in ((1, 2, 0.1), (1, 4, 0.9), (3, 6, 0.2), (4, 5, None)):
        line.add_hop(Hop(first, second, 1, 0, "hopping", barrier, accepted=True))
    assert pairs(proposals(line, "hops")) == [(3, 6), (1, 4), (4, 5)]  # 1-2 is known


def test_neighbours_are_tried_from_the_nearest_on(line):
    assert pairs(proposals(line, "nearest", neighbors=1)) == [(3, 4)] or (3, 4) in pairs(proposals(line, "nearest"))
    assert (1, 2) not in pairs(proposals(line, "nearest", neighbors=5))
    assert len(proposals(line, "nearest", neighbors=5)) == 12  # of 15 pairs 3 are known


def test_parts_are_joined_where_they_are_nearest(line):
    assert pairs(proposals(line, "components", count=1)) == [(3, 5)]
    assert (3, 4) in pairs(proposals(line, "components"))


def test_ways_between_parts_use_known_links(line):
    """From 1 to 6 over 2, 3, 4, 5: only the links 3-4 and 4-5 are missing."""
    assert set(pairs(proposals(line, "paths"))) == {(3, 4), (4, 5)}


def test_a_pair_is_tried_three_times_and_then_avoided(line):
    for tries in range(TRIES):
        tasks = proposals(line, "paths")
        assert Task(3, 4, "paths", tries) in tasks
        line.add_attempt(Attempt(3, 4, 1, "paths", None, "no luck"))
    assert (3, 4) not in pairs(proposals(line, "paths"))
    assert proposals(line, "paths")


def test_single_minima_are_left_along_everything_once(line):
    tasks = proposals(line, "torsions", count=100)
    assert len(tasks) == 6 * 2 * 2
    line.add_attempt(Attempt(1, None, 1, "torsions 1+", None, "no luck"))
    assert Task(1, None, "torsions 1+") not in proposals(line, "torsions", count=100)
    assert len(proposals(line, "modes", modes=2, count=100)) == 6 * 2 * 2
    assert len(proposals(line, "kicks", kicks=3, count=100)) == 6 * 3
    assert proposals(line, "kicks", kicks=0) == []


def test_the_next_strategy_follows_when_one_has_nothing_left(line):
    assert proposals(line, "hops", "kicks")[0].method == "kicks 1"
    assert {task.pair for task in proposals(line, "itself", kicks=1)} == {(k, k) for k in range(1, 7)}
