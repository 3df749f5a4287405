r"""What a So3krates network makes of the surroundings of atoms, as descriptors of whole structures.

After each layer an atom has invariant features :math:`x_i` and Euclidean variables :math:`\epsilon_{ilm}`; of the
latter the norms :math:`|\epsilon_{il}|` of each degree are invariant. Both are averaged over groups of atoms: the
molecule, each residue, or each element. Averages over a group do not depend on the order of its atoms.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from so3k_explore.analysis.backbone import backbone_torsions, peptide_torsions
from so3k_explore.analysis.canonical import canonical_positions
from so3k_explore.geometry.bonds import fragments
from so3k_explore.geometry.elements import symbol
from so3k_explore.geometry.graph import build_graph
from so3k_explore.geometry.neighbors import Neighbors, find_neighbors, update_neighbors
from so3k_explore.nn.spherical import membership
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System, replicate
from so3k_explore.typing import Progress

BATCH = 64  # structures that are in memory at once
POOLS = ("molecule", "residue", "element")


@dataclass(frozen=True, eq=False)
class Groups:
    """Sets of atoms over which features are averaged."""

    names: tuple[str, ...]
    members: Bool[np.ndarray, "groups atoms"]


def atom_groups(numbers: Int[np.ndarray, "atoms"], bonds: Int[np.ndarray, "bonds 2"], pool: str) -> Groups:
    """Groups of atoms: the whole molecule, each residue of peptide chains (caps included), or each element.

    Raises:
        ValueError: there is no such way, or the molecule has no residues.
    """
    if pool == "molecule":
        return Groups(("molecule",), np.ones((1, len(numbers)), bool))
    if pool == "element":
        elements = np.unique(numbers)
        return Groups(tuple(symbol(z) for z in elements), numbers[None] == elements[:, None])
    if pool != "residue":
        raise ValueError(f"`pool` must be one of {', '.join(POOLS)}, got {pool!r}.")
    residues = backbone_torsions(numbers, bonds)
    if not residues:
        raise ValueError("This molecule has no amino-acid residues. Average over the molecule or over each element.")
    cut = {frozenset(quad[1:3]) for quad in peptide_torsions(numbers, bonds).tolist()}
    kept = np.array([bond for bond in bonds.tolist() if frozenset(bond) not in cut], int).reshape(-1, 2)
    pieces = fragments(kept, len(numbers))
    named = {int(pieces[one.alpha]): f"{one.name}{one.index + 1}" for one in residues}
    names = [named.get(int(piece), f"cap {k + 1}") for k, piece in enumerate(np.unique(pieces))]
    return Groups(tuple(names), pieces[None] == np.unique(pieces)[:, None])


def network_features(
    potential: Potential,
    system: System,
    positions: Float[np.ndarray, "structures atoms 3"],
    bonds: Int[np.ndarray, "bonds 2"],
    *,
    layer: int = -1,
    pool: str = "molecule",
    progress: Progress | None = None,
) -> Float[np.ndarray, "structures features"]:
    """Averages of invariant features, then of norms of Euclidean variables, group by group.

    Args:
        potential: a So3krates model.
        system: numbers, charge and spin of the molecule.
        positions: of its conformers, Å.
        bonds: pairs of bonded atoms.
        layer: from 0; negative numbers count from the last.
        pool: "molecule", "residue" or "element".
        progress: told after each batch.

    Raises:
        TypeError: the potential has no layers to look into.
        ValueError: no such layer, or no such way to average.
    """
    numbers = np.asarray(system.numbers)
    weights = atom_groups(numbers, bonds, pool).members.astype(float)
    weights /= weights.sum(axis=1, keepdims=True)
    index = _layer_index(potential, layer)
    ordered = canonical_positions(positions, numbers, bonds)
    found, done = [], 0
    for systems, neighbors, real in _batches(potential, system, ordered):
        pooled = _pooled(index, potential, systems, neighbors, jnp.asarray(weights))
        found.append(np.asarray(pooled, np.float32)[:real])
        done += real
        if progress is not None:
            progress(done / len(positions), f"features of {done} of {len(positions)} structures")
    if not found:
        return np.zeros((0, 0))
    made = np.concatenate(found)
    return made.reshape(len(made), -1).astype(float)


def layers_of(potential: Potential) -> int:
    """How many layers a potential has to look into; 0: none."""
    return int(getattr(getattr(potential, "architecture", None), "layers", 0)) if hasattr(potential, "capture") else 0


def _layer_index(potential: Potential, layer: int) -> int:
    layers = layers_of(potential)
    if not layers:
        raise TypeError(
            f"{type(potential).__name__} has no layers to look into. Load a So3krates model, or use torsions."
        )
    if not -layers <= layer < layers:
        raise ValueError(f"`layer` must be from 0 to {layers - 1}, or from -1 to {-layers}; got {layer}.")
    return layer % layers


def _batches(potential: Potential, system: System, positions: np.ndarray) -> Iterator[tuple[System, Neighbors, int]]:
    """Batches of one size, the last one filled up, with pair lists of one capacity: compiled once."""
    if not len(positions):
        return
    size, capacity = min(BATCH, len(positions)), _most_pairs(positions, potential.cutoff)
    lists = lambda of: find_neighbors(of, potential.cutoff, potential.long_range_cutoff, skin=0.0, capacity=capacity)
    template = replicate(system, size)
    first = lists(system.replace(positions=jnp.asarray(positions[0], system.positions.dtype)))
    repeated = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[None], (size, *leaf.shape)), first)
    for start in range(0, len(positions), size):
        some = positions[start : start + size]
        filled = np.concatenate([some, np.repeat(some[-1:], size - len(some), axis=0)])
        systems = template.replace(positions=jnp.asarray(filled, system.positions.dtype))
        yield systems, lists(systems) if first.method == "host" else repeated, len(some)


def _most_pairs(positions: np.ndarray, cutoff: float) -> int:
    """The largest number of directed pairs that any structure has."""
    most = 0
    for start in range(0, len(positions), BATCH):
        some = positions[start : start + BATCH]
        square = np.sum((some[:, :, None] - some[:, None]) ** 2, axis=-1)
        most = max(most, int((square < cutoff**2).sum(axis=(1, 2)).max()) - positions.shape[1])
    return most


@functools.partial(jax.jit, static_argnums=0)
def _pooled(index: int, potential: Any, systems: System, neighbors: Neighbors, weights: Any) -> Any:
    members = membership(potential.architecture.degrees)

    def one(pair: tuple[System, Neighbors]) -> Any:
        system, lists = pair
        seen = potential.capture(build_graph(system, update_neighbors(lists, system)))
        layer = seen.layers[f"layer_{index}"]
        features, euclidean = layer["features"][0], layer["euclidean"][0]
        norms = jnp.sqrt(euclidean**2 @ jnp.asarray(members.T, euclidean.dtype))
        return weights.astype(features.dtype) @ jnp.concatenate([features, norms], axis=-1)

    return jax.lax.map(one, (systems, neighbors))  # one by one: their pair arrays stay in cache
