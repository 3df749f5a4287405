"""What the host sees of the walkers, and what it gives them to do next."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from so3k_explore.exploration.walkers import Phase, Task, Walkers
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
        )


class TaskSheet:
    """A `Task` being filled in, walker by walker."""

    def __init__(self, walkers: int, atoms: int, timestep: np.ndarray) -> None:
        self.chosen = np.zeros(walkers, bool)
        self._phase = np.zeros(walkers, np.int32)
        self._positions, self._direction = np.zeros((2, walkers, atoms, 3))
        self._energy, self._kinetic, self._tolerance = np.zeros((3, walkers))
        self._timestep = timestep

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
        )
