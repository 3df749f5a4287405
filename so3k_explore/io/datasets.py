"""Structures with reference labels: many molecules in one ragged, safe file.

A data set is an ``.npz`` with these arrays, and a JSON text under ``metadata`` (format, version, level of theory):

=============  ====================  ==========================================================
``numbers``    (atoms,)              atomic numbers, all frames one after the other
``positions``  (atoms, 3)            Å
``forces``     (atoms, 3)            eV/Å
``offsets``    (frames + 1,)         frame k owns the rows ``offsets[k]`` to ``offsets[k + 1]``
``energies``   (frames,)             eV
``charge``     (frames,)             total charge, e
``spin``       (frames,)             unpaired electrons
``molecules``  (frames,) text        which molecule
``sources``    (frames,) text        how it was sampled, e.g. ``md 500 K``
``groups``     (frames,)             frames of one trajectory share a number
``dipoles``    (frames, 3), optional e·Å
``charges``    (atoms,), optional    partial charges, e
``cells``      (frames, 3, 3), opt.  cell vectors, Å; zero for frames that are not periodic
``stresses``   (frames, 3, 3), opt.  eV/Å³, tension positive; zero for frames that are not periodic
=============  ====================  ==========================================================
"""

import json
import os
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from so3k_explore.system import System

FORMAT, VERSION = "so3k_explore dataset", 1
_PER_ATOM = ("numbers", "positions", "forces", "charges")


class DatasetError(ValueError):
    """Labelled data cannot be read, or do not make sense."""


