"""Descriptors made ready for clustering and projection, so that results depend on no order of atoms or structures.

Features are centred and written in their principal axes, each turned so that its third moment is positive; rows are
then sorted by quantities that know nothing of any order. Methods that begin at random, or go through structures one
by one, then do the same whatever order they are given. Undone by `Prepared.restore`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

DIGITS = 7  # kept of each score, relative to the largest: what the order of a sum cannot change
MOST_AXES = 50
SAME = 1e-9  # spread below which descriptors are all the same, relative to their size


@dataclass(frozen=True, eq=False)
class Prepared:
    """Rows in an order of their own."""

    values: Float[np.ndarray, "structures columns"]  # scores along principal axes, or distances of all pairs
    order: Int[np.ndarray, "structures"]  # which structure each row is
    precomputed: bool
    explained: Float[np.ndarray, "axes"]  # share of the variance along each axis; empty for distances

    def __len__(self) -> int:
        return len(self.values)

    def restore(self, rows: Shaped[np.ndarray, "structures ..."]) -> Shaped[np.ndarray, "structures ..."]:
        """Results for the rows, in the order of the structures."""
        made = np.empty_like(rows)
        made[self.order] = rows
        return made


def prepare(values: Float[np.ndarray, "structures columns"], *, precomputed: bool = False, least: int = 3) -> Prepared:
    """Checks descriptors, or distances of all pairs when `precomputed`, and puts them into an order of their own.

    Raises:
        ValueError: there are fewer structures than `least`, numbers that are not finite, or nothing but equal rows.
    """
    values = np.asarray(values)
    if values.ndim != 2:
        raise ValueError(f"Descriptors are a table with a row for each structure, got shape {values.shape}.")
    if len(values) < least:
        raise ValueError(f"At least {least} structures are needed, got {len(values)}. Search on.")
    if not np.isfinite(values).all():
        rows = np.flatnonzero(~np.isfinite(values).all(axis=1))
        raise ValueError(
            f"Descriptors must be finite, those of {len(rows)} structures are not; the first is {rows[0]}."
        )
    if precomputed:
        return _distances(values)
    return _scores(values)


def sample_rows(prepared: Prepared, most: int) -> Int[np.ndarray, "chosen"]:
    """At most so many rows, the same whatever the order of the structures was."""
    if len(prepared) <= most:
        return np.arange(len(prepared))
    return np.sort(np.random.default_rng(0).choice(len(prepared), most, replace=False))


def _scores(values: np.ndarray) -> Prepared:
    centred = values.astype(float) - values.mean(axis=0)
    scale = float(np.abs(values).max(initial=0.0)) or 1.0
    if np.abs(centred).max(initial=0.0) <= SAME * scale:
        raise ValueError(
            "All structures have the same descriptors, so that nothing tells them apart. Choose other descriptors."
        )
    variances, axes = np.linalg.eigh(centred.T @ centred if centred.shape[1] <= len(centred) else centred @ centred.T)
    variances, axes = variances[::-1][:MOST_AXES], axes[:, ::-1][:, :MOST_AXES]
    kept = variances > 1e-12 * variances[0]
    variances, axes = variances[kept], axes[:, kept]
    scores = centred @ axes if centred.shape[1] <= len(centred) else axes * np.sqrt(variances)
    scores = scores * np.where(np.sum(scores**3, axis=0) < 0, -1.0, 1.0)
    digit = 10.0 ** (np.floor(np.log10(np.abs(scores).max())) - DIGITS)
    scores = np.round(scores / digit) * digit
    order = np.lexsort(scores.T[::-1])
    return Prepared(scores[order], order, False, variances / np.sum(centred**2))


def _distances(values: np.ndarray) -> Prepared:
    if values.shape[0] != values.shape[1] or not np.allclose(values[:200, :200], values[:200, :200].T, atol=1e-5):
        raise ValueError(f"Distances of all pairs are a symmetric square table, got shape {values.shape}.")
    if values.max() <= SAME:
        raise ValueError(
            "All structures are at distance zero from each other, so that nothing tells them apart. "
            "Choose other descriptors."
        )
    moments = [np.round(np.mean(values.astype(float) ** power, axis=1), DIGITS) for power in (2, 1)]
    order = np.lexsort(moments)
    return Prepared(values[np.ix_(order, order)], order, True, np.zeros(0))


def distances_between(
    prepared: Prepared, rows: Int[np.ndarray, "rows"] | Bool[np.ndarray, "structures"]
) -> Float[np.ndarray, "structures chosen"]:
    """Distances of all rows to some of them."""
    if prepared.precomputed:
        return np.asarray(prepared.values[:, rows], float)
    from sklearn.metrics import pairwise_distances

    return np.asarray(pairwise_distances(prepared.values, prepared.values[rows]))
