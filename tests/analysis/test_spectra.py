"""Spectra of motions that are known on paper."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.analysis.body_frame import internal_velocities, rigid_motions
from so3k_explore.analysis.correlation import autocorrelation
from so3k_explore.analysis.spectra import (
    HANN_WIDTH,
    SPEED_OF_LIGHT,
    broadened,
    infrared_spectrum,
    power_spectrum,
    seen_in_dynamics,
)
from so3k_explore.geometry.rotations import random_rotation
from so3k_explore.observables.hessian import NormalModes, normal_modes
from so3k_explore.observables.infrared import infrared_intensities
from so3k_explore.simulation import NVE, initial_state, simulate
from so3k_explore.system import replicate
from tests.simulation.toys import TRIANGLE, Charged, springs_of

KELVIN = 300.0
CHARGES = np.array([-0.4, 0.3, 0.1])  # e
MASSES = np.asarray(TRIANGLE.masses)


@pytest.fixture(scope="module")
def modes() -> NormalModes:
    return normal_modes(springs_of(TRIANGLE), TRIANGLE)


def vibrating(modes: NormalModes, frames: int, interval: float, walkers: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Positions (Å) and velocities (Å/fs) of harmonic vibrations with kT in each, small so that nothing else moves."""
    angular = 2 * np.pi * SPEED_OF_LIGHT * modes.frequencies  # 1/fs
    time = interval * np.arange(frames)
    phase = 2 * np.pi * np.random.default_rng(1).uniform(size=(walkers, len(angular)))
    amplitude = np.sqrt(2 * units.KB * KELVIN / modes.reduced_masses) * units.FS / angular  # Å
    swing = angular * time[:, None, None] + phase  # (frames, walkers, modes)
    place = np.einsum("fwk,k,kax->fwax", np.cos(swing), amplitude, modes.modes)
    speed = np.einsum("fwk,k,kax->fwax", -np.sin(swing), amplitude * angular, modes.modes)
    return np.asarray(TRIANGLE.positions) + place, speed


def peaks(wavenumbers: np.ndarray, density: np.ndarray) -> np.ndarray:
    inner = (density[1:-1] > density[:-2]) & (density[1:-1] > density[2:]) & (density[1:-1] > 0.05 * density.max())
    return wavenumbers[1:-1][inner]


def test_each_vibration_is_a_line_that_counts_one_degree_of_freedom(modes: NormalModes) -> None:
    _, velocities = vibrating(modes, 6000, 2.0)
    found = power_spectrum(velocities, MASSES, 2.0, temperature=KELVIN)
    assert found.resolution == pytest.approx(10.0, rel=1e-3)
    np.testing.assert_allclose(peaks(found.wavenumbers, found.density), modes.frequencies, atol=found.step)
    for frequency in modes.frequencies:
        np.testing.assert_allclose(found.integral(frequency - 40, frequency + 40), 1.0, rtol=0.01)
    assert found.integral(0, modes.frequencies[0] - 60) < 1e-3
    half = found.density > found.density[np.abs(found.wavenumbers - modes.frequencies[1]) < 20].max() / 2
    width = found.step * half[np.abs(found.wavenumbers - modes.frequencies[1]) < 20].sum()
    assert width == pytest.approx(found.resolution, abs=found.step)


def test_parts_add_up_and_the_integral_is_the_degrees_of_freedom(modes: NormalModes) -> None:
    """Parseval: nothing is lost between time and frequency."""
    noise = np.random.default_rng(0).normal(size=(3000, 2, 3, 3)) / np.sqrt(MASSES)[:, None]
    positions, velocities = vibrating(modes, 3000, 2.0, walkers=2)
    numbers = np.asarray(TRIANGLE.numbers)
    found = power_spectrum(velocities + noise, MASSES, 2.0, numbers=numbers, resolution=20)
    np.testing.assert_allclose(found.integral(), 9.0, rtol=1e-12)
    assert sorted(found.parts) == ["C", "H", "O"]
    np.testing.assert_allclose(sum(found.parts.values()), found.density, rtol=1e-12)
    inside = power_spectrum(velocities, MASSES, 2.0, positions=positions, resolution=20)
    np.testing.assert_allclose(inside.integral(), 3.0, rtol=1e-12)


