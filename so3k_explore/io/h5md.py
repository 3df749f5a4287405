"""Layout and upkeep of H5MD files: groups, growing datasets, recovery of files that a killed writer left open."""

import errno
import math
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np

UNITS = {
    "energy": "eV",
    "kinetic_energy": "eV",
    "conserved_energy": "eV",
    "temperature": "K",
    "rmsd": "Angstrom",
    "max_force": "eV Angstrom-1",
}
CHUNK_BYTES = 2**16
OVERHEAD = 2**16  # bytes of indices and headers, generously
WALKER_BYTES = 2**13  # of headers for each walker
CLOCK = "particles/walker_000/position"  # its `step` and `time` are shared by everything in the file


DIPOLE = "dipole"  # the one observable that is no number but a vector


class TrajectoryError(RuntimeError):
    """A trajectory is damaged, or belongs to another molecule or other walkers."""


def walker_name(index: int) -> str:
    """Name of the particles group of a walker."""
    return f"walker_{index:03d}"


def lay_out(
    file: h5py.File,
    numbers: Any,
    masses: Any,
    cell: Any,
    walkers: int,
    scalars: list[str],
    *,
    velocities: bool,
    dipoles: bool,
) -> None:
    """Groups and empty datasets of H5MD; no more can be added once readers are allowed."""
    about = file.create_group("h5md")
    about.attrs["version"] = np.array([1, 1])
    about.create_group("author").attrs["name"] = "unknown"
    creator = about.create_group("creator")
    creator.attrs["name"], creator.attrs["version"] = "so3k_explore", version("so3k-explore")
    clock: Any = None
    for index in range(walkers):
        group = file.create_group(f"particles/{walker_name(index)}")
        group["species"] = np.asarray(numbers, np.int32)
        group["mass"] = masses
        group["mass"].attrs["unit"] = "u"
        box = group.create_group("box")
        box.attrs["dimension"] = 3
        box.attrs["boundary"] = ["none" if cell is None else "periodic"] * 3
        position = group.create_group("position")
        _series(position, "value", (len(numbers), 3), np.float32, "Angstrom")
        if clock is None:
            clock = position
            _series(clock, "step", (), np.int64, None)
            _series(clock, "time", (), np.float64, "fs")
        else:
            _tick(position, clock)
        if velocities:
            velocity = _tick(group.create_group("velocity"), clock)
            _series(velocity, "value", (len(numbers), 3), np.float32, "Angstrom fs-1")
        if cell is not None and index == 0:
            _series(_tick(box.create_group("edges"), clock), "value", (3, 3), np.float64, "Angstrom")
        elif cell is not None:
            box["edges"] = file["particles/walker_000/box/edges"]
    file.create_group("observables")
    for name in scalars:
        group = _tick(file.create_group(f"observables/{name}"), clock)
        _series(group, "value", (walkers,), np.float64, UNITS.get(name))
    if dipoles:
        group = _tick(file.create_group(f"observables/{DIPOLE}"), clock)
        _series(group, "value", (walkers, 3), np.float64, "e Angstrom")


def _tick(group: h5py.Group, clock: h5py.Group) -> h5py.Group:
    """Steps and times of another element, shared by hard links as H5MD allows."""
    if group.name != clock.name:
        group["step"], group["time"] = clock["step"], clock["time"]
    return group


