r"""Nudged elastic bands: paths of lowest energy between pairs of minima, all bands and images in one force call.

Each image feels the force across the path and a spring along it (Henkelman & Jónsson, J. Chem. Phys. 113, 9978 (2000)),

.. math:: F_i = F^\perp(r_i) + k\,\bigl(|r_{i+1} - r_i| - |r_i - r_{i-1}|\bigr)\,\hat\tau_i,

with the tangent towards the higher neighbour. Once the force is small, the highest image *climbs* (Henkelman, Uberuaga
& Jónsson, ibid. 9901): its force along the path is inverted, and it has no springs. A whole band is one state of the
optimiser (FIRE): one velocity, one timestep, one decision to turn, because images that are optimised one by one
disturb each other. Where there are bonds, FIRE works in coordinates in which a model Hessian is the identity, so that
stiff bonds and soft torsions relax equally fast.
"""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.exploration.rigid import rigid_motions, without_rigid
from so3k_explore.geometry.neighbors import Neighbors, update_neighbors
from so3k_explore.geometry.one_by_one import one_by_one
from so3k_explore.observables.forces import neighbors_for
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation.evaluation import evaluate
from so3k_explore.simulation.fire import FIRE, FireMemory
from so3k_explore.simulation.guards import Guard, bonds_changed
from so3k_explore.simulation.minimizer import capped
from so3k_explore.simulation.model_hessian import ModelHessian
from so3k_explore.simulation.renewal import with_valid_neighbors
from so3k_explore.simulation.state import Status
from so3k_explore.system import System, replicate
from so3k_explore.typing import Replaceable, ScalarLike, pytree, static

REJECTED = 8  # steps in a row without finite forces until a band has failed


@pytree
class ElasticBand(Replaceable):
    """Settings of nudged elastic bands."""

    spring: ScalarLike = 1.0  # eV/Å²
    climb: ScalarLike = 0.5  # eV/Å: below this largest force on an atom the highest image climbs
    force_tolerance: ScalarLike = 0.1  # eV/Å, largest force on an atom of the band at the end
    max_steps: ScalarLike = 200
    max_step: ScalarLike = 0.15  # Å, of any atom
    rigid: bool = static(default=True)  # whether rigid motions change nothing; False in an external field


@pytree
class BandState(Replaceable):
    """Bands under way. Images of all bands follow each other along the walkers axis; others have one row a band."""

    system: System  # inner images
    energy: Float[Array, "walkers"]  # eV
    forces: Float[Array, "walkers atoms 3"]  # eV/Å, of the potential
    neighbors: Neighbors
    ends: Float[Array, "bands 2 atoms 3"]  # Å
    end_energies: Float[Array, "bands 2"]  # eV
    pull: Float[Array, "bands bandatoms 3"]  # eV/Å, of the band
    root: Float[Array, "walkers coordinates coordinates"] | None  # of the inverse model Hessian, Å/√eV
    memory: FireMemory
    climbing: Bool[Array, "bands"]
    rejected: Int[Array, "bands"]  # steps in a row
    status: Int[Array, "bands"]
    calls: Int[Array, "bands"]
    step: Int[Array, ""]  # -1: no forces yet

    @property
    def running(self) -> Bool[Array, "bands"]:
        """Which bands still move."""
        return self.status == Status.RUNNING

    @property
    def images(self) -> int:
        """Inner images of each band."""
        return self.system.n_walkers // self.status.shape[0]

    @property
    def max_force(self) -> Float[Array, "bands"]:
        """Largest force of a band on an atom, eV/Å."""
        return jnp.sqrt(jnp.sum(self.pull**2, axis=-1)).max(axis=-1)

    def profile(self, band: int) -> tuple[np.ndarray, np.ndarray]:
        """Positions (images + 2, atoms, 3) in Å and energies in eV along a band, with its ends."""
        mine = slice(band * self.images, (band + 1) * self.images)
        ends, energies = np.asarray(self.ends[band], float), np.asarray(self.end_energies[band], float)
        positions = np.concatenate([ends[:1], np.asarray(self.system.positions[mine], float), ends[1:]])
        return positions, np.concatenate([energies[:1], np.asarray(self.energy[mine], float), energies[1:]])


def relax_bands(
    potential: Potential,
    system: System,
    paths: Any,
    end_energies: Any,
    settings: ElasticBand | None = None,
    *,
    model: ModelHessian | None = None,
    running: Any = None,
    steps_per_frame: int = 20,
) -> Iterator[BandState]:
    """Yields a state every few steps, the last one when every band has converged or given up.

    Args:
        potential: gives the forces.
        system: the molecule; its positions do not matter.
        paths: first guesses (bands, images + 2, atoms, 3) with both ends, Å.
        end_energies: of the ends, (bands, 2), eV.
        settings: see `ElasticBand`.
        model: Hessian from bonds that makes stiff and soft motions alike; None for clusters.
        running: which bands to move; the others fill the batch. None: all.
        steps_per_frame: steps between two states.
    """
    settings = settings or ElasticBand()
    state = _first(potential, system, np.asarray(paths, float), end_energies, model, running)
    while True:
        end = max(int(state.step), 0) + steps_per_frame
        go_on = lambda s, end=end: _advance(settings, potential, s, end)
        state = with_valid_neighbors(potential, go_on, state, _lose)
        yield state
        if not (np.asarray(state.status) == Status.RUNNING).any():
            return


