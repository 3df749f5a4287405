r"""Vibrational spectra of trajectories, and harmonic lines made broad to be laid beside them.

*Power spectrum*, the vibrational density of states, from the autocorrelation of mass-weighted velocities:

.. math:: g(\tilde\nu) = \frac{2c}{kT} \int_{-\infty}^{\infty}
          \sum_i m_i \langle v_i(0)\, v_i(t) \rangle\, e^{-2\pi i c \tilde\nu t}\, dt, \qquad
          \int_0^\infty g\, d\tilde\nu = \text{degrees of freedom}

*Infrared spectrum* from the velocity of the dipole, with the harmonic quantum correction
:math:`\beta\hbar\omega / (1 - e^{-\beta\hbar\omega})` of the classical correlation, which cancels the stimulated
emission and is exact for harmonic vibrations (Ramírez et al., J. Chem. Phys. 121, 3973 (2004)):

.. math:: A(\tilde\nu) = \frac{N_A}{12 \varepsilon_0 c^2}\, \frac{2c}{kT} \int_{-\infty}^{\infty}
          \langle \dot\mu(0)\, \dot\mu(t) \rangle\, e^{-2\pi i c \tilde\nu t}\, dt

so its integral over a band is the intensity in km/mol. Both are averages over Hann-windowed stretches that overlap by
half (Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967)); a sharp line comes out with a full width at half maximum
of `resolution`. Where positions are given, molecules are seen from themselves (`body_frame`).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from so3k_explore import units
from so3k_explore.analysis.body_frame import internal_velocities, rigid_motions, turns
from so3k_explore.analysis.welch import HANN_WIDTH, SPEED_OF_LIGHT, Average, one_sided, starts
from so3k_explore.observables.infrared import INTENSITY

RESOLUTION = 10.0  # cm⁻¹
HIGHEST = 4000.0  # cm⁻¹, above all vibrations of molecules with hydrogen


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A spectrum against the wavenumber, averaged over stretches of time and walkers."""

    quantity: str  # what the density is
    unit: str  # of its integral
    wavenumbers: np.ndarray  # (bins,), cm⁻¹, from 0 in equal steps
    density: np.ndarray  # (bins,), unit / cm⁻¹
    error: np.ndarray  # (bins,), standard error of the density; NaN where there was one sample only
    resolution: float  # cm⁻¹, full width at half maximum of a sharp line
    temperature: float  # K, of the normalisation
    interval: float  # fs between frames
    samples: int  # stretches that were averaged
    errors_from: str  # "walkers" or "stretches"
    parts: dict[str, np.ndarray] = field(default_factory=dict)  # contributions to the density by element, (bins,)

    def integral(self, low: float | int = 0.0, high: float | int = np.inf) -> float:
        """Integral of the density between two wavenumbers."""
        inside = (self.wavenumbers >= low) & (self.wavenumbers <= high)
        return float(self.density[inside].sum() * self.step)

    @property
    def step(self) -> float:
        """Distance of two bins, cm⁻¹."""
        return float(self.wavenumbers[1] - self.wavenumbers[0])

    def peaks(self, most: int = 20) -> list[tuple[float, float, float]]:
        """The most prominent maxima by wavenumber: place (cm⁻¹), height and its error.

        Those that rise by less than twice their error, or a hundredth of the highest, are noise.
        """
        from scipy.signal import find_peaks

        places, found = find_peaks(self.density, prominence=0.01 * float(self.density.max(initial=0.0)))
        rise = found["prominences"]
        real = rise > 2 * np.nan_to_num(self.error[places])
        kept = np.sort(places[real][np.argsort(-rise[real])[:most]])
        return [(float(self.wavenumbers[k]), float(self.density[k]), float(self.error[k])) for k in kept]

    def below(self, highest: float | int) -> "Spectrum":
        """The part up to a wavenumber."""
        kept = self.wavenumbers <= highest
        cut = {name: part[kept] for name, part in self.parts.items()}
        values = {name: getattr(self, name)[kept] for name in ("wavenumbers", "density", "error")}
        return type(self)(**{**self.__dict__, **values, "parts": cut})


