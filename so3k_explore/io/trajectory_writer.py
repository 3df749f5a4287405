"""Frames of a run on their way into an H5MD file, and how such a file is continued.

Files are written in HDF5's single-writer-multiple-readers mode: others read while frames arrive, and a writer that is
killed loses only what it had not flushed. Such a file, or one whose end has to go, is copied into a fresh file that
takes its place.
"""

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from so3k_explore.io.h5md import (
    CLOCK,
    DIPOLE,
    OVERHEAD,
    WALKER_BYTES,
    TrajectoryError,
    cleanly_closed,
    ensure_space,
    frame_count,
    get_dataset,
    get_group,
    growing,
    growth,
    has_dipoles,
    has_velocities,
    lay_out,
    longest,
    opened,
    replace_by_copy,
    scalar_names,
    temporary_path,
    walker_name,
)
from so3k_explore.system import System


class TrajectoryWriter:
    """Appends frames of W walkers of one molecule to an H5MD file.

    The file appears with the first frame, complete and readable. An existing file is continued; a file that another
    process left open is recovered first, without its unfinished frame.

    Args:
        path: the file, new or of the same molecule and number of walkers.
        system: one system, or the batch of walkers, for elements, masses and cell.
        walkers: number of walkers.
        flush_every: frames that may be lost when the process is killed.

    Raises:
        TrajectoryError: the file cannot be continued; the message says why.
    """

    def __init__(self, path: str | Path, system: System, *, walkers: int, flush_every: int = 1) -> None:
        self.path = Path(path)
        self._numbers = np.asarray(system.numbers).reshape(-1, system.n_atoms)[0]
        self._masses = np.asarray(system.masses, float).reshape(-1, system.n_atoms)[0]
        self._cell = None if system.cell is None else np.asarray(system.cell, float).reshape(-1, 3, 3)[0]
        self._walkers = walkers
        self._flush_every = flush_every
        self._file: h5py.File | None = None
        self._datasets: dict[str, h5py.Dataset] = {}
        self._scalars: list[str] = []
        self._velocities = self._dipoles = False
        self._block: list[dict[str, np.ndarray]] = []  # frames not yet in the file
        self._frames = 0  # those in the file
        if self.path.exists():
            self._continue(None)

    def append(
        self,
        time_fs: float,
        step: int,
        positions: np.ndarray | Any,
        *,
        velocities: np.ndarray | Any = None,
        dipoles: np.ndarray | Any = None,
        cell: Any = None,
        **scalars: Any,
    ) -> None:
        """Adds a frame: positions (walkers, atoms, 3) in Å, and numbers with one value a walker or one for all.

        Whether there are velocities (Å/fs) and dipole moments (walkers, 3) in e·Å, and the names of the numbers, is
        fixed by the first frame; what is left out later becomes NaN.
        """
        vectors = {"position": self._checked("positions", positions)}
        if velocities is not None:
            vectors["velocity"] = self._checked("velocities", velocities)
        values = {name: np.broadcast_to(np.asarray(value, float), self._walkers) for name, value in scalars.items()}
        if self._file is None:
            self._create(list(values), velocities=velocities is not None, dipoles=dipoles is not None)
        for name, given, known in (("velocities", velocities, self._velocities), ("dipoles", dipoles, self._dipoles)):
            if given is not None and not known:
                raise ValueError(f"The first frame had no {name}; got some. Write to another file.")
        known = self._scalars
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(f"The first frame fixed the numbers {', '.join(known)}; got also {', '.join(unknown)}.")
        missing = np.full(self._walkers, math.nan)
        row = {f"observables/{name}/value": values.get(name, missing) for name in known}
        if self._dipoles:
            moments = np.full((self._walkers, 3), math.nan) if dipoles is None else np.asarray(dipoles, float)
            row[f"observables/{DIPOLE}/value"] = moments.reshape(self._walkers, 3)
        if self._velocities:
            vectors.setdefault("velocity", np.full_like(vectors["position"], math.nan))
        for name, rows in vectors.items():
            row |= {f"particles/{walker_name(w)}/{name}/value": rows[w] for w in range(self._walkers)}
        if self._cell is not None:
            row["particles/walker_000/box/edges/value"] = self._cell if cell is None else np.asarray(cell, float)
        self._block.append({**row, f"{CLOCK}/time": np.asarray(time_fs, float), f"{CLOCK}/step": np.asarray(step)})
        if len(self._block) >= self._flush_every:
            self.flush()

    def flush(self) -> None:
        """Makes all frames so far visible to readers and safe from a crash of this process."""
        if self._file is None or not self._block:
            return
        end = self._frames + len(self._block)
        ensure_space(self.path.parent, growth(self._datasets.values(), self._frames, end))
        for name in self._block[0]:  # the clock comes last, so a frame without a step is not whole
            dataset = self._datasets[name]
            dataset.resize(end, axis=0)
            dataset[self._frames : end] = np.stack([row[name] for row in self._block])
        self._file.flush()
        self._frames, self._block = end, []

    def truncate(self, step: int) -> None:
        """Drops the frames after `step`, as when a run goes on from an older checkpoint."""
        self.flush()
        if self._file is None:
            return
        steps = get_dataset(self._file, f"{CLOCK}/step")[: self._frames]
        keep = int(np.searchsorted(steps, step, side="right"))
        if keep < self._frames:
            self.close()
            self._continue(keep)

    def close(self) -> None:
        """Closes the file; it is then an ordinary HDF5 file."""
        try:
            self.flush()
        finally:
            if self._file is not None:
                self._file.close()
                self._file = None

    def __len__(self) -> int:
        return self._frames + len(self._block)

    def __enter__(self) -> "TrajectoryWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _checked(self, name: str, vectors: Any) -> np.ndarray:
        vectors = np.asarray(vectors, np.float32)
        expected = (self._walkers, len(self._numbers), 3)
        if vectors.shape != expected:
            raise ValueError(f"`{name}` must have shape {expected}, got {vectors.shape}.")
        return vectors

    def _create(self, scalars: list[str], *, velocities: bool, dipoles: bool) -> None:
        temporary = temporary_path(self.path)
        ensure_space(self.path.parent, self._walkers * WALKER_BYTES + OVERHEAD)
        try:
            with h5py.File(temporary, "w", libver="latest", locking=False) as file:
                about = (self._numbers, self._masses, self._cell, self._walkers, scalars)
                lay_out(file, *about, velocities=velocities, dipoles=dipoles)
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)
        self._open()

    def _continue(self, keep: int | None) -> None:
        """Opens the file for appending; a copy of its first frames takes its place when they are not all whole."""
        with opened(self.path) as file:
            self._check(file)
            frames, tail = frame_count(file), longest(file)
            keep = frames if keep is None else min(keep, frames)
            if keep < tail or not cleanly_closed(self.path):
                replace_by_copy(self.path, file, keep)
        self._open()
        self._frames = keep

    def _open(self) -> None:
        self._file = h5py.File(self.path, "r+", libver="latest", locking=False)
        self._file.swmr_mode = True
        self._scalars = scalar_names(self._file)
        self._velocities, self._dipoles = has_velocities(self._file), has_dipoles(self._file)
        self._datasets = {str(d.name).lstrip("/"): d for d in growing(self._file)}

    def _check(self, file: h5py.File) -> None:
        walkers = len(get_group(file, "particles"))
        numbers = get_dataset(file, "particles/walker_000/species")[()]
        if walkers != self._walkers or not np.array_equal(numbers, self._numbers):
            raise TrajectoryError(
                f"`{self.path}` holds {walkers} walkers of {len(numbers)} atoms, expected {self._walkers} walkers of "
                f"the given molecule with {len(self._numbers)} atoms. Write to another file."
            )
