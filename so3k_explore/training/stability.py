"""Whether molecules survive dynamics with a potential, and how well it conserves energy.

Small errors of forces do not promise stable dynamics (Fu et al., "Forces are not enough", Trans. Mach. Learn. Res.
(2023)). So W walkers are simulated, and those whose bonds stay within 0.5 Å of their reference, and form no new ones,
are counted.
"""

from dataclasses import dataclass
from itertools import count, takewhile

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from so3k_explore import units
from so3k_explore.io.molecule import Molecule
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation import NVE, Langevin, Status, advance, initial_state, make_guard, relaxed
from so3k_explore.simulation.state import MDState
from so3k_explore.system import replicate
from so3k_explore.typing import take

CHECK = 2000  # steps between two looks
MELTING = 2.0  # ps of thermostat before the drift is measured


@dataclass(frozen=True, eq=False)
class Stability:
    """What became of the walkers."""

    molecule: str
    temperature: float  # K
    duration: float  # ps asked for
    survived: Float[np.ndarray, "walkers"]  # ps
    status: tuple[str, ...]

    @property
    def fraction(self) -> float:
        """Share of walkers that are intact at the end."""
        return float(np.mean([word == Status.RUNNING.name for word in self.status]))


def stability(
    potential: Potential,
    molecule: Molecule,
    *,
    temperature: float,
    duration: float,
    walkers: int = 6,
    timestep: float = 0.5,
    friction: float = 1.0,
    seed: int = 0,
) -> Stability:
    """Langevin dynamics of W walkers from the nearest minimum.

    Args:
        potential: to be tested.
        molecule: its bonds are watched.
        temperature: K.
        duration: ps.
        walkers: how many, with different random numbers.
        timestep: fs.
        friction: 1/ps.
        seed: of the random numbers.
    """
    state = _start(potential, molecule, temperature, walkers, seed)
    thermostat = Langevin(timestep=timestep * units.FS, kT=temperature * units.KB, friction=friction / units.PS)
    total = round(1000 * duration / timestep)
    for done in takewhile(lambda step: step < total, count(0, CHECK)):
        state = advance(thermostat, potential, state, min(CHECK, total - done))
        if not bool(state.running.any()):
            break
    return Stability(
        molecule.name,
        temperature,
        duration,
        np.asarray(state.steps_taken, float) * timestep / 1000,
        tuple(Status(int(status)).name for status in state.status),
    )


def energy_drift(
    potential: Potential,
    molecule: Molecule,
    *,
    temperature: float = 300.0,
    duration: float = 10.0,
    timestep: float = 0.5,
    seed: int = 0,
) -> float:
    """Slope of the total energy in NVE after a short thermostat, meV per atom and ps, from a straight line."""
    state = _start(potential, molecule, temperature, 1, seed)
    step = timestep * units.FS
    thermostat = Langevin(timestep=step, kT=temperature * units.KB, friction=5.0 / units.PS)
    state = advance(thermostat, potential, state, round(1000 * MELTING / timestep))
    times, energies = [], []
    steps = max(1, round(1000 * duration / timestep / 100))
    start = float(state.conserved_energy[0] - state.thermostat_energy[0])
    for number in range(101):
        times.append(number * steps * timestep / 1000)
        energies.append(float((state.energy + state.kinetic_energy)[0]) - start)
        state = advance(NVE(timestep=step), potential, state, steps)
    return 1000 * float(np.polyfit(times, energies, 1)[0]) / molecule.n_atoms


def _start(potential: Potential, molecule: Molecule, temperature: float, walkers: int, seed: int) -> MDState:
    precision = jnp.result_type(*(leaf.dtype for leaf in jax.tree.leaves(potential)))
    system = take(relaxed(potential, molecule.system.astype(precision)).system, 0)
    guard = make_guard(system, molecule.bonds)
    return initial_state(potential, replicate(system, walkers), temperature=temperature, seed=seed, guard=guard)
