r"""Integrators of Newton's equations, with and without a thermostat, for W walkers at once.

Every hyper-parameter is a leaf, one number or one a walker, so changing it does not compile again.
`MDState.conserved_energy` stays constant for all three, up to the error of the timestep.

1. NVE: velocity Verlet (Swope et al., J. Chem. Phys. 76, 637 (1982)).
2. Langevin: BAOAB splitting (Leimkuhler & Matthews, J. Chem. Phys. 138, 174102 (2013)).
3. Nosé-Hoover chains (Martyna, Klein & Tuckerman, J. Chem. Phys. 97, 2635 (1992); integrator with Suzuki-Yoshida
   weights: Martyna, Tuckerman, Tobias & Klein, Mol. Phys. 87, 1117 (1996)).
"""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from so3k_explore import units
from so3k_explore.geometry.neighbors import update_neighbors
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.evaluation import evaluate
from so3k_explore.simulation.freedom import kinetic_energy, thermal_momenta
from so3k_explore.simulation.state import Chain, MDState
from so3k_explore.typing import Replaceable, pytree, static

PerWalker = float | int | Float[Array, "*walkers"] | np.ndarray
"""One number, or one a walker."""

SUZUKI_YOSHIDA = (1 / (2 - 2 ** (1 / 3)), -(2 ** (1 / 3)) / (2 - 2 ** (1 / 3)), 1 / (2 - 2 ** (1 / 3)))


@runtime_checkable
class Integrator(Protocol):
    """One step of dynamics; `prepare` adds to the state what the method keeps there."""

    def prepare(self, state: MDState) -> MDState: ...

    def step(self, potential: Potential, state: MDState) -> MDState: ...


@pytree
class NVE(Replaceable):
    """Velocity Verlet at constant energy."""

    timestep: PerWalker  # internal time, write `0.5 * units.FS`

    def __post_init__(self) -> None:
        _check(timestep=self.timestep)

    def prepare(self, state: MDState) -> MDState:
        return state.replace(chain=None)

    def step(self, potential: Potential, state: MDState) -> MDState:
        return _verlet(potential, state, self.timestep)


@pytree
class Langevin(Replaceable):
    """Langevin dynamics, BAOAB; the noise spares the overall motion that the state takes out."""

    timestep: PerWalker  # internal time
    kT: PerWalker  # eV
    friction: PerWalker = 0.01 / units.FS  # inverse internal time

    def __post_init__(self) -> None:
        _check(timestep=self.timestep, friction=self.friction)
        _check(kT=self.kT, zero=True)

    def prepare(self, state: MDState) -> MDState:
        return state.replace(chain=None)

    def step(self, potential: Potential, state: MDState) -> MDState:
        half = each(self.timestep, state) / 2
        state = kick(state, half)  # B
        state = drift(state, half)  # A
        state = self._thermalise(state)  # O
        state = drift(state, half)  # A
        return kick(with_forces(potential, state), half)  # B

    def _thermalise(self, state: MDState) -> MDState:
        keys = jax.vmap(jax.random.split)(state.key)
        decay = jnp.exp(-each(self.friction, state) * each(self.timestep, state))
        noise = thermal_momenta(keys[:, 1], state.system, each(self.kT, state) * (1 - decay**2), state.freedom)
        momenta = decay[:, None, None] * state.momenta + noise
        taken = state.kinetic_energy - kinetic_energy(state.system, momenta)
        return state.replace(momenta=momenta, key=keys[:, 0], thermostat_energy=state.thermostat_energy + taken)


@pytree
class NoseHooverChain(Replaceable):
    r"""Canonical dynamics with a chain of thermostats.

    .. math:: \dot p_i = F_i - p_i\, p_{\xi_1}/Q_1, \qquad Q_1 = g\,kT\tau^2,\; Q_{k>1} = kT\tau^2

    with :math:`g` degrees of freedom and relaxation time :math:`\tau`. The thermostat's energy is added up from its
    change in every step, so that the conserved quantity does not jump when the temperature is changed.
    """

    timestep: PerWalker  # internal time
    kT: PerWalker  # eV
    relaxation_time: PerWalker = 100.0 * units.FS  # internal time
    length: int = static(default=3)

    def __post_init__(self) -> None:
        _check(timestep=self.timestep, kT=self.kT, relaxation_time=self.relaxation_time)
        if self.length < 1:
            raise ValueError(f"`length` must be at least 1, got {self.length}.")

    def prepare(self, state: MDState) -> MDState:
        if state.chain is not None and state.chain.positions.shape[-1] == self.length:
            return state
        zero = jnp.zeros((state.energy.shape[0], self.length), state.energy.dtype)
        return state.replace(chain=Chain(positions=zero, momenta=zero))

    def step(self, potential: Potential, state: MDState) -> MDState:
        state = self._scale(state)
        state = _verlet(potential, state, self.timestep)
        return self._scale(state)

    def _scale(self, state: MDState) -> MDState:
        """Half a step of the chain, which scales all momenta by one factor a walker."""
        if state.chain is None:
            raise ValueError("The state has no thermostat chain: call `advance`, or `integrator.prepare(state)` first.")
        kT, degrees = each(self.kT, state), jnp.maximum(state.freedom.degrees, 1.0)
        unit = kT * each(self.relaxation_time, state) ** 2
        bath = _Bath(kT, degrees, [degrees * unit] + [unit] * (self.length - 1))
        kinetic, scale, chain = state.kinetic_energy, jnp.ones_like(state.energy), state.chain
        for weight in SUZUKI_YOSHIDA:
            kinetic, factor, chain = bath.step(weight * each(self.timestep, state) / 2, kinetic, chain)
            scale = scale * factor
        taken = bath.energy(chain) - bath.energy(state.chain)
        return state.replace(
            momenta=scale[:, None, None] * state.momenta,
            chain=chain,
            thermostat_energy=state.thermostat_energy + taken,
        )


