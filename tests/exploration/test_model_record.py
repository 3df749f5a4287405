"""A landscape knows the model that made it, and takes nothing from another one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from so3k_explore.exploration.importing import import_structures
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.exploration.merging import merge_landscapes
from so3k_explore.exploration.model_record import ModelRecord, claim, record_of, recorded_cutoff, recorded_model
from so3k_explore.exploration.saddles import find_saddles
from so3k_explore.exploration.search import explore_minima
from so3k_explore.exploration.settings import MinimaSearch
from so3k_explore.exploration.state import SearchError
from so3k_explore.exploration.vibrations import store_vibrations, vibrations
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.typing import pytree, static
from tests.exploration.molecules import cluster
from tests.exploration.searches import LJ, content, last
from tests.potentials import SMALL

DEEPER = LennardJones(epsilon=2.0)
SEARCH = MinimaSearch(walkers=4, seed=1, max_calls=600)
OTHER_MODEL = r"was made with the model lennard-jones \(\w{8}\), got LennardJones \(\w{8}\)"
OTHER_ENERGIES = "belongs to another one"


@pytree
class Unseen(LennardJones):
    """Of somebody else: with a function inside, through which nobody can see."""

    inside: Any = static(default=np.sqrt)


@pytest.fixture
def landscape(tmp_path):
    with Landscape(tmp_path / "landscape.db") as landscape:
        last(explore_minima(LJ, cluster(7), SEARCH, landscape, model="lennard-jones"))
        yield landscape


def forget(landscape):
    """As a file of before."""
    landscape.storage.metadata = {k: value for k, value in landscape.storage.metadata.items() if k != "model"}


def test_a_search_writes_down_its_model_and_others_go_on_with_it(landscape):
    record = recorded_model(landscape)
    assert record is not None
    assert record == record_of(LJ, "lennard-jones")
    assert (record.name, record.kind, record.long_range_cutoff) == ("lennard-jones", "LennardJones", 0.0)
    last(explore_minima(LJ, cluster(7), MinimaSearch(walkers=4, seed=2, max_calls=60), landscape))
    with Landscape.open(landscape.path) as again:
        assert recorded_model(again) == record, "a name stays, whoever goes on"


def test_another_model_is_refused_and_nothing_is_changed(landscape):
    before, molecule = content(landscape), cluster(7)
    with pytest.raises(LandscapeError, match=OTHER_MODEL):
        next(explore_minima(DEEPER, molecule, SEARCH, landscape))
    with pytest.raises(LandscapeError, match=OTHER_MODEL):
        next(find_saddles(DEEPER, molecule, landscape))
    with pytest.raises(LandscapeError, match=OTHER_MODEL):
        import_structures(landscape, [(molecule, None)], DEEPER)
    with pytest.raises(LandscapeError, match=OTHER_MODEL):
        vibrations(landscape, potential=DEEPER)
    assert content(landscape) == before
    assert recorded_model(landscape) == record_of(LJ, "lennard-jones")


def test_frequencies_that_are_stored_need_no_model(landscape):
    ids = landscape.minima().ids.tolist()
    store_vibrations(landscape, "minimum", ids, [np.arange(1.0, 16.0)] * len(ids))
    assert len(vibrations(landscape, potential=DEEPER)) == len(ids)


def test_landscapes_of_two_models_are_not_merged(landscape, tmp_path):
    with Landscape(tmp_path / "deeper.db") as deeper, Landscape(tmp_path / "new.db") as new:
        last(explore_minima(DEEPER, cluster(7), SEARCH, deeper))
        before = content(deeper)
        with pytest.raises(LandscapeError, match=r"deeper.db was made with .* got lennard-jones"):
            merge_landscapes(deeper, landscape)
        assert content(deeper) == before
        merge_landscapes(new, landscape)
        assert recorded_model(new) == recorded_model(landscape)
        with pytest.raises(LandscapeError, match=r"new.db was made with the model lennard-jones"):
            merge_landscapes(new, deeper)


def test_a_landscape_without_a_record_is_merged_as_before(landscape, tmp_path):
    with Landscape(tmp_path / "old.db") as old:
        last(explore_minima(DEEPER, cluster(7), SEARCH, old))
        forget(old)
        merge_landscapes(old, landscape)
        assert recorded_model(old) is None, "it has minima of nobody knows which model"
        merge_landscapes(landscape, old)
        assert recorded_model(landscape) == record_of(LJ, "lennard-jones")


def test_a_file_of_before_is_judged_by_its_energies_and_then_remembers(landscape):
    forget(landscape)
    with pytest.raises(SearchError, match=OTHER_ENERGIES):
        next(explore_minima(DEEPER, cluster(7), SEARCH, landscape))
    with pytest.raises(SearchError, match=OTHER_ENERGIES):
        import_structures(landscape, [(cluster(7), None)], DEEPER)
    assert recorded_model(landscape) is None
    next(explore_minima(LJ, cluster(7), MinimaSearch(walkers=4, seed=2, max_calls=60), landscape))
    assert recorded_model(landscape) == record_of(LJ)


def test_a_potential_that_cannot_be_told_is_judged_by_its_energies(landscape):
    claim(landscape, Unseen())
    assert recorded_model(landscape) == record_of(LJ, "lennard-jones")
    with pytest.raises(SearchError, match=OTHER_ENERGIES):
        claim(landscape, Unseen(epsilon=2.0))


def test_a_landscape_without_minima_becomes_that_of_any_model():
    with Landscape() as landscape:
        landscape.bind(cluster(7))
        claim(landscape, DEEPER, "deeper")
        claim(landscape, LJ)
        assert recorded_model(landscape) == record_of(LJ)
        claim(landscape, Unseen())
        assert recorded_model(landscape) is None


def test_a_name_that_nobody_said_is_filled_in(landscape):
    landscape.storage.metadata = {**landscape.storage.metadata, "model": vars(record_of(LJ))}
    claim(landscape, LJ, "pairs")
    assert recorded_model(landscape) == record_of(LJ, "pairs")


def test_imported_structures_that_a_model_gives_energies_make_it_the_model():
    with Landscape() as landscape:
        import_structures(landscape, [(cluster(7), None)], LJ, model="lennard-jones")
        assert recorded_model(landscape) == record_of(LJ, "lennard-jones")
    with Landscape() as landscape:
        import_structures(landscape, [(cluster(7), -3.0)], relax=False)
        assert recorded_model(landscape) is None


def test_another_long_range_cutoff_is_another_model(tmp_path: Path):
    model = lambda cutoff: So3lr.create(1, SMALL, cutoff)
    with Landscape(tmp_path / "far.db") as landscape:
        landscape.bind(cluster(7))
        claim(landscape, model(12.0), "so3lr")
        landscape.add(-1.0, cluster(7).positions)
        assert recorded_cutoff(landscape) == 12.0
        claim(landscape, model(12.0))
        with pytest.raises(LandscapeError, match=r"up to 12 Å\), got so3lr \(.* of all pairs\)"):
            claim(landscape, model(float("inf")))


def test_a_record_with_more_in_it_can_be_read(landscape):
    content = {**vars(record_of(LJ, "lennard-jones")), "of_later": 1}
    landscape.storage.metadata = {**landscape.storage.metadata, "model": content}
    assert isinstance(recorded_model(landscape), ModelRecord)
    landscape.bind(cluster(7))
    assert recorded_model(landscape) == record_of(LJ, "lennard-jones"), "saying whose it is changes no record"
