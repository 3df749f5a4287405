"""Flights at a temperature, as tasks: away from a minimum under a bias, or a stretch of a replica."""

import numpy as np

from so3k_explore import units
from so3k_explore.exploration.tasks import Flight
from so3k_explore.exploration.tempering import Replicas
from so3k_explore.exploration.thermal import MASS

FLIGHTS = ("metadynamics", "tempering")  # strategies that fly at a temperature
BIASED, STRETCH = 320, 200  # steps
HEIGHT = 0.04  # eV for every atom, of the bias
COOLER = 0.5  # temperature under the bias, which is what drives it, in units of that of the search
FRICTION = 0.02 / units.FS


def biased_flight(
    positions: np.ndarray, energy: float, temperature: float, seed: int, rng: np.random.Generator
) -> Flight:
    """Away from a minimum (Å, eV) and from where the flight has been, in a search at a temperature (K)."""
    kT = COOLER * temperature * units.KB
    height = HEIGHT * len(positions)
    return Flight(positions, energy, thermal_momenta(kT, positions, rng), seed, kT, FRICTION, BIASED, height)


def stretch(
    replicas: Replicas, replica: int, positions: np.ndarray, energy: float, seed: int, rng: np.random.Generator
) -> Flight:
    """A stretch of dynamics of a replica, the first one from a minimum (Å, eV)."""
    kT = replicas.temperature[replica] * units.KB
    if np.isfinite(replicas.energy[replica]):
        positions, energy = replicas.positions[replica], float(replicas.energy[replica])
    return Flight(positions, energy, thermal_momenta(kT, positions, rng), seed, kT, FRICTION, STRETCH)


def thermal_momenta(kT: float, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Momenta at a temperature, without motion of the whole."""
    momenta = rng.normal(scale=np.sqrt(MASS * kT), size=positions.shape)
    return momenta - momenta.mean(axis=0)
