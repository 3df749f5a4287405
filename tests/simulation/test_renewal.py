import jax.numpy as jnp
import numpy as np

from so3k_explore.observables.forces import batched_energy_and_forces, neighbors_for
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.simulation import MDState, Status, initial_state
from so3k_explore.simulation.renewal import renewed_neighbors, with_valid_neighbors
from so3k_explore.system import System, replicate

LJ = LennardJones(cutoff=3.0)
GRID = 2.2 * np.stack(np.meshgrid(*3 * [np.arange(4)], indexing="ij"), axis=-1).reshape(-1, 3)
BOX = System.create(GRID, [18] * 64, cell=8.8 * np.eye(3))


def test_new_pair_lists_keep_their_shapes_where_they_can() -> None:
    batch = replicate(BOX, 2)
    old = neighbors_for(LJ, batch)
    apart = batch.replace(positions=batch.positions * 1.05)
    new = renewed_neighbors(LJ, apart, old)
    assert new.short.receivers.shape == old.short.receivers.shape
    energy = batched_energy_and_forces(LJ, apart, new)[0]
    np.testing.assert_allclose(energy, batched_energy_and_forces(LJ, apart, neighbors_for(LJ, apart))[0])


def test_the_step_that_needs_new_lists_is_repeated_with_them() -> None:
    seen = []

    def go_on(state: MDState) -> MDState:
        seen.append(state.neighbors)
        if len(seen) < 3:
            return state.replace(neighbors=state.neighbors.replace(expired=jnp.array([True])), step=state.step + 1)
        return state.replace(step=state.step + 1)

    state = with_valid_neighbors(LJ, go_on, initial_state(LJ, BOX, temperature=10.0))
    assert int(state.step) == 3
    assert len({id(neighbors) for neighbors in seen}) == 3
    assert not any(bool(neighbors.expired.any()) for neighbors in seen)
    assert state.status.tolist() == [Status.RUNNING]


def test_a_walker_whose_new_lists_do_not_last_a_single_step_is_stopped() -> None:
    def go_on(state: MDState) -> MDState:
        lost = state.running & (jnp.arange(2) == 1)
        return state.replace(neighbors=state.neighbors.replace(expired=lost))

    state = with_valid_neighbors(LJ, go_on, initial_state(LJ, replicate(BOX, 2), temperature=10.0))
    assert state.status.tolist() == [Status.RUNNING, Status.NOT_FINITE]
