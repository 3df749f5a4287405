"""Trajectories live through readers, kills and resumptions."""

import errno
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.io.h5md import ensure_space
from so3k_explore.io.trajectories import Trajectory, TrajectoryError, TrajectoryWriter, read_trajectory
from tests.molecules import ETHANOL, WATER

ATOMS = ETHANOL.n_atoms


def frame(step: int, walkers: int = 2) -> np.ndarray:
    """Positions from which the step and the walker can be read off."""
    return np.zeros((walkers, ATOMS, 3)) + step + 1000 * np.arange(walkers)[:, None, None]


def write(path: Path, steps: range, **settings: int) -> TrajectoryWriter:
    writer = TrajectoryWriter(path, ETHANOL, walkers=2, **settings)
    for step in steps:
        writer.append(0.5 * step, step, frame(step), energy=[step, -step], temperature=300.0)
    return writer


def mdanalysis() -> Any:
    return pytest.importorskip("MDAnalysis", reason="MDAnalysis is not installed (extra `dev`)")


def consistent(trajectory: Trajectory) -> bool:
    """Every frame holds what belongs to its step."""
    steps = trajectory.steps
    first = np.array_equal(trajectory.positions[:, 0][:, 0, 0], steps)
    second = np.array_equal(trajectory.positions[:, 1][:, 3, 2], steps + 1000)
    energy = np.array_equal(trajectory.scalar("energy"), np.stack([steps, -steps], axis=1))
    return first and second and energy and np.array_equal(trajectory.times, 0.5 * steps)


def test_frames_come_back_lazily(tmp_path: Path) -> None:
    write(tmp_path / "t.h5", range(0, 50, 5)).close()
    with read_trajectory(tmp_path / "t.h5") as trajectory:
        assert len(trajectory) == 10
        assert consistent(trajectory)
        assert trajectory.positions.shape == (10, 2, ATOMS, 3)
        np.testing.assert_array_equal(trajectory.positions[-1, 1], frame(45)[1])
        np.testing.assert_array_equal(trajectory.positions[3], frame(15))
        assert trajectory.positions[2:9:3, 0].shape == (3, ATOMS, 3)
        assert trajectory.positions[[1, 7]].shape == (2, 2, ATOMS, 3)
        with pytest.raises(IndexError):
            trajectory.positions[10]
        np.testing.assert_array_equal(trajectory.numbers, ETHANOL.numbers)
        np.testing.assert_array_equal(trajectory.scalars["temperature"], 300.0)
        with pytest.raises(KeyError, match="energy, temperature"):
            trajectory.scalar("pressure")
        assert trajectory.cells is None


def test_an_existing_file_is_continued(tmp_path: Path) -> None:
    write(tmp_path / "t.h5", range(4)).close()
    writer = write(tmp_path / "t.h5", range(4, 9))
    assert len(writer) == 9
    writer.close()
    with read_trajectory(tmp_path / "t.h5") as trajectory:
        assert trajectory.steps.tolist() == list(range(9))
        assert consistent(trajectory)


@pytest.mark.parametrize("block", [1, 4])
def test_frames_after_a_checkpoint_do_not_appear_twice(tmp_path: Path, block: int) -> None:
    writer = write(tmp_path / "t.h5", range(10), flush_every=block)
    writer.truncate(6)
    assert len(writer) == 7
    writer.append(3.5, 7, frame(7), energy=[7, -7])
    writer.close()
    with read_trajectory(tmp_path / "t.h5") as trajectory:
        assert trajectory.steps.tolist() == list(range(8))
        assert consistent(trajectory)
        assert np.isnan(trajectory.scalar("temperature")[-1]).all()


ENDLESS = (
    "import sys, itertools, time\n"
    "from pathlib import Path\n"
    "from tests.io.test_trajectories import frame, write\n"
    "writer = write(Path(sys.argv[1]), range(0))\n"
    "for step in itertools.count():\n"
    "    writer.append(0.5 * step, step, frame(step), energy=[step, -step], temperature=1.0)\n"
    "    print(step, flush=True)\n"
    "    time.sleep(0.002)\n"
)
"""A writer without an end, in a process of its own; its argument is the file."""


