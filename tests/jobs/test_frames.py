from pathlib import Path

import numpy as np
import pytest

from so3k_explore.jobs.frames import LiveFrame, read_live, write_live


def test_the_newest_frame_comes_back_as_it_was(tmp_path: Path) -> None:
    positions = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    write_live(tmp_path / "live.bin", LiveFrame(7, 3.5, positions, {"energy": np.array([1.0, 2.0])}))
    frame = read_live(tmp_path / "live.bin")
    assert frame is not None
    assert (frame.step, frame.time_fs) == (7, 3.5)
    np.testing.assert_array_equal(frame.positions, positions)
    np.testing.assert_array_equal(frame.scalars["energy"], [1.0, 2.0])


@pytest.mark.parametrize("keep", [0, 10, 60, 150])
def test_a_damaged_frame_reads_as_none(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "live.bin"
    assert read_live(path) is None
    write_live(path, LiveFrame(1, 0.5, np.zeros((2, 5, 3), np.float32), {"energy": np.zeros(2)}))
    path.write_bytes(path.read_bytes()[:keep])
    assert read_live(path) is None
