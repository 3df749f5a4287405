"""Trajectories in H5MD 1.1 (de Buyl, Colberg & Höfling, Comput. Phys. Commun. 185, 1546 (2014)).

One particles group a walker, so that any H5MD reader opens them; numbers such as energies are observables of shape
(frames, walkers). `trajectory_writer` writes them; they are read while frames arrive, or years later.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from so3k_explore.io.h5md import (
    CLOCK,
    DIPOLE,
    frame_count,
    get_dataset,
    get_group,
    has_dipoles,
    has_velocities,
    open_to_read,
    scalar_names,
    walker_name,
)
from so3k_explore.io.h5md import TrajectoryError as TrajectoryError


class Trajectory:
    """Frames of a trajectory, read when they are asked for, also while the file is being written.

    `positions[frame, walker]` takes numbers and slices, as NumPy does, and returns Å.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = open_to_read(self.path)
        try:
            self.numbers: np.ndarray = get_dataset(self._file, "particles/walker_000/species")[()]
            self.masses: np.ndarray = get_dataset(self._file, "particles/walker_000/mass")[()]
            self.walkers = len(get_group(self._file, "particles"))
        except TrajectoryError:
            self._file.close()
            raise
        self._frames = frame_count(self._file)

    def __len__(self) -> int:
        return self._frames

    def __enter__(self) -> "Trajectory":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def refresh(self) -> int:
        """Takes in frames that arrived meanwhile; their new number."""
        self._frames = frame_count(self._file)
        return self._frames

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    @property
    def times(self) -> np.ndarray:
        """Times of the frames, fs."""
        return get_dataset(self._file, f"{CLOCK}/time")[: self._frames]

    @property
    def steps(self) -> np.ndarray:
        """Step numbers of the frames."""
        return get_dataset(self._file, f"{CLOCK}/step")[: self._frames]

    @property
    def scalars(self) -> dict[str, np.ndarray]:
        """Numbers by name, each of shape (frames, walkers)."""
        return {name: self.scalar(name) for name in scalar_names(self._file)}

    def scalar(self, name: str) -> np.ndarray:
        """One number of every frame and walker."""
        known = scalar_names(self._file)
        if name not in known:
            raise KeyError(f"`{self.path}` has no `{name}`; it has {', '.join(known) or 'no numbers'}.")
        return get_dataset(self._file, f"observables/{name}/value")[: self._frames]

    @property
    def cells(self) -> np.ndarray | None:
        """Cells of the frames (frames, 3, 3), Å; None when not periodic."""
        if "edges" not in get_group(self._file, "particles/walker_000/box"):
            return None
        return get_dataset(self._file, "particles/walker_000/box/edges/value")[: self._frames]

    @property
    def positions(self) -> "Vectors":
        """Positions by frame and walker, Å."""
        return Vectors(self, "position")

    @property
    def velocities(self) -> "Vectors | None":
        """Velocities by frame and walker, Å/fs; None when they were not stored."""
        return Vectors(self, "velocity") if has_velocities(self._file) else None

    @property
    def dipoles(self) -> np.ndarray | None:
        """Dipole moments (frames, walkers, 3) about the centres of mass, e·Å; None when they were not stored."""
        if not has_dipoles(self._file):
            return None
        return get_dataset(self._file, f"observables/{DIPOLE}/value")[: self._frames]


class Vectors:
    """Indexes positions or velocities by frame and walker without reading the rest."""

    def __init__(self, trajectory: Trajectory, element: str) -> None:
        self._trajectory = trajectory
        self._element = element

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Frames, walkers, atoms, 3."""
        return len(self._trajectory), self._trajectory.walkers, len(self._trajectory.numbers), 3

    def __getitem__(self, index: Any) -> np.ndarray:
        frame, walker = index if isinstance(index, tuple) else (index, slice(None))
        frames, walkers = np.arange(self.shape[0])[frame], np.arange(self.shape[1])[walker]
        rows: Any = frames.item() if np.ndim(frames) == 0 else _contiguous(frames)
        read = lambda w: self._dataset_of(int(w))[rows]
        if np.ndim(walkers) == 0:
            return read(walkers)
        parts = [read(w) for w in walkers]
        axis = 0 if np.ndim(frames) == 0 else 1
        return np.stack(parts, axis=axis) if parts else np.zeros((*np.shape(frames), 0, *self.shape[2:]), np.float32)

    def _dataset_of(self, walker: int) -> h5py.Dataset:
        return get_dataset(self._trajectory._file, f"particles/{walker_name(walker)}/{self._element}/value")


def read_trajectory(path: str | Path) -> Trajectory:
    """Opens a trajectory for reading, while it is written or years later."""
    return Trajectory(path)


def _contiguous(rows: np.ndarray) -> Any:
    """A slice where the rows are one, because HDF5 reads those much faster than lists of numbers."""
    if len(rows) and np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows))):
        return slice(int(rows[0]), int(rows[0]) + len(rows))
    return rows if len(rows) else slice(0, 0)
