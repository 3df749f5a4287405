"""What a So3krates network attends to, captured from the forward pass that gives the energy."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from so3k_explore.analysis.attention_blocks import Blocks, matrix_between
from so3k_explore.analysis.attention_coefficients import Attention as Attention
from so3k_explore.analysis.attention_coefficients import Channel
from so3k_explore.geometry.graph import build_graph
from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.forces import CPU_BLOCK, neighbors_for
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System
from so3k_explore.typing import take

PORTION = 64  # structures of a batch at a time; their pair arrays bound the memory


@dataclass(frozen=True)
class Capture:
    """What can be seen inside one forward pass."""

    attention: Attention
    features: Float[np.ndarray, "layers atoms features"]
    euclidean: Float[np.ndarray, "layers atoms orders"]
    degrees: tuple[int, ...]  # to which the orders belong, 2l + 1 each, m = -l ... l
    energies: dict[str, Float[np.ndarray, "atoms"]]  # eV, by contribution
    charges: Float[np.ndarray, "atoms"] | None  # e
    hirshfeld_ratios: Float[np.ndarray, "atoms"] | None


def attention(potential: Potential, system: System) -> Attention:
    """Attention coefficients of every layer on one system.

    Raises:
        TypeError: the potential has no attention.
    """
    return capture(potential, system).attention


def capture(potential: Potential, system: System) -> Capture:
    """Attention, features, Euclidean variables, charges and energy contributions of one system, from one pass.

    Raises:
        TypeError: the potential has no attention.
    """
    _check(potential)
    seen = jax.tree.map(np.asarray, _capture(potential, system, neighbors_for(potential, system, skin=0.0)))
    layers = _in_order(seen.layers)
    return Capture(
        attention=_attention(seen.pairs, layers, system.n_atoms, potential),
        features=np.stack([layer["features"][0] for layer in layers]),
        euclidean=np.stack([layer["euclidean"][0] for layer in layers]),
        degrees=potential.architecture.degrees,  # pyright: ignore[reportAttributeAccessIssue]
        energies=seen.energies,
        charges=seen.charges,
        hirshfeld_ratios=seen.hirshfeld_ratios,
    )


def attentions(potential: Potential, systems: System) -> Iterator[Attention]:
    """Attention of each of a batch of systems, many in one compiled call; nothing of the earlier ones is kept.

    Args:
        potential: a So3krates model.
        systems: a batch, such as `System.create(positions, numbers)` with positions (conformers, atoms, 3).

    Raises:
        TypeError: the potential has no attention.
    """
    _check(potential)
    count, capacity = systems.n_walkers, 0
    for start in range(0, count, PORTION):
        rows = np.minimum(np.arange(start, start + min(PORTION, count)), count - 1)  # the last ones again and again
        portion = take(systems, rows)
        neighbors = neighbors_for(potential, portion, skin=0.0, capacity=capacity)
        capacity = neighbors.short.receivers.shape[-1]
        seen = jax.tree.map(np.asarray, _many(potential, portion, neighbors))
        for row in range(min(PORTION, count - start)):
            pairs, layers = take(seen, row)
            yield _attention(pairs, _in_order(layers), systems.n_atoms, potential)


def attention_maps(
    potential: Potential, systems: System, channel: Channel | None = None, blocks: Blocks | None = None
) -> Float[np.ndarray, "conformers rows columns"]:
    """One matrix of attention for each of a batch of systems, in single precision.

    Args:
        potential: a So3krates model.
        systems: a batch of the same molecule.
        channel: which matrix; the mean over all layers and heads of the invariant branch by default.
        blocks: parts of the molecule to sum over; single atoms by default.
    """
    maps = [matrix_between(seen, channel, blocks) for seen in attentions(potential, systems)]
    return np.stack(maps).astype(np.float32)


def _check(potential: Potential) -> None:
    if not hasattr(potential, "capture"):
        raise TypeError(
            f"{type(potential).__name__} has no attention; load a So3krates model, e.g. `load_potential('so3lr')`."
        )


def _in_order(layers: dict[str, Any]) -> list[dict[str, Any]]:
    return [layers[f"layer_{index}"] for index in range(len(layers))]


def _attention(pairs: Any, layers: list[dict[str, Any]], atoms: int, potential: Any) -> Attention:
    """Directed edges in order, without padding, out of the pairs of one forward pass."""
    receivers = np.concatenate([pairs.receivers, pairs.senders])
    senders = np.concatenate([pairs.senders, pairs.receivers])
    order = np.lexsort((senders, receivers))
    order = order[np.concatenate([pairs.mask, pairs.mask])[order]]
    sown = lambda name: [layer["attention"][name][0] for layer in layers]
    return Attention(
        atoms=atoms,
        receivers=receivers[order],
        senders=senders[order],
        invariant=np.stack([values[order].T for values in sown("invariant")]),
        equivariant=np.stack([values[order].T for values in sown("equivariant")]),
        values=np.stack([values.T for values in sown("values")]),
        residuals=np.stack(sown("residuals")),
        degrees=potential.architecture.degrees,
    )


@jax.jit
def _capture(potential: Any, system: System, neighbors: Neighbors) -> Any:
    return potential.capture(build_graph(system, neighbors))


@jax.jit
def _many(potential: Any, systems: System, neighbors: Neighbors) -> Any:
    def one(pair: tuple[System, Neighbors]) -> Any:  # what nobody reads is not computed
        seen = potential.capture(build_graph(*pair))
        return seen.pairs, {name: {"attention": layer["attention"]} for name, layer in seen.layers.items()}

    if jax.default_backend() == "cpu":
        return jax.lax.map(one, (systems, neighbors), batch_size=min(CPU_BLOCK, systems.n_walkers))
    return jax.vmap(one)((systems, neighbors))