class Frame(NamedTuple):
    """One labelled structure."""

    numbers: Int[np.ndarray, "atoms"]
    positions: Float[np.ndarray, "atoms 3"]  # Å
    energy: float  # eV
    forces: Float[np.ndarray, "atoms 3"]  # eV/Å
    molecule: str = ""
    source: str = ""
    group: int = 0
    charge: float = 0.0  # e
    spin: float = 0.0
    dipole: Float[np.ndarray, "3"] | None = None  # e·Å
    charges: Float[np.ndarray, "atoms"] | None = None  # e
    cell: Float[np.ndarray, "3 3"] | None = None  # Å, periodic in all directions; None: a molecule
    stress: Float[np.ndarray, "3 3"] | None = None  # eV/Å³, tension positive

    @property
    def system(self) -> System:
        """The structure without its labels."""
        return System.create(self.positions, self.numbers, charge=self.charge, spin=self.spin, cell=self.cell)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled structures; see the head of this module for shapes and units."""

    numbers: Int[np.ndarray, "atoms"]
    positions: Float[np.ndarray, "atoms 3"]
    forces: Float[np.ndarray, "atoms 3"]
    offsets: Int[np.ndarray, "bounds"]
    energies: Float[np.ndarray, "frames"]
    charge: Float[np.ndarray, "frames"]
    spin: Float[np.ndarray, "frames"]
    molecules: np.ndarray
    sources: np.ndarray
    groups: Int[np.ndarray, "frames"]
    dipoles: Float[np.ndarray, "frames 3"] | None = None
    charges: Float[np.ndarray, "atoms"] | None = None
    cells: Float[np.ndarray, "frames 3 3"] | None = None
    stresses: Float[np.ndarray, "frames 3 3"] | None = None
    level: str = ""  # of theory

    def __post_init__(self) -> None:
        frames, atoms = len(self.energies), len(self.numbers)
        if self.offsets.shape != (frames + 1,) or self.offsets[0] != 0 or self.offsets[-1] != atoms:
            raise DatasetError(f"`offsets` must rise from 0 to {atoms} in {frames + 1} entries.")
        for name in ("positions", "forces", "energies", "dipoles", "charges", "cells", "stresses"):
            values = getattr(self, name)
            if values is not None and not np.isfinite(values).all():
                bad = int(np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))[0])
                frame = bad if len(values) == frames and name not in _PER_ATOM else self.frame_of(bad)
                raise DatasetError(
                    f"`{name}` must be finite, got NaN or infinity in frame {frame} ({self.molecules[frame]}). "
                    "Remove frames whose calculation failed."
                )

    def __len__(self) -> int:
        return len(self.energies)

    @property
    def sizes(self) -> Int[np.ndarray, "frames"]:
        """Number of atoms of each frame."""
        return np.diff(self.offsets)

    @property
    def elements(self) -> tuple[int, ...]:
        """Atomic numbers that occur."""
        return tuple(int(number) for number in np.unique(self.numbers))

    @property
    def periodic(self) -> Bool[np.ndarray, "frames"]:
        """Which frames have a cell."""
        if self.cells is None:
            return np.zeros(len(self), bool)
        return np.abs(self.cells).max(axis=(1, 2), initial=0.0) > 0

    def frame_of(self, atom: int) -> int:
        """The frame that owns a row of the arrays of atoms."""
        return int(np.searchsorted(self.offsets, atom, side="right")) - 1

    def __getitem__(self, index: int) -> Frame:
        frame = range(len(self))[index]
        rows = slice(int(self.offsets[frame]), int(self.offsets[frame + 1]))
        of_box = lambda values: None if values is None or not self.periodic[frame] else values[frame]
        return Frame(
            numbers=self.numbers[rows],
            positions=self.positions[rows],
            energy=float(self.energies[frame]),
            forces=self.forces[rows],
            molecule=str(self.molecules[frame]),
            source=str(self.sources[frame]),
            group=int(self.groups[frame]),
            charge=float(self.charge[frame]),
            spin=float(self.spin[frame]),
            dipole=None if self.dipoles is None else self.dipoles[frame],
            charges=None if self.charges is None else self.charges[rows],
            cell=of_box(self.cells),
            stress=of_box(self.stresses),
        )

    def select(self, frames: Any) -> "Dataset":
        """The frames with these indices, or where a mask is true."""
        chosen = np.arange(len(self))[frames]
        sizes = self.sizes[chosen]
        ends = np.cumsum(sizes)
        rows = np.repeat(self.offsets[chosen] - (ends - sizes), sizes) + np.arange(int(sizes.sum()))
        pick = lambda name: None if (values := getattr(self, name)) is None else values[_rows(name, rows, chosen)]
        names = [field.name for field in fields(self) if field.name not in ("offsets", "level")]
        return replace(self, offsets=np.concatenate([[0], ends]).astype(np.int64), **{n: pick(n) for n in names})


def _rows(name: str, rows: np.ndarray, frames: np.ndarray) -> np.ndarray:
    return rows if name in _PER_ATOM else frames


def from_frames(frames: Iterable[Frame], level: str = "") -> Dataset:
    """A data set of frames; dipoles and charges are kept when every frame has them, stresses when every cell has one.

    Raises:
        DatasetError: there is no frame, or a label is not finite.
    """
    every = list(frames)
    if not every:
        raise DatasetError("At least one labelled structure is expected, got none.")
    optional = lambda values: None if any(value is None for value in values) else values
    dipoles, charges = optional([frame.dipole for frame in every]), optional([frame.charges for frame in every])
    boxes = [frame for frame in every if frame.cell is not None]
    stressed = boxes and all(frame.stress is not None for frame in boxes)
    zero = lambda values: np.stack(
        [np.zeros((3, 3)) if value is None else np.asarray(value, float) for value in values]
    )
    return Dataset(
        numbers=np.concatenate([frame.numbers for frame in every]).astype(np.int32),
        positions=np.concatenate([frame.positions for frame in every]).astype(float),
        forces=np.concatenate([frame.forces for frame in every]).astype(float),
        offsets=np.concatenate([[0], np.cumsum([len(frame.numbers) for frame in every])]).astype(np.int64),
        energies=np.array([frame.energy for frame in every], float),
        charge=np.array([frame.charge for frame in every], float),
        spin=np.array([frame.spin for frame in every], float),
        molecules=np.array([frame.molecule for frame in every], str),
        sources=np.array([frame.source for frame in every], str),
        groups=np.array([frame.group for frame in every], np.int64),
        dipoles=None if dipoles is None else np.stack(dipoles).astype(float),
        charges=None if charges is None else np.concatenate(charges).astype(float),
        cells=zero(frame.cell for frame in every) if boxes else None,
        stresses=zero(frame.stress if frame.cell is not None else None for frame in every) if stressed else None,
        level=level,
    )


def concatenate(parts: Sequence[Dataset]) -> Dataset:
    """Data sets of one level of theory in one; groups stay apart.

    Raises:
        DatasetError: nothing is given, or levels of theory differ.
    """
    if not parts:
        raise DatasetError("At least one data set is expected, got none.")
    levels = sorted({part.level for part in parts})
    if len(levels) > 1:
        raise DatasetError(
            f"One level of theory is expected, got {', '.join(map(repr, levels))}. "
            "Energies of different methods cannot be learned together; label all with one."
        )
    frames, group = [], 0
    for part in parts:
        frames += [frame._replace(group=frame.group + group) for frame in map(part.__getitem__, range(len(part)))]
        group += int(part.groups.max(initial=-1)) + 1
    return from_frames(frames, levels[0])


def save_dataset(path: Path | str, dataset: Dataset) -> Path:
    """Writes a data set atomically."""
    path = Path(path)
    arrays = {field.name: getattr(dataset, field.name) for field in fields(dataset) if field.name != "level"}
    head = json.dumps({"format": FORMAT, "version": VERSION, "level": dataset.level})
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            kept = {name: values for name, values in arrays.items() if values is not None}
            np.savez_compressed(file, metadata=np.array(head), **kept)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def load_dataset(path: Path | str) -> Dataset:
    """Reads a data set of this format; others are read by `io.dataset_formats.read_dataset`.

    Raises:
        DatasetError: no such file, damaged, or another format.
    """
    path = Path(path)
    arrays = read_npz(path)
    if "metadata" not in arrays:
        raise DatasetError(f"{path} is no data set of so3k_explore; import it with its units first.")
    try:
        head = json.loads(str(arrays.pop("metadata")))
        if head["format"] != FORMAT or head["version"] > VERSION:
            raise DatasetError(f"Expected {FORMAT!r} up to version {VERSION}, got {head['format']!r} in {path}.")
        return Dataset(**arrays, level=head["level"])
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise DatasetError(f"{path} is incomplete or damaged ({error}).") from error


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Arrays of an `.npz` file, never a pickle.

    Raises:
        DatasetError: no such file, or damaged.
    """
    if not path.is_file():
        raise DatasetError(f"There is no file {path}.")
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path} is damaged or not a safe .npz file ({error}).") from error
