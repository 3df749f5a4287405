r"""How well two labellings of the same structures agree, and how stable one is.

The adjusted Rand index (Hubert & Arabie, J. Classif. 2, 193 (1985)) counts pairs of structures that both labellings
keep together or apart; it is 1 for equal labellings and 0 on average for unrelated ones. Noise counts as a cluster of
its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

Labels = Int[np.ndarray, "structures"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Agreement of two labellings."""

    rand: float  # adjusted Rand index
    p_value: float  # share of random exchanges of labels that agree at least as well
    rows: Int[np.ndarray, "first"]  # labels of the first one
    columns: Int[np.ndarray, "second"]  # labels of the second one
    table: Int[np.ndarray, "first second"]  # structures with each pair of labels


@dataclass(frozen=True, eq=False)
class Stability:
    """Agreement of a clustering with those of random samples of the structures."""

    rand: Float[np.ndarray, "samples"]  # adjusted Rand index, over the structures in each sample
    clusters: Int[np.ndarray, "samples"]  # how many clusters each sample has

    @property
    def mean(self) -> float:
        """Mean adjusted Rand index."""
        return float(self.rand.mean())


def compare_labellings(first: Any, second: Any, *, permutations: int = 999, seed: int = 0) -> Comparison:
    """Agreement of two labellings of the same structures.

    Args:
        first: a label for each structure, -1 for noise.
        second: the same in another labelling.
        permutations: random exchanges of the labels, for the p-value.
        seed: of these.

    Raises:
        ValueError: they do not label the same structures, or fewer than two.
    """
    first, second = np.asarray(first, int), np.asarray(second, int)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"Both labellings must hold the same structures, got shapes {first.shape} and {second.shape}.")
    if len(first) < 2:
        raise ValueError(f"At least two structures are needed to compare labellings, got {len(first)}.")
    rows, a = np.unique(first, return_inverse=True)
    columns, b = np.unique(second, return_inverse=True)
    table = _table(a, b)
    rand, rng = _adjusted_rand(table), np.random.default_rng(seed)
    as_good = sum(_adjusted_rand(_table(a, rng.permutation(b))) >= rand - 1e-12 for _ in range(permutations))
    return Comparison(rand, (as_good + 1) / (permutations + 1), rows, columns, table)


def stability(
    values: Float[np.ndarray, "structures columns"],
    make: Callable[[Float[np.ndarray, "structures columns"]], Labels],
    *,
    samples: int = 20,
    precomputed: bool = False,
    seed: int = 0,
) -> Stability:
    """Bootstrap: the same clustering of samples with replacement, each structure of a sample once.

    Args:
        values: descriptors, or distances of all pairs.
        make: labels from such values, e.g. ``lambda values: find_clusters(values).labels``.
        samples: how many.
        precomputed: whether `values` are distances.
        seed: of the samples.
    """
    whole, rng = make(values), np.random.default_rng(seed)
    rand, clusters = [], []
    for _ in range(samples):
        rows = np.unique(rng.integers(len(values), size=len(values)))
        labels = make(values[np.ix_(rows, rows)] if precomputed else values[rows])
        rand.append(_adjusted_rand(_table(*(np.unique(one, return_inverse=True)[1] for one in (whole[rows], labels)))))
        clusters.append(int(labels.max(initial=-1)) + 1)
    return Stability(np.array(rand), np.array(clusters, int))


def _table(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    shape = int(first.max()) + 1, int(second.max()) + 1
    return np.bincount(first * shape[1] + second, minlength=shape[0] * shape[1]).reshape(shape)


def _adjusted_rand(table: np.ndarray) -> float:
    pairs = lambda counts: float(np.sum(counts * (counts - 1.0)) / 2)
    together, total = pairs(table), pairs(table.sum())
    first, second = pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected, most = first * second / total, (first + second) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)
