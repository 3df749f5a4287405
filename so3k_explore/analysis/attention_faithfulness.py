r"""Does attention say which pairs of atoms matter? A control that belongs beside every picture of it.

"Attention is not explanation" (Jain & Wallace, NAACL 2019). Two things that a pair of atoms does to the energy can be
computed exactly, and attention is ranked against them:

* how the energy changes when the pair is *masked*, that is, when its coefficients are zero in all layers and both
  branches while all atoms stay where they are;
* how strongly the forces couple, the norm of the mixed block :math:`\partial^2 E / \partial r_i \partial r_j` of the
  Hessian.

Near pairs have large values of everything, so a rank correlation may say no more than "near". The *partial* correlation
at fixed distance asks what attention knows beyond that, and *contacts* asks the same of pairs that are more than three
bonds apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from so3k_explore.analysis.attention import attention
from so3k_explore.analysis.attention_coefficients import QUANTITIES, Attention, Channel, attention_map
from so3k_explore.analysis.attention_verdict import Agreement, agreement
from so3k_explore.geometry.bonds import graph_distances
from so3k_explore.geometry.graph import Graph, build_graph
from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.forces import neighbors_for
from so3k_explore.observables.hessian import hessian
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System

MEASURES = tuple(name for name in QUANTITIES if name != "signed")
REFERENCES = ("masked", "Hessian")
FAR = 3  # bonds; pairs further apart than this are contacts
BLOCK = 16  # pairs masked side by side
PAIR_TERMS = ("zbl",)  # of the energy: they use the same pairs, but are not what attention does


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """Attention of one structure beside what its pairs of atoms do to the energy."""

    pairs: Int[np.ndarray, "pairs 2"]  # within the cutoff, each once
    distances: Float[np.ndarray, "pairs"]  # Å
    masked: Float[np.ndarray, "pairs"]  # eV, energy without the pair minus energy with it
    coupling: Float[np.ndarray, "pairs"]  # eV/Å², norm of the mixed block of the Hessian
    measures: dict[str, Float[np.ndarray, "pairs"]]  # attention in both directions, averaged
    contacts: np.ndarray | None  # (pairs,) whether more than three bonds lie between; None: bonds unknown
    table: tuple[Agreement, ...]  # each measure against each reference


def faithfulness(
    potential: Potential, system: System, bonds: Any = None, channels: Sequence[Channel] | None = None
) -> Faithfulness:
    """Ranks attention against masked pairs and against the Hessian, for one structure.

    Args:
        potential: a So3krates model.
        system: a single system.
        bonds: pairs of atoms, to tell contacts from neighbours along the chain.
        channels: what to rank; by default magnitudes, contributions and both rollouts of the whole network.

    Raises:
        TypeError: the potential has no attention.
        ValueError: there are fewer than four pairs.
    """
    seen = attention(potential, system)
    pairs = _pairs(seen)
    if len(pairs) < 4:
        raise ValueError(f"At least 4 pairs within the cutoff are needed to rank them, got {len(pairs)}.")
    chosen = [Channel(name) for name in MEASURES] if channels is None else channels
    measures = {name_of(channel): _both_ways(attention_map(seen, channel), pairs) for channel in chosen}
    second = np.asarray(hessian(potential, system), float).reshape(system.n_atoms, 3, system.n_atoms, 3)
    coupling = np.linalg.norm(second[pairs[:, 0], :, pairs[:, 1], :], axis=(1, 2))
    masked = masking(potential, system, pairs)
    distances = _distances(system, pairs)
    contacts = None
    if bonds is not None:
        steps = graph_distances(np.asarray(bonds, int).reshape(-1, 2), system.n_atoms)[pairs[:, 0], pairs[:, 1]]
        contacts = (steps < 0) | (steps > FAR)
    references = dict(zip(REFERENCES, (np.abs(masked), coupling), strict=True))
    table = tuple(
        agreement(measure, values, reference, truth, distances, contacts)
        for measure, values in measures.items()
        for reference, truth in references.items()
    )
    return Faithfulness(pairs, distances, masked, coupling, measures, contacts, table)


def masking(potential: Potential, system: System, pairs: Int[np.ndarray, "pairs 2"]) -> Float[np.ndarray, "pairs"]:
    """Change of the energy in eV when single pairs of atoms no longer see each other, with all that follows from it.

    All edges of a pair are taken out of the graph, its periodic images as well; pair terms beside the network, such as
    a nuclear repulsion, are left out of the energy.
    """
    neighbors = neighbors_for(potential, system, skin=0.0)
    rows = np.minimum(np.arange(-(-len(pairs) // BLOCK) * BLOCK), len(pairs) - 1)  # full blocks
    changes = _masked(potential, system, neighbors, jnp.asarray(pairs[rows]))
    return np.asarray(changes, float)[: len(pairs)]


def name_of(channel: Channel) -> str:
    """A channel in words: `magnitude, layer 2, head 1`."""
    words = [channel.quantity]
    words += [channel.branch] if channel.branch != "invariant" else []
    words += [f"layer {channel.layer + 1}"] if channel.layer is not None else []
    noun = "head" if channel.branch == "invariant" else "degree"
    return ", ".join(words + ([f"{noun} {channel.head + 1}"] if channel.head is not None else []))


@jax.jit
def _masked(
    potential: Any, system: System, neighbors: Neighbors, pairs: Int[Array, "pairs 2"]
) -> Float[Array, "pairs"]:
    graph = build_graph(system, neighbors)

    def energy(kept: Array) -> Float[Array, ""]:
        terms = potential.energy_terms(_with_mask(graph, kept))
        return sum(values.sum() for name, values in terms.items() if name not in PAIR_TERMS)  # pyright: ignore

    def without(pair: Int[Array, "2"]) -> Float[Array, ""]:
        ends = (graph.receivers, graph.senders)
        forth = (ends[0] == pair[0]) & (ends[1] == pair[1])
        back = (ends[0] == pair[1]) & (ends[1] == pair[0])
        return energy(graph.mask & ~(forth | back))

    return jax.lax.map(without, pairs, batch_size=BLOCK) - energy(graph.mask)


def _with_mask(graph: Graph, kept: Array) -> Graph:
    """Edges that are left out carry a unit displacement, as all masked edges do."""
    unit = jnp.asarray([1.0, 0.0, 0.0], graph.displacements.dtype)
    return graph.replace(mask=kept, displacements=jnp.where(kept[:, None], graph.displacements, unit[None, :]))


def _pairs(seen: Attention) -> np.ndarray:
    ends = np.sort(np.stack([seen.receivers, seen.senders], axis=1), axis=1)
    return np.unique(ends[ends[:, 0] != ends[:, 1]], axis=0)


def _both_ways(matrix: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    magnitudes = np.abs(matrix)
    return (magnitudes[pairs[:, 0], pairs[:, 1]] + magnitudes[pairs[:, 1], pairs[:, 0]]) / 2


def _distances(system: System, pairs: np.ndarray) -> np.ndarray:
    """Å, to the nearest image in a box."""
    positions = np.asarray(system.positions, float)
    vectors = positions[pairs[:, 1]] - positions[pairs[:, 0]]
    if system.cell is not None:
        cell = np.asarray(system.cell, float)
        fractions = vectors @ np.linalg.inv(cell)
        vectors = (fractions - np.round(fractions)) @ cell
    return np.linalg.norm(vectors, axis=1)
