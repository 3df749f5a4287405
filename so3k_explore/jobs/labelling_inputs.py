"""What a labelling run starts from: structures of a file, a trajectory, a landscape or another run."""

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from so3k_explore.io.datasets import Dataset, DatasetError, Frame, from_frames
from so3k_explore.io.molecule import Molecule
from so3k_explore.jobs.job import Job
from so3k_explore.jobs.learning_settings import LabelSettings
from so3k_explore.jobs.loading import working_precision
from so3k_explore.jobs.recorder import trajectory_paths
from so3k_explore.jobs.store import RunFolder
from so3k_explore.system import System
from so3k_explore.training.labelling import check_method, unlabelled


class Structures(NamedTuple):
    """Structures that are read when they are asked for."""

    name: str  # for people
    number: int
    read: Callable[[Sequence[int]], list[Frame]]  # those with these numbers, without labels


def read_structures(source: Path | str, most: int | None = None) -> tuple[str, Dataset]:
    """Name and structures of a source, all of them or `most`, evenly spread; energies and forces are zero.

    Raises:
        DatasetError: there is no such file or run, or it has no structures.
    """
    with working_precision("float64"):  # positions stay as they are in the file
        found = _opened(Path(source).expanduser())
        wanted = found.number if most is None else min(most, found.number)
        numbers = np.unique(np.linspace(0, found.number - 1, wanted).round().astype(int))
        return found.name, from_frames(found.read(numbers.tolist()))


def survey(source: Path | str) -> tuple[str, int, Frame]:
    """Name of a source, how many structures it has, and the first one.

    Raises:
        DatasetError: as in `read_structures`.
    """
    found = _opened(Path(source).expanduser())
    return found.name, found.number, found.read([0])[0]


def make_labelling_job(
    settings: LabelSettings,
    name: str | None,
    precision: str,
    checkpoint_interval: float | int,
) -> Job:
    """A labelling job, after a look at its structures and its method.

    Args:
        settings: the source may be a relative path.
        name: for people; default: that of the source.
        precision: must be the usual one; methods of reference have their own.
        checkpoint_interval: seconds between two writings of the data set; labels are kept one by one.

    Raises:
        ValueError: the precision is told, the source has no structures, or the method is
            not there or does not know their elements.
    """
    if precision != "float32":
        raise ValueError(f"A reference method has a precision of its own, got {precision!r}. Leave it out.")
    if not settings.source:
        raise DatasetError("Labelling needs a `source`, got none: structures, a trajectory, a landscape or a run.")
    called, structures = read_structures(settings.source, settings.structures)
    check_method(settings.method, structures)
    path = Path(settings.source).expanduser().resolve()
    first = structures[0]
    return Job(
        settings=settings.replace(source=str(path)),
        molecule=Molecule.from_system(first.system, first.molecule or called, str(path)),
        model=settings.method,
        name=name or called,
        precision=precision,
        checkpoint_interval=checkpoint_interval,
        created=time.time(),
    )


def _opened(path: Path) -> Structures:
    found = _open(path)
    if not found.number:
        raise DatasetError(f"{path} has no structures that could be labelled. Choose another file or run.")
    return found


def _open(path: Path) -> Structures:
    if path.is_dir():
        return _of_run(RunFolder(path))
    if not path.is_file():
        raise DatasetError(f"There is no file {path}.")
    if path.suffix == ".db":
        return _of_landscape(path)
    if path.suffix in (".h5", ".h5md"):
        return _of_trajectories(path.stem, [path], None)
    if path.suffix == ".npz":
        return _of_dataset(path)
    return _of_file(path)


def _of_run(folder: RunFolder) -> Structures:
    """Minima of a search, frames of a trajectory, or what was labelled."""
    content = folder.job()
    if content is None:
        raise DatasetError(f"The folder {folder.path} holds no run.")
    job = Job.from_json(content)
    landscape = folder.path.parent / (getattr(job.settings, "landscape", "") or folder.path.name) / "landscape.db"
    if landscape.is_file():
        return _of_landscape(landscape)
    files, data = trajectory_paths(folder), folder.path / "data.npz"
    if files:
        return _of_trajectories(job.name, files, job.molecule.system)
    if data.is_file():
        return _of_dataset(data)._replace(name=job.name)
    raise DatasetError(f"The run {folder.path.name} has no trajectory and no minima. Choose another run, or a file.")


def _of_landscape(path: Path) -> Structures:
    from so3k_explore.exploration.landscape import Landscape

    with Landscape.open(path, create=False) as landscape:
        minima, name = landscape.minima(), landscape.name or path.stem
        systems = [landscape.system(int(number)) for number in minima.ids]
    frame = lambda k: unlabelled(systems[k], name, f"minimum {minima.ids[k]}", k)
    return Structures(name, len(systems), lambda numbers: [frame(k) for k in numbers])


def _of_trajectories(name: str, paths: Sequence[Path], system: System | None) -> Structures:
    """Frames of all walkers; those of one walker are a group. Without a system, a neutral molecule is taken."""
    from so3k_explore.io.trajectories import read_trajectory

    shapes = []
    for path in paths:
        with read_trajectory(path) as trajectory:
            shapes.append((len(trajectory), trajectory.walkers))
            if system is None:
                system = System.create(np.zeros((len(trajectory.numbers), 3)), trajectory.numbers)
    assert system is not None
    template = unlabelled(system, name, "trajectory")
    bounds = np.concatenate([[0], np.cumsum([frames * walkers for frames, walkers in shapes])])
    groups = np.concatenate([[0], np.cumsum([walkers for _, walkers in shapes])])

    def read(numbers: Sequence[int]) -> list[Frame]:
        found, wanted = [], np.asarray(numbers)
        for place, (low, high) in enumerate(pairwise(bounds.tolist())):
            here, walkers = wanted[(wanted >= low) & (wanted < high)] - low, shapes[place][1]
            with read_trajectory(paths[place]) as trajectory:
                for frame, walker in zip((here // walkers).tolist(), (here % walkers).tolist(), strict=True):
                    positions = np.asarray(trajectory.positions[frame, walker], float)
                    found.append(template._replace(positions=positions, group=int(groups[place]) + walker))
        return found

    return Structures(name, int(bounds[-1]), read)


def _of_dataset(path: Path) -> Structures:
    from so3k_explore.io.dataset_formats import read_dataset

    data = read_dataset(path)
    bare = {"energy": 0.0, "dipole": None, "charges": None, "stress": None}
    frame = lambda k: (one := data[k])._replace(**bare, forces=np.zeros_like(one.forces))
    return Structures(path.stem, len(data), lambda numbers: [frame(k) for k in numbers])


def _of_file(path: Path) -> Structures:
    from so3k_explore.io.dataset_formats import stretch
    from so3k_explore.io.structures import read_frames

    systems = read_frames(path)
    frame = lambda k: unlabelled(systems[k], path.stem, group=stretch(k, len(systems)))
    return Structures(path.stem, len(systems), lambda numbers: [frame(k) for k in numbers])
