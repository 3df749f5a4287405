"""Relaxations land where ASE's optimisers do, whatever the start, and stop alone."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.geometry.graph import Graph
from so3k_explore.io.calculator import Calculator
from so3k_explore.io.checkpoints import load_checkpoint, save_checkpoint
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.simulation import FIRE, LBFGS, Status, initial_relaxation, make_guard, relax, relaxed
from so3k_explore.system import System, replicate
from so3k_explore.typing import pytree, stack
from tests.molecules import random_cluster
from tests.simulation.toys import TETRAHEDRON, springs_of

LJ = LennardJones()
LJ13 = -44.326801  # ε, the icosahedron


@pytest.mark.parametrize("method", ["lbfgs", "fire"])
def test_shaken_clusters_return_to_the_minimum_that_ase_finds(method: str) -> None:
    from ase.optimize import BFGS

    minimum = relaxed(LJ, random_cluster(7, seed=1), force_tolerance=1e-6).system
    noise = 0.08 * jax.random.normal(jax.random.key(0), (5, 7, 3))
    batch = replicate(jax.tree.map(lambda leaf: leaf[0], minimum), 5)
    batch = batch.replace(positions=batch.positions + noise)
    state = relaxed(LJ, batch, method=method, force_tolerance=1e-4)
    assert state.status.tolist() == [Status.CONVERGED] * 5
    assert float(state.max_force.max()) < 1e-4
    for walker in range(5):
        atoms = jax.tree.map(lambda leaf, w=walker: leaf[w], batch).to_ase()
        atoms.calc = Calculator(LJ)
        BFGS(atoms, logfile=None, maxstep=0.05).run(fmax=1e-4, steps=500)
        np.testing.assert_allclose(state.energy[walker], atoms.get_potential_energy(), atol=1e-5)


@pytest.mark.parametrize("method", [LBFGS(), FIRE()])
def test_bad_starts_end_in_minima(method: LBFGS | FIRE) -> None:
    rng = np.random.default_rng(1)
    gas = [System.create(rng.uniform(-1.2, 1.2, (6, 3)), [18] * 6) for _ in range(4)]  # atoms almost touch
    state = relaxed(LJ, stack(gas), method=method, force_tolerance=1e-3, max_steps=3000)
    assert state.status.tolist() == [Status.CONVERGED] * 4
    for walker in range(4):
        _, forces = energy_and_forces(LJ, jax.tree.map(lambda leaf, w=walker: leaf[w], state.system))
        assert float(jnp.abs(forces).max()) < 1e-3


def test_the_icosahedron_is_found_from_a_distorted_one() -> None:
    golden = (1 + 5**0.5) / 2
    corners = [(0, a, b * golden) for a in (-1, 1) for b in (-1, 1)]
    corners = [tuple(np.roll(corner, turn)) for corner in corners for turn in range(3)]
    positions = np.vstack([[0, 0, 0], 0.58 * np.array(corners)])
    positions += 0.1 * np.random.default_rng(0).normal(size=positions.shape)
    state = relaxed(LJ, System.create(positions, [18] * 13))
    np.testing.assert_allclose(state.energy, LJ13, atol=1e-3)


def test_states_stream_and_energies_do_not_rise() -> None:
    batch = stack([random_cluster(8, seed=seed) for seed in (1, 2)])
    states = list(relax(LJ, batch, steps_per_frame=5))
    energies = np.array([state.energy for state in states])
    assert len(states) > 2
    assert (np.diff(energies, axis=0) <= 1e-5).all()
    assert [int(state.step) for state in states[:-1]] == list(range(5, 5 * len(states), 5))
    whole = relaxed(LJ, batch)
    np.testing.assert_array_equal(whole.system.positions, states[-1].system.positions)
    np.testing.assert_array_equal(whole.calls, states[-1].calls)


def test_a_walker_that_is_done_makes_no_more_calls() -> None:
    done = jax.tree.map(lambda leaf: leaf[0], relaxed(LJ, random_cluster(8, seed=1)).system)
    state = relaxed(LJ, stack([done, random_cluster(8, seed=2)]))
    assert state.calls[0] == 1 < state.calls[1]
    np.testing.assert_array_equal(state.system.positions[0], done.positions)


def test_the_first_force_call_tells_energy_and_forces_of_the_start() -> None:
    cluster = random_cluster(8, seed=1)
    before = initial_relaxation(LJ, cluster)
    assert (before.calls.tolist(), int(before.step), before.energy.tolist()) == ([0], -1, [np.inf])
    energy, forces = energy_and_forces(LJ, cluster)
    (state,) = relax(LJ, cluster, force_tolerance=1e6)
    assert (state.calls.tolist(), int(state.step)) == ([1], 0)
    np.testing.assert_allclose(state.energy[0], energy, rtol=1e-12)
    np.testing.assert_allclose(state.forces[0], forces, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(state.system.positions[0], cluster.positions)


@pytest.mark.parametrize("method", ["lbfgs", "fire"])
def test_a_relaxation_that_is_continued_takes_the_same_steps(method: str, tmp_path: Path) -> None:
    cluster = random_cluster(8, seed=1)
    whole = list(relax(LJ, cluster, method=method, steps_per_frame=4))
    save_checkpoint(tmp_path / "state.npz", whole[1])
    read = load_checkpoint(tmp_path / "state.npz", like=initial_relaxation(LJ, cluster, method=method))
    rest = list(relax(LJ, cluster, method=method, steps_per_frame=4, state=read))
    assert [int(state.step) for state in rest] == [int(state.step) for state in whole[2:]]
    np.testing.assert_array_equal(rest[-1].system.positions, whole[-1].system.positions)
    np.testing.assert_array_equal(rest[-1].calls, whole[-1].calls)


def test_a_quick_start_leads_to_the_same_minimum() -> None:
    cluster = random_cluster(8, seed=1)
    quick, usual = (relaxed(LJ, cluster, quick_start=quick, force_tolerance=1e-6) for quick in (True, False))
    assert quick.status.tolist() == [Status.CONVERGED]
    np.testing.assert_allclose(quick.energy, usual.energy, atol=1e-9)


def test_giving_up_is_said() -> None:
    state = relaxed(LJ, random_cluster(8, seed=1), max_steps=4)
    assert state.status.tolist() == [Status.MAX_STEPS]
    assert state.calls.tolist() == [5]


def test_fixed_atoms_stay_and_do_not_count() -> None:
    cluster = random_cluster(8, seed=1)
    state = relaxed(LJ, cluster, fixed=[0, 3])
    np.testing.assert_array_equal(state.system.positions[0, [0, 3]], cluster.positions[jnp.array([0, 3])])
    assert state.status.tolist() == [Status.CONVERGED]
    assert float(jnp.abs(state.forces[0, 0]).max()) > 0.01


def test_a_walker_whose_bonds_change_stops_alone() -> None:
    guard = make_guard(TETRAHEDRON, [(0, 1), (0, 2)], contact=0.0)
    far = springs_of(TETRAHEDRON.replace(positions=1.6 * TETRAHEDRON.positions))
    state = relaxed(far, replicate(TETRAHEDRON, 2), guard=guard)
    assert state.status.tolist() == [Status.BOND_CHANGED] * 2
    bond = np.linalg.norm(np.asarray(state.system.positions[0, 0] - state.system.positions[0, 1]))
    assert 1.3 < bond <= 1.8


def test_an_overlap_without_finite_forces_is_reported() -> None:
    touching = System.create(np.zeros((2, 3)), [18, 18])
    apart = System.create([[0.0, 0.0, 0.0], [1.3, 0.0, 0.0]], [18, 18])
    state = relaxed(LJ, stack([touching, apart]))
    assert state.status.tolist() == [Status.NOT_FINITE, Status.CONVERGED]


@pytest.mark.parametrize("periodic", [False, True])
def test_pair_lists_are_renewed_on_the_way(periodic: bool) -> None:
    cluster = random_cluster(10, seed=3, spacing=1.6)
    cluster = cluster.replace(cell=20 * jnp.eye(3)) if periodic else cluster
    short, long = LennardJones(cutoff=2.2), relaxed(LennardJones(cutoff=2.2), cluster, max_steps=3000)
    assert long.status.tolist() == [Status.CONVERGED]
    energy, _ = energy_and_forces(short, jax.tree.map(lambda leaf: leaf[0], long.system))
    np.testing.assert_allclose(long.energy[0], energy, atol=1e-10)


def test_noise_of_single_precision_does_not_stop_a_relaxation() -> None:
    @pytree
    class Rounded(LennardJones):
        def __call__(self, graph: Graph) -> jax.Array:
            return super().__call__(graph.astype(jnp.dtype(jnp.float32))) + jnp.float32(100.0)

    batch = stack([random_cluster(9, seed=seed).astype(jnp.float32) for seed in (1, 2, 3)])
    state = relaxed(Rounded(), batch, force_tolerance=0.01)
    assert state.status.tolist() == [Status.CONVERGED] * 3


@pytest.mark.parametrize("settings", [{"method": "newton"}, {"force_tolerance": 0.0}, {"max_steps": 0}])
def test_settings_without_meaning_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        relaxed(LJ, random_cluster(4, seed=1), **settings)
