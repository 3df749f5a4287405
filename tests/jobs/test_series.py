from pathlib import Path

import numpy as np

from so3k_explore.jobs.series import SeriesReader, SeriesWriter


def test_rows_are_read_while_they_are_written(tmp_path: Path) -> None:
    writer, reader = SeriesWriter(tmp_path / "series"), SeriesReader(tmp_path / "series")
    assert len(reader.read()["step"]) == 0
    writer.append(0, 0.0, energy=[1.0, 2.0], rmsd=[0.0, 0.1])
    assert len(reader.read()["step"]) == 0
    writer.flush()
    writer.append(20, 10.0, energy=[3.0, 4.0], rmsd=[0.2, 0.3])
    writer.flush()
    table = reader.read()
    np.testing.assert_array_equal(table["time_fs"], [0.0, 10.0])
    np.testing.assert_array_equal(table["energy"], [[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(table["rmsd"], [[0.0, 0.1], [0.2, 0.3]])


def test_missing_walkers_are_nan_when_their_number_changed(tmp_path: Path) -> None:
    writer, reader = SeriesWriter(tmp_path / "series"), SeriesReader(tmp_path / "series")
    writer.append(0, 0.0, energy=[1.0])
    writer.append(1, 0.5, energy=[2.0, 3.0])
    writer.append(2, 1.0, energy=[4.0])
    writer.flush()
    np.testing.assert_array_equal(reader.read()["energy"], [[1.0, np.nan], [2.0, 3.0], [4.0, np.nan]])


def test_going_back_to_a_checkpoint_drops_later_rows_for_every_reader(tmp_path: Path) -> None:
    folder = tmp_path / "series"
    writer, reader = SeriesWriter(folder), SeriesReader(folder)
    for step in range(6):
        writer.append(step, 0.5 * step, energy=[float(step)])
    writer.flush()
    assert len(reader.read()["step"]) == 6
    writer = SeriesWriter(folder, keep_until=3)
    for step in range(4, 12):
        writer.append(step, 0.5 * step, energy=[-float(step)])
    writer.flush()
    table = reader.read()
    np.testing.assert_array_equal(table["step"], np.arange(12))
    np.testing.assert_array_equal(table["energy"][:, 0], [0, 1, 2, 3, *range(-4, -12, -1)])


def test_torn_rows_and_damaged_segments_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "series"
    writer = SeriesWriter(folder)
    writer.append(0, 0.0, energy=[1.0])
    writer.flush()
    with (folder / "0000.bin").open("ab") as stream:
        stream.write(b"torn")
    (folder / "0001.bin").write_bytes(b"\xff\x00 not a header")
    np.testing.assert_array_equal(SeriesReader(folder).read()["energy"], [[1.0]])
    writer = SeriesWriter(folder, keep_until=0)
    writer.append(1, 0.5, energy=[2.0])
    writer.flush()
    np.testing.assert_array_equal(SeriesReader(folder).read()["energy"], [[1.0], [2.0]])
