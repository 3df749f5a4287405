"""What the optimisers of `relax` have in common: one trial step after another, none of which may be too long."""

from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from so3k_explore.system import System


@runtime_checkable
class Minimizer(Protocol):
    """Proposes a step of every walker and learns from the forces found there. Its memory has a field `step`, Å."""

    def start(self, systems: System, forces: Float[Array, "walkers atoms 3"]) -> Any:
        """Memory before the first step."""
        ...

    def learn(
        self,
        memory: Any,
        energy: Float[Array, "walkers"],
        forces: Float[Array, "walkers atoms 3"],
        trial_energy: Float[Array, "walkers"],
        trial_forces: Float[Array, "walkers atoms 3"],
    ) -> tuple[Any, Bool[Array, "walkers"]]:
        """Memory with the next step, and which walkers go where they tried. Energies in eV, forces in eV/Å."""
        ...


def finite(energy: Float[Array, "walkers"], forces: Float[Array, "walkers atoms 3"]) -> Bool[Array, "walkers"]:
    """Which walkers have an energy and forces that are numbers."""
    return jnp.isfinite(energy) & jnp.isfinite(forces).all(axis=(1, 2))


def capped(step: Float[Array, "walkers atoms 3"], longest: Any) -> Float[Array, "walkers atoms 3"]:
    """The same directions, scaled so that no atom of a walker moves further than `longest` (Å)."""
    largest = longest_move(step)
    scale = jnp.minimum(1.0, longest / jnp.maximum(largest, 1e-30))
    return scale[:, None, None] * step


def longest_move(step: Float[Array, "walkers atoms 3"]) -> Float[Array, "walkers"]:
    """How far the atom goes that goes furthest, Å."""
    return jnp.sqrt(jnp.sum(step**2, axis=-1)).max(axis=-1)
