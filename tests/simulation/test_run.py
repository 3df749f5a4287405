"""Runs: expiry of pair lists, bad walkers, compilations, live changes."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from so3k_explore import units
from so3k_explore.geometry.graph import Graph
from so3k_explore.observables.forces import neighbors_for
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.simulation import NVE, Langevin, NoseHooverChain, Status, advance, initial_state, make_guard, simulate
from so3k_explore.system import System, replicate
from so3k_explore.typing import pytree, stack
from tests.molecules import random_cluster
from tests.simulation.toys import TETRAHEDRON, Blasting, Morse, springs_of

LJ = LennardJones(sigma=3.4, epsilon=0.0104, cutoff=8.0)
CLUSTER = random_cluster(9, seed=1, spacing=3.8)


@pytree
class Counting(LennardJones):
    """Lennard-Jones that counts how often it is traced."""

    def __call__(self, graph: Graph) -> Float[Array, "atoms"]:
        TRACES.append(graph.n_atoms)
        return super().__call__(graph)


TRACES: list[int] = []


def test_changing_temperature_or_timestep_does_not_compile_again() -> None:
    potential = Counting(sigma=3.4, epsilon=0.0104)
    state = initial_state(potential, replicate(CLUSTER, 2), temperature=20.0)
    state = advance(Langevin(units.FS, 0.001), potential, state, 3)
    traced = len(TRACES)
    state = advance(Langevin(2 * units.FS, 0.002, 0.1), potential, state, 5)
    state = advance(Langevin(np.full(2, units.FS), jnp.array([0.001, 0.002])), potential, state, 2)
    assert len(TRACES) == traced > 0
    assert int(state.step) == 10


@pytest.mark.parametrize("integrator", [NVE(units.FS), Langevin(units.FS, 0.002), NoseHooverChain(units.FS, 0.002)])
def test_frames_are_the_same_however_the_steps_are_grouped(integrator: NVE | Langevin | NoseHooverChain) -> None:
    start = initial_state(LJ, replicate(CLUSTER, 2), temperature=20.0)
    at_once = advance(integrator, LJ, start, 30)
    *_, frame = itertools.islice(simulate(integrator, LJ, start, 10), 3)
    np.testing.assert_array_equal(frame.system.positions, at_once.system.positions)
    np.testing.assert_array_equal(frame.conserved_energy, at_once.conserved_energy)
    assert int(frame.step) == int(at_once.step) == 30


@pytest.mark.parametrize("periodic", [False, True])
def test_no_step_is_lost_or_repeated_when_pair_lists_run_out(periodic: bool) -> None:
    system = CLUSTER.replace(cell=30 * jnp.eye(3)) if periodic else CLUSTER
    start = initial_state(LJ, system, temperature=2000.0)
    inwards = -0.6 * (start.system.positions - start.system.positions.mean(axis=1)[:, None])
    short = start.neighbors.short
    cramped = jax.tree.map(lambda leaf: leaf[:, : int(short.mask.sum())], short)
    start = start.replace(momenta=inwards, neighbors=start.neighbors.replace(short=cramped))
    ended = advance(NVE(5 * units.FS), LJ, start, 80)
    lasting = start.replace(neighbors=neighbors_for(LJ, start.system, skin=16.0))
    reference = advance(NVE(5 * units.FS), LJ, lasting, 80)
    assert int(ended.step) == int(ended.steps_taken[0]) == 80
    np.testing.assert_array_equal(lasting.neighbors.origin, reference.neighbors.origin)
    assert not np.array_equal(ended.neighbors.origin, start.neighbors.origin)
    np.testing.assert_allclose(ended.system.positions, reference.system.positions, atol=1e-9)


def test_a_walker_that_becomes_nan_stops_alone() -> None:
    springs = springs_of(TETRAHEDRON)
    potential = Blasting(springs)
    start = initial_state(potential, replicate(TETRAHEDRON, 3), temperature=300.0, overall="kept")
    pushed = start.replace(momenta=start.momenta.at[1, :, 0].add(6.0 * TETRAHEDRON.masses))
    ended = advance(NVE(0.2 * units.FS), potential, pushed, 100)
    assert ended.status.tolist() == [Status.RUNNING, Status.NOT_FINITE, Status.RUNNING]
    assert ended.steps_taken[1] < 100 == ended.steps_taken[0]
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in (ended.system.positions, ended.forces, ended.momenta))
    assert float(ended.system.positions[1, 0, 0]) <= 5.0
    alone = advance(NVE(0.2 * units.FS), springs, pushed, 100)
    np.testing.assert_allclose(ended.system.positions[2], alone.system.positions[2], atol=1e-10)


def test_an_exploding_periodic_walker_ends_in_words_not_in_a_loop() -> None:
    box = CLUSTER.replace(cell=40 * jnp.eye(3))
    start = initial_state(LJ, stack([box, box]), temperature=10.0)
    shot = start.replace(momenta=start.momenta.at[1, 0, 0].set(1e6))
    ended = advance(NVE(units.FS), LJ, shot, 20)
    assert ended.status.tolist() == [Status.RUNNING, Status.NOT_FINITE]
    assert ended.steps_taken.tolist() == [20, 0]


def test_broken_bonds_and_evaporation_stop_a_walker() -> None:
    pair = System.create([[0.0, 0.0, 0.0], [1.2, 0.0, 0.0]], [7, 7])
    start = initial_state(Morse(), replicate(pair, 2), temperature=0.0, guard=make_guard(pair, [(0, 1)]))
    start = start.replace(momenta=start.momenta.at[1, :, 0].set(jnp.array([-8.0, 8.0])))
    ended = advance(NVE(0.5 * units.FS), Morse(), start, 40)
    assert ended.status.tolist() == [Status.RUNNING, Status.BOND_CHANGED]
    stretched = float(ended.system.positions[1, 1, 0] - ended.system.positions[1, 0, 0])
    assert 1.4 < stretched < 1.7  # the last good step

    start = initial_state(LJ, replicate(CLUSTER, 2), temperature=1.0, guard=make_guard(CLUSTER, []))
    start = start.replace(momenta=start.momenta.at[0, 0].set(jnp.array([-60.0, 0.0, 0.0])))
    ended = advance(NVE(5 * units.FS), LJ, start, 200)
    assert ended.status.tolist() == [Status.EVAPORATED, Status.RUNNING]


def test_a_run_ends_when_the_last_walker_has_stopped() -> None:
    start = initial_state(LJ, CLUSTER, temperature=1.0, guard=make_guard(CLUSTER, []))
    start = start.replace(momenta=start.momenta.at[0, 0].set(jnp.array([-60.0, 0.0, 0.0])))
    frames = list(itertools.islice(simulate(NVE(5 * units.FS), LJ, start, 50), 100))
    assert len(frames) < 20
    assert frames[-1].status.tolist() == [Status.EVAPORATED]


def test_fixed_atoms_stay_and_walkers_keep_their_temperatures() -> None:
    kelvin = np.array([5.0, 40.0])
    start = initial_state(LJ, replicate(CLUSTER, 2), temperature=kelvin, fixed=[0, 1])
    ended = advance(Langevin(5 * units.FS, units.KB * kelvin, 0.05 / units.FS), LJ, start, 300)
    np.testing.assert_array_equal(ended.system.positions[:, :2], start.system.positions[:, :2])
    assert float(ended.temperature[0]) < 20 < float(ended.temperature[1]) * 1.2


def test_the_overall_motion_can_be_removed_again_and_again() -> None:
    start = initial_state(LJ, CLUSTER, temperature=20.0, removal_interval=10)
    drifting = start.replace(momenta=start.momenta + 0.5 * start.system.masses[..., None])
    assert abs(float(advance(NVE(units.FS), LJ, drifting, 9).momenta.sum())) > 1
    np.testing.assert_allclose(advance(NVE(units.FS), LJ, drifting, 10).momenta.sum(axis=1), 0, atol=1e-9)


def test_steps_cannot_be_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        advance(NVE(units.FS), LJ, initial_state(LJ, CLUSTER, temperature=1.0), -1)
