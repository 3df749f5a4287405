r"""Flights at a temperature: in a heat bath, and, where wanted, pushed away from where they have been.

*Bath*: before every step of velocity Verlet momenta are mixed with noise,

.. math:: p \leftarrow c\,p + \sqrt{(1 - c^2)\, m kT}\;\xi, \qquad c = e^{-\gamma \Delta t},

which leaves the Boltzmann distribution of positions right to second order in the timestep (Bussi & Parrinello, Phys.
Rev. E 75, 056707 (2007)). *Bias* (Grimme, J. Chem. Theory Comput. 15, 2847 (2019)): now and then the present structure
is remembered, and

.. math:: V = \sum_k h\, e^{-\alpha\, \mathrm{RMSD}^2(x, x_k)}

drives the walker away from all of them. The superposition in the RMSD is the best one, so its derivative vanishes, and
the force is that of fixed rotations.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.geometry.one_by_one import one_by_one
from so3k_explore.simulation.state import choose
from so3k_explore.typing import Replaceable, pytree

MASS = 1.0  # u, of every atom in flight
REMEMBERED = 8  # structures; later ones take the place of the oldest
DEPOSIT = 40  # steps between two of them
WIDTH = 2.8  # 1/Å², the exponent of the bias


@pytree
class ThermalFlights(Replaceable):
    """Bath and bias of every walker; zeros mean none. All fields have a leading walkers axis."""

    seed: Int[Array, "walkers"]  # of the noise
    friction: Float[Array, "walkers"]  # 1/internal time
    kT: Float[Array, "walkers"]  # eV
    height: Float[Array, "walkers"]  # eV, of the bias
    length: Int[Array, "walkers"]  # steps of the flight; 0: it ends where a free one does
    memory: Float[Array, "walkers remembered atoms 3"]  # Å, structures to keep away from
    remembered: Int[Array, "walkers"]  # how many there have been
    push: Float[Array, "walkers atoms 3"]  # eV/Å, force of the bias at the present positions
    bias: Float[Array, "walkers"]  # eV, its energy there
    heat: Float[Array, "walkers"]  # eV, what bath and new memories have given; energy and bias less heat is constant
    landing: Float[Array, "walkers atoms 3"]  # Å, where the last flight ended
    landing_energy: Float[Array, "walkers"]  # eV; NaN while it has not ended


def blank(walkers: int, atoms: int) -> dict[str, np.ndarray]:
    """Fields of flights with neither bath nor bias, as arrays to be filled in; nobody has landed (NaN)."""
    shapes = {"memory": (REMEMBERED, atoms, 3), "push": (atoms, 3), "landing": (atoms, 3)}
    fields = {
        name: np.zeros((walkers, *shapes.get(name, ())))
        for name in ("friction", "kT", "height", "bias", "heat", *shapes)
    }
    fields |= {name: np.zeros(walkers, np.int32) for name in ("seed", "length", "remembered")}
    return fields | {"landing_energy": np.full(walkers, np.nan)}


def thermal_flights(fields: dict[str, np.ndarray], dtype: Any) -> ThermalFlights:
    """Flights from their fields, in a precision."""
    cast: dict[str, Any] = {
        name: jnp.asarray(values, dtype if values.dtype.kind == "f" else values.dtype)
        for name, values in fields.items()
    }
    return ThermalFlights(**cast)


def heated(
    flights: ThermalFlights,
    momenta: Float[Array, "walkers atoms 3"],
    timestep: Float[Array, "walkers"],
    step: Int[Array, "walkers"],
) -> tuple[Float[Array, "walkers atoms 3"], Float[Array, "walkers"]]:
    """Momenta after the bath has acted for one timestep, and the heat (eV); noise depends on seed and step alone."""
    shape, dtype = momenta.shape[1:], momenta.dtype
    noise = lambda seed, n: jax.random.normal(jax.random.fold_in(jax.random.key(seed), n), shape, dtype)
    kept = jnp.exp(-flights.friction * timestep)
    width = jnp.sqrt((1 - kept**2) * MASS * flights.kT)
    mixed = kept[:, None, None] * momenta + width[:, None, None] * jax.vmap(noise)(flights.seed, step)
    return mixed, jnp.sum(mixed**2 - momenta**2, axis=(1, 2)) / (2 * MASS)


def pushed(
    flights: ThermalFlights,
    positions: Float[Array, "walkers atoms 3"],
    step: Int[Array, "walkers"],
    mine: Bool[Array, "walkers"],
) -> ThermalFlights:
    """The flights at new positions: these are remembered when it is time, and the bias is felt there."""
    mine = mine & (flights.height > 0)
    due = mine & (step % DEPOSIT == 0)
    slot = jax.nn.one_hot(flights.remembered % REMEMBERED, REMEMBERED, dtype=bool)
    here = (due[:, None] & slot)[:, :, None, None]
    memory = jnp.where(here, positions[:, None], flights.memory)
    remembered = flights.remembered + due

    def felt() -> tuple[Float[Array, "walkers"], Float[Array, "walkers atoms 3"], Float[Array, "walkers"]]:
        every = lambda *walkers: one_by_one(bias_and_force, positions, *walkers, flights.height)
        before, _ = every(flights.memory, flights.remembered)
        bias, push = every(memory, remembered)
        return choose(mine, (bias, push, flights.heat + bias - before), (flights.bias, flights.push, flights.heat))

    bias, push, heat = jax.lax.cond(mine.any(), felt, lambda: (flights.bias, flights.push, flights.heat))
    return flights.replace(memory=memory, remembered=remembered, bias=bias, push=push, heat=heat)


def bias_and_force(
    positions: Float[Array, "atoms 3"],
    memory: Float[Array, "remembered atoms 3"],
    remembered: Int[Array, ""],
    height: Float[Array, ""],
) -> tuple[Float[Array, ""], Float[Array, "atoms 3"]]:
    """Bias of one walker in eV, and its force in eV/Å."""
    square, slope = one_by_one(lambda reference: _square_deviation(positions, reference), memory)
    known = jnp.arange(memory.shape[0]) < remembered
    each = jnp.where(known, height * jnp.exp(-WIDTH * square), 0.0)
    return each.sum(), jnp.einsum("k,kax->ax", WIDTH * each, slope)


def _square_deviation(
    positions: Float[Array, "atoms 3"], reference: Float[Array, "atoms 3"]
) -> tuple[Float[Array, ""], Float[Array, "atoms 3"]]:
    """Mean square deviation from a reference after the best rotation (Kabsch), and its gradient."""
    x, y = (each - each.mean(axis=0, keepdims=True) for each in (positions, reference))
    left, stretches, right = jnp.linalg.svd(x.T @ y)
    handed = jnp.sign(jnp.linalg.det(left) * jnp.linalg.det(right))
    signs = jnp.stack([jnp.ones_like(handed), jnp.ones_like(handed), handed])
    rotation = (left * signs[None, :]) @ right
    square = (jnp.sum(x**2) + jnp.sum(y**2) - 2 * jnp.sum(signs * stretches)) / len(x)
    return jnp.maximum(square, 0.0), 2 * (x - y @ rotation.T) / len(x)