def power_spectrum(
    velocities: Any,
    masses: Any,
    interval: float | int,
    *,
    positions: Any = None,
    numbers: Any = None,
    temperature: float | int | None = None,
    resolution: float | int = RESOLUTION,
    highest: float | int = HIGHEST,
) -> Spectrum:
    """Vibrational density of states, in degrees of freedom per cm⁻¹.

    Args:
        velocities: (frames, walkers, atoms, 3) in Å/fs, an array or what slices like one; read piece by piece.
        masses: (atoms,), u, those of the dynamics.
        interval: time between frames, fs.
        positions: of the same frames, Å: overall motion is taken out, and 6 (5) degrees of freedom with it. Without
            them all motion counts.
        numbers: atomic numbers, for contributions by element.
        temperature: of the thermostat, K; None: that of these velocities, so the integral is exactly the degrees of
            freedom.
        resolution: full width at half maximum of a sharp line, cm⁻¹.
        highest: highest vibration of the molecule, cm⁻¹; frames must be dense enough for it.

    Raises:
        ValueError: frames are too far apart or too few.
    """
    masses = np.asarray(masses, float)
    frames, walkers = velocities.shape[:2]
    length = stretch_length(frames, interval, resolution, highest)
    groups = _elements(numbers, len(masses))
    first = None if positions is None else np.asarray(positions[0, 0], float)
    degrees = 3 * len(masses) - (0 if first is None else rigid_motions(first, masses))

    def stretch(walker: int, start: int) -> np.ndarray:
        rows = slice(start, start + length)
        moving = np.asarray(velocities[rows, walker], float)
        if positions is not None and first is not None:
            moving = internal_velocities(np.asarray(positions[rows, walker], float), moving, masses, first)
        spectra = one_sided(moving * np.sqrt(masses)[:, None], interval).sum(axis=-1) / units.FS**2  # eV cm
        return np.stack([spectra[:, group].sum(axis=1) for group in groups.values()])

    collected = Average.over(walkers, starts(frames, length), stretch)
    step = 1 / (length * interval * SPEED_OF_LIGHT)
    measured = collected.mean.sum() * step / degrees / units.KB
    kelvin = measured if temperature is None else temperature
    return _finished(
        collected, groups, step, 1 / (units.KB * kelvin), "density of states", "degrees of freedom", kelvin, interval
    )


