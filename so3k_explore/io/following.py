"""Spectra, coordinates and free energies of a stored trajectory, read piece by piece.

Walkers that stopped before the end are left out: their last frame repeats, which is no motion.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from so3k_explore.analysis.coordinates import Coordinate
from so3k_explore.analysis.free_energy import FreeEnergy, free_energy
from so3k_explore.analysis.spectra import HIGHEST, RESOLUTION, Spectrum, infrared_spectrum, power_spectrum
from so3k_explore.io.trajectories import Trajectory

AT_ONCE = 500  # frames read together
RECORD = "Record {0} in a new run: `record` with {0} and `frame_interval` 2 fs, or `so3k md ... --record {0}`."


class Piece:
    """Some frames and walkers of vectors (frames, walkers, ...), sliced like an array and read when asked for."""

    def __init__(self, vectors: Any, begin: int, walkers: np.ndarray) -> None:
        self._vectors, self._begin, self._walkers = vectors, begin, walkers
        self.shape = (max(0, vectors.shape[0] - begin), len(walkers), *vectors.shape[2:])

    def __getitem__(self, index: Any) -> np.ndarray:
        rows, walker = index if isinstance(index, tuple) else (index, slice(None))
        if isinstance(rows, slice):
            start, stop, step = rows.indices(self.shape[0])
            rows = slice(start + self._begin, stop + self._begin, step)
        else:
            rows = rows + self._begin
        return np.asarray(self._vectors[rows, self._walkers[walker]])


def moving_walkers(trajectory: Trajectory) -> np.ndarray:
    """Walkers that still move in the last frame."""
    if len(trajectory) < 2:
        return np.arange(trajectory.walkers)
    last = trajectory.positions[len(trajectory) - 2 :]
    return np.flatnonzero((last[0] != last[1]).any(axis=(1, 2)))


def power_spectrum_of(
    trajectory: Trajectory,
    *,
    begin: float | int = 0.0,
    temperature: float | None = None,
    resolution: float | int = RESOLUTION,
    highest: float | int = HIGHEST,
) -> Spectrum:
    """Vibrational density of states of a trajectory, by element; see `analysis.spectra.power_spectrum`.

    Args:
        trajectory: with velocities.
        begin: time (fs) from which frames count.
        temperature: K; None: that of the velocities.
        resolution: cm⁻¹.
        highest: cm⁻¹.

    Raises:
        ValueError: velocities are missing, or frames too few or too far apart; the sentence says what to do.
    """
    velocities = trajectory.velocities
    if velocities is None:
        raise ValueError(
            f"`{trajectory.path.name}` has no velocities, which a power spectrum is made of. "
            + RECORD.format("velocities")
        )
    first, walkers, interval = _usable(trajectory, begin)
    periodic = trajectory.cells is not None
    return power_spectrum(
        Piece(velocities, first, walkers),
        trajectory.masses,
        interval,
        positions=None if periodic else Piece(trajectory.positions, first, walkers),
        numbers=trajectory.numbers,
        temperature=temperature,
        resolution=resolution,
        highest=highest,
    )


def infrared_spectrum_of(
    trajectory: Trajectory,
    *,
    begin: float | int = 0.0,
    temperature: float | None = None,
    resolution: float | int = RESOLUTION,
    highest: float | int = HIGHEST,
) -> Spectrum:
    """Infrared spectrum of a trajectory; see `analysis.spectra.infrared_spectrum`.

    Args:
        trajectory: with dipole moments.
        begin: time (fs) from which frames count.
        temperature: K; None: the mean of the stored one.
        resolution: cm⁻¹.
        highest: cm⁻¹.

    Raises:
        ValueError: dipoles are missing, or frames too few or too far apart; the sentence says what to do.
    """
    dipoles = trajectory.dipoles
    if dipoles is None:
        raise ValueError(
            f"`{trajectory.path.name}` has no dipole moments, which an infrared spectrum is made of. "
            + RECORD.format("dipoles")
            + " The model must know charges, as SO3LR does."
        )
    first, walkers, interval = _usable(trajectory, begin)
    if temperature is None:
        temperature = mean_temperature(trajectory, first, walkers)
    return infrared_spectrum(
        Piece(dipoles, first, walkers),
        temperature,
        interval,
        positions=Piece(trajectory.positions, first, walkers),
        masses=trajectory.masses,
        resolution=resolution,
        highest=highest,
    )


def follow(trajectory: Trajectory, coordinates: Sequence[Coordinate], *, begin: float | int = 0.0) -> list[np.ndarray]:
    """Values (frames, walkers) of coordinates, some frames at a time; frames before `begin` (fs) are left out.

    Raises:
        ValueError: no frame is left, or no walker moves.
    """
    first, walkers, _ = _usable(trajectory, begin)
    positions = Piece(trajectory.positions, first, walkers)
    found: list[list[np.ndarray]] = [[] for _ in coordinates]
    for start in range(0, positions.shape[0], AT_ONCE):
        some = np.asarray(positions[start : start + AT_ONCE], float)
        for values, coordinate in zip(found, coordinates, strict=True):
            values.append(coordinate.measure(some))
    return [np.concatenate(values) for values in found]


def free_energy_of(
    trajectory: Trajectory,
    coordinates: Sequence[Coordinate],
    *,
    begin: float | int = 0.0,
    temperature: float | None = None,
    bins: int = 36,
    smoothing: float | int = 0.0,
) -> FreeEnergy:
    """Free energy along one or two coordinates; see `analysis.free_energy.free_energy`.

    Args:
        trajectory: at equilibrium after `begin`.
        coordinates: one or two.
        begin: time (fs) from which frames count.
        temperature: K; None: the mean of the stored one.
        bins: along each coordinate.
        smoothing: standard deviation of the kernel, in bins.

    Raises:
        ValueError: no frame is left, or there is no temperature.
    """
    first, walkers, _ = _usable(trajectory, begin)
    if temperature is None:
        temperature = mean_temperature(trajectory, first, walkers)
    values = follow(trajectory, coordinates, begin=begin)
    periods = [coordinate.period for coordinate in coordinates]
    return free_energy(values, temperature, periods=periods, bins=bins, smoothing=smoothing)


def mean_temperature(trajectory: Trajectory, first: int, walkers: np.ndarray) -> float:
    """Mean kinetic temperature from a frame on, K.

    Raises:
        ValueError: it was not stored.
    """
    if "temperature" not in trajectory.scalars:
        raise ValueError(f"`{trajectory.path.name}` does not say its temperature. Give `temperature` in K.")
    return float(np.nanmean(trajectory.scalar("temperature")[first:, walkers]))


def _usable(trajectory: Trajectory, begin: float | int) -> tuple[int, np.ndarray, float]:
    """First frame that counts, walkers that move, and time between frames in fs."""
    times, walkers = trajectory.times, moving_walkers(trajectory)
    first = int(np.searchsorted(times, begin))
    if len(times) - first < 2:
        last = f"ends at {times[-1] / 1000:g} ps" if len(times) else "has no frame yet"
        raise ValueError(f"`{trajectory.path.name}` {last}; there are no two frames after {begin / 1000:g} ps.")
    if not len(walkers):
        raise ValueError(f"No walker of `{trajectory.path.name}` moves any more; look at the messages of the run.")
    gaps = np.diff(times[first:])
    interval = float(np.median(gaps))
    if np.abs(gaps - interval).max() > 1e-3 * max(interval, 1e-9):
        raise ValueError(
            f"Frames of `{trajectory.path.name}` must follow each other in equal times, got {gaps.min():g} to "
            f"{gaps.max():g} fs. Store them with one `frame_interval`."
        )
    return first, walkers, interval
