r"""Lennard-Jones pair potential (Jones, Proc. R. Soc. A 106, 463 (1924)).

.. math:: E = \sum_{i<j} 4\varepsilon\left[(\sigma/r)^{12} - (\sigma/r)^6\right] s(r), \qquad s = \begin{cases}
          1 & r < r_{on}\\ 1 - 10t^3 + 15t^4 - 6t^5 & t = (r - r_{on})/(r_c - r_{on}) \end{cases}
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from so3k_explore.geometry.graph import Graph
from so3k_explore.typing import Replaceable, ScalarLike, pytree, static


@pytree
class LennardJones(Replaceable):
    """Lennard-Jones with an optional smooth cutoff; the defaults are reduced units, 1 Å and 1 eV.

    Without `onset` a finite cutoff switches off over its last fifth.
    """

    sigma: ScalarLike = 1.0  # Å
    epsilon: ScalarLike = 1.0  # eV
    cutoff: float = static(default=math.inf)  # Å
    onset: float | None = static(default=None)  # Å

    def __post_init__(self) -> None:
        if not self.cutoff > 0:
            raise ValueError(f"`cutoff` must be positive, got {self.cutoff} Å.")
        if self.onset is not None and not 0 <= self.onset < self.cutoff:
            raise ValueError(f"`onset` must lie between 0 and `cutoff` = {self.cutoff} Å, got {self.onset} Å.")

    @property
    def long_range_cutoff(self) -> float:
        """No long-range pairs."""
        return 0.0

    @property
    def elements(self) -> frozenset[int] | None:
        """Any element."""
        return None

    def __call__(self, graph: Graph) -> Float[Array, "atoms"]:
        """Energy booked on each atom, eV: half of each of its pairs."""
        square = jnp.sum(graph.displacements**2, axis=-1)
        power = (self.sigma**2 / square) ** 3
        energies = 2 * self.epsilon * (power**2 - power)
        energies = jnp.where(graph.mask, energies * self._switch(jnp.sqrt(square)), 0.0)
        atoms = graph.n_atoms
        if math.isinf(self.cutoff) and graph.molecules is None and len(energies) == atoms * (atoms - 1) > 0:
            return energies.reshape(atoms, atoms - 1).sum(axis=1)  # all pairs, by receiver
        return jax.ops.segment_sum(energies, graph.receivers, atoms, indices_are_sorted=True)

    def _switch(self, distances: Float[Array, "edges"]) -> Float[Array, "edges"]:
        if math.isinf(self.cutoff):
            return jnp.ones_like(distances)
        onset = 0.8 * self.cutoff if self.onset is None else self.onset
        t = jnp.clip((distances - onset) / (self.cutoff - onset), 0.0, 1.0)
        return 1 - t**3 * (10 - 15 * t + 6 * t**2)
