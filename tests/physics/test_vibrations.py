"""What a trajectory hears is what the Hessian predicts."""

import numpy as np

from so3k_explore import units
from so3k_explore.observables.hessian import normal_modes
from so3k_explore.simulation import NVE, initial_state, simulate
from tests.simulation.toys import TRIANGLE, springs_of


def test_velocities_oscillate_at_the_normal_mode_frequencies() -> None:
    """Peaks of the power spectrum of mass-weighted velocities, which transforms their autocorrelation."""
    springs, timestep, stride, frames = springs_of(TRIANGLE), 0.2 * units.FS, 5, 4096
    state = initial_state(springs, TRIANGLE, temperature=5.0, seed=2)
    velocities = np.empty((frames, 3, 3))
    run = simulate(NVE(timestep), springs, state, stride)
    for frame in range(frames):
        velocities[frame] = next(run).momenta[0] / np.sqrt(TRIANGLE.masses)[:, None]
    window = np.hanning(frames)[:, None, None]
    spectrum = (np.abs(np.fft.rfft(window * velocities, n=4 * frames, axis=0)) ** 2).sum(axis=(1, 2))
    quanta = 2 * np.pi * units.HBAR * np.fft.rfftfreq(4 * frames, stride * timestep) / units.INVERSE_CM
    for frequency in normal_modes(springs, TRIANGLE).frequencies:
        near = np.abs(quanta - frequency) < 30
        peak = quanta[near][np.argmax(spectrum[near])]
        np.testing.assert_allclose(peak, frequency, atol=3)
        assert spectrum[near].max() > 100 * np.median(spectrum)
