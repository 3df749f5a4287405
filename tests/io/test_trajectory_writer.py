"""Trajectories live through readers, kills and resumptions, and what does not belong into them stays out."""

import errno
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from so3k_explore.io.h5md import TrajectoryError, ensure_space
from so3k_explore.io.trajectories import read_trajectory
from so3k_explore.io.trajectory_writer import TrajectoryWriter
from tests.io.trajectories import ATOMS, consistent, frame, moving, write
from tests.molecules import ETHANOL, WATER


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
    "from tests.io.trajectories import frame, write\n"
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


def test_the_space_asked_for_covers_what_the_file_grows_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, asked = tmp_path / "t.h5", []
    monkeypatch.setattr(
        "so3k_explore.io.trajectory_writer.ensure_space", lambda folder, size: asked.append((folder, size))
    )
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

    monkeypatch.setattr("so3k_explore.io.trajectory_writer.ensure_space", full)
    for action in (lambda: writer.append(2.5, 5, frame(5), energy=[5, -5]), writer.close):
        with pytest.raises(OSError, match="No space left"):
            action()
    monkeypatch.undo()
    write(tmp_path / "t.h5", range(5, 8)).close()
    with read_trajectory(tmp_path / "t.h5") as trajectory:
        assert trajectory.steps.tolist() == list(range(8))
        assert consistent(trajectory)
    assert [file.name for file in tmp_path.iterdir()] == ["t.h5"]


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
