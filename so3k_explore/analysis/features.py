r"""What a So3krates network makes of the surroundings of atoms, as descriptors of whole structures.

After each layer an atom has invariant features :math:`x_i` and Euclidean variables :math:`\epsilon_{ilm}`; of the
latter the norms :math:`|\epsilon_{il}|` of each degree are invariant. Both are averaged over groups of atoms: the
molecule, each residue, or each element. Averages over a group do not depend on the order of its atoms.
"""

import functools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from so3k_explore.analysis.backbone import backbone_torsions, peptide_torsions
from so3k_explore.analysis.canonical import canonical_positions
from so3k_explore.analysis.structure_blocks import structure_blocks
from so3k_explore.geometry.bonds import fragments
from so3k_explore.geometry.elements import symbol
from so3k_explore.geometry.graph import build_graph
from so3k_explore.geometry.neighbors import Neighbors, update_neighbors
from so3k_explore.nn.spherical import membership
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System
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
    for systems, neighbors, real in structure_blocks(potential, system, ordered, min(BATCH, len(ordered))):
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
