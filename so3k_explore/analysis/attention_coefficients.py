"""Attention coefficients of one structure as data, and the ways to look at them as a matrix.

Coefficients are signed and not normalised; they contain the cutoff function and the average number of neighbours. A
*channel* says which of the matrices of a network is meant: its layer, its branch (invariant features, or Euclidean
variables with one matrix for each degree), its head. What is not chosen is averaged over.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from so3k_explore.analysis.attention_rollout import contributions, rollout, weighted_rollout

BRANCHES = ("invariant", "equivariant")
QUANTITIES = {
    "signed": "coefficients as they are",
    "magnitude": "magnitudes of the coefficients",
    "contribution": "length of what a sender adds to the features of a receiver, relative to these features",
    "rollout": "paths through all layers, from magnitudes (Abnar & Zuidema 2020)",
    "weighted rollout": "paths through all layers, from contributions (Kobayashi et al. 2020)",
}
"""What the entries of a matrix may be."""


@dataclass(frozen=True, eq=False)
class Attention:
    """Coefficients with which an atom (receiver) listens to another (sender), cutoff and normalisation included.

    Edges are sorted by receiver, then sender. Coefficients may be negative and do not add up to one.
    """

    atoms: int
    receivers: Int[np.ndarray, "edges"]
    senders: Int[np.ndarray, "edges"]
    invariant: Float[np.ndarray, "layers heads edges"]  # with which features are gathered
    equivariant: Float[np.ndarray, "layers degrees edges"]  # with which Euclidean variables are gathered
    values: Float[np.ndarray, "layers heads atoms"]  # lengths of the value vectors of the senders
    residuals: Float[np.ndarray, "layers atoms"]  # lengths of the features that the layer adds to
    degrees: tuple[int, ...]

    def dense(self, branch: str = "invariant") -> Float[np.ndarray, "layers heads atoms atoms"]:
        """Matrices with a row per receiver and a column per sender; periodic images of a sender add up.

        Args:
            branch: "invariant" or "equivariant"; in the latter, degrees take the place of heads.
        """
        check_branch(branch)
        values = getattr(self, branch)
        matrices = np.zeros((self.atoms, self.atoms, *values.shape[:2]), values.dtype)
        np.add.at(matrices, (self.receivers, self.senders), np.moveaxis(values, -1, 0))
        return np.moveaxis(matrices, (0, 1), (2, 3))

    def on_edges(self, edges: Float[np.ndarray, "edges"]) -> Float[np.ndarray, "atoms atoms"]:
        """A matrix with these values on the edges; those of periodic images add up."""
        matrix = np.zeros((self.atoms, self.atoms), edges.dtype)
        np.add.at(matrix, (self.receivers, self.senders), edges)
        return matrix


@dataclass(frozen=True)
class Channel:
    """Which matrix is looked at; `None` averages over all layers, or over all heads (degrees)."""

    quantity: str = "signed"
    branch: str = "invariant"
    layer: int | None = None  # from 0
    head: int | None = None  # from 0; in the equivariant branch the place of the degree in the list of degrees

    def __post_init__(self) -> None:
        if self.quantity not in QUANTITIES:
            raise ValueError(f"`quantity` must be one of {', '.join(QUANTITIES)}, got {self.quantity!r}.")
        check_branch(self.branch)
        whole = (self.branch, self.layer, self.head) == ("invariant", None, None)
        if self.through_layers and not whole:
            raise ValueError(f"A {self.quantity} goes through all layers and heads: choose none, and no branch.")
        if self.quantity == "contribution" and (self.branch != "invariant" or self.head is not None):
            raise ValueError("Contributions to the features belong to the invariant branch and to all its heads.")

    @property
    def through_layers(self) -> bool:
        """Whether the rows are shares of paths through all layers, which add up to one."""
        return self.quantity.endswith("rollout")

    @property
    def signed(self) -> bool:
        """Whether entries may be negative."""
        return self.quantity == "signed"


def check_branch(branch: str) -> None:
    """Raises `ValueError` unless there is such a branch."""
    if branch not in BRANCHES:
        raise ValueError(f'`branch` must be "invariant" or "equivariant", got {branch!r}.')


def attention_map(seen: Attention, channel: Channel | None = None) -> Float[np.ndarray, "atoms atoms"]:
    """One matrix: rows are receivers, columns senders.

    Raises:
        ValueError: the network has no such layer or head.
    """
    channel = channel or Channel()
    if channel.quantity == "rollout":
        return rollout([seen.on_edges(np.abs(layer).mean(axis=0)) for layer in seen.invariant])
    if channel.quantity == "weighted rollout":
        return weighted_rollout(_contributions(seen))
    if channel.quantity == "contribution":
        return _chosen(_contributions(seen), channel.layer, "layer").mean(axis=0)
    values = _chosen(getattr(seen, channel.branch), channel.layer, "layer")
    values = _chosen(np.swapaxes(values, 0, 1), channel.head, "head" if channel.branch == "invariant" else "degree")
    values = values if channel.signed else np.abs(values)
    return seen.on_edges(values.mean(axis=(0, 1)))


def listens(matrix: Float[np.ndarray, "*maps rows columns"]) -> Float[np.ndarray, "*maps rows"]:
    """How much each atom (or block) listens to others: sums of magnitudes over the senders."""
    return np.abs(_without_self(matrix)).sum(axis=-1)


def is_listened_to(matrix: Float[np.ndarray, "*maps rows columns"]) -> Float[np.ndarray, "*maps columns"]:
    """How much each atom (or block) is listened to: sums of magnitudes over the receivers."""
    return np.abs(_without_self(matrix)).sum(axis=-2)


def _without_self(matrix: np.ndarray) -> np.ndarray:
    return matrix * (1 - np.eye(matrix.shape[-1]))


def _contributions(seen: Attention) -> np.ndarray:
    return contributions(seen.dense("invariant"), seen.values, seen.residuals)


def _chosen(values: np.ndarray, index: int | None, noun: str) -> np.ndarray:
    """The rows that are meant, as an array with as many axes."""
    if index is None:
        return values
    if not 0 <= index < len(values):
        raise ValueError(f"`{noun}` must be from 0 to {len(values) - 1}, got {index}.")
    return values[index : index + 1]
