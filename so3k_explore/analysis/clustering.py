"""Structures sorted into clusters, and how far such a sorting can be trusted. Arrays in, arrays out.

==================  ====================================================================================================
``hdbscan``         dense regions of any shape, the rest is noise; finds how many there are (Campello et al., 2013)
``agglomerative``   joins what is closest: average linkage of distances, Ward's of features
``kmeans``          compact clusters around means; of features only
``spectral``        parts of the graph of nearest neighbours that are hardly connected
``kmedoids``        compact clusters around representatives (see `medoids`)
==================  ====================================================================================================

Results depend on no order of atoms or structures (see `preparation`), and are the same whenever they are made again.
Clusters are numbered by their lowest energies, where energies are given, else by size, the largest first; -1 is noise.
Methods that need a number of clusters take the one with the largest mean silhouette unless told. More structures than
`MOST` are clustered through a sample; each of the others joins the cluster of the nearest one in the sample.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from so3k_explore.analysis.medoids import k_medoids
from so3k_explore.analysis.preparation import Prepared, distances_between, prepare, sample_rows

METHODS = ("hdbscan", "agglomerative", "kmeans", "spectral", "kmedoids")
MOST = {"hdbscan": 20_000, "agglomerative": 10_000, "kmeans": 10**9, "spectral": 5_000, "kmedoids": 5_000}
TRIED = range(2, 11)  # numbers of clusters, where none is given
SILHOUETTES = 2000  # structures that a mean silhouette is taken over

Labels = Int[np.ndarray, "structures"]


@dataclass(frozen=True, eq=False)
class Clustering:
    """Clusters of structures."""

    labels: Labels  # from 0; -1: noise
    method: str
    parameter: int  # number of clusters that was asked for or chosen; of HDBSCAN the smallest size of a cluster
    silhouette: float  # mean over the structures in clusters, -1 to 1; NaN with fewer than two clusters
    note: str  # what else a reader should know, such as that a sample was clustered

    def __len__(self) -> int:
        return int(self.labels.max(initial=-1)) + 1


def find_clusters(
    values: Float[np.ndarray, "structures columns"],
    method: str = "hdbscan",
    *,
    clusters: int | None = None,
    smallest: int | None = None,
    precomputed: bool = False,
    energies: Float[np.ndarray, "structures"] | None = None,
) -> Clustering:
    """Clusters of structures with these descriptors.

    Args:
        values: a row of descriptors for each structure, or distances of all pairs.
        method: one of `METHODS`.
        clusters: how many; None: as many as fit best. HDBSCAN finds out by itself.
        smallest: structures that make a cluster of HDBSCAN; None: 2 % of all, at least 3.
        precomputed: whether `values` are distances.
        energies: of the structures, by which clusters are numbered.

    Raises:
        ValueError: unknown method, too few structures, descriptors that are not finite or all the same, or numbers that
            do not fit; the message says what to do.
    """
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}, got {method!r}.")
    if method == "kmeans" and precomputed:
        raise ValueError("k-means needs features, got distances. Use k-medoids, which does the same with distances.")
    if method == "hdbscan" and clusters is not None:
        raise ValueError("HDBSCAN finds the number of clusters by itself. Set `smallest`, or choose another method.")
    prepared = prepare(values, precomputed=precomputed, least=5)
    if clusters is not None and not 2 <= clusters < len(prepared):
        raise ValueError(f"`clusters` must be from 2 to {len(prepared) - 1}, one less than structures; got {clusters}.")
    rows = sample_rows(prepared, MOST[method])
    part = _part(prepared, rows)
    if method == "hdbscan":
        parameter = smallest or max(3, round(0.02 * len(part)))
        labels = _hdbscan(part, parameter)
    else:
        parameter = clusters or best_number(part, _methods()[method])
        labels = _methods()[method](part, parameter)
    note = ""
    if len(rows) < len(prepared):
        labels = labels[distances_between(prepared, rows).argmin(axis=1)]
        note = f"{len(rows)} of {len(prepared)} structures were clustered, the others joined the nearest."
    silhouette = mean_silhouette(prepared, labels)
    return Clustering(numbered(prepared.restore(labels), energies, values), method, parameter, silhouette, note)


def numbered(
    labels: Labels, energies: np.ndarray | None = None, values: Float[np.ndarray, "structures columns"] | None = None
) -> Labels:
    """The same clusters, numbered by lowest energy, or by size, the largest first (then by their descriptors)."""
    labels = np.asarray(labels, int)
    found = np.unique(labels[labels >= 0])
    norms = np.zeros(len(labels)) if values is None else np.linalg.norm(values - values.mean(axis=0), axis=1).round(6)

    def place(cluster: int) -> tuple[float, float, float]:
        members = labels == cluster
        lowest = 0.0 if energies is None else float(np.min(energies[members]))
        return lowest, -float(members.sum()), float(norms[members].min())

    names = {int(old): new for new, old in enumerate(sorted(found.tolist(), key=place))}
    return np.array([names.get(int(label), -1) for label in labels], int)


def mean_silhouette(prepared: Prepared, labels: Labels) -> float:
    """Mean silhouette (Rousseeuw, 1987) of a sample of the rows that are in clusters; NaN with fewer than two."""
    from sklearn.metrics import silhouette_score

    rows = sample_rows(prepared, SILHOUETTES)
    rows = rows[labels[rows] >= 0]
    if not 2 <= len(np.unique(labels[rows])) < len(rows):
        return float("nan")
    distances = np.maximum(distances_between(_part(prepared, rows), np.arange(len(rows))), 0)
    np.fill_diagonal(distances, 0.0)
    return float(silhouette_score(distances, labels[rows], metric="precomputed"))


def best_number(prepared: Prepared, make: Callable[[Prepared, int], Labels], tried: Sequence[int] = TRIED) -> int:
    """Number of clusters with the largest mean silhouette, the smallest among equals; found on a sample."""
    part = _part(prepared, sample_rows(prepared, SILHOUETTES))
    scores = {k: mean_silhouette(part, make(part, k)) for k in tried if k < len(part)}
    return max(scores, key=lambda k: (np.nan_to_num(scores[k], nan=-2.0), -k))


def _part(prepared: Prepared, rows: np.ndarray) -> Prepared:
    if len(rows) == len(prepared):
        return prepared
    values = prepared.values[np.ix_(rows, rows)] if prepared.precomputed else prepared.values[rows]
    return Prepared(values, np.arange(len(rows)), prepared.precomputed, prepared.explained)


def _methods() -> dict[str, Callable[[Prepared, int], Labels]]:
    return {"agglomerative": _agglomerative, "kmeans": _kmeans, "spectral": _spectral, "kmedoids": _kmedoids}


def _hdbscan(prepared: Prepared, smallest: int) -> Labels:
    from sklearn.cluster import HDBSCAN

    if not 2 <= smallest <= len(prepared):
        raise ValueError(f"`smallest` must be from 2 to the number of structures, {len(prepared)}; got {smallest}.")
    metric = "precomputed" if prepared.precomputed else "euclidean"
    model = HDBSCAN(min_cluster_size=smallest, metric=metric, copy=True)  # pyright: ignore[reportArgumentType]
    return np.asarray(model.fit_predict(np.asarray(prepared.values, float)), int)


def _agglomerative(prepared: Prepared, clusters: int) -> Labels:
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if prepared.precomputed:
        tree = linkage(squareform(np.asarray(prepared.values, float), checks=False), "average")
    else:
        tree = linkage(prepared.values, "ward")
    return np.asarray(fcluster(tree, clusters, "maxclust"), int) - 1


def _kmeans(prepared: Prepared, clusters: int) -> Labels:
    from sklearn.cluster import KMeans

    model = KMeans(clusters, n_init=5, random_state=0)  # pyright: ignore[reportArgumentType]
    return np.asarray(model.fit_predict(prepared.values), int)


def _spectral(prepared: Prepared, clusters: int) -> Labels:
    from sklearn.cluster import SpectralClustering

    affinity = _neighborhood(distances_between(prepared, np.arange(len(prepared))))
    model = SpectralClustering(clusters, affinity="precomputed", assign_labels="cluster_qr", random_state=0)
    return np.asarray(model.fit_predict(affinity), int)


def _neighborhood(distances: np.ndarray) -> Any:
    """Graph of nearest neighbours; the minimum spanning tree keeps it in one piece."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    count = min(max(10, round(0.02 * len(distances))), len(distances) - 1)
    near = np.argpartition(distances, count, axis=1)[:, : count + 1]
    rows = np.repeat(np.arange(len(distances)), count + 1)
    ends = minimum_spanning_tree(distances + 1e-12).tocoo()  # zeros would mean that there is no edge
    i, j = np.concatenate([rows, ends.row]), np.concatenate([near.ravel(), ends.col])
    graph = coo_array((np.ones(len(i)), (i, j)), shape=distances.shape).tocsr()
    graph.data[:] = 1.0
    graph = ((graph + graph.T) / 2).tocsr()
    graph.indices, graph.indptr = graph.indices.astype(np.int32), graph.indptr.astype(np.int32)  # scikit-learn's wish
    return graph


def _kmedoids(prepared: Prepared, clusters: int) -> Labels:
    return k_medoids(distances_between(prepared, np.arange(len(prepared))), clusters).labels
