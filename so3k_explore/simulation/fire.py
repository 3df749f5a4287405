"""FIRE, a damped dynamics that turns downhill (Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006)), per walker."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.simulation.minimizer import capped, finite
from so3k_explore.simulation.state import choose
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, pytree

PATIENCE = 5  # downhill steps before the timestep grows
GROW, SHRINK = 1.1, 0.5  # of the timestep
MIXING, MIXING_DECAY = 0.1, 0.99


@pytree
class FireMemory(Replaceable):
    """Velocities and how trustful each walker is."""

    velocities: Float[Array, "walkers atoms 3"]
    timestep: Float[Array, "walkers"]
    mixing: Float[Array, "walkers"]
    downhill: Int[Array, "walkers"]  # steps since the last turn
    step: Float[Array, "walkers atoms 3"]  # Å, the next one


@pytree
class FIRE(Replaceable):
    """Settings of FIRE; all atoms have unit mass."""

    timestep: float = 0.1  # first one, internal time
    max_timestep: float = 1.0
    max_step: float = 0.2  # Å, of any atom

    def start(self, systems: System, forces: Float[Array, "walkers atoms 3"]) -> FireMemory:
        """Memory before the first step."""
        walkers, dtype = forces.shape[0], forces.dtype
        rest = FireMemory(
            velocities=jnp.zeros_like(forces),
            timestep=jnp.full(walkers, self.timestep, dtype),
            mixing=jnp.full(walkers, MIXING, dtype),
            downhill=jnp.zeros(walkers, jnp.int32),
            step=jnp.zeros_like(forces),
        )
        return self._next(rest, forces)

    def learn(
        self,
        memory: FireMemory,
        energy: Float[Array, "walkers"],
        forces: Float[Array, "walkers atoms 3"],
        trial_energy: Float[Array, "walkers"],
        trial_forces: Float[Array, "walkers atoms 3"],
    ) -> tuple[FireMemory, Bool[Array, "walkers"]]:
        """The next step, and which walkers go where they tried: all with finite forces."""
        accepted = finite(trial_energy, trial_forces)
        onward = self._next(memory, trial_forces)
        back = self._next(memory.replace(velocities=jnp.zeros_like(forces), timestep=SHRINK * memory.timestep), forces)
        return choose(accepted, onward, back), accepted

    def _next(self, memory: FireMemory, forces: Float[Array, "walkers atoms 3"]) -> FireMemory:
        v, dt = memory.velocities, memory.timestep
        column = lambda a: a[:, None, None]
        downhill = jnp.sum(forces * v, axis=(1, 2)) > 0
        trusted = downhill & (memory.downhill > PATIENCE)
        speed, strength = _norm(v), _norm(forces)
        along = column(speed / jnp.maximum(strength, 1e-30)) * forces
        mixed = (1 - column(memory.mixing)) * v + column(memory.mixing) * along
        timestep = jnp.where(trusted, jnp.minimum(GROW * dt, self.max_timestep), jnp.where(downhill, dt, SHRINK * dt))
        timestep = jnp.where(speed > 0, timestep, dt)  # a start from rest is no turn
        mixing = jnp.where(trusted, MIXING_DECAY * memory.mixing, jnp.where(downhill, memory.mixing, MIXING))
        v = jnp.where(column(downhill), mixed, 0.0) + column(timestep) * forces
        return FireMemory(
            velocities=v,
            timestep=timestep,
            mixing=mixing,
            downhill=jnp.where(downhill, memory.downhill + 1, 0),
            step=capped(column(timestep) * v, self.max_step),
        )


def _norm(vectors: Float[Array, "walkers atoms 3"]) -> Float[Array, "walkers"]:
    return jnp.sqrt(jnp.sum(vectors**2, axis=(1, 2)))
