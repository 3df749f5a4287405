"""Potentials so simple that their dynamics is known on paper."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from so3k_explore.geometry.graph import Graph
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, ScalarLike, pytree


class _Toy:
    @property
    def cutoff(self) -> float:
        return math.inf

    @property
    def long_range_cutoff(self) -> float:
        return 0.0

    @property
    def elements(self) -> frozenset[int] | None:
        return None


@pytree
class Springs(Replaceable, _Toy):
    """Harmonic springs between some pairs: half of `stiffness` times the square of what their length is off."""

    lengths: Float[Array, "atoms atoms"]  # Å; 0: no spring
    stiffness: ScalarLike | Float[Array, "atoms atoms"] = 20.0  # eV/Å²

    def __call__(self, graph: Graph) -> Float[Array, "atoms"]:
        vectors = graph.positions[None, :, :] - graph.positions[:, None, :]
        sprung = self.lengths > 0
        square = jnp.where(sprung, jnp.sum(vectors**2, axis=-1), 1.0)
        off = jnp.where(sprung, jnp.sqrt(square) - self.lengths, 0.0)
        return 0.25 * jnp.sum(self.stiffness * off**2, axis=1)


@pytree
class Morse(Replaceable, _Toy):
    """All pairs in a Morse potential: depth 2 eV, width 1.5 per Å, minimum at 1.2 Å."""

    def __call__(self, graph: Graph) -> Float[Array, "atoms"]:
        off = jnp.where(graph.mask, jnp.linalg.norm(graph.displacements, axis=-1) - 1.2, 0.0)
        energy = jnp.where(graph.mask, (1 - jnp.exp(-1.5 * off)) ** 2 - 1, 0.0)
        return jnp.zeros(graph.n_atoms, energy.dtype).at[graph.receivers].add(energy)


@pytree
class Blasting(Replaceable, _Toy):
    """Springs that become NaN where the first atom lies beyond x = 5 Å."""

    springs: Springs

    def __call__(self, graph: Graph) -> Float[Array, "atoms"]:
        return self.springs(graph) + jnp.where(graph.positions[0, 0] > 5.0, jnp.nan, 0.0)


@pytree
class Charged(Replaceable, _Toy):
    """Springs between atoms that carry charges which never change."""

    springs: Springs
    fixed: Float[Array, "atoms"]  # e

    def __call__(self, graph: Graph) -> Float[Array, "atoms"]:
        return self.springs(graph)

    def charges(self, graph: Graph) -> Float[Array, "atoms"]:
        return self.fixed

    def dipole(self, graph: Graph) -> Float[Array, "3"]:
        return self.fixed @ graph.positions


TRIANGLE = System.create([[0.0, 0.0, 0.0], [1.1, 0.0, 0.0], [0.3, 0.9, 0.0]], [8, 6, 1])
TETRAHEDRON = System.create(
    [[0.0, 0.0, 0.0], [1.3, 0.0, 0.0], [0.6, 1.2, 0.0], [0.5, 0.4, 1.2], [-0.5, -0.9, 0.7]], [6, 7, 8, 1, 1]
)


def springs_of(system: System, stiffness: float = 20.0) -> Springs:
    """Springs between all pairs, at rest in the given structure."""
    positions = np.asarray(system.positions)
    lengths = np.linalg.norm(positions[:, None] - positions[None, :], axis=-1)
    return Springs(lengths=jnp.asarray(lengths), stiffness=stiffness)
