"""What the tab Spectra shows, made in threads: spectra of a trajectory, harmonic lines, films of normal modes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from so3k_explore.analysis.spectra import Spectrum
    from so3k_explore.jobs.harmonic import Harmonic

HIGHEST = 4000.0  # cm⁻¹, for which frames must be dense enough
END = 4200.0  # cm⁻¹, of the axis
COARSEST = 120.0  # cm⁻¹: a spectrum that resolves less shows nothing
SWING = 0.35  # Å, of the atom that moves most, in a film
FRAMES = 24  # of one period in a film
ACTION = "In card 3 open “More”, tick “{}” under “Record for spectra”, and run again; frames are then 2 fs apart."
NO_VELOCITIES = f"This run did not record velocities. {ACTION.format('velocities')} Harmonic lines work without."
NO_DIPOLES = (
    f"This run did not record dipole moments. {ACTION.format('dipoles')} The model must know charges, as SO3LR does. "
    "Power spectrum and harmonic lines work without."
)
WAITING = "Appears when there are frames enough: about 0.5 ps for a rough one."


@dataclass(frozen=True, eq=False)
class Spectra:
    """Spectra of the dynamics so far, or why there are none."""

    frames: int
    power: "Spectrum | None" = None
    infrared: "Spectrum | None" = None
    no_power: str = ""
    no_infrared: str = ""


@dataclass(frozen=True, eq=False)
class Lines:
    """Harmonic vibrations of one structure, or of several with their shares at equilibrium."""

    name: str  # whose they are
    shown: "Harmonic"  # of the structure in focus
    all: "tuple[Harmonic, ...]"
    shares: np.ndarray  # (structures,), Boltzmann's, from harmonic free energies
    temperature: float  # K, of the shares

    @property
    def averaged(self) -> bool:
        """Whether there are several structures."""
        return len(self.all) > 1

    def broadened(self, wavenumbers: np.ndarray, width: float, *, infrared: bool) -> np.ndarray | None:
        """Density of the lines with their shares; None where there are no intensities."""
        from so3k_explore.analysis.spectra import broadened

        density = np.zeros(len(wavenumbers))
        for each, share in zip(self.all, self.shares, strict=True):
            weights = each.intensities if infrared else np.ones(len(each.frequencies))
            if weights is None:
                return None
            density += share * broadened(each.frequencies, weights, wavenumbers, width)
        return density


def spectra_of(run: Any, resolution: float, begin: float, known: Spectra | None) -> Spectra | None:
    """Spectra of a run with all its frames so far; None when nothing is new since `known`.

    As long as there are few frames the resolution is what they allow.

    Args:
        run: of dynamics.
        resolution: cm⁻¹.
        begin: fs, from which frames count.
        known: made before, with the same settings.
    """
    from so3k_explore.io.following import infrared_spectrum_of, power_spectrum_of

    trajectory = run.trajectory()
    if trajectory is None:
        return Spectra(0, no_power=WAITING, no_infrared=WAITING)
    with trajectory:
        frames = len(trajectory)
        if known is not None and known.frames == frames:
            return None
        power, no_power = _try(power_spectrum_of, trajectory, resolution, begin, NO_VELOCITIES)
        infrared, no_infrared = _try(infrared_spectrum_of, trajectory, resolution, begin, NO_DIPOLES)
    return Spectra(frames, power, infrared, no_power, no_infrared)


def _try(make: Any, trajectory: Any, resolution: float, begin: float, missing: str) -> tuple[Any, str]:
    recorded = trajectory.velocities if missing == NO_VELOCITIES else trajectory.dipoles
    if recorded is None:
        return None, missing
    times = trajectory.times
    possible = _possible(times[times >= begin])
    if possible is None or possible > COARSEST:
        return None, WAITING
    try:
        return make(trajectory, begin=begin, resolution=max(resolution, possible), highest=HIGHEST), ""
    except ValueError as error:
        return None, str(error)


def _possible(times: np.ndarray) -> float | None:
    """Finest resolution (cm⁻¹) that so many frames allow; None with less than two."""
    from so3k_explore.analysis.welch import HANN_WIDTH, SPEED_OF_LIGHT

    if len(times) < 3:
        return None
    interval = float(times[1] - times[0])
    return HANN_WIDTH / (SPEED_OF_LIGHT * interval * (len(times) - 2)) * 1.01


def lines_of(name: str, asked: Any, focus: int, temperature: float) -> Lines:
    """Harmonic lines of structures, computed in another process; `focus` is the place of the one on show."""
    from so3k_explore.jobs.harmonic import harmonic_apart

    found = tuple(harmonic_apart(asked))
    return Lines(name, found[focus], found, shares_of(found, temperature), temperature)


def shares_of(found: "tuple[Harmonic, ...]", temperature: float) -> np.ndarray:
    """Boltzmann shares from energies and quasi-harmonic vibrations; structures with imaginary modes get none."""
    from so3k_explore import units
    from so3k_explore.observables.thermodynamics import vibrational

    free = np.full(len(found), np.inf)
    for k, each in enumerate(found):
        if (each.frequencies > 0).all():
            free[k] = each.energy + vibrational(each.frequencies, temperature, quasi_harmonic=True).free_energy
    if not np.isfinite(free).any():
        return np.full(len(found), 1 / len(found))
    weights = np.exp(-(free - free.min()) / (units.KB * temperature))
    return weights / weights.sum()


def film(harmonic: "Harmonic", mode: int) -> tuple[np.ndarray, np.ndarray]:
    """One period of a normal mode: frames (frames, atoms, 3) in Å and their times in fs."""
    from so3k_explore.analysis.welch import SPEED_OF_LIGHT

    shift = harmonic.modes[mode]
    shift = shift * SWING / np.linalg.norm(shift, axis=1).max()
    phase = np.arange(FRAMES) / FRAMES
    frames = harmonic.positions + np.sin(2 * np.pi * phase)[:, None, None] * shift
    period = 1 / (SPEED_OF_LIGHT * max(abs(float(harmonic.frequencies[mode])), 1.0))
    return frames.astype(np.float32), phase * period
