"""What was written is read back, by us and by others."""

from pathlib import Path

import h5py
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.io.trajectories import TrajectoryError, read_trajectory
from so3k_explore.io.trajectory_writer import TrajectoryWriter
from tests.io.trajectories import ATOMS, consistent, frame, mdanalysis, moving, write
from tests.molecules import ETHANOL, WATER


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


def test_files_that_are_no_trajectories_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no trajectory"):
        read_trajectory(tmp_path / "t.h5")
    (tmp_path / "t.h5").write_text("no HDF5 file")
    with pytest.raises(TrajectoryError, match="damaged"):
        read_trajectory(tmp_path / "t.h5")
    h5py.File(tmp_path / "u.h5", "w").close()
    with pytest.raises(TrajectoryError, match="no trajectory of so3k_explore"):
        read_trajectory(tmp_path / "u.h5")
