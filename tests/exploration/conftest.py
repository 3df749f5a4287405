from collections.abc import Iterator

import pytest

from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.search import explore_minima
from so3k_explore.exploration.state import SearchState
from tests.exploration.molecules import cluster
from tests.exploration.searches import LJ, SEARCH


@pytest.fixture(scope="module")
def lj7() -> Iterator[tuple[Landscape, list[SearchState]]]:
    """The landscape of seven atoms, and the states of the search."""
    landscape = Landscape()
    states = list(explore_minima(LJ, cluster(7), SEARCH, landscape))
    yield landscape, states
    landscape.close()
