"""Fewer or more walkers in the middle of a run."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from so3k_explore.simulation.freedom import thermal_momenta
from so3k_explore.simulation.state import MDState
from so3k_explore.typing import take

PER_WALKER = (
    *("system", "momenta", "energy", "forces", "neighbors", "key", "steps_taken", "status", "thermostat_energy"),
    "chain",
)


def select_walkers(state: MDState, index: np.ndarray) -> MDState:
    """The walkers `index` of a state, in that order; one may be taken several times."""
    rows = {name: take(getattr(state, name), index) for name in PER_WALKER}
    freedom = state.freedom.replace(free=state.freedom.free[index], degrees=state.freedom.degrees[index])
    return state.replace(**rows, freedom=freedom)


def add_walkers(state: MDState, sources: np.ndarray, seed: Any, kT: float) -> MDState:
    """State with further walkers: copies of `sources` with new thermal momenta at `kT` (eV) and random streams."""
    old = len(state.energy)
    state = select_walkers(state, np.concatenate([np.arange(old), sources]))
    fresh = jnp.arange(len(state.energy)) >= old
    keys = jax.random.split(seed, (len(state.energy), 2))
    momenta = thermal_momenta(keys[:, 0], state.system, kT, state.freedom)
    return state.replace(
        momenta=jnp.where(fresh[:, None, None], momenta, state.momenta),
        key=jnp.where(fresh, keys[:, 1], state.key),
        thermostat_energy=jnp.where(fresh, 0.0, state.thermostat_energy),
    )
