import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.observables.forces import batched_energy_and_forces
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.simulation import SimulationError, Status, initial_state, thermal_state
from so3k_explore.simulation.state import choose
from so3k_explore.system import System, replicate
from tests.molecules import random_cluster

LJ = LennardJones(cutoff=2.5)
CLUSTER = random_cluster(9, seed=1)


def shaken(walkers: int, seed: int = 0) -> System:
    batch = replicate(CLUSTER, walkers)
    return batch.replace(positions=batch.positions + 0.05 * jax.random.normal(jax.random.key(seed), (walkers, 9, 3)))


def test_a_single_system_becomes_one_walker() -> None:
    state = initial_state(LJ, CLUSTER, temperature=20.0)
    assert state.system.n_walkers == 1
    assert state.energy.shape == state.temperature.shape == (1,)
    assert state.status.tolist() == [Status.RUNNING]


def test_the_stream_of_a_walker_does_not_depend_on_how_many_there_are() -> None:
    few = initial_state(LJ, replicate(CLUSTER, 2), temperature=20.0, seed=5)
    many = initial_state(LJ, replicate(CLUSTER, 4), temperature=20.0, seed=5)
    np.testing.assert_array_equal(few.momenta, many.momenta[:2])
    assert np.ptp(np.asarray(many.temperature)) > 0
    same = initial_state(LJ, replicate(CLUSTER, 2), temperature=20.0, seed=[3, 3])
    np.testing.assert_array_equal(same.momenta[0], same.momenta[1])


def test_overlapping_atoms_are_refused_in_words() -> None:
    with pytest.raises(SimulationError, match="on top of each other"):
        initial_state(LJ, CLUSTER.replace(positions=CLUSTER.positions * 0), temperature=10.0)


@pytest.mark.parametrize("temperature", [-1.0, [1.0, 2.0], float("nan")])
def test_temperatures_must_be_one_number_or_one_a_walker(temperature: float | list[float]) -> None:
    with pytest.raises(ValueError, match="temperature"):
        initial_state(LJ, replicate(CLUSTER, 3), temperature=temperature)


def test_choosing_goes_by_walker() -> None:
    mask = jnp.array([True, False])
    keys = jax.random.split(jax.random.key(0), 4)
    chosen = choose(mask, {"a": jnp.ones((2, 3)), "k": keys[:2]}, {"a": jnp.zeros((2, 3)), "k": keys[2:]})
    np.testing.assert_array_equal(chosen["a"], [[1] * 3, [0] * 3])
    assert (chosen["k"] == jnp.stack([keys[0], keys[3]])).all()


def test_a_state_made_from_what_is_known_is_the_one_that_is_computed() -> None:
    computed = initial_state(LJ, shaken(3), temperature=20.0, seed=2)
    systems, freedom = computed.system, computed.freedom
    energy, forces = batched_energy_and_forces(LJ, systems, computed.neighbors)
    known = thermal_state(systems, energy, forces, computed.neighbors, freedom, temperature=20.0, seed=2)
    np.testing.assert_array_equal(known.momenta, computed.momenta)
    np.testing.assert_allclose(known.conserved_energy, computed.conserved_energy, rtol=1e-12)
    with pytest.raises(ValueError, match="temperature"):
        thermal_state(systems, energy, forces, computed.neighbors, freedom, temperature=-1.0)


def test_every_status_has_a_sentence() -> None:
    assert len({status.sentence for status in Status}) == len(Status)
