"""The newest frame of a run, as one small file: a line of JSON, then float32 numbers."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from so3k_explore.io.molecule import Molecule
from so3k_explore.jobs.store import write_atomic


@dataclass(frozen=True)
class LiveFrame:
    """What a run looks like now."""

    step: int
    time_fs: float
    positions: np.ndarray  # (walkers, atoms, 3) float32, Å
    scalars: dict[str, np.ndarray] = field(default_factory=dict)  # each (walkers,): energy in eV, temperature in K …


def first_frame(molecule: Molecule, walkers: int) -> LiveFrame:
    """The structure that a run begins with, before anything is known about it."""
    positions = np.asarray(molecule.system.positions, np.float32)
    return LiveFrame(0, 0.0, np.repeat(positions[None], walkers, axis=0))


def write_live(path: Path, frame: LiveFrame) -> None:
    """Replaces the newest frame in one piece."""
    names = list(frame.scalars)
    positions = np.ascontiguousarray(frame.positions, np.float32)
    header = {"step": frame.step, "time_fs": frame.time_fs, "shape": positions.shape, "scalars": names}
    scalars = np.stack([np.asarray(frame.scalars[name], float) for name in names]) if names else np.zeros((0, 0))
    write_atomic(path, json.dumps(header).encode() + b"\n" + scalars.tobytes() + positions.tobytes())


def read_live(path: Path) -> LiveFrame | None:
    """The newest frame; None when there is none yet or the file is damaged."""
    try:
        line, body = path.read_bytes().split(b"\n", 1)
        header = json.loads(line)
        shape, names = tuple(header["shape"]), header["scalars"]
        size = 8 * len(names) * shape[0]
        scalars = np.frombuffer(body[:size]).reshape(len(names), shape[0])
        positions = np.frombuffer(body[size:], np.float32).reshape(shape)
        values = dict(zip(names, scalars, strict=True))
        return LiveFrame(int(header["step"]), float(header["time_fs"]), positions, values)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
