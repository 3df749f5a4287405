"""Maps: descriptors of many structures in two dimensions.

=========  =============================================================================================================
``pca``    principal components; with them the share of the variance that each explains
``kpca``   kernel PCA with a Gaussian kernel as wide as the median distance
``tsne``   neighbours stay neighbours (van der Maaten & Hinton, 2008); distances between groups mean little
``mds``    distances are kept as well as can be (classical scaling, Torgerson, 1952)
``umap``   like t-SNE, if the package umap-learn is installed
=========  =============================================================================================================

Maps depend on no order of atoms or structures (see `preparation`); axes point to where their third moment is positive.
All but PCA cost the square of the number of structures. Beyond `MOST` they map a sample, and put every other structure
where its distances to the sample (`mds`), its kernel (`kpca`), or the mean of its nearest five in the sample (`tsne`,
`umap`) want it; `Projection.note` says so.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from so3k_explore.analysis.preparation import Prepared, distances_between, prepare, sample_rows

METHODS = ("pca", "kpca", "tsne", "mds", "umap")
MOST = {"pca": 10**9, "kpca": 2000, "tsne": 3000, "mds": 2000, "umap": 10_000}
NEAREST = 5


@dataclass(frozen=True, eq=False)
class Projection:
    """Where structures are on a map."""

    coordinates: Float[np.ndarray, "structures dimensions"]
    method: str
    explained: Float[np.ndarray, "dimensions"]  # share of the variance along each axis; NaN where that has no meaning
    note: str  # what else a reader should know, such as that a sample was mapped


def project(
    values: Float[np.ndarray, "structures columns"],
    method: str = "pca",
    *,
    dimensions: int = 2,
    precomputed: bool = False,
) -> Projection:
    """Map of structures with these descriptors.

    Args:
        values: a row of descriptors for each structure, or distances of all pairs.
        method: one of `METHODS`.
        dimensions: of the map.
        precomputed: whether `values` are distances; the principal components of distances are those of ``mds``.

    Raises:
        ValueError: unknown method, too few structures, or descriptors that are not finite or all the same.
        ImportError: UMAP is not installed.
    """
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}, got {method!r}.")
    if method == "umap" and importlib.util.find_spec("umap") is None:
        raise ImportError("UMAP needs the package umap-learn: `pip install umap-learn`. Or take t-SNE.")
    prepared = prepare(values, precomputed=precomputed, least=dimensions + 1)
    method_used = "mds" if precomputed and method == "pca" else method
    rows = sample_rows(prepared, MOST[method_used])
    made = _maps()[method_used](prepared, rows, dimensions)
    made = made * np.where(np.sum((made - made.mean(axis=0)) ** 3, axis=0) < 0, -1.0, 1.0)
    explained = np.full(dimensions, np.nan)
    if method_used == "pca":
        explained = np.pad(prepared.explained, (0, dimensions))[:dimensions]
    note = ""
    if len(rows) < len(prepared):
        note = f"{len(rows)} of {len(prepared)} structures were mapped, the others placed among them."
    return Projection(prepared.restore(made), method, explained, note)


def _maps() -> dict[str, Callable[[Prepared, np.ndarray, int], np.ndarray]]:
    return {"pca": _pca, "kpca": _kernel, "tsne": _tsne, "mds": _scaling, "umap": _umap}


def _pca(prepared: Prepared, rows: np.ndarray, dimensions: int) -> np.ndarray:
    return _widened(prepared.values, dimensions)


def _kernel(prepared: Prepared, rows: np.ndarray, dimensions: int) -> np.ndarray:
    """Eigenvectors of the centred kernel of the sample, extended to all rows (Nyström)."""
    square = distances_between(prepared, rows) ** 2
    inside = square[rows]
    width = float(np.median(inside[inside > 0])) if (inside > 0).any() else 1.0
    kernel = np.exp(-square / width)
    means = kernel[rows].mean(axis=0)
    centred = kernel - means[None] - kernel.mean(axis=1, keepdims=True) + means.mean()
    return _extended(centred, rows, dimensions)


def _scaling(prepared: Prepared, rows: np.ndarray, dimensions: int) -> np.ndarray:
    """Classical scaling of the sample, extended to all rows by their distances to it (de Silva & Tenenbaum, 2004)."""
    square = distances_between(prepared, rows) ** 2
    means = square[rows].mean(axis=0)
    centred = -(square - means[None] - square.mean(axis=1, keepdims=True) + means.mean()) / 2
    return _extended(centred, rows, dimensions)


def _extended(centred: np.ndarray, rows: np.ndarray, dimensions: int) -> np.ndarray:
    """Leading eigenvectors of the part of a matrix that belongs to the sample, with values for all rows."""
    from scipy.sparse.linalg import eigsh

    inside = (centred[rows] + centred[rows].T) / 2
    if len(rows) > 100:
        values, vectors = eigsh(inside, dimensions, which="LA", v0=np.cos(np.arange(len(rows))))
    else:
        values, vectors = np.linalg.eigh(inside)
    order = np.argsort(-values)[:dimensions]
    values, vectors = values[order], vectors[:, order]
    known = values > 1e-9 * max(float(values[0]), 1e-300)
    made = np.where(known, centred @ vectors / np.sqrt(np.where(known, values, 1.0)), 0.0)
    return _widened(made, dimensions)


def _widened(coordinates: np.ndarray, dimensions: int) -> np.ndarray:
    """The first coordinates, zeros where there are not as many."""
    made = np.zeros((len(coordinates), dimensions))
    kept = coordinates[:, :dimensions]
    made[:, : kept.shape[1]] = kept
    return made


def _tsne(prepared: Prepared, rows: np.ndarray, dimensions: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    start = _scaling(prepared, rows[:: max(len(rows) // 500, 1)], dimensions)[rows]
    start = 1e-4 * start / (start[:, 0].std() or 1.0)
    metric = "precomputed" if prepared.precomputed else "euclidean"
    inside = prepared.values[np.ix_(rows, rows)] if prepared.precomputed else prepared.values[rows]
    perplexity = min(30.0, (len(rows) - 1) / 3)
    options: dict[str, Any] = {"init": start, "metric": metric, "random_state": 0}
    model = TSNE(dimensions, perplexity=perplexity, **options)
    return _placed(prepared, rows, np.asarray(model.fit_transform(np.asarray(inside, float)), float))


def _umap(prepared: Prepared, rows: np.ndarray, dimensions: int) -> np.ndarray:
    from umap import UMAP  # pyright: ignore[reportMissingImports]

    metric = "precomputed" if prepared.precomputed else "euclidean"
    inside = prepared.values[np.ix_(rows, rows)] if prepared.precomputed else prepared.values[rows]
    neighbors = min(15, len(rows) - 1)
    model = UMAP(n_components=dimensions, n_neighbors=neighbors, metric=metric, random_state=0)
    return _placed(prepared, rows, np.asarray(model.fit_transform(np.asarray(inside, float)), float))


def _placed(prepared: Prepared, rows: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Rows outside the sample at the mean of the nearest ones in it, weighted by inverse distance."""
    if len(rows) == len(prepared):
        return inside
    made = np.empty((len(prepared), inside.shape[1]))
    distances = distances_between(prepared, rows)
    near = np.argpartition(distances, NEAREST, axis=1)[:, :NEAREST]
    weights = 1 / (np.take_along_axis(distances, near, axis=1) + 1e-9)
    made[:] = np.einsum("sk,skd->sd", weights / weights.sum(axis=1, keepdims=True), inside[near])
    made[rows] = inside
    return made