def test_the_spectrum_is_the_transform_of_the_autocorrelation() -> None:
    """Wiener and Khinchin, for noise with a memory that is known: a Lorentzian of width friction / 2 pi c."""
    rng, friction, interval = np.random.default_rng(4), 0.02, 1.0  # 1/fs, fs
    kept = np.exp(-friction * interval)
    series = np.zeros((40000, 4, 1, 3))
    kick = rng.normal(size=series.shape) * np.sqrt(1 - kept**2)
    for k in range(1, len(series)):
        series[k] = kept * series[k - 1] + kick[k]
    memory = autocorrelation(series[:, :, 0, 0], 200).mean(axis=1)
    np.testing.assert_allclose(memory / memory[0], kept ** np.arange(200), atol=0.1)
    found = power_spectrum(series, [1.0], interval, resolution=5.0)
    expected = 3 * 4 * SPEED_OF_LIGHT * friction / (friction**2 + (2 * np.pi * SPEED_OF_LIGHT * found.wavenumbers) ** 2)
    low = (found.wavenumbers > 10) & (found.wavenumbers < 1000)
    away = (found.density[low] - expected[low]) / found.error[low]
    assert np.abs(away).mean() < 1.6  # a t distribution of 3 degrees of freedom has 1.1
    np.testing.assert_allclose(found.density[low].sum(), expected[low].sum(), rtol=0.05)


def test_neither_the_interval_of_frames_nor_the_order_of_walkers_matters(modes: NormalModes) -> None:
    positions, velocities = vibrating(modes, 8000, 1.0, walkers=5)
    sharp = HANN_WIDTH / (SPEED_OF_LIGHT * 4800.0)  # a stretch is 4800 fs long, whatever the interval
    fine = power_spectrum(velocities, MASSES, 1.0, positions=positions, resolution=sharp)
    coarse = power_spectrum(velocities[::2], MASSES, 2.0, positions=positions[::2], resolution=sharp)
    np.testing.assert_allclose(coarse.wavenumbers, fine.wavenumbers[: len(coarse.wavenumbers)])
    shown = fine.wavenumbers < 4000
    np.testing.assert_allclose(
        coarse.density[shown[: len(coarse.density)]], fine.density[shown], atol=1e-3 * fine.density.max()
    )
    order = [3, 0, 4, 2, 1]
    other = power_spectrum(velocities[:, order], MASSES, 1.0, positions=positions[:, order], resolution=sharp)
    np.testing.assert_allclose(other.density, fine.density, atol=1e-4 * fine.density.max())
    np.testing.assert_allclose(other.error, fine.error, atol=1e-4 * fine.density.max())
    assert fine.errors_from == "walkers"


def test_rotation_and_translation_are_taken_out(modes: NormalModes) -> None:
    positions, velocities = vibrating(modes, 4000, 2.0)
    spin, drift, time = np.array([0.0, 0.0, 0.004]), np.array([0.01, 0.0, 0.02]), 2.0 * np.arange(4000)  # 1/fs, Å/fs
    cosine, sine, zero = np.cos(spin[2] * time), np.sin(spin[2] * time), np.zeros(4000)
    turn = np.array([[cosine, -sine, zero], [sine, cosine, zero], [zero, zero, zero + 1]]).transpose(2, 0, 1)
    moved = np.einsum("fxy,fway->fwax", turn, positions)
    speed = np.einsum("fxy,fway->fwax", turn, velocities) + np.cross(spin, moved) + drift
    moved = moved + drift * time[:, None, None, None]
    still = power_spectrum(velocities, MASSES, 2.0, temperature=KELVIN)
    found = power_spectrum(speed, MASSES, 2.0, positions=moved, temperature=KELVIN)
    np.testing.assert_allclose(found.density, still.density, atol=0.02 * still.density.max())
    split = power_spectrum(speed, MASSES, 2.0, temperature=KELVIN)
    assert split.integral(0, 60) > 5  # what was taken out
    assert rigid_motions(moved[0, 0], MASSES) == 6
    assert rigid_motions(np.array([[0.0, 0, 0], [0, 0, 1.0], [0, 0, 2.5]]), MASSES) == 5


def test_a_linear_molecule_loses_two_rotations() -> None:
    positions = np.array([[[0.0, 0, 0], [0, 0, 1.2]]])
    speed = np.random.default_rng(0).normal(size=(1, 2, 3))
    masses = np.array([12.0, 16.0])
    left = internal_velocities(positions, speed, masses, positions[0])[0]
    np.testing.assert_allclose(left[:, :2], 0.0, atol=1e-12)
    np.testing.assert_allclose(left[1, 2] - left[0, 2], speed[0, 1, 2] - speed[0, 0, 2])


@pytest.mark.parametrize("interval", [1.0, 4.0])
def test_infrared_bands_have_the_harmonic_intensities(modes: NormalModes, interval: float) -> None:
    """Also where frames are so far apart that differences lose a third of the fastest band."""
    potential = Charged(springs_of(TRIANGLE), jnp.asarray(CHARGES))
    expected = infrared_intensities(potential, TRIANGLE, modes)
    positions, _ = vibrating(modes, int(12000 / interval), interval)
    turned = positions @ np.asarray(random_rotation(jax.random.key(3))).T
    dipoles = np.einsum("a,fwax->fwx", CHARGES, turned)
    found = infrared_spectrum(dipoles, KELVIN, interval, positions=turned, masses=MASSES)
    assert found.unit == "km/mol"
    for frequency, intensity in zip(modes.frequencies, expected, strict=True):
        band = found.integral(frequency - 50, frequency + 50)
        np.testing.assert_allclose(band, intensity, rtol=0.02, atol=0.02 * expected.max())