class _Bath(NamedTuple):
    """Chains with their masses, in numbers."""

    kT: Float[Array, "walkers"]
    degrees: Float[Array, "walkers"]
    masses: list[Float[Array, "walkers"]]  # eV · internal time²

    def energy(self, chain: Chain) -> Float[Array, "walkers"]:
        potential = self.kT * (self.degrees * chain.positions[:, 0] + chain.positions[:, 1:].sum(axis=-1))
        return potential + (chain.momenta**2 / (2 * jnp.stack(self.masses, axis=-1))).sum(axis=-1)

    def step(
        self, time: Float[Array, "walkers"], kinetic: Float[Array, "walkers"], chain: Chain
    ) -> tuple[Float[Array, "walkers"], Float[Array, "walkers"], Chain]:
        """One factor of the symmetric splitting: thermostats from the last to the first, momenta, and back."""
        momenta = [chain.momenta[:, k] for k in range(len(self.masses))]

        def push(k: int, kinetic: Float[Array, "walkers"]) -> Float[Array, "walkers"]:
            below = (
                2 * kinetic - self.degrees * self.kT if k == 0 else momenta[k - 1] ** 2 / self.masses[k - 1] - self.kT
            )
            damping = 1.0 if k + 1 == len(momenta) else jnp.exp(-time / 4 * momenta[k + 1] / self.masses[k + 1])
            return (momenta[k] * damping + time / 2 * below) * damping

        for k in reversed(range(len(momenta))):
            momenta[k] = push(k, kinetic)
        factor = jnp.exp(-time * momenta[0] / self.masses[0])
        kinetic = kinetic * factor**2
        rates = jnp.stack([p / mass for p, mass in zip(momenta, self.masses, strict=True)], axis=-1)
        for k in range(len(momenta)):
            momenta[k] = push(k, kinetic)
        moved = Chain(positions=chain.positions + time[:, None] * rates, momenta=jnp.stack(momenta, axis=-1))
        return kinetic, factor, moved


def each(value: PerWalker, state: MDState) -> Float[Array, "walkers"]:
    """One value a walker, in the precision of the state."""
    return jnp.broadcast_to(jnp.asarray(value, state.energy.dtype), state.energy.shape)


def kick(state: MDState, time: Float[Array, "walkers"]) -> MDState:
    """Momenta after `time` under the present forces; atoms that do not move keep none."""
    pushes = jnp.where(state.freedom.free[..., None], state.forces, 0.0)
    return state.replace(momenta=state.momenta + time[:, None, None] * pushes)


def drift(state: MDState, time: Float[Array, "walkers"]) -> MDState:
    """Positions after `time` of free flight; walkers that stopped stay."""
    flight = jnp.where(state.running, time, 0.0)
    moved = flight[:, None, None] * state.momenta / state.system.masses[..., None]
    return state.replace(system=state.system.replace(positions=state.system.positions + moved))


def with_forces(potential: Potential, state: MDState) -> MDState:
    """Neighbours, energy and forces at the present positions."""
    neighbors = update_neighbors(state.neighbors, state.system)
    energy, forces = evaluate(potential, state.system, neighbors, state.energy, state.forces, state.running)
    return state.replace(neighbors=neighbors, energy=energy, forces=forces)


def _verlet(potential: Potential, state: MDState, timestep: PerWalker) -> MDState:
    time = each(timestep, state)
    state = drift(kick(state, time / 2), time)
    return kick(with_forces(potential, state), time / 2)


def _check(*, zero: bool = False, **values: Any) -> None:
    for name, value in values.items():
        if isinstance(value, Tracer):
            continue
        number = np.asarray(value)
        if not ((number >= 0) if zero else (number > 0)).all():
            raise ValueError(f"`{name}` must be {'≥ 0' if zero else 'positive'}, got {value} (internal units).")