def _series(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: Any, unit: str | None) -> None:
    rows = max(1, min(1024, CHUNK_BYTES // (math.prod(shape) * np.dtype(dtype).itemsize)))
    dataset = group.create_dataset(name, (0, *shape), dtype, maxshape=(None, *shape), chunks=(rows, *shape))
    if unit is not None:
        dataset.attrs["unit"] = unit


def get_group(file: h5py.File, name: str) -> h5py.Group:
    """A group that must be there."""
    found = file.get(name)
    if not isinstance(found, h5py.Group):
        raise TrajectoryError(f"`{file.filename}` has no group `{name}`: it is no trajectory of so3k_explore.")
    return found


def get_dataset(file: h5py.File | None, name: str) -> h5py.Dataset:
    """A dataset that must be there."""
    found = None if file is None else file.get(name)
    if not isinstance(found, h5py.Dataset):
        where = "a closed file" if file is None else f"`{file.filename}`"
        raise TrajectoryError(f"No `{name}` in {where}: it is no trajectory of so3k_explore.")
    return found


def has_velocities(file: h5py.File) -> bool:
    """Whether frames hold velocities."""
    return "velocity" in get_group(file, "particles/walker_000")


def has_dipoles(file: h5py.File) -> bool:
    """Whether frames hold dipole moments."""
    return DIPOLE in get_group(file, "observables")


def scalar_names(file: h5py.File) -> list[str]:
    """Names of the numbers that frames hold."""
    return [str(name) for name in get_group(file, "observables") if name != DIPOLE]


def growing(file: h5py.File) -> Iterator[h5py.Dataset]:
    """All datasets with one row a frame, the clock last."""
    for name in get_group(file, "particles"):
        yield get_dataset(file, f"particles/{name}/position/value")
        if has_velocities(file):
            yield get_dataset(file, f"particles/{name}/velocity/value")
    if "edges" in get_group(file, "particles/walker_000/box"):
        yield get_dataset(file, "particles/walker_000/box/edges/value")
    for name in get_group(file, "observables"):
        yield get_dataset(file, f"observables/{name}/value")
    yield get_dataset(file, f"{CLOCK}/time")
    yield get_dataset(file, f"{CLOCK}/step")


def frame_count(file: h5py.File) -> int:
    """Frames that are there completely."""
    lengths = []
    for dataset in growing(file):
        dataset.id.refresh()
        lengths.append(dataset.shape[0])
    return min(lengths)


def longest(file: h5py.File) -> int:
    """Frames of which something is there."""
    return max(dataset.shape[0] for dataset in growing(file))


def open_to_read(path: Path) -> h5py.File:
    """The file for reading, also while another process writes or after it was killed."""
    if not path.exists():
        raise FileNotFoundError(f"There is no trajectory `{path}`.")
    try:
        return h5py.File(path, "r", libver="latest", swmr=True, locking=False)
    except OSError as error:
        raise TrajectoryError(f"`{path}` is damaged or no HDF5 file ({error}).") from error


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """`open_to_read`, closed at the end."""
    file = open_to_read(path)
    try:
        yield file
    finally:
        file.close()


def cleanly_closed(path: Path) -> bool:
    """Whether no writer has the file open, and none was killed."""
    try:
        h5py.File(path, "r+", libver="latest", locking=False).close()
    except OSError:
        return False
    return True


def ensure_space(folder: Path, size: int) -> None:
    """Raises the `OSError` of a full disk or quota unless `size` more bytes can be written.

    HDF5 does not survive a disk that fills up under it: files cannot be closed any more, and the process crashes.
    """
    probe = folder / f".space.{os.getpid()}"
    try:
        with probe.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except (AttributeError, OSError) as error:  # neither every system nor every file system can reserve space
        if isinstance(error, OSError) and error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
        if shutil.disk_usage(folder).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
    finally:
        probe.unlink(missing_ok=True)


def growth(datasets: Iterable[h5py.Dataset], frames: int, end: int) -> int:
    """Bytes that datasets take up when they grow from `frames` to `end` rows, which come in whole chunks."""
    size = OVERHEAD
    for dataset in datasets:
        rows = dataset.chunks[0] if dataset.chunks else 1
        chunks = -(-end // rows) - -(-frames // rows)
        size += chunks * rows * math.prod(dataset.shape[1:]) * dataset.dtype.itemsize
    return size


def temporary_path(path: Path) -> Path:
    """A name in the same folder, hidden and of this process."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def replace_by_copy(path: Path, file: h5py.File, frames: int) -> None:
    """Writes the first `frames` frames into a fresh file, which then takes the place of the old one."""
    temporary = temporary_path(path)
    first = "particles/walker_000"
    cell = np.zeros((3, 3)) if "edges" in get_group(file, f"{first}/box") else None
    walkers, scalars = len(get_group(file, "particles")), scalar_names(file)
    vectors = {"velocities": has_velocities(file), "dipoles": has_dipoles(file)}
    numbers, masses = get_dataset(file, f"{first}/species")[()], get_dataset(file, f"{first}/mass")[()]
    ensure_space(path.parent, walkers * WALKER_BYTES + growth(growing(file), 0, frames))
    try:
        with h5py.File(temporary, "w", libver="latest", locking=False) as fresh:
            lay_out(fresh, numbers, masses, cell, walkers, scalars, **vectors)
            for source, target in zip(growing(file), growing(fresh), strict=True):
                target.resize(frames, axis=0)
                block = source.chunks[0] if source.chunks else 1
                for start in range(0, frames, block):
                    target[start : min(start + block, frames)] = source[start : min(start + block, frames)]
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