def test_a_reader_follows_a_writer_that_is_then_killed(tmp_path: Path) -> None:
    """The writer is another process; after SIGKILL all flushed frames are there and the file can be continued."""
    path = tmp_path / "t.h5"
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", ENDLESS, str(path)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            for _ in range(20):
                assert child.stdout.readline()
            with read_trajectory(path) as trajectory:
                before = len(trajectory)
                assert before >= 20
                assert consistent(trajectory)
                for _ in range(20):
                    child.stdout.readline()
                assert trajectory.refresh() >= before + 15
                assert consistent(trajectory)
        finally:
            child.send_signal(signal.SIGKILL)
        said = child.stdout.read()
    last = int(said.split()[-1]) if said.split() else 39
    with read_trajectory(path) as trajectory:
        assert len(trajectory) >= last + 1
        assert consistent(trajectory)
    with pytest.raises(OSError, match="already open"):
        h5py.File(path, "r+")  # the file is marked as being written
    writer = TrajectoryWriter(path, ETHANOL, walkers=2)
    count = len(writer)
    assert count >= last + 1
    writer.append(0.5 * count, count, frame(count), energy=[count, -count])
    writer.close()
    with h5py.File(path, "r+"):
        pass  # an ordinary file again
    with read_trajectory(path) as trajectory:
        assert len(trajectory) == count + 1
        assert consistent(trajectory)
    assert [file.name for file in tmp_path.iterdir()] == ["t.h5"]


def test_recovery_is_quick(tmp_path: Path) -> None:
    writer = write(tmp_path / "t.h5", range(2000), flush_every=500)
    started = time.monotonic()
    writer.truncate(1500)
    assert time.monotonic() - started < 5
    writer.close()


def test_cells_of_periodic_systems_are_kept(tmp_path: Path) -> None:
    box = WATER.replace(cell=10 * jnp.eye(3))
    with TrajectoryWriter(tmp_path / "t.h5", box, walkers=1) as writer:
        writer.append(0.0, 0, np.asarray(box.positions)[None])
        writer.append(1.0, 1, np.asarray(box.positions)[None], cell=11 * np.eye(3))
    with read_trajectory(tmp_path / "t.h5") as trajectory:
        assert trajectory.cells is not None
        np.testing.assert_array_equal(trajectory.cells[:, 0, 0], [10, 11])
        assert trajectory.scalars == {}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("periodic", [False, True])
def test_mdanalysis_reads_the_file(tmp_path: Path, periodic: bool) -> None:
    universe_of = mdanalysis().Universe
    system = ETHANOL.replace(cell=20 * jnp.eye(3)) if periodic else ETHANOL
    with TrajectoryWriter(tmp_path / "t.h5md", system, walkers=2) as writer:
        for step in range(5):
            writer.append(0.5 * step, step, frame(step), energy=[step, -step])
    universe = universe_of.empty(ATOMS, trajectory=False)
    universe.load_new(str(tmp_path / "t.h5md"), format="H5MD")
    assert universe.trajectory.n_frames == 5
    third = universe.trajectory[3]
    np.testing.assert_allclose(third.positions, 3.0)
    np.testing.assert_allclose(third.time, 0.0015)  # ps
    np.testing.assert_allclose(third.data["energy"], [3, -3])
    if periodic:
        np.testing.assert_allclose(third.dimensions, [20, 20, 20, 90, 90, 90])
    universe.trajectory.close()


def test_the_space_asked_for_covers_what_the_file_grows_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, asked = tmp_path / "t.h5", []
    monkeypatch.setattr("so3k_explore.io.trajectories.ensure_space", lambda folder, size: asked.append((folder, size)))
    writer = write(path, range(1), flush_every=700)
    assert path.stat().st_size <= asked[0][1]
    for step in range(1, 2100):
        before = path.stat().st_size
        writer.append(0.5 * step, step, frame(step), energy=[step, -step])
        assert path.stat().st_size - before <= asked[-1][1]
    assert asked[-1] == (tmp_path, asked[-1][1])
    assert len(asked) == 1 + 3
    writer.close()