def test_a_turning_diatomic_with_fixed_charges_absorbs_as_known() -> None:
    """Its velocity along the bond holds kT/2; the analytic intensity is that of the tables, whatever its rotation."""
    interval, charge, wavenumber = 2.0, 0.2, 2886.0
    masses, time = np.array([1.008, 35.45]), 2.0 * np.arange(6000)
    reduced = masses.prod() / masses.sum()
    omega = 2 * np.pi * SPEED_OF_LIGHT * wavenumber
    bond = 1.27 + np.sqrt(2 * units.KB * KELVIN / reduced) * units.FS / omega * np.cos(omega * time)
    axis = np.stack([np.cos(0.01 * time), np.sin(0.01 * time), 0 * time], axis=-1)
    positions = np.stack(
        [-bond[:, None] * axis * reduced / masses[0], bond[:, None] * axis * reduced / masses[1]], axis=1
    )
    dipoles = charge * (positions[:, 1] - positions[:, 0])
    seen = infrared_spectrum(dipoles[:, None], KELVIN, interval, positions=positions[:, None], masses=masses)
    np.testing.assert_allclose(seen.integral(2700, 3100), 974.88 * charge**2 / reduced, rtol=0.01)
    split = infrared_spectrum(dipoles[:, None], KELVIN, interval)
    away = 0.01 / (2 * np.pi * SPEED_OF_LIGHT)
    np.testing.assert_allclose(peaks(split.wavenumbers, split.density)[-2:], [2886 - away, 2886 + away], atol=4)


def test_dynamics_shows_the_frequencies_of_its_springs(modes: NormalModes) -> None:
    """From the integrator to the lines, with what the time step shifts."""
    potential, timestep = springs_of(TRIANGLE), 2.0
    state = initial_state(potential, replicate(TRIANGLE, 4), temperature=2.0, seed=1)
    frames = list(itertools.islice(simulate(NVE(timestep * units.FS), potential, state, 1), 2000))
    positions = np.stack([np.asarray(frame.system.positions) for frame in frames])
    momenta = np.stack([np.asarray(frame.momenta) for frame in frames])
    velocities = units.FS * momenta / MASSES[:, None]
    found = power_spectrum(velocities, MASSES, timestep, positions=positions, resolution=15.0)
    expected = seen_in_dynamics(modes.frequencies, timestep)
    assert (expected - modes.frequencies).max() > 10
    np.testing.assert_allclose(peaks(found.wavenumbers, found.density), expected, atol=found.step)


def test_lines_become_broad_without_losing_weight() -> None:
    grid = np.arange(0.0, 8000.0, 0.5)
    for shape in ("gaussian", "lorentzian"):
        density = broadened([1000.0, 3000.0, -50.0], [2.0, 1.0, 9.0], grid, 10.0, shape=shape)
        np.testing.assert_allclose(density.sum() * 0.5, 3.0, rtol=0.01)
        assert density[np.searchsorted(grid, 1005.0)] == pytest.approx(
            density[np.searchsorted(grid, 1000.0)] / 2, rel=1e-2
        )
    with pytest.raises(ValueError, match="'lorentzian' or 'gaussian', got 'square'"):
        broadened([1.0], [1.0], grid, 1.0, shape="square")


def test_what_is_missing_is_said() -> None:
    velocities = np.zeros((400, 1, 2, 3))
    with pytest.raises(ValueError, match=r"Frames every 10 fs show vibrations up to 1668 cm⁻¹.*4\.2 fs or less"):
        power_spectrum(velocities, [1.0, 1.0], 10.0)
    with pytest.raises(ValueError, match=r"10 cm⁻¹ takes 4\.8 ps of dynamics, there are 0\.8 ps.*60 cm⁻¹"):
        power_spectrum(velocities, [1.0, 1.0], 2.0)
    with pytest.raises(ValueError, match="above 0 K, got 0 K"):
        infrared_spectrum(np.zeros((400, 1, 3)), 0.0, 2.0)


def test_errors_shrink_with_the_number_of_samples_and_cover_the_truth() -> None:
    noise = np.random.default_rng(8).normal(size=(8000, 16, 1, 3))
    many = power_spectrum(noise, [1.0], 2.0, resolution=40)
    few = power_spectrum(noise[:2000, :1], [1.0], 2.0, resolution=40)
    assert (many.errors_from, few.errors_from) == ("walkers", "stretches")
    flat = 3 / (len(many.wavenumbers) * many.step)
    inner = slice(2, -2)
    assert 0.5 < np.mean(((many.density - flat) / many.error)[inner] ** 2) < 2
    assert np.median(few.error[inner]) > 5 * np.median(many.error[inner])
    assert np.isnan(power_spectrum(noise[:720, :1], [1.0], 2.0, resolution=40).error).all()
