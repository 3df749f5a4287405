"""How gradients become steps: Adam, or Muon for matrices.

Adam (Kingma & Ba, 2015) scales each parameter by itself. Muon (Jordan et al., 2024) takes steps whose singular values
are all alike, so that directions in which gradients are small are learned as well; tables of elements, biases and
single rows, which are no matrices that map features to features, stay with Adam. Its steps are scaled to the size of
those of Adam (Liu et al., arXiv:2502.16982), so that both take the same learning rates.
"""

from typing import Any

import jax
import optax
from optax import contrib

from so3k_explore.potentials.so3krates import ELEMENT_ROWS

OPTIMISERS = ("adam", "muon")
RMS = 0.2  # of the steps of Muon, as a share of the learning rate; those of Adam are about as large
NARROWEST = 4  # rows and columns of what counts as a matrix


def make_optimiser(name: str, learning_rate: optax.Schedule, clip: float) -> optax.GradientTransformation:
    """The transformation of gradients, clipped by their norm, into updates.

    Raises:
        ValueError: there is no optimiser of this name.
    """
    if name not in OPTIMISERS:
        raise ValueError(f"`optimiser` must be one of {', '.join(OPTIMISERS)}, got {name!r}.")
    if name == "adam":
        return optax.chain(optax.clip_by_global_norm(clip), optax.adam(learning_rate))
    muon = contrib.muon(
        learning_rate, adam_b1=0.9, adam_b2=0.999, muon_weight_dimension_numbers=_matrices, consistent_rms=RMS
    )
    return optax.chain(optax.clip_by_global_norm(clip), muon)


def _matrices(parameters: Any) -> Any:
    """Which leaves are matrices, or stacks of them, one for each head; None for the others."""
    return jax.tree.map(lambda leaf: contrib.MuonDimensionNumbers(-2, -1) if _is_matrix(leaf) else None, parameters)


def _is_matrix(leaf: Any) -> bool:
    return leaf.ndim >= 2 and min(leaf.shape[-2:]) >= NARROWEST and ELEMENT_ROWS not in leaf.shape
