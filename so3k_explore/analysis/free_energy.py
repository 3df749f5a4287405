r"""Free energy along one or two coordinates, from how often a trajectory at equilibrium visits their values.

.. math:: F(x) = -kT \ln \rho(x) + \text{const}, \qquad
          \sigma_F = kT\, \sigma_\rho / \rho

The errors come from a bootstrap of blocks: pieces of the trajectory, each longer than its memory, are drawn again and
again with replacement (Efron & Tibshirani, *An Introduction to the Bootstrap*, 1993). Bins that were never visited have
no free energy, which is not the same as a high one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d, minimum_filter

from so3k_explore import units
from so3k_explore.analysis.correlation import on_circle, statistical_inefficiency

MEMORIES = 2.0  # length of a block over the time after which frames count as independent
MOST_BLOCKS = 400
REPLICAS = 200


@dataclass(frozen=True, eq=False)
class FreeEnergy:
    """Free energy on a grid of one or two coordinates; the lowest bin is zero."""

    edges: tuple[np.ndarray, ...]  # (bins + 1,) of each coordinate
    energies: np.ndarray  # (bins,) or (bins, bins), eV; NaN where nothing was seen
    errors: np.ndarray  # likewise, eV, standard errors; NaN where there is only one block
    counts: np.ndarray  # likewise, frames
    temperature: float  # K
    inefficiency: float  # frames that count as one independent sample, for the slowest coordinate
    blocks: int  # of which the errors are made

    @property
    def centers(self) -> tuple[np.ndarray, ...]:
        """Middles of the bins."""
        return tuple((edge[1:] + edge[:-1]) / 2 for edge in self.edges)

    @property
    def visited(self) -> np.ndarray:
        """Which bins were seen at all."""
        return self.counts > 0

    def basins(self) -> list[tuple[int, ...]]:
        """Bins that lie lower than all bins around them, from the lowest on; bins that were not visited count as high.

        The ends of a periodic coordinate are not known to each other here, so a basin that spans them appears twice.
        """
        high = np.where(np.isnan(self.energies), np.inf, self.energies)
        lowest = minimum_filter(high, size=3, mode="nearest")
        places = np.argwhere(self.visited & (high == lowest))
        order = np.argsort(high[tuple(places.T)], kind="stable")
        return [tuple(place) for place in places[order].tolist()]

    @property
    def samples(self) -> float:
        """Independent samples there are."""
        return float(self.counts.sum() / self.inefficiency)


def free_energy(
    coordinates: Sequence[Any],
    temperature: float | int,
    *,
    periods: Sequence[float | None] = (None, None),
    bins: int = 36,
    smoothing: float | int = 0.0,
    seed: int = 0,
) -> FreeEnergy:
    """Free energy along one coordinate or on the surface of two.

    Args:
        coordinates: one or two arrays (frames, walkers).
        temperature: K, at which the trajectory is at equilibrium.
        periods: of each coordinate, such as 360.0 for degrees; None: it does not close on itself.
        bins: along each coordinate.
        smoothing: standard deviation, in bins, of a Gaussian kernel laid over the density; 0: none. It runs on over the
            end of a periodic coordinate, and lends no free energy to bins that were not visited.
        seed: of the bootstrap.

    Raises:
        ValueError: there are no frames, not one or two coordinates, or no temperature.
    """
    values = [np.asarray(each, float) for each in coordinates]
    if len(values) not in (1, 2):
        raise ValueError(f"A free energy is made along one or two coordinates, got {len(values)}.")
    if not temperature > 0:
        raise ValueError(f"A free energy needs a `temperature` above 0 K, got {temperature:g} K.")
    if not values[0].size or any(each.shape != values[0].shape for each in values):
        raise ValueError(f"Coordinates must have the same frames and some, got {[each.shape for each in values]}.")
    periods = [*periods, None, None][: len(values)]
    edges = tuple(_edges(each, period, bins) for each, period in zip(values, periods, strict=True))
    wrapped = [_wrapped(each, period) for each, period in zip(values, periods, strict=True)]
    memory = max(
        statistical_inefficiency(each if period is None else on_circle(each, period))
        for each, period in zip(values, periods, strict=True)
    )
    counts = _block_counts(wrapped, edges, memory)
    smooth = lambda density: _smoothed(density, smoothing, periods)
    density, spread = smooth(counts.sum(axis=0)), _spread(counts, smooth, seed)
    visited, kT = counts.sum(axis=0) > 0, units.KB * temperature
    with np.errstate(divide="ignore", invalid="ignore"):
        energies = np.where(visited, -kT * np.log(density / density.max()), np.nan)
        errors = np.where(visited, kT * spread / (density / density.sum()), np.nan)
    energies = energies - np.nanmin(energies)
    return FreeEnergy(edges, energies, errors, counts.sum(axis=0), float(temperature), memory, len(counts))


def _edges(values: np.ndarray, period: float | None, bins: int) -> np.ndarray:
    if period is not None:
        return np.linspace(-period / 2, period / 2, bins + 1)
    low, high = float(values.min()), float(values.max())
    margin = max(1e-6, 1e-3 * (high - low))
    return np.linspace(low - margin, high + margin, bins + 1)


def _wrapped(values: np.ndarray, period: float | None) -> np.ndarray:
    return values if period is None else (values + period / 2) % period - period / 2


def _block_counts(values: list[np.ndarray], edges: tuple[np.ndarray, ...], memory: float) -> np.ndarray:
    """Visits (blocks, bins...) of each block; a walker gives at least one."""
    frames, walkers = values[0].shape
    each = int(np.clip(frames / (MEMORIES * memory), 1, max(1, MOST_BLOCKS // walkers)))
    counts = []
    for walker in range(walkers):
        for rows in np.array_split(np.arange(frames), each):
            sample = np.stack([value[rows, walker] for value in values], axis=1)
            counts.append(np.histogramdd(sample, bins=edges)[0])
    return np.array(counts)


def _smoothed(density: np.ndarray, smoothing: float | int, periods: Sequence[float | None]) -> np.ndarray:
    """The density under a kernel; the coordinates are the last axes."""
    if smoothing <= 0:
        return density
    for axis, period in zip(range(-len(periods), 0), periods, strict=True):
        mode = "reflect" if period is None else "wrap"
        density = gaussian_filter1d(density, float(smoothing), axis=axis, mode=mode)
    return density


def _spread(counts: np.ndarray, smooth: Any, seed: int) -> np.ndarray:
    """Standard deviation of the density of resampled blocks; NaN where there is but one."""
    blocks = len(counts)
    if blocks < 2:
        return np.full(counts.shape[1:], np.nan)
    drawn = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), size=REPLICAS)
    replicas = smooth(np.tensordot(drawn.astype(float), counts, axes=1))
    shares = replicas / replicas.reshape(REPLICAS, -1).sum(axis=1).reshape(-1, *[1] * (counts.ndim - 1))
    return shares.std(axis=0) * np.sqrt(blocks / (blocks - 1))
