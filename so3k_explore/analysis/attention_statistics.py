"""Where attention differs between two sets of structures, and what it goes along with from structure to structure.

One test for each entry of a matrix makes many tests: of p-values the false-discovery rates of Benjamini and Hochberg
(J. R. Stat. Soc. B 57, 289 (1995)) are given beside them. Structures of one search or one trajectory are no independent
samples, so small p-values are to be read as an order, not as odds.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import false_discovery_control, mannwhitneyu, rankdata, t

FEWEST = 3  # structures on each side without which nothing is tested


@dataclass(frozen=True, eq=False)
class Difference:
    """Attention of a second set of structures beside that of a first one; entries that never vary have p = 1."""

    first: Float[np.ndarray, "rows columns"]  # mean of the first set
    second: Float[np.ndarray, "rows columns"]
    p_values: Float[np.ndarray, "rows columns"]  # Mann-Whitney, two-sided; NaN: too few structures to test
    rates: Float[np.ndarray, "rows columns"]  # false-discovery rates
    superiority: Float[np.ndarray, "rows columns"]  # chance that the second set has the larger value; ties count half
    sizes: tuple[int, int]

    @property
    def change(self) -> Float[np.ndarray, "rows columns"]:
        """Mean of the second set minus that of the first."""
        return self.second - self.first

    @property
    def tested(self) -> bool:
        """Whether there were enough structures for tests."""
        return min(self.sizes) >= FEWEST

    def strongest(self, count: int, rate: float = 0.05) -> list[tuple[int, int]]:
        """Entries that separate the sets best, largest change first among those below a false-discovery rate."""
        size = np.abs(self.change)
        allowed = (self.rates <= rate) if self.tested else np.ones(size.shape, bool)
        order = np.argsort(-np.where(allowed, size, -1.0), axis=None, kind="stable")[:count]
        found = [tuple(int(k) for k in np.unravel_index(place, size.shape)) for place in order]
        return [(row, column) for row, column in found if allowed[row, column] and size[row, column] > 0]


def compare_maps(first: Float[np.ndarray, "first rows columns"], second: Float[np.ndarray, "second _ _"]) -> Difference:
    """Entry by entry, two sets of maps; single maps are sets of one.

    Raises:
        ValueError: a set is empty, or the maps have different shapes.
    """
    if not len(first) or not len(second) or first.shape[1:] != second.shape[1:]:
        raise ValueError(f"Two sets of maps of the same shape are needed, got shapes {first.shape} and {second.shape}.")
    shape = first.shape[1:]
    p_values, superiority = np.full(shape, np.nan), np.full(shape, np.nan)
    if min(len(first), len(second)) >= FEWEST:
        both = np.concatenate([first, second])
        varies = np.ptp(both, axis=0) > 0
        p_values[~varies], superiority[~varies] = 1.0, 0.5
        if varies.any():
            test = mannwhitneyu(second[:, varies], first[:, varies], axis=0, method="asymptotic")
            p_values[varies], superiority[varies] = test.pvalue, test.statistic / (len(first) * len(second))
    return Difference(
        first=first.mean(axis=0, dtype=float),
        second=second.mean(axis=0, dtype=float),
        p_values=p_values,
        rates=false_discovery_rates(p_values),
        superiority=superiority,
        sizes=(len(first), len(second)),
    )


@dataclass(frozen=True, eq=False)
class Correlations:
    """Rank correlation of each entry of a map with something else, over structures; NaN where an entry never varies."""

    rho: Float[np.ndarray, "rows columns"]
    p_values: Float[np.ndarray, "rows columns"]
    rates: Float[np.ndarray, "rows columns"]  # false-discovery rates


def correlate(
    maps: Float[np.ndarray, "maps rows columns"], observable: Float[np.ndarray, "maps *entries"]
) -> Correlations:
    """Spearman's correlation over structures of each entry with an observable.

    Args:
        maps: Attention of each structure.
        observable: One number for each structure (an energy, a charge, the length of a hydrogen bond), or a matrix of
            the same shape as the maps, such as distances, compared entry by entry.

    Raises:
        ValueError: there are fewer than four structures, or not one value for each.
    """
    if len(maps) < 4 or len(observable) != len(maps):
        expected = "At least 4 structures with one value each are needed"
        raise ValueError(f"{expected}, got {len(maps)} maps and {len(observable)} values.")
    other = observable if observable.ndim == 3 else observable[:, None, None]
    ranks, others = _ranked(maps), _ranked(np.broadcast_to(other, maps.shape))
    norms = np.sqrt(np.sum(ranks**2, axis=0) * np.sum(others**2, axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = np.clip(np.sum(ranks * others, axis=0) / np.where(norms > 0, norms, np.nan), -1, 1)
        score = np.abs(rho) * np.sqrt((len(maps) - 2) / np.maximum(1 - rho**2, 1e-300))
    p_values = np.where(np.isfinite(rho), 2 * t.sf(score, len(maps) - 2), np.nan)
    return Correlations(rho, p_values, false_discovery_rates(p_values))


def false_discovery_rates(p_values: Float[np.ndarray, "*entries"]) -> Float[np.ndarray, "*entries"]:
    """Rates of Benjamini and Hochberg for all p-values together; NaN stays NaN."""
    known = np.isfinite(p_values)
    rates = np.full(p_values.shape, np.nan)
    if known.any():
        rates[known] = false_discovery_control(p_values[known])
    return rates


def _ranked(values: np.ndarray) -> np.ndarray:
    """Ranks along the first axis, their mean taken away."""
    return rankdata(values, axis=0) - (len(values) + 1) / 2