def _first(
    potential: Potential,
    system: System,
    paths: np.ndarray,
    end_energies: Any,
    model: ModelHessian | None,
    running: Any,
) -> BandState:
    bands, images = paths.shape[0], paths.shape[1] - 2
    dtype = system.positions.dtype
    running = np.ones(bands, bool) if running is None else np.asarray(running, bool)
    inner = replicate(system, bands * images)
    inner = inner.replace(positions=jnp.asarray(paths[:, 1:-1].reshape(inner.positions.shape), dtype))
    flat = jnp.zeros((bands, images * system.n_atoms, 3), dtype)
    root = None if model is None else _roots(model, inner)
    count = jnp.zeros(bands, jnp.int32)
    return BandState(
        system=inner,
        energy=jnp.zeros(bands * images, dtype),
        forces=jnp.zeros_like(inner.positions),
        neighbors=neighbors_for(potential, inner),
        ends=jnp.asarray(paths[:, [0, -1]], dtype),
        end_energies=jnp.asarray(end_energies, dtype),
        pull=flat,
        root=root,
        memory=_optimiser(root).start(inner, flat),
        climbing=jnp.zeros(bands, bool),
        rejected=count,
        status=jnp.asarray(np.where(running, int(Status.RUNNING), int(Status.MAX_STEPS)), jnp.int32),
        calls=count,
        step=jnp.asarray(-1, jnp.int32),
    )


@jax.jit
def _roots(model: ModelHessian, systems: System) -> Float[Array, "walkers coordinates coordinates"]:
    """Square roots of the inverse model Hessians."""
    values, vectors = one_by_one(jnp.linalg.eigh, model.inverse(systems))
    return jnp.einsum("wak,wk,wbk->wab", vectors, jnp.sqrt(jnp.maximum(values, 0.0)), vectors)


def _optimiser(root: Any) -> FIRE:
    """FIRE that may take any step in its own coordinates; the band shortens steps in Å."""
    return FIRE(max_step=1e3) if root is None else FIRE(timestep=0.3, max_step=1e3)


@jax.jit
def _advance(settings: ElasticBand, potential: Potential, state: BandState, end: ScalarLike) -> BandState:
    going = lambda s: (s.step < end) & s.running.any() & ~s.neighbors.expired.any()
    return jax.lax.while_loop(going, lambda s: _step(settings, potential, s), state)


def _step(settings: ElasticBand, potential: Potential, old: BandState) -> BandState:
    """One force call of every image of every running band; the first one is at the guess."""
    bands, images = old.status.shape[0], old.images
    moves = jnp.repeat(old.running & (old.step >= 0), images)
    move = _stretched(old.root, _by_image(old.memory.step, images))
    move = _by_image(capped(move.reshape(old.pull.shape), settings.max_step), images)
    move = jnp.where(moves[:, None, None], move, 0.0)
    trial = old.system.replace(positions=old.system.positions + move)
    neighbors = update_neighbors(old.neighbors, trial)
    active = jnp.repeat(old.running, images)
    energy, forces = evaluate(potential, trial, neighbors, old.energy, old.forces, active)
    expired = neighbors.expired & active
    taken = old.running & ~expired.any()

    pull, climbing = _band_forces(settings, old, trial, energy, forces)
    sums = jnp.sum(energy.reshape(bands, images), axis=1)
    scaled = lambda a: _stretched(old.root, _by_image(a, images)).reshape(a.shape)
    memory, accepted = _optimiser(old.root).learn(old.memory, sums, scaled(old.pull), sums, scaled(pull))
    good = taken & accepted
    by_band = lambda a, b: jnp.where(good.reshape(-1, *[1] * (a.ndim - 1)), a, b)
    by_walker = lambda a, b: jnp.where(jnp.repeat(good, images).reshape(-1, *[1] * (a.ndim - 1)), a, b)
    keep = lambda a, b: jnp.where(taken.reshape(-1, *[1] * (a.ndim - 1)), a, b)
    new = old.replace(
        system=old.system.replace(positions=by_walker(trial.positions, old.system.positions)),
        energy=by_walker(energy, old.energy),
        forces=by_walker(forces, old.forces),
        neighbors=neighbors.replace(expired=expired),
        pull=by_band(pull, old.pull),
        memory=jax.tree.map(keep, memory, old.memory),
        climbing=by_band(climbing, old.climbing),
        rejected=jnp.where(taken & ~accepted, old.rejected + 1, jnp.where(taken, 0, old.rejected)),
        calls=old.calls + jnp.where(taken, images, 0),
        step=old.step + jnp.where(expired.any(), 0, 1),
    )
    return new.replace(status=jnp.where(taken, _judged(settings, new), old.status).astype(jnp.int32))


