r"""Attention through all layers of a network whose coefficients are signed and not normalised.

*Rollout* (Abnar & Zuidema, ACL 2020) follows attention along all paths: the product over layers of
:math:`\tfrac12 \hat A + \tfrac12 I`, where the identity stands for the residual connection. It was made for softmax
attention, whose rows are positive and add up to one. Here :math:`\hat A` are the magnitudes, row by row divided by
their sum; signs, and how much an atom listens in all, are lost.

*Contributions* (Kobayashi et al., EMNLP 2020) take into account what is sent:
:math:`c_{ij} = \|\bigoplus_h \alpha_{ij,h} V_h x_{j,h}\| / \|x_i\|`, the length of a message relative to the features
that it is added to. With them the weight of the residual connection is known, and *weighted rollout* is the product of
:math:`C + I`, each row divided by its sum.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

RESIDUAL = 0.5  # weight of the residual connection in rollout


def contributions(
    matrices: Float[np.ndarray, "layers heads atoms atoms"],
    values: Float[np.ndarray, "layers heads atoms"],
    residuals: Float[np.ndarray, "layers atoms"],
) -> Float[np.ndarray, "layers atoms atoms"]:
    """Length of each message relative to the features of its receiver.

    Args:
        matrices: Coefficients of the invariant branch.
        values: Lengths of the value vectors of each head.
        residuals: Lengths of the features before the messages are added.
    """
    messages = np.linalg.norm(matrices * values[:, :, None, :], axis=1)  # heads lie side by side
    return messages / np.maximum(residuals, np.finfo(residuals.dtype).tiny)[:, :, None]


def rollout(magnitudes: Sequence[Float[np.ndarray, "atoms atoms"]]) -> Float[np.ndarray, "atoms atoms"]:
    """Share of each sender in each receiver along all paths; rows add up to one.

    Args:
        magnitudes: One non-negative matrix for each layer, the first layer first.
    """
    shared = [_rows_to_one(np.abs(layer)) for layer in magnitudes]
    return _along_paths([(1 - RESIDUAL) * layer + RESIDUAL * np.eye(len(layer)) for layer in shared])


def weighted_rollout(relative: Float[np.ndarray, "layers atoms atoms"]) -> Float[np.ndarray, "atoms atoms"]:
    """Share of each sender in each receiver along all paths, from contributions; rows add up to one."""
    return _along_paths([_rows_to_one(layer + np.eye(len(layer))) for layer in relative])


def _along_paths(layers: Sequence[np.ndarray]) -> np.ndarray:
    through = np.eye(len(layers[0]))
    for layer in layers:
        through = layer @ through
    return through


def _rows_to_one(matrix: np.ndarray) -> np.ndarray:
    """Each row divided by its sum; an atom that listens to nobody keeps to itself."""
    sums = matrix.sum(axis=1, keepdims=True)
    return np.where(sums > 0, matrix / np.where(sums > 0, sums, 1.0), np.eye(len(matrix)))