def test_a_full_disk_is_noticed_before_the_file_is_harmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = write(tmp_path / "t.h5", range(5))
    with pytest.raises(OSError, match=r"No space left|too large"):
        ensure_space(tmp_path, 2**62)

    def full(folder: Path, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("so3k_explore.io.trajectories.ensure_space", full)
    for action in (lambda: writer.append(2.5, 5, frame(5), energy=[5, -5]), writer.close):
        with pytest.raises(OSError, match="No space left"):
            action()
    monkeypatch.undo()
    write(tmp_path / "t.h5", range(5, 8)).close()
    with read_trajectory(tmp_path / "t.h5") as trajectory:
        assert trajectory.steps.tolist() == list(range(8))
        assert consistent(trajectory)
    assert [file.name for file in tmp_path.iterdir()] == ["t.h5"]


def moving(step: int) -> np.ndarray:
    return -0.25 * frame(step)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_velocities_are_kept_where_mdanalysis_finds_them(tmp_path: Path) -> None:
    with TrajectoryWriter(tmp_path / "t.h5md", ETHANOL, walkers=2) as writer:
        for step in range(5):
            writer.append(0.5 * step, step, frame(step), velocities=moving(step), energy=[step, -step])
        writer.truncate(3)  # what is copied keeps them
        with pytest.raises(ValueError, match=r"`velocities` must have shape \(2, 9, 3\)"):
            writer.append(2.0, 4, frame(4), velocities=moving(4)[:1])
        writer.append(2.0, 4, frame(4))
    with read_trajectory(tmp_path / "t.h5md") as trajectory:
        assert trajectory.velocities is not None
        np.testing.assert_array_equal(trajectory.velocities[2, 1], moving(2)[1])
        assert np.isnan(trajectory.velocities[4]).all()
    universe = mdanalysis().Universe.empty(ATOMS, trajectory=False, velocities=True)
    universe.load_new(str(tmp_path / "t.h5md"), format="H5MD")
    np.testing.assert_allclose(universe.trajectory[3].velocities, 1000 * -0.25 * 3.0)  # Å/ps
    np.testing.assert_allclose(universe.trajectory[3].positions, 3.0)
    universe.trajectory.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_dipoles_are_kept_as_an_observable(tmp_path: Path) -> None:
    moments = lambda step: np.array([[step, 0.0, -1.0], [2.0, step, 0.5]])
    with TrajectoryWriter(tmp_path / "t.h5md", ETHANOL, walkers=2) as writer:
        for step in range(5):
            vectors = {"velocities": moving(step), "dipoles": moments(step)}
            writer.append(0.5 * step, step, frame(step), energy=[step, -step], **vectors)
        writer.truncate(3)  # what is copied keeps them
        writer.append(2.0, 4, frame(4), energy=[4, -4])
    with TrajectoryWriter(tmp_path / "t.h5md", ETHANOL, walkers=2) as writer:  # and what goes on
        writer.append(2.5, 5, frame(5), energy=[5, -5], dipoles=moments(5))
    with read_trajectory(tmp_path / "t.h5md") as trajectory:
        assert trajectory.dipoles is not None
        assert trajectory.dipoles.shape == (6, 2, 3)
        np.testing.assert_array_equal(trajectory.dipoles[[2, 5]], [moments(2), moments(5)])
        assert np.isnan(trajectory.dipoles[4]).all()
        assert list(trajectory.scalars) == ["energy"]
        assert consistent(trajectory)
    with h5py.File(tmp_path / "t.h5md") as file:
        assert file["observables/dipole/value"].attrs["unit"] == "e Angstrom"
        assert file["observables/dipole/step"] == file["particles/walker_000/position/step"]
    universe = mdanalysis().Universe.empty(ATOMS, trajectory=False, velocities=True)
    universe.load_new(str(tmp_path / "t.h5md"), format="H5MD")
    np.testing.assert_allclose(universe.trajectory[3].data["dipole"], moments(3))
    universe.trajectory.close()


def test_dipoles_cannot_come_later(tmp_path: Path) -> None:
    with write(tmp_path / "t.h5", range(2)) as writer, pytest.raises(ValueError, match="had no dipoles"):
        writer.append(1.0, 2, frame(2), dipoles=np.zeros((2, 3)))
    with read_trajectory(tmp_path / "t.h5") as trajectory:
        assert trajectory.dipoles is None


def test_velocities_cannot_come_later(tmp_path: Path) -> None:
    with write(tmp_path / "t.h5", range(2)) as writer, pytest.raises(ValueError, match="had no velocities"):
        writer.append(1.0, 2, frame(2), velocities=moving(2))
    with read_trajectory(tmp_path / "t.h5") as trajectory:
        assert trajectory.velocities is None
        assert consistent(trajectory)


def test_other_molecules_and_walkers_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "t.h5", range(2)).close()
    with pytest.raises(TrajectoryError, match="expected 3 walkers"):
        TrajectoryWriter(tmp_path / "t.h5", ETHANOL, walkers=3)
    with pytest.raises(TrajectoryError, match="3 atoms"):
        TrajectoryWriter(tmp_path / "t.h5", WATER, walkers=2)


def test_wrong_frames_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    writer = write(tmp_path / "t.h5", range(2))
    with pytest.raises(ValueError, match=r"\(2, 9, 3\)"):
        writer.append(0.0, 2, np.zeros((1, ATOMS, 3)))
    with pytest.raises(ValueError, match="pressure"):
        writer.append(0.0, 2, frame(2), pressure=1.0)
    assert len(writer) == 2
    writer.close()


def test_files_that_are_no_trajectories_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no trajectory"):
        read_trajectory(tmp_path / "t.h5")
    (tmp_path / "t.h5").write_text("no HDF5 file")
    with pytest.raises(TrajectoryError, match="damaged"):
        read_trajectory(tmp_path / "t.h5")
    h5py.File(tmp_path / "u.h5", "w").close()
    with pytest.raises(TrajectoryError, match="no trajectory of so3k_explore"):
        read_trajectory(tmp_path / "u.h5")
