import itertools

import numpy as np
import pytest

from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.merging import merge_landscapes
from so3k_explore.exploration.search import explore_minima, initial_search
from so3k_explore.exploration.settings import MinimaSearch
from so3k_explore.io.checkpoints import load_checkpoint, save_checkpoint
from tests.exploration.molecules import cluster
from tests.exploration.searches import LJ, SEARCH, content, last


@pytest.mark.parametrize("lost", [0, 5])
def test_a_resumed_search_finds_the_same_landscape(lj7, tmp_path, lost):
    """`lost` blocks ran after the checkpoint, and wrote to the landscape, before the search was killed."""
    reference, _ = lj7
    landscape = Landscape(tmp_path / "landscape.db")
    for block, state in enumerate(explore_minima(LJ, cluster(7), SEARCH, landscape)):
        if block == 12:
            save_checkpoint(tmp_path / "checkpoint.npz", state)
        if block == 12 + lost:
            break
    landscape.close()

    state = load_checkpoint(tmp_path / "checkpoint.npz", like=initial_search(LJ, cluster(7), SEARCH))
    with Landscape.open(tmp_path / "landscape.db") as reopened:
        end = last(explore_minima(LJ, cluster(7), SEARCH, reopened, state))
        assert content(reopened) == content(reference)
    assert end.finished is not None


def test_a_state_from_before_the_first_step_can_be_resumed(lj7):
    reference, _ = lj7
    with Landscape() as landscape:
        last(explore_minima(LJ, cluster(7), SEARCH, landscape, initial_search(LJ, cluster(7), SEARCH)))
        assert content(landscape) == content(reference)


def test_a_search_killed_before_it_was_saved_again_finds_the_same_landscape(lj7):
    """A run saves its state before the first step; what was found since is found again, after earlier searches, too."""
    reference, _ = lj7
    with Landscape() as landscape:
        begun = initial_search(LJ, cluster(7), SEARCH, landscape)
        killed = explore_minima(LJ, cluster(7), SEARCH, landscape, begun)
        assert next(itertools.islice(killed, 20, None)).n_minima >= 2
        last(explore_minima(LJ, cluster(7), SEARCH, landscape, begun))
        assert content(landscape) == content(reference)

        second, hops = MinimaSearch(walkers=8, seed=2, max_calls=500), len(landscape.hops())
        begun = initial_search(LJ, cluster(7), second, landscape)
        first = content_of(landscape, second, begun, blocks=3)
        assert len(landscape.hops()) > hops
        assert content_of(landscape, second, begun, blocks=3) == first


def content_of(landscape, settings, state, blocks):
    """What is there after some blocks."""
    next(itertools.islice(explore_minima(LJ, cluster(7), settings, landscape, state), blocks, None))
    return content(landscape)


def test_a_resumed_search_guards_bonds_as_before(tmp_path):
    """By the minimum that was found first, not by the lowest of those that are known by now."""
    search = MinimaSearch(walkers=8, seed=3, max_calls=1500)
    with Landscape() as landscape:
        states = explore_minima(LJ, cluster(7, seed=2), search, landscape)
        state = next(state for state in states if state.n_minima and landscape.minima().energies.argmin() > 0)
        save_checkpoint(tmp_path / "checkpoint.npz", state)
        resumed = load_checkpoint(tmp_path / "checkpoint.npz", like=initial_search(LJ, cluster(7), search))
        end = last(explore_minima(LJ, cluster(7, seed=2), search, landscape, resumed))
        assert state.walkers.guard is not None
        assert end.walkers.guard is not None
        np.testing.assert_array_equal(end.walkers.guard.separation, state.walkers.guard.separation)


def test_a_search_that_an_earlier_version_began_goes_on_with_its_shorter_memory():
    with Landscape() as landscape:
        state = next(itertools.islice(explore_minima(LJ, cluster(7), SEARCH, landscape), 8, None))
        memory = state.walkers.memory
        short = memory.replace(steps=memory.steps[:, -30:], changes=memory.changes[:, -30:])
        older = state.replace(walkers=state.walkers.replace(memory=short))
        end = next(itertools.islice(explore_minima(LJ, cluster(7), SEARCH, landscape, older), 3, None))
        assert end.calls > state.calls
        assert end.walkers.memory.steps.shape[1] == 30


def test_temperature_and_walkers_may_change_on_the_way(lj7):
    settings = MinimaSearch(walkers=8, seed=1, temperature=400.0)
    with Landscape() as landscape:
        state = next(itertools.islice(explore_minima(LJ, cluster(7), settings, landscape), 8, None))
        hotter = MinimaSearch(walkers=12, seed=1, temperature=1600.0, max_calls=state.calls + 500)
        end = last(explore_minima(LJ, cluster(7), hotter, landscape, state))
        assert end.positions.shape[0] == 12
        assert end.temperatures.max() > 800
        assert end.calls > state.calls
        assert len(landscape) == len(set(landscape.minima().energies.round(4)))


def test_a_second_search_continues_the_landscape(lj7):
    with Landscape() as landscape:
        first = last(explore_minima(LJ, cluster(7), SEARCH, landscape))
        again = MinimaSearch(walkers=8, seed=2, max_calls=500)
        second = last(explore_minima(LJ, cluster(7), again, landscape))
        assert second.n_minima == len(landscape) == 4
        assert second.first_call >= first.calls - 21  # a Hessian counts, too
        assert landscape.growth()[0].max() <= first.calls


def test_what_was_merged_into_a_landscape_survives_a_search_that_is_resumed():
    """Its numbers of calls are later than the state from which the search goes on."""
    with Landscape() as landscape, Landscape() as other:
        state = next(explore_minima(LJ, cluster(7), SEARCH, landscape))
        found = last(explore_minima(LJ, cluster(7), MinimaSearch(walkers=4, seed=9, minima=4), other))
        other.set_aside("a test", -1.0, other.minima().positions[0], call=3)
        assert found.calls > state.calls
        merge_landscapes(landscape, other)
        merged = [hop for hop in landscape.hops() if hop.walker < 0]
        assert len(merged) == len(other.hops())
        minima = len(landscape)
        last(explore_minima(LJ, cluster(7), SEARCH, landscape, state))
        assert [hop for hop in landscape.hops() if hop.walker < 0] == merged
        assert [one.reason for one in landscape.set_aside_structures() if one.walker < 0][-1] == "a test"
        assert len(landscape) == minima == 4
