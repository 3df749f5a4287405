"""The graph a potential sees: atoms, directed short-range pairs and, where wanted, unordered long-range pairs."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.geometry.neighbors import Neighbors, PairList
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, pytree


@pytree
class Pairs(Replaceable):
    """Unordered long-range pairs, each once."""

    receivers: Int[Array, "pairs"]
    senders: Int[Array, "pairs"]
    displacements: Float[Array, "pairs 3"]  # Å, from receiver to sender
    mask: Bool[Array, "pairs"]


@pytree
class Graph(Replaceable):
    """One system as a graph, or several molecules side by side, as training wants them.

    Masked pairs carry a unit displacement, so nothing becomes NaN; they must not count.
    """

    positions: Float[Array, "atoms 3"]  # Å
    numbers: Int[Array, "atoms"]
    charge: Float[Array, "*molecules"]  # e
    spin: Float[Array, "*molecules"]  # unpaired electrons
    receivers: Int[Array, "edges"]  # i, sorted
    senders: Int[Array, "edges"]  # j
    displacements: Float[Array, "edges 3"]  # Å, r_ij = r_j - r_i
    mask: Bool[Array, "edges"]
    long_range: Pairs | None = None
    molecules: Int[Array, "atoms"] | None = None  # to which molecule an atom belongs; None: all to one

    @property
    def n_atoms(self) -> int:
        """Number of atoms, padding included."""
        return self.numbers.shape[0]

    @property
    def real(self) -> Bool[Array, "atoms"]:
        """Which atoms are no padding."""
        return self.numbers > 0

    def astype(self, dtype: jnp.dtype) -> "Graph":
        """Copy with floating-point leaves in `dtype`."""
        far = self.long_range
        return self.replace(
            positions=self.positions.astype(dtype),
            charge=self.charge.astype(dtype),
            spin=self.spin.astype(dtype),
            displacements=self.displacements.astype(dtype),
            long_range=None if far is None else far.replace(displacements=far.displacements.astype(dtype)),
        )


def molecule_sums(
    values: Float[Array, "atoms"], molecules: Int[Array, "atoms"] | None, like: Float[Array, "*molecules"]
) -> Float[Array, "*molecules"]:
    """Sums over the atoms of each molecule; `like` has one entry a molecule, or none when there is one molecule."""
    if molecules is None:
        return values.sum()
    return jax.ops.segment_sum(values, molecules, like.shape[0])


def at_atoms(values: Array, molecules: Int[Array, "atoms"] | None) -> Array:
    """Values of molecules at their atoms; unchanged when there is one molecule."""
    return values if molecules is None else values[molecules]


def build_graph(system: System, neighbors: Neighbors) -> Graph:
    """Graph of a single system, differentiable in positions and cell."""
    displacements, mask = _displacements(system, neighbors.short, complete=neighbors.method == "complete")
    far = neighbors.long_range
    long_range = None
    if far is not None:
        far_displacements, far_mask = _displacements(system, far)
        long_range = Pairs(receivers=far.receivers, senders=far.senders, displacements=far_displacements, mask=far_mask)
    return Graph(
        positions=system.positions,
        numbers=system.numbers,
        charge=system.charge,
        spin=system.spin,
        receivers=neighbors.short.receivers,
        senders=neighbors.short.senders,
        displacements=displacements,
        mask=mask,
        long_range=long_range,
    )


def _displacements(
    system: System, pairs: PairList, *, complete: bool = False
) -> tuple[Float[Array, "edges 3"], Bool[Array, "edges"]]:
    if complete and system.n_atoms > 1:
        vectors = _off_diagonal(system.positions[None, :, :] - system.positions[:, None, :])
    else:
        vectors = system.positions[pairs.senders] - system.positions[pairs.receivers]
    if pairs.shifts is not None and system.cell is not None:
        vectors = vectors + pairs.shifts.astype(vectors.dtype) @ system.cell
    real = system.numbers > 0
    mask = pairs.mask & real[pairs.receivers] & real[pairs.senders]
    unit = jnp.array([1.0, 0.0, 0.0], vectors.dtype)
    return jnp.where(mask[:, None], vectors, unit[None, :]), mask


def _off_diagonal(matrix: Float[Array, "atoms atoms 3"]) -> Float[Array, "edges 3"]:
    """All rows one after the other, without the diagonal: by slices, whose derivatives are quicker than of indices."""
    atoms = matrix.shape[0]
    between = matrix.reshape(-1, 3)[1:].reshape(atoms - 1, atoms + 1, 3)  # diagonal elements end its rows
    return between[:, :-1].reshape(-1, 3)