def infrared_spectrum(
    dipoles: Any,
    temperature: float | int,
    interval: float | int,
    *,
    positions: Any = None,
    masses: Any = None,
    resolution: float | int = RESOLUTION,
    highest: float | int = HIGHEST,
) -> Spectrum:
    """Infrared absorption, km/mol per cm⁻¹, with the harmonic quantum correction.

    The dipole's velocity comes from differences of neighbouring frames; what they take off high frequencies is given
    back.

    Args:
        dipoles: (frames, walkers, 3) in e·Å, about the centre of mass.
        temperature: K.
        interval: time between frames, fs.
        positions: (frames, walkers, atoms, 3) of the same frames, Å: the molecule is seen from itself, so that its
            rotation neither absorbs nor splits bands. Without them it turns.
        masses: (atoms,), u; needed with positions.
        resolution: full width at half maximum of a sharp line, cm⁻¹.
        highest: highest vibration of the molecule, cm⁻¹; frames must be dense enough for it.

    Raises:
        ValueError: frames are too far apart or too few, or the temperature is not positive.
    """
    if not temperature > 0:
        raise ValueError(f"An infrared spectrum needs a `temperature` above 0 K, got {temperature:g} K.")
    frames, walkers = dipoles.shape[:2]
    length = stretch_length(frames - 1, interval, resolution, highest)
    first = None if positions is None else np.asarray(positions[0, 0], float)
    weights = None if masses is None else np.asarray(masses, float)
    angle = np.pi * np.arange(length // 2 + 1) / length  # half the phase between two frames
    given_back = 1 / np.sinc(angle / np.pi) ** 2

    def stretch(walker: int, start: int) -> np.ndarray:
        rows = slice(start, start + length + 1)
        moment = np.asarray(dipoles[rows, walker], float)
        if positions is not None and first is not None and weights is not None:
            turn = turns(np.asarray(positions[rows, walker], float), first, weights)
            moment = np.einsum("fxy,fy->fx", turn, moment)
        velocity = np.diff(moment, axis=0) / interval / units.FS
        return (one_sided(velocity, interval).sum(axis=-1) * given_back)[None]

    collected = Average.over(walkers, starts(frames - 1, length), stretch)
    step = 1 / (length * interval * SPEED_OF_LIGHT)
    factor = INTENSITY / (units.KB * temperature)
    return _finished(collected, {}, step, factor, "infrared absorption", "km/mol", temperature, interval)


def stretch_length(frames: int, interval: float | int, resolution: float | int, highest: float | int) -> int:
    """Frames in a stretch that gives this resolution (cm⁻¹).

    Raises:
        ValueError: frames are too far apart for the highest vibration, or too few for the resolution.
    """
    if not (resolution > 0 and interval > 0):
        raise ValueError(f"`resolution` and `interval` must be positive, got {resolution} cm⁻¹ and {interval} fs.")
    reach = 1 / (2 * interval * SPEED_OF_LIGHT)
    if highest > reach:
        raise ValueError(
            f"Frames every {interval:g} fs show vibrations up to {reach:.0f} cm⁻¹, faster ones would appear at wrong "
            f"places. Up to {highest:g} cm⁻¹ takes frames every {longest_interval(highest):.1f} fs or less: "
            "set `frame_interval` to 2 fs."
        )
    wanted = HANN_WIDTH / (resolution * SPEED_OF_LIGHT)  # fs
    length = max(8, round(wanted / interval))
    if length > frames:
        possible = HANN_WIDTH / (max(frames, 1) * interval * SPEED_OF_LIGHT)
        raise ValueError(
            f"A resolution of {resolution:g} cm⁻¹ takes {wanted / 1000:.2g} ps of dynamics, there are "
            f"{frames * interval / 1000:.2g} ps. Run longer, or ask for {possible:.2g} cm⁻¹ or more."
        )
    return length


def longest_interval(highest: float | int = HIGHEST) -> float:
    """Time between frames (fs) at which vibrations up to `highest` (cm⁻¹) can still be told apart."""
    return 1 / (2 * highest * SPEED_OF_LIGHT)


def broadened(
    frequencies: Any,
    weights: Any,
    wavenumbers: Float[np.ndarray, "bins"],
    width: float | int,
    *,
    shape: str = "lorentzian",
) -> Float[np.ndarray, "bins"]:
    """Lines (cm⁻¹) of these weights as a density per cm⁻¹; `width` is the full width at half maximum.

    Imaginary frequencies (negative) are left out.
    """
    if shape not in ("lorentzian", "gaussian"):
        raise ValueError(f"`shape` must be 'lorentzian' or 'gaussian', got {shape!r}.")
    if not width > 0:
        raise ValueError(f"`width` must be positive, got {width:g} cm⁻¹.")
    frequencies, weights = np.asarray(frequencies, float), np.asarray(weights, float)
    real = frequencies > 0
    away = 2 * (np.asarray(wavenumbers, float)[:, None] - frequencies[real]) / width
    if shape == "lorentzian":
        lines = 2 / (np.pi * width) / (1 + away**2)
    else:
        lines = 2 * np.sqrt(np.log(2) / np.pi) / width * np.exp(-np.log(2) * away**2)
    return lines @ weights[real]


def seen_in_dynamics(frequencies: Any, timestep: float | int) -> np.ndarray:
    r"""Where harmonic frequencies (cm⁻¹) appear in dynamics with a time step in fs.

    Verlet's scheme, and Langevin's splittings of it, turn too fast: :math:`\omega' = \arcsin(\omega h/2)\, 2/h`.
    """
    half = np.pi * SPEED_OF_LIGHT * timestep
    return np.arcsin(np.clip(np.asarray(frequencies, float) * half, -1, 1)) / half


def _elements(numbers: Any, atoms: int) -> dict[str, np.ndarray]:
    if numbers is None:
        return {"": np.arange(atoms)}
    from ase.data import chemical_symbols

    numbers = np.asarray(numbers, int)
    return {chemical_symbols[number]: np.flatnonzero(numbers == number) for number in np.unique(numbers).tolist()}


def _finished(
    found: Average,
    groups: dict[str, np.ndarray],
    step: float,
    factor: float,
    quantity: str,
    unit: str,
    temperature: float | int,
    interval: float | int,
) -> Spectrum:
    parts = zip(groups, factor * found.mean, strict=False)
    return Spectrum(
        quantity=quantity,
        unit=unit,
        wavenumbers=step * np.arange(found.mean.shape[1]),
        density=factor * found.mean.sum(axis=0),
        error=factor * found.error,
        resolution=HANN_WIDTH * step,
        temperature=float(temperature),
        interval=float(interval),
        samples=found.samples,
        errors_from=found.errors_from,
        parts={name: part for name, part in parts if name},
    )
