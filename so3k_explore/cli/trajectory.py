"""Trajectories and runs as they are named on the command line."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from so3k_explore.io.molecule import Molecule
    from so3k_explore.io.trajectories import Trajectory
    from so3k_explore.jobs import Run


def open_run(text: str, runs: Path | None) -> "Run":
    """The run of that id, or in that folder.

    Raises:
        ValueError: there is none.
    """
    from so3k_explore.jobs import RunNotFoundError, Runs
    from so3k_explore.jobs.runs import default_root

    folder = Path(text).expanduser()
    known = (folder / "job.json").is_file()
    root = folder.resolve().parent if known else Path(runs or default_root())
    try:
        return Runs(root).get(folder.resolve().name if known else text)
    except RunNotFoundError as error:
        raise ValueError(
            f"{error} Give the id of a run, its folder, or a file of frames such as trajectory.h5."
        ) from None


def open_trajectory(text: str, runs: Path | None) -> "tuple[Trajectory, Molecule]":
    """The frames in a file or of a run, and the molecule: that of the run, or with bonds as in the first frame.

    Raises:
        ValueError: there is no such run, or it has no frames.
    """
    path = Path(text).expanduser()
    if path.is_file():
        return _from_file(path)
    found = open_run(text, runs)
    trajectory = found.trajectory()
    if trajectory is None:
        raise ValueError(f"Run {found.id} ({found.kind}) has no frames. Give a run of dynamics.")
    return trajectory, found.molecule


def _from_file(path: Path) -> "tuple[Trajectory, Molecule]":
    from so3k_explore.io.molecule import Molecule
    from so3k_explore.io.trajectories import read_trajectory
    from so3k_explore.system import System

    trajectory = read_trajectory(path)
    if not len(trajectory):
        trajectory.close()
        raise ValueError(f"`{path}` has no frames yet.")
    cells = trajectory.cells
    system = System.create(
        trajectory.positions[0, 0],
        trajectory.numbers,
        masses=trajectory.masses,
        cell=None if cells is None else cells[0],
    )
    return trajectory, Molecule.from_system(system, path.stem, str(path))