def _judged(settings: ElasticBand, state: BandState) -> Int[Array, "bands"]:
    done = state.climbing & (state.max_force < settings.force_tolerance) & (state.rejected == 0)
    late = state.step >= settings.max_steps
    broken = (state.rejected >= REJECTED) | ((state.rejected > 0) & (state.step == 0))  # nobody can go back further
    status = jnp.where(late, int(Status.MAX_STEPS), int(Status.RUNNING))
    status = jnp.where(done, int(Status.CONVERGED), status)
    return jnp.where(broken, int(Status.NOT_FINITE), status)


def _by_image(rows: Float[Array, "bands bandatoms 3"], images: int) -> Float[Array, "walkers atoms 3"]:
    return rows.reshape(rows.shape[0] * images, -1, 3)


def _stretched(
    root: Float[Array, "walkers coordinates coordinates"] | None, rows: Float[Array, "walkers atoms 3"]
) -> Float[Array, "walkers atoms 3"]:
    if root is None:
        return rows
    return jnp.einsum("wab,wb->wa", root, rows.reshape(rows.shape[0], -1)).reshape(rows.shape)


def _band_forces(
    settings: ElasticBand, state: BandState, trial: System, energy: Array, forces: Array
) -> tuple[Float[Array, "bands bandatoms 3"], Bool[Array, "bands"]]:
    """Forces on all bands, and which of them climb from now on."""
    bands, images = state.status.shape[0], state.images
    motions = rigid_motions(trial.positions)
    internal = lambda vectors: without_rigid(vectors, motions) if settings.rigid else vectors
    forces = internal(forces)
    split = lambda a: a.reshape(bands, images, *a.shape[1:])
    band = lambda *parts: _nudged(settings.spring, *parts)
    parts = (split(trial.positions), split(energy), split(forces), state.ends, state.end_energies)
    plain = jax.vmap(band)(*parts, jnp.zeros(bands, bool))
    strongest = jnp.sqrt(jnp.sum(plain**2, axis=-1)).max(axis=(1, 2))
    climbing = state.climbing | (strongest < settings.climb)
    pull = internal(jax.vmap(band)(*parts, climbing).reshape(forces.shape))
    return pull.reshape(state.pull.shape), climbing


def _nudged(
    spring: ScalarLike, inner: Array, energy: Array, forces: Array, ends: Array, end_energies: Array, climbing: Array
) -> Float[Array, "images atoms 3"]:
    """Forces on the images of one band."""
    positions = jnp.concatenate([ends[:1], inner, ends[1:]])
    energies = jnp.concatenate([end_energies[:1], energy, end_energies[1:]])
    onward, back = positions[2:] - positions[1:-1], positions[1:-1] - positions[:-2]
    tangent = _tangents(onward, back, energies[2:] - energy, energies[:-2] - energy)
    column = lambda a: a[:, None, None]
    length = lambda a: jnp.sqrt(jnp.sum(a**2, axis=(1, 2)))
    along = jnp.sum(forces * tangent, axis=(1, 2))
    nudged = forces - column(along) * tangent + column(spring * (length(onward) - length(back))) * tangent
    inverted = forces - 2 * column(along) * tangent
    top = jnp.arange(len(energy)) == jnp.argmax(energy)
    return jnp.where(column(top & climbing), inverted, nudged)


def _tangents(onward: Array, back: Array, ahead: Array, behind: Array) -> Float[Array, "images atoms 3"]:
    """Unit tangents towards the higher neighbour; at extrema both count, by how much higher they are.

    `ahead` and `behind` are the energies of the neighbours relative to the image.
    """
    larger = jnp.maximum(jnp.abs(ahead), jnp.abs(behind))
    smaller = jnp.minimum(jnp.abs(ahead), jnp.abs(behind))
    up = jnp.where(ahead > behind, larger, smaller)
    down = jnp.where(ahead > behind, smaller, larger)
    mixed = onward * up[:, None, None] + back * down[:, None, None]
    rising, falling = (ahead > 0) & (behind < 0), (ahead < 0) & (behind > 0)
    tangent = jnp.where(rising[:, None, None], onward, jnp.where(falling[:, None, None], back, mixed))
    norm = jnp.sqrt(jnp.sum(tangent**2, axis=(1, 2)))
    return tangent / jnp.maximum(norm, 1e-12)[:, None, None]


def _lose(state: BandState, walkers: Bool[Array, "walkers"]) -> BandState:
    """Bands with an image whose pair list does not hold for a single step."""
    lost = walkers.reshape(state.status.shape[0], -1).any(axis=1) & state.running
    return state.replace(status=jnp.where(lost, int(Status.NOT_FINITE), state.status).astype(jnp.int32))


def broken_bands(state: BandState, guard: Guard | None) -> np.ndarray:
    """Which bands (bands,) have an image with a broken or formed bond."""
    if guard is None or not guard.bonds.shape[0]:
        return np.zeros(state.status.shape[0], bool)
    changed = np.asarray(bonds_changed(guard, state.system, state.neighbors))
    return np.asarray(changed.reshape(-1, state.images).any(axis=1))
