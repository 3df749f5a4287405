"""k-medoids: the k structures with the smallest sum of distances of all structures to the nearest of them.

Greedy start (BUILD; Kaufman & Rousseeuw, 1987), then eager swaps of a medoid with any other structure that lower the
sum, all k gains of a structure from one pass over the others (FasterPAM; Schubert & Rousseeuw, Inf. Syst. 101, 101804
(2021)). Nothing is random.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

MAX_PASSES = 50


@dataclass(frozen=True, eq=False)
class Medoids:
    """Representatives, and which of them is the nearest to each structure."""

    medoids: Int[np.ndarray, "clusters"]
    labels: Int[np.ndarray, "structures"]
    cost: float  # sum of distances to the nearest medoid


def k_medoids(distances: Float[np.ndarray, "structures structures"], clusters: int) -> Medoids:
    """Medoids of structures with these distances of all pairs.

    Raises:
        ValueError: there are fewer structures than clusters.
    """
    if not 1 <= clusters <= len(distances):
        raise ValueError(f"`clusters` must be from 1 to the number of structures, {len(distances)}; got {clusters}.")
    medoids = _build(distances, clusters)
    if clusters > 1:
        _swap(distances, medoids)
    near = distances[:, medoids]
    return Medoids(medoids, near.argmin(axis=1), float(near.min(axis=1).sum()))


def medoid_of(distances: Float[np.ndarray, "members members"]) -> int:
    """Member with the smallest sum of distances to the others."""
    return int(np.argmin(distances.sum(axis=1)))


def _build(distances: np.ndarray, clusters: int) -> np.ndarray:
    """Adds the structure that lowers the sum of distances most, again and again."""
    chosen = [medoid_of(distances)]
    nearest = distances[:, chosen[0]].copy()
    while len(chosen) < clusters:
        gains = np.maximum(nearest[:, None] - distances, 0).sum(axis=0)
        gains[chosen] = -1.0
        chosen.append(int(np.argmax(gains)))
        nearest = np.minimum(nearest, distances[:, chosen[-1]])
    return np.array(chosen, int)


def _swap(distances: np.ndarray, medoids: np.ndarray) -> None:
    """Swaps medoids in place until no swap lowers the sum."""
    owner, first, second = _nearest_two(distances, medoids)
    last, tolerance = -1, 1e-9 * float(first.sum() or 1.0)
    for step in range(MAX_PASSES * len(distances)):
        candidate = step % len(distances)
        if candidate == last:
            return  # a whole pass without a swap
        if last < 0:
            last = candidate
        if candidate in medoids:
            continue
        here = distances[:, candidate]
        closer, between = here < first, here < second
        shared = np.sum((here - first)[closer])
        change = np.where(closer, first - second, np.where(between, here - second, 0.0)) + (second - first)
        # of losing each medoid: its structures go to the second nearest, or to the candidate
        changes = np.bincount(owner, change, minlength=len(medoids)) + shared
        best = int(np.argmin(changes))
        if changes[best] < -tolerance:
            medoids[best], last = candidate, candidate
            owner, first, second = _nearest_two(distances, medoids)


def _nearest_two(distances: np.ndarray, medoids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest medoid of each structure, and the distances to the nearest and the second nearest."""
    near = distances[:, medoids]
    owner = near.argmin(axis=1)
    rows = np.arange(len(near))
    first = near[rows, owner]
    near[rows, owner] = np.inf
    return owner, first, near.min(axis=1)
