"""What the host sees of the walkers, and what it gives them to do next."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from so3k_explore.exploration.thermal import MASS, blank, thermal_flights
from so3k_explore.exploration.walker_state import Phase, Task, Walkers
from so3k_explore.observables.forces import forces_norm


@dataclass(frozen=True, eq=False)
class Seen:
    """What the walkers look like from the host, after a block."""

    phase: np.ndarray
    status: np.ndarray
    energy: np.ndarray  # eV
    positions: np.ndarray  # Å
    force: np.ndarray  # eV/Å, largest on any atom
    calls: np.ndarray
    highest: np.ndarray  # eV
    potential_range: np.ndarray  # eV
    total_range: np.ndarray  # eV
    landing: np.ndarray | None = None  # Å, where flights at a temperature ended
    landing_energy: np.ndarray | None = None  # eV

    @classmethod
    def of(cls, walkers: Walkers) -> "Seen":
        """Copies to the host."""
        numbers = lambda leaf: np.asarray(leaf, float)
        return cls(
            phase=np.asarray(walkers.phase),
            status=np.asarray(walkers.status),
            energy=numbers(walkers.energy),
            positions=numbers(walkers.system.positions),
            force=numbers(forces_norm(walkers.forces)),
            calls=np.asarray(walkers.calls),
            highest=numbers(walkers.highest),
            potential_range=np.ptp(numbers(walkers.potential_range), axis=1),
            total_range=np.ptp(numbers(walkers.total_range), axis=1),
            landing=None if walkers.thermal is None else numbers(walkers.thermal.landing),
            landing_energy=None if walkers.thermal is None else numbers(walkers.thermal.landing_energy),
        )


class Flight(NamedTuple):
    """A flight at a temperature."""

    positions: np.ndarray  # (atoms, 3), Å
    energy: float  # eV, there
    momenta: np.ndarray  # (atoms, 3)
    seed: int  # of the noise
    kT: float  # eV
    friction: float  # 1/internal time
    length: int  # steps
    height: float = 0.0  # eV, of the bias away from where it has been


class TaskSheet:
    """A `Task` being filled in, walker by walker."""

    def __init__(self, walkers: int, atoms: int, timestep: np.ndarray, *, thermal: bool = False) -> None:
        self.chosen = np.zeros(walkers, bool)
        self._phase = np.zeros(walkers, np.int32)
        self._positions, self._direction = np.zeros((2, walkers, atoms, 3))
        self._energy, self._kinetic, self._tolerance = np.zeros((3, walkers))
        self._timestep = timestep
        self._momenta = np.zeros((walkers, atoms, 3))
        self._thermal = blank(walkers, atoms) if thermal else None

    def relax(self, w: int, positions: np.ndarray, tolerance: float) -> None:
        """Relax from new positions (Å) until forces are below `tolerance` (eV/Å)."""
        self._choose(w, Phase.ARRIVING, tolerance)
        self._positions[w] = positions

    def relax_further(self, w: int, tolerance: float) -> None:
        """Go on relaxing, to a smaller tolerance (eV/Å)."""
        self._choose(w, Phase.RELAXING, tolerance)

    def fly(
        self, w: int, positions: np.ndarray, energy: float, direction: np.ndarray, kinetic: float, tolerance: float
    ) -> None:
        """Soften a direction (Å) at a minimum (Å, eV), fly along it with a kinetic energy (eV), and relax."""
        self._choose(w, Phase.SOFTENING, tolerance)
        self._positions[w], self._energy[w], self._direction[w], self._kinetic[w] = (
            positions,
            energy,
            direction,
            kinetic,
        )

    def fly_at(self, w: int, flight: "Flight", tolerance: float) -> None:
        """Fly at a temperature, and relax."""
        assert self._thermal is not None
        self._choose(w, Phase.FLYING, tolerance)
        self._positions[w], self._energy[w], self._momenta[w] = flight.positions, flight.energy, flight.momenta
        thermal = self._thermal
        for name in ("seed", "length", "friction", "kT", "height"):
            thermal[name][w] = getattr(flight, name)
        thermal["memory"][w, 0], thermal["remembered"][w], thermal["bias"][w] = flight.positions, 1, flight.height
        self._kinetic[w] = float(np.sum(flight.momenta**2)) / (2 * MASS)

    def _choose(self, w: int, phase: Phase, tolerance: float) -> None:
        self.chosen[w], self._phase[w], self._tolerance[w] = True, phase, tolerance

    def task(self, dtype: Any) -> Task:
        """The filled task, in the precision of the walkers."""
        cast = lambda array: jnp.asarray(array, dtype)
        return Task(
            chosen=jnp.asarray(self.chosen),
            phase=jnp.asarray(self._phase),
            positions=cast(self._positions),
            energy=cast(self._energy),
            direction=cast(self._direction),
            kinetic=cast(self._kinetic),
            timestep=cast(self._timestep),
            tolerance=cast(self._tolerance),
            momenta=None if self._thermal is None else cast(self._momenta),
            thermal=None if self._thermal is None else thermal_flights(self._thermal, dtype),
        )
