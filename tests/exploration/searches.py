"""What the tests of searches share: a potential with known minima, and looks at what a search left."""

from so3k_explore.exploration.settings import MinimaSearch
from so3k_explore.potentials.lennard_jones import LennardJones

LJ = LennardJones()
LJ7_MINIMA = [-16.505384, -15.935043, -15.593211, -15.533060]  # Hoare & Pal, Adv. Phys. 20, 161 (1971)
SEARCH = MinimaSearch(walkers=8, seed=1, max_calls=2000)  # finds them


def last(states):
    """The state at the end of a search."""
    *_, state = states
    return state


def content(landscape):
    """All that a search wrote, without the times of writing."""
    minima = landscape.minima()
    return (
        minima.ids.tolist(),
        minima.energies.tolist(),
        minima.positions.tolist(),
        minima.calls.tolist(),
        landscape.hops(),
        [(one.reason, one.call, one.walker) for one in landscape.set_aside_structures()],
    )
