"""The table that every property test sweeps: adding a potential is one line here."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import jax.numpy as jnp

from so3k_explore.potentials.compression import compressed
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.protocol import Potential, Sum
from so3k_explore.potentials.so3krates import Architecture, So3krates
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.system import System
from tests.molecules import ETHANOL, random_cluster


@dataclass(frozen=True)
class Named:
    """A potential with a molecule it can be asked about."""

    name: str
    make: Callable[[], Potential]  # networks take long to make, and most test modules want a few of them at most
    molecule: System
    ends: bool = True  # whether it has a cutoff
    far: bool = False  # whether parts of it go on beyond that cutoff, without end

    @cached_property
    def potential(self) -> Potential:
        """Made when it is first asked for."""
        return self.make()


SMALL = Architecture(8, heads=1, layers=1, degrees=(1,), cutoff=2.2, radial_functions=6, average_neighbors=2.0)
REPELLING = Architecture(
    8,
    heads=2,
    layers=1,
    degrees=(1, 2),
    cutoff=2.5,
    radial_functions=6,
    average_neighbors=2.0,
    charge_and_spin=False,
    repulsion_range=2.0,
)
MIDDLE = Architecture(24, heads=2, layers=2, degrees=(1, 2, 3), cutoff=2.5, radial_functions=8, average_neighbors=2.0)
LARGE = Architecture(16, heads=4, layers=3, degrees=(1, 2, 3, 4), cutoff=2.5, radial_functions=8, average_neighbors=2.0)
INVARIANT = Architecture(8, heads=2, layers=2, degrees=(0,), cutoff=2.5, radial_functions=6, average_neighbors=2.0)
GAPPED = Architecture(
    8, heads=2, layers=1, degrees=(2, 4), cutoff=2.2, radial_functions=5, radial_basis="bessel", average_neighbors=2.0
)


@cache
def so3krates(architecture: Architecture, seed: int) -> So3krates:
    """A network with random weights, double precision."""
    return So3krates.create(seed, architecture, dtype=jnp.float64)


@cache
def so3lr(cutoff: float) -> So3lr:
    """A network with random weights and long-range physics, double precision."""
    return So3lr.create(5, MIDDLE, long_range_cutoff=cutoff, dtype=jnp.float64)


POTENTIALS = [
    Named("lennard-jones", LennardJones, random_cluster(9, seed=1), ends=False),
    Named("lennard-jones, cutoff", lambda: LennardJones(cutoff=2.0), random_cluster(12, seed=2)),
    Named(
        "sum",
        lambda: Sum((LennardJones(cutoff=2.0), LennardJones(epsilon=0.3, cutoff=1.5))),
        random_cluster(9, seed=3),
    ),
    Named("so3krates, one degree", lambda: so3krates(SMALL, 1), ETHANOL),
    Named("so3krates, three degrees", lambda: so3krates(MIDDLE, 2), ETHANOL),
    Named("so3krates, four degrees", lambda: so3krates(LARGE, 3), ETHANOL),
    Named("so3krates, even degrees", lambda: so3krates(GAPPED, 4), ETHANOL),
    Named("so3krates, invariant", lambda: so3krates(INVARIANT, 7), ETHANOL),
    Named("so3krates, compressed", lambda: compressed(so3krates(MIDDLE, 2)), ETHANOL),
    Named("so3krates, repulsion", lambda: so3krates(REPELLING, 6), ETHANOL),
    Named("so3lr", lambda: so3lr(math.inf), ETHANOL, far=True),
    Named("so3lr, cutoff", lambda: so3lr(6.0), ETHANOL),
]
