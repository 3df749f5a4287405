"""What a run of molecular dynamics runs on the device beside its steps, and the integrator that makes them."""

from typing import Any

import jax
import jax.numpy as jnp

from so3k_explore import units
from so3k_explore.jobs.settings import DynamicsSettings
from so3k_explore.observables.infrared import dipoles
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation import NVE, Integrator, Langevin, MDState, NoseHooverChain


@jax.jit
def observe(state: MDState) -> tuple[Any, dict[str, Any], Any]:
    """Positions (float32), energies (eV) and temperature (K) of all walkers, and the step."""
    scalars = {
        "energy": state.energy,
        "kinetic_energy": state.kinetic_energy,
        "temperature": state.temperature,
        "conserved_energy": state.conserved_energy,
    }
    return state.system.positions.astype(jnp.float32), scalars, state.step


@jax.jit
def dipoles_of(potential: Potential, state: MDState) -> Any:
    """Dipole moments of all walkers about their centres of mass, e·Å."""
    return dipoles(potential, state.system, state.neighbors)


def make_integrator(settings: DynamicsSettings) -> Integrator:
    """The integrator in internal units."""
    timestep, kT = settings.timestep * units.FS, settings.temperature * units.KB
    if settings.thermostat == "nve":
        return NVE(timestep)
    if settings.thermostat == "nose-hoover":
        return NoseHooverChain(timestep, kT, settings.relaxation_time * units.FS)
    return Langevin(timestep, kT, settings.friction / units.PS)
