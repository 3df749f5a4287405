"""The state of W walkers in molecular dynamics, and their statuses."""

from enum import IntEnum
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from so3k_explore import units
from so3k_explore.geometry.neighbors import Neighbors
from so3k_explore.observables.forces import batched_energy_and_forces, neighbors_for
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation import freedom as motion
from so3k_explore.simulation.freedom import Freedom, make_freedom, thermal_momenta
from so3k_explore.simulation.guards import Guard
from so3k_explore.system import System, replicate
from so3k_explore.typing import Replaceable, pytree

QUICK_START = {"xla_backend_optimization_level": 0}
"""Compiler options for what runs once or a few times: half the time to compile, several times that of each call."""


class SimulationError(RuntimeError):
    """A run cannot start or go on; the message says what to do."""


class Status(IntEnum):
    """Why a walker runs or rests."""

    RUNNING = 0
    CONVERGED = 1
    NOT_FINITE = 2
    BOND_CHANGED = 3
    EVAPORATED = 4
    MAX_STEPS = 5

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.RUNNING: "Running.",
    Status.CONVERGED: "Converged: all forces are below the tolerance.",
    Status.NOT_FINITE: (
        "Stopped: energies or forces became infinite or tore the molecule apart. Relax first, or shorten the timestep."
    ),
    Status.BOND_CHANGED: (
        "Stopped: a bond broke or formed. Lower the temperature, shorten the timestep, or switch off the bond guard."
    ),
    Status.EVAPORATED: "Stopped: an atom or a fragment left the others. Lower the temperature.",
    Status.MAX_STEPS: "Stopped at the largest allowed number of steps before the forces were small enough.",
}


@pytree
class Chain(Replaceable):
    """Nosé-Hoover chains, one a walker."""

    positions: Float[Array, "walkers chain"]
    momenta: Float[Array, "walkers chain"]  # eV · internal time


@pytree
class MDState(Replaceable):
    """Everything a run needs to go on, to the bit. All but `step`, `guard` and flags have a leading walkers axis."""

    system: System
    momenta: Float[Array, "walkers atoms 3"]  # u Å / internal time
    energy: Float[Array, "walkers"]  # potential energy, eV
    forces: Float[Array, "walkers atoms 3"]  # eV/Å
    neighbors: Neighbors
    key: Key[Array, "walkers"]
    step: Int[Array, ""]  # steps since the start
    steps_taken: Int[Array, "walkers"]  # smaller than `step` for walkers that stopped
    status: Int[Array, "walkers"]
    thermostat_energy: Float[Array, "walkers"]  # taken up by the thermostat since the start, eV
    freedom: Freedom
    guard: Guard | None = None
    chain: Chain | None = None

    @property
    def running(self) -> Bool[Array, "walkers"]:
        """Which walkers move."""
        return self.status == Status.RUNNING

    @property
    def kinetic_energy(self) -> Float[Array, "walkers"]:
        """Kinetic energy, eV."""
        return motion.kinetic_energy(self.system, self.momenta)

    @property
    def temperature(self) -> Float[Array, "walkers"]:
        """Kinetic temperature, K, for the degrees of freedom that can move."""
        return motion.kinetic_temperature(self.kinetic_energy, self.freedom.degrees)

    @property
    def conserved_energy(self) -> Float[Array, "walkers"]:
        """Energy of molecule and thermostat together, eV; constant but for the error of the timestep."""
        return self.energy + self.kinetic_energy + self.thermostat_energy


def batched(systems: System) -> System:
    """The same systems with a leading walkers axis; one system becomes one walker."""
    return replicate(systems, 1) if systems.positions.ndim == 2 else systems


def initial_state(
    potential: Potential,
    systems: System,
    *,
    temperature: float | Any,
    seed: int | Any = 0,
    guard: Guard | None = None,
    fixed: Any = None,
    overall: str | None = None,
    removal_interval: int = 0,
) -> MDState:
    """State at step 0 with thermal momenta.

    Args:
        potential: gives the forces.
        systems: one system (becomes one walker) or a batch.
        temperature: of the momenta, K; one number or one a walker.
        seed: one number, from which every walker gets its own random stream, or one number a walker.
        guard: when to stop a walker; NaN and infinity always do.
        fixed: atoms that stay where they are, mask or indices.
        overall: overall motion to take out: "kept", "translation" or "rotation"; default: all that is conserved.
        removal_interval: take the overall motion out again every so many steps; 0: only at the start.

    Raises:
        ValueError: temperatures are negative or their number does not match.
        SimulationError: the energy or a force is not finite already.
    """
    systems = batched(systems)
    kelvin = _checked_temperature(temperature, systems.n_walkers)
    freedom = make_freedom(systems, fixed=fixed, overall=overall, interval=removal_interval)
    neighbors = neighbors_for(potential, systems)
    energy, forces = first_forces(potential, systems, neighbors)
    check_finite(energy, forces)
    return thermal_state(systems, energy, forces, neighbors, freedom, temperature=kelvin, seed=seed, guard=guard)


