"""What a So3krates network attends to, captured from the forward pass that gives the energy."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from so3k_explore.geometry.graph import build_graph
from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.forces import neighbors_for
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System


@dataclass(frozen=True)
class Attention:
    """Coefficients with which an atom (receiver) listens to another (sender), cutoff and normalisation included.

    Edges are sorted by receiver, then sender. Coefficients may be negative and do not add up to one.
    """

    atoms: int
    receivers: Int[np.ndarray, "edges"]
    senders: Int[np.ndarray, "edges"]
    invariant: Float[np.ndarray, "layers heads edges"]  # with which features are gathered
    equivariant: Float[np.ndarray, "layers degrees edges"]  # with which Euclidean variables are gathered

    def dense(self, branch: str = "invariant") -> Float[np.ndarray, "layers heads atoms atoms"]:
        """Matrices with a row per receiver and a column per sender; periodic images of a sender add up.

        Args:
            branch: "invariant" or "equivariant"; in the latter, degrees take the place of heads.
        """
        if branch not in ("invariant", "equivariant"):
            raise ValueError(f'`branch` must be "invariant" or "equivariant", got {branch!r}.')
        values = getattr(self, branch)
        matrices = np.zeros((self.atoms, self.atoms, *values.shape[:2]), values.dtype)
        np.add.at(matrices, (self.receivers, self.senders), np.moveaxis(values, -1, 0))
        return np.moveaxis(matrices, (0, 1), (2, 3))


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
    if not hasattr(potential, "capture"):
        raise TypeError(
            f"{type(potential).__name__} has no attention; load a So3krates model, e.g. `load_potential('so3lr')`."
        )
    seen = jax.tree.map(np.asarray, _capture(potential, system, neighbors_for(potential, system, skin=0.0)))
    layers = [seen.layers[f"layer_{index}"] for index in range(len(seen.layers))]
    pairs = seen.pairs
    receivers = np.concatenate([pairs.receivers, pairs.senders])
    senders = np.concatenate([pairs.senders, pairs.receivers])
    order = np.lexsort((senders, receivers))
    order = order[np.concatenate([pairs.mask, pairs.mask])[order]]
    branch = lambda name: np.stack([layer["attention"][name][0][order].T for layer in layers])
    return Capture(
        attention=Attention(
            atoms=system.n_atoms,
            receivers=receivers[order],
            senders=senders[order],
            invariant=branch("invariant"),
            equivariant=branch("equivariant"),
        ),
        features=np.stack([layer["features"][0] for layer in layers]),
        euclidean=np.stack([layer["euclidean"][0] for layer in layers]),
        degrees=potential.architecture.degrees,  # pyright: ignore[reportAttributeAccessIssue]
        energies=seen.energies,
        charges=seen.charges,
        hirshfeld_ratios=seen.hirshfeld_ratios,
    )


@jax.jit
def _capture(potential: Any, system: System, neighbors: Neighbors) -> Any:
    return potential.capture(build_graph(system, neighbors))
