r"""Averaged periodograms: the spectral density of a stationary series, and how well it is known.

Stretches of a series are multiplied by Hann's window, transformed, squared and averaged; they overlap by half, so that
no part of the series counts less (Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967)).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

SPEED_OF_LIGHT = 2.99792458e-5  # cm/fs
HANN_WIDTH = 1.4406  # full width at half maximum of a line after a Hann window, times the length of the window
OVERLAPPING = 19 / 18  # variance of a mean of Hann-windowed stretches that overlap by half, against independent ones
FEWEST_WALKERS = 4  # from which errors are those between walkers


def one_sided(series: np.ndarray, interval: float | int) -> np.ndarray:
    """Density per cm⁻¹ of each column of a stretch (frames, ...); its integral is the windowed mean square."""
    length = len(series)
    window = np.sin(np.pi * np.arange(length) / length) ** 2  # of Hann, periodic
    transformed = np.fft.rfft(window.reshape(-1, *[1] * (series.ndim - 1)) * series, axis=0)
    density = np.abs(transformed) ** 2 * (2 * interval * SPEED_OF_LIGHT / np.sum(window**2))
    density[0] /= 2
    if length % 2 == 0:
        density[-1] /= 2
    return density


def starts(frames: int, length: int) -> Sequence[int]:
    """First frames of the stretches."""
    return range(0, frames - length + 1, length // 2)


@dataclass(frozen=True, eq=False)
class Average:
    """Mean of the stretches of all walkers."""

    mean: np.ndarray  # (parts, bins)
    error: np.ndarray  # (bins,), of the sum of the parts
    samples: int
    errors_from: str

    @classmethod
    def over(cls, walkers: int, starts: Sequence[int], stretch: Callable[[int, int], np.ndarray]) -> "Average":
        """Averages stretches of all walkers, one after the other, so that little is in memory."""
        means, squares, total = [], 0.0, 0.0
        for spectra in _by_walker(walkers, starts, stretch):
            own = 0.0
            for parts in spectra:
                own = own + parts
                squares = squares + parts.sum(axis=0) ** 2
            means.append(own / len(starts))
            total = total + own
        samples = walkers * len(starts)
        mean = np.asarray(total) / samples
        whole = mean.sum(axis=0)
        if walkers >= FEWEST_WALKERS:
            error = np.std([own.sum(axis=0) for own in means], axis=0, ddof=1) / np.sqrt(walkers)
            return cls(mean, error, samples, "walkers")
        if samples < 2:
            return cls(mean, np.full_like(whole, np.nan), samples, "stretches")
        variance = np.maximum(squares / samples - whole**2, 0.0) * samples / (samples - 1)
        return cls(mean, np.sqrt(OVERLAPPING * variance / samples), samples, "stretches")


def _by_walker(
    walkers: int, starts: Sequence[int], stretch: Callable[[int, int], np.ndarray]
) -> Iterator[Iterator[np.ndarray]]:
    for walker in range(walkers):
        yield (stretch(walker, start) for start in starts)