def thermal_state(
    systems: System,
    energy: Float[Array, "walkers"],
    forces: Float[Array, "walkers atoms 3"],
    neighbors: Neighbors,
    freedom: Freedom,
    *,
    temperature: float | Any,
    seed: int | Any = 0,
    guard: Guard | None = None,
) -> MDState:
    """State at step 0 of a batch whose energy (eV), forces (eV/Å) and pair lists are known, with thermal momenta (K).

    Raises:
        ValueError: temperatures are negative or their number does not match.
    """
    walkers, dtype = systems.n_walkers, systems.positions.dtype
    kT = jnp.asarray(units.KB * _checked_temperature(temperature, walkers), dtype)
    key, momenta = _thermal_start(_streams(seed, walkers), systems, kT, freedom)
    return MDState(
        system=systems,
        momenta=momenta,
        energy=energy,
        forces=forces,
        neighbors=neighbors,
        key=key,
        step=jnp.asarray(0, jnp.int32),
        steps_taken=jnp.zeros(walkers, jnp.int32),
        status=jnp.full(walkers, int(Status.RUNNING), jnp.int32),
        thermostat_energy=jnp.zeros(walkers, dtype),
        freedom=freedom,
        guard=guard,
    )


def check_finite(energy: Float[Array, "walkers"], forces: Float[Array, "walkers atoms 3"]) -> None:
    """Raises `SimulationError` when no run can start from here."""
    if not (np.isfinite(energy).all() and np.isfinite(forces).all()):
        raise SimulationError(
            "The energy or a force of the starting structure is not finite. "
            "Atoms may lie on top of each other: check the structure or relax it first."
        )


def _checked_temperature(kelvin: Any, walkers: int) -> np.ndarray:
    given = np.asarray(kelvin, float)
    if given.shape not in ((), (walkers,)) or not (given >= 0).all():
        raise ValueError(f"`temperature` must be one number ≥ 0 K or {walkers} of them, got {kelvin}.")
    return given


def _streams(seed: int | Any, walkers: int) -> Key[Array, "walkers"]:
    """One random stream a walker; the stream of a walker does not depend on how many there are."""
    seeds = np.asarray(seed)
    if seeds.shape == ():
        return _numbered(jax.random.key(int(seeds)), jnp.arange(walkers))
    if seeds.shape != (walkers,):
        raise ValueError(f"`seed` must be one number or {walkers} of them, got shape {seeds.shape}.")
    return jax.vmap(jax.random.key)(jnp.asarray(seeds))


@jax.jit
def _numbered(root: Key[Array, ""], walkers: Int[Array, "walkers"]) -> Key[Array, "walkers"]:
    return jax.vmap(lambda walker: jax.random.fold_in(root, walker))(walkers)


@partial(jax.jit, compiler_options=QUICK_START)
def _thermal_start(
    key: Key[Array, "walkers"], systems: System, kT: Float[Array, "*walkers"], freedom: Freedom
) -> tuple[Key[Array, "walkers"], Float[Array, "walkers atoms 3"]]:
    keys = jax.vmap(jax.random.split)(key)
    return keys[:, 0], thermal_momenta(keys[:, 1], systems, kT, freedom)


@partial(jax.jit, compiler_options=QUICK_START)
def first_forces(
    potential: Potential, systems: System, neighbors: Neighbors
) -> tuple[Float[Array, "walkers"], Float[Array, "walkers atoms 3"]]:
    """Energies (eV) and forces (eV/Å) of all walkers, in the precision of the positions.

    Called once in a run, so it is compiled for a quick start and not for speed.
    """
    dtype = systems.positions.dtype
    energy, forces = batched_energy_and_forces(potential, systems, neighbors)
    return energy.astype(dtype), forces.astype(dtype)


def choose(mask: Bool[Array, "walkers"], new: Any, old: Any) -> Any:
    """Per walker the leaves of `new` where `mask` is set, else those of `old`; leaves must have a walkers axis."""
    pick = lambda a, b: a if a is b else jnp.where(mask.reshape(-1, *[1] * (a.ndim - 1)), a, b)
    return jax.tree.map(pick, new, old)
