"""A stored trajectory gives the spectra and free energies of what was stored in it."""

from pathlib import Path

import numpy as np
import pytest

from so3k_explore.analysis.coordinates import Coordinate, distance, torsion
from so3k_explore.analysis.free_energy import free_energy
from so3k_explore.analysis.spectra import infrared_spectrum, power_spectrum
from so3k_explore.io.following import (
    AT_ONCE,
    follow,
    free_energy_of,
    infrared_spectrum_of,
    moving_walkers,
    power_spectrum_of,
)
from so3k_explore.io.trajectories import read_trajectory
from so3k_explore.io.trajectory_writer import TrajectoryWriter
from tests.molecules import ETHANOL

FRAMES, INTERVAL = AT_ONCE + 200, 2.0
RNG = np.random.default_rng(3)
START = np.asarray(ETHANOL.positions)
POSITIONS = (START + 0.05 * RNG.normal(size=(FRAMES, 3, *START.shape))).astype(np.float32)
VELOCITIES = (0.01 * RNG.normal(size=POSITIONS.shape)).astype(np.float32)
DIPOLES = RNG.normal(size=(FRAMES, 3, 3))
STOPPED = 600  # frame from which the second walker stands still


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trajectory") / "trajectory.h5"
    with TrajectoryWriter(path, ETHANOL, walkers=3, flush_every=100) as writer:
        for k in range(FRAMES):
            here = np.where(np.array([False, k >= STOPPED, False])[:, None, None], POSITIONS[STOPPED], POSITIONS[k])
            vectors = {"velocities": VELOCITIES[k], "dipoles": DIPOLES[k]}
            writer.append(INTERVAL * k, 4 * k, here, temperature=[290.0, 999.0, 310.0], **vectors)
    return path


def test_spectra_are_those_of_the_walkers_that_move(path: Path) -> None:
    options = {"resolution": 60.0}
    moving, masses = [0, 2], np.asarray(ETHANOL.masses)
    with read_trajectory(path) as trajectory:
        assert moving_walkers(trajectory).tolist() == moving
        power = power_spectrum_of(trajectory, begin=200.0, **options)
        infrared = infrared_spectrum_of(trajectory, begin=200.0, **options)
    assert sorted(power.parts) == ["C", "H", "O"]
    positions, velocities = POSITIONS[100:, moving], VELOCITIES[100:, moving]
    expected = power_spectrum(velocities, masses, INTERVAL, positions=positions, **options)
    np.testing.assert_allclose(power.density, expected.density, rtol=1e-9)
    np.testing.assert_allclose(power.integral(), 3 * 9 - 6)
    assert infrared.temperature == 300.0
    more = {"positions": positions, "masses": masses, **options}
    expected = infrared_spectrum(DIPOLES[100:, moving], 300.0, INTERVAL, **more)
    np.testing.assert_allclose(infrared.density, expected.density, rtol=1e-9)


def test_coordinates_are_followed_piece_by_piece(path: Path) -> None:
    bond, turn = distance(0, 1, "bond"), torsion((0, 1, 2, 8), "turn")
    with read_trajectory(path) as trajectory:
        lengths, angles = follow(trajectory, [bond, turn])
        found = free_energy_of(trajectory, [bond, turn], begin=200.0, bins=8)
    assert lengths.shape == angles.shape == (FRAMES, 2)
    expected = np.linalg.norm(POSITIONS[:, [0, 2], 0] - POSITIONS[:, [0, 2], 1], axis=-1)
    np.testing.assert_allclose(lengths, expected, rtol=1e-6)
    again = free_energy([lengths[100:], angles[100:]], 300.0, periods=(None, 360.0), bins=8)
    np.testing.assert_array_equal(found.counts, again.counts)
    assert found.temperature == 300.0


@pytest.mark.parametrize(
    ("make", "word"), [(power_spectrum_of, "velocities"), (infrared_spectrum_of, "dipole moments")]
)
def test_what_was_not_recorded_is_said(tmp_path: Path, make: object, word: str) -> None:
    assert callable(make)
    with TrajectoryWriter(tmp_path / "t.h5", ETHANOL, walkers=1) as writer:
        for k in range(3):
            writer.append(INTERVAL * k, k, POSITIONS[k, :1])
    with read_trajectory(tmp_path / "t.h5") as trajectory:
        with pytest.raises(ValueError, match=rf"`t.h5` has no {word}.*`frame_interval` 2 fs"):
            make(trajectory)
        with pytest.raises(ValueError, match="does not say its temperature"):
            free_energy_of(trajectory, [distance(0, 1, "bond")])
        with pytest.raises(ValueError, match=r"ends at 0\.004 ps; there are no two frames after 1 ps"):
            follow(trajectory, [distance(0, 1, "bond")], begin=1000.0)


def test_frames_at_unequal_times_make_no_spectrum(tmp_path: Path) -> None:
    with TrajectoryWriter(tmp_path / "t.h5", ETHANOL, walkers=1) as writer:
        for k, time in enumerate([0.0, 2.0, 4.0, 14.0]):
            writer.append(time, k, POSITIONS[k, :1], velocities=VELOCITIES[k, :1])
    with read_trajectory(tmp_path / "t.h5") as trajectory, pytest.raises(ValueError, match="got 2 to 10 fs"):
        power_spectrum_of(trajectory)


def test_a_trajectory_that_stands_still_says_so(tmp_path: Path) -> None:
    still: Coordinate = distance(0, 1, "bond")
    with TrajectoryWriter(tmp_path / "t.h5", ETHANOL, walkers=1) as writer:
        for k in range(3):
            writer.append(INTERVAL * k, k, POSITIONS[0, :1])
    with (
        read_trajectory(tmp_path / "t.h5") as trajectory,
        pytest.raises(ValueError, match=r"No walker of `t.h5` moves"),
    ):
        follow(trajectory, [still])
