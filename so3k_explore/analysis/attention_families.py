r"""Families of structures that a network attends to in the same way.

What is common to all structures of a molecule, attention along its bonds, is taken away first: the features of a
structure are its *residual map* :math:`A - \bar A` on the entries that are present (not zero, that is, within the
cutoff) in at least a given share of the structures. Their principal components make a map of the landscape; clusters
are found by average linkage of :math:`1 - r`, with r the correlation of two residual maps, or by HDBSCAN.

Attention does not feel rotations, and permutations of equal hydrogens drop out between heavy atoms or residues
(`attention_blocks`); otherwise bring the atoms into canonical order first.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform

METHODS = ("agglomerative", "HDBSCAN")
MOST = 8  # clusters tried when their number is left open
SAMPLE = 2000  # structures that decide about the number of clusters
FEWEST = 5  # structures that can be sorted into families


@dataclass(frozen=True, eq=False)
class AttentionSpace:
    """Residual maps of many structures, and their principal components."""

    entries: Int[np.ndarray, "features 2"]  # row and column of each feature
    mean: Float[np.ndarray, "features"]
    components: Float[np.ndarray, "components features"]  # orthonormal
    explained: Float[np.ndarray, "components"]  # share of the variance
    scores: Float[np.ndarray, "maps components"]  # of the structures it was made from
    labels: Int[np.ndarray, "maps"]  # their families, the largest is 0; -1: none
    centres: Float[np.ndarray, "families features"]  # mean residual map of each family

    def residuals(self, maps: Float[np.ndarray, "maps rows columns"]) -> Float[np.ndarray, "maps features"]:
        """Features of structures, of these or of others of the same molecule."""
        return maps[:, self.entries[:, 0], self.entries[:, 1]].astype(float) - self.mean

    def project(self, maps: Float[np.ndarray, "maps rows columns"]) -> Float[np.ndarray, "maps components"]:
        """Where structures lie on the map, such as the images of a band or the frames of a trajectory."""
        return self.residuals(maps) @ self.components.T

    def family_of(self, maps: Float[np.ndarray, "maps rows columns"]) -> Int[np.ndarray, "maps"]:
        """The family whose mean residual map correlates best with that of each structure; -1 without families."""
        if not len(self.centres):
            return np.full(len(maps), -1)
        return np.argmax(_standard(self.residuals(maps)) @ _standard(self.centres).T, axis=1)


def attention_space(
    maps: Float[np.ndarray, "maps rows columns"],
    *,
    share: float = 0.05,
    components: int = 10,
    method: str = "agglomerative",
    families: int | None = None,
) -> AttentionSpace:
    """Map and families of structures by what is attended to.

    Args:
        maps: Attention of each structure, from `attention_maps`.
        share: Entries are used that are not zero in at least this share of the structures.
        components: Number of principal components.
        method: "agglomerative" or "HDBSCAN".
        families: Their number; by default the one with the best silhouette. HDBSCAN finds it by itself.

    Raises:
        ValueError: there are too few structures, or all maps are the same.
    """
    if len(maps) < FEWEST:
        raise ValueError(f"At least {FEWEST} structures are needed to sort them into families, got {len(maps)}.")
    entries = np.argwhere(np.mean(maps != 0, axis=0) >= share)
    features = maps[:, entries[:, 0], entries[:, 1]].astype(float)
    mean = features.mean(axis=0)
    features -= mean
    scale = np.abs(maps).max()
    if not len(entries) or np.abs(features).max() <= 1e-6 * scale:
        raise ValueError("All structures are attended to in the same way: there are no families to find.")
    axes, explained = _principal(features, components)
    labels = attention_clusters(features, method=method, count=families)
    return AttentionSpace(
        entries=entries,
        mean=mean,
        components=axes,
        explained=explained,
        scores=features @ axes.T,
        labels=labels,
        centres=np.array([features[labels == k].mean(axis=0) for k in range(labels.max() + 1)]).reshape(
            -1, len(entries)
        ),
    )


def attention_clusters(
    residuals: Float[np.ndarray, "maps features"], *, method: str = "agglomerative", count: int | None = None
) -> Int[np.ndarray, "maps"]:
    """Families of residual maps by 1 - correlation; the largest is 0, noise (HDBSCAN only) is -1."""
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(METHODS)}, got {method!r}.")
    if count is not None and not 1 <= count <= len(residuals):
        raise ValueError(f"There can be 1 to {len(residuals)} families, got {count}.")
    standard = _standard(residuals).astype(np.float32)
    if method == "HDBSCAN":
        return by_size(_hdbscan(standard))
    tree = linkage(pdist(standard, "sqeuclidean") / 2, "average")  # of unit vectors this is 1 - r
    cut = lambda number: fcluster(tree, number, "maxclust")
    if count is None:
        count = _best_count(standard, {number: cut(number) for number in range(2, min(MOST, len(residuals) - 1) + 1)})
    return by_size(cut(count))


def by_size(labels: Int[np.ndarray, "maps"]) -> Int[np.ndarray, "maps"]:
    """The same clusters numbered from the largest on; equal ones in order of appearance. Negative labels stay."""
    known, first, sizes = np.unique(labels[labels >= 0], return_index=True, return_counts=True)
    renamed = np.full(len(labels), -1)
    for number, place in enumerate(np.lexsort((first, -sizes)).tolist()):
        renamed[labels == known[place]] = number
    return renamed


def _principal(features: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions of largest variance of centred rows, signed so that their largest entry is positive; their shares."""
    if len(features) > features.shape[1]:  # the smaller of the two problems
        squares, columns = np.linalg.eigh(features.T @ features)
        squares, rows = squares[::-1], columns.T[::-1]
    else:
        _, sizes, rows = np.linalg.svd(features, full_matrices=False)
        squares = sizes**2
    kept = min(most, int((squares > 1e-12 * squares[0]).sum()))
    signs = np.sign(rows[np.arange(kept), np.abs(rows[:kept]).argmax(axis=1)])
    return rows[:kept] * signs[:, None], squares[:kept] / squares.sum()


def _hdbscan(standard: np.ndarray) -> np.ndarray:
    from sklearn.cluster import HDBSCAN

    size = max(3, len(standard) // 50)
    return HDBSCAN(min_cluster_size=size, copy=True).fit_predict(standard)  # pyright: ignore[reportArgumentType]


def _best_count(standard: np.ndarray, cuts: dict[int, np.ndarray]) -> int:
    """The number of clusters with the best silhouette; of many structures, among a fixed sample of them."""
    from sklearn.metrics import silhouette_score

    rows = np.random.default_rng(0).permutation(len(standard))[:SAMPLE]
    distances = squareform(np.maximum(pdist(standard[rows], "sqeuclidean") / 2, 0))
    scores = {}
    for number, labels in cuts.items():
        if 2 <= len(np.unique(labels[rows])) < len(rows):
            scores[number] = silhouette_score(distances, labels[rows], metric="precomputed")
    return max(scores, key=lambda number: (round(scores[number], 9), -number)) if scores else 1


def _standard(rows: np.ndarray) -> np.ndarray:
    """Rows with mean zero and length one, so that the product of two is their correlation."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.where(lengths > 0, lengths, 1.0)
