r"""Thermodynamics of harmonic vibrations and of the rotation of a rigid molecule.

.. math:: U = \sum_k h\nu_k \Big(\tfrac12 + \frac{1}{e^{x_k}-1}\Big), \qquad
          S = k \sum_k \Big(\frac{x_k}{e^{x_k}-1} - \ln(1-e^{-x_k})\Big), \qquad x_k = h\nu_k / kT

Soft modes are no oscillators; the quasi-harmonic entropy of Grimme, Chem. Eur. J. 18, 9955 (2012), blends each into a
free rotor of the same frequency below about 100 cm⁻¹:

.. math:: S_k = w_k S_k^{\rm vib} + (1-w_k) S_k^{\rm rot}, \qquad w_k = \frac{1}{1+(\nu_0/\nu_k)^4}
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from so3k_explore import units
from so3k_explore.system import System

FREE_ROTOR = 100.0  # cm⁻¹, below which vibrations turn into free rotors
AVERAGE_INERTIA = 602.214  # u Å² (1e-44 kg m²), bound of the inertia of very soft modes


@dataclass(frozen=True)
class Thermodynamics:
    """Contributions to thermodynamic functions at one temperature; they add up with ``+``."""

    temperature: float  # K
    internal_energy: float  # eV, zero-point energy included
    entropy: float  # eV/K
    heat_capacity: float  # eV/K, at constant volume

    @property
    def free_energy(self) -> float:
        """Helmholtz free energy, eV."""
        return self.internal_energy - self.temperature * self.entropy

    def __add__(self, other: "Thermodynamics") -> "Thermodynamics":
        if other.temperature != self.temperature:
            raise ValueError(f"Temperatures must agree, got {self.temperature} K and {other.temperature} K.")
        return Thermodynamics(
            self.temperature,
            self.internal_energy + other.internal_energy,
            self.entropy + other.entropy,
            self.heat_capacity + other.heat_capacity,
        )


def vibrational(
    frequencies: Float[np.ndarray, "modes"],
    temperature: float,
    *,
    quasi_harmonic: bool = False,
    classical: bool = False,
) -> Thermodynamics:
    r"""Harmonic vibrations.

    Args:
        frequencies: cm⁻¹, all real, without rigid motions, as in `NormalModes.frequencies`.
        temperature: K.
        quasi_harmonic: take the entropy of soft modes from free rotors.
        classical: the limit of high temperature, :math:`U_k = kT,\ S_k = k (1 - \ln x_k)`, without quanta.

    Raises:
        ValueError: an imaginary frequency, or a temperature that is not positive.
    """
    frequencies = np.asarray(frequencies, float)
    if not temperature > 0:
        raise ValueError(f"`temperature` must be positive, got {temperature} K.")
    if (frequencies <= 0).any():
        raise ValueError(
            f"Frequencies must be real, got {int((frequencies <= 0).sum())} that are imaginary or zero "
            f"(lowest {frequencies.min():.1f} cm⁻¹). The structure is no minimum: relax it further."
        )
    quanta = units.INVERSE_CM * frequencies
    x = quanta / (units.KB * temperature)
    occupation = 1 / x - 0.5 if classical else np.exp(-x) / -np.expm1(-x)
    entropy = 1 - np.log(x) if classical else x * occupation - np.log1p(-np.exp(-x))
    capacity = np.ones_like(x) if classical else x**2 * occupation * (occupation + 1)
    if quasi_harmonic:
        weight = 1 / (1 + (FREE_ROTOR / frequencies) ** 4)
        entropy = weight * entropy + (1 - weight) * _rotor_entropy(quanta, temperature)
    return Thermodynamics(
        temperature,
        float((quanta * (0.5 + occupation)).sum()),
        float(units.KB * entropy.sum()),
        float(units.KB * capacity.sum()),
    )


def _rotor_entropy(quanta: np.ndarray, temperature: float) -> np.ndarray:
    r"""Entropy in k of free rotors with the inertia :math:`\mu = h/8\pi^2\nu`, bounded by `AVERAGE_INERTIA`."""
    inertia = units.HBAR**2 / (2 * quanta)
    inertia = inertia * AVERAGE_INERTIA / (inertia + AVERAGE_INERTIA)
    return 0.5 + 0.5 * np.log(2 * np.pi * inertia * units.KB * temperature / units.HBAR**2)


def rotational(system: System, temperature: float, *, symmetry_number: int = 1) -> Thermodynamics:
    r"""Classical rotation of a rigid molecule: :math:`Z = \sqrt{\pi \prod_a 2 I_a kT/\hbar^2}\,/\sigma`.

    Raises:
        ValueError: a periodic system, or a symmetry number below 1.
    """
    if system.periodic:
        raise ValueError("A periodic system does not rotate; leave the rotation out.")
    return rigid_rotor(principal_moments(system), temperature, symmetry_number=symmetry_number)


def rigid_rotor(moments: Float[np.ndarray, "3"], temperature: float, *, symmetry_number: int = 1) -> Thermodynamics:
    """Classical rotation with these principal moments of inertia in u Å²; see `rotational`."""
    if symmetry_number < 1:
        raise ValueError(f"`symmetry_number` must be at least 1, got {symmetry_number}.")
    factors = 2 * moments * units.KB * temperature / units.HBAR**2
    turning = factors[moments > 1e-6 * moments.max()] if moments.max() > 0 else factors[:0]
    count = len(turning)
    partition = {0: 1.0, 2: float(np.sqrt(turning.prod())), 3: float(np.sqrt(np.pi * turning.prod()))}[count]
    energy = count / 2 * units.KB * temperature
    entropy = units.KB * np.log(partition / symmetry_number) + energy / temperature
    return Thermodynamics(temperature, energy, float(entropy), count / 2 * units.KB)


def principal_moments(system: System) -> Float[np.ndarray, "3"]:
    """Principal moments of inertia of one system, u Å², ascending."""
    real = np.asarray(system.numbers) > 0
    masses, positions = np.asarray(system.masses, float)[real], np.asarray(system.positions, float)[real]
    arms = positions - np.average(positions, axis=0, weights=masses)
    second = np.einsum("n,nx,ny->xy", masses, arms, arms)
    return np.maximum(np.linalg.eigvalsh(np.trace(second) * np.eye(3) - second), 0.0)
