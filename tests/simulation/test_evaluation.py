"""Forces of running walkers on one device and on several: dynamics, relaxations and searches must not see which."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.exploration import Landscape, MinimaSearch, explore_minima
from so3k_explore.exploration.curvature import selected_hessians
from so3k_explore.io.structures import load_molecule
from so3k_explore.observables.forces import batched_energy_and_forces, neighbors_for
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.simulation import Langevin, advance, initial_state, make_guard, relaxed
from so3k_explore.simulation.evaluation import evaluate
from so3k_explore.simulation.lanes import on_one_device
from so3k_explore.system import System, replicate
from tests.molecules import random_cluster

LJ = LennardJones(sigma=3.4, epsilon=0.0104, cutoff=8.0)
CLUSTER = random_cluster(9, seed=1, spacing=3.8)
WALKERS, STEPS = 5, 40  # walkers that two devices cannot share evenly
SCRIPT = """
import sys
import jax
jax.config.update("jax_enable_x64", True)
import numpy as np
from tests.simulation.test_evaluation import everything
assert jax.local_device_count() == 2
np.savez(sys.argv[1], **everything())
"""


def shaken(walkers: int, seed: int = 0) -> System:
    batch = replicate(CLUSTER, walkers)
    return batch.replace(positions=batch.positions + 0.05 * jax.random.normal(jax.random.key(seed), (walkers, 9, 3)))


def everything() -> dict[str, np.ndarray]:
    """What dynamics, a relaxation and a search give on the devices of this process."""
    integrator = Langevin(units.FS, 30 * units.KB, 0.01 / units.FS)
    start = initial_state(
        LJ, shaken(WALKERS), temperature=30.0, seed=3, guard=make_guard(CLUSTER, np.zeros((0, 2), int))
    )
    start = start.replace(momenta=start.momenta.at[1].multiply(1000.0))  # one walker flies apart
    moved = advance(integrator, LJ, start, STEPS)
    again = advance(integrator, LJ, advance(integrator, LJ, start, STEPS // 2), STEPS - STEPS // 2)
    rest = relaxed(LJ, shaken(WALKERS, seed=1), force_tolerance=1e-6)
    batch, wanted = shaken(WALKERS, seed=2), jnp.arange(WALKERS) != 1
    curvatures = jax.jit(selected_hessians)(LJ, batch, neighbors_for(LJ, batch), wanted, jnp.ones((WALKERS, 27, 27)))
    landscape = Landscape()
    molecule = load_molecule("lj7")
    settings = MinimaSearch(walkers=WALKERS, minima=4, max_calls=4000, seed=5)
    *_, last = explore_minima(LennardJones(), molecule, settings, landscape)
    return {
        "devices": np.asarray([len(leaf.devices()) for leaf in jax.tree.leaves((moved, rest, last.walkers))]),
        "status": np.asarray(moved.status),
        "moved": np.asarray(moved.system.positions),
        "again": np.asarray(again.system.positions),
        "noise": np.asarray(jax.random.key_data(moved.key)),
        "relaxed": np.asarray(rest.energy),
        "calls": np.asarray(rest.calls),
        "curvatures": np.asarray(on_one_device(curvatures)),
        "minima": np.sort(landscape.minima().energies),
    }


@pytest.fixture(scope="module")
def on_two_devices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """`everything` of a process that sees two devices."""
    file = tmp_path_factory.mktemp("devices") / "found.npz"
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": "2", "PYTHONPATH": root}
    subprocess.run([sys.executable, "-c", SCRIPT, file], env=environment, check=True, timeout=800)
    return dict(np.load(file))


@pytest.mark.parametrize("walkers", [1, 6])
def test_only_running_walkers_get_new_forces(walkers: int) -> None:
    batch = shaken(walkers)
    running = jnp.arange(walkers) % 3 == 0
    neighbors = neighbors_for(LJ, batch)
    energy, forces = evaluate(LJ, batch, neighbors, jnp.full(walkers, 7.0), jnp.ones((walkers, 9, 3)), running)
    right_energy, right_forces = batched_energy_and_forces(LJ, batch, neighbors)
    np.testing.assert_allclose(energy, np.where(running, right_energy, 7.0), rtol=1e-12)
    np.testing.assert_allclose(forces, np.where(running[:, None, None], right_forces, 1.0), rtol=1e-10, atol=1e-12)


def test_two_devices_give_what_one_gives(on_two_devices: dict[str, np.ndarray]) -> None:
    alone = everything()
    assert set(alone["status"][[0, 2, 3, 4]]) == {0}
    assert alone["status"][1] != 0
    for name in ("status", "noise", "calls"):
        np.testing.assert_array_equal(on_two_devices[name], alone[name])
    for name in ("moved", "relaxed", "curvatures", "minima"):
        np.testing.assert_allclose(on_two_devices[name], alone[name], atol=1e-8)
    assert len(alone["minima"]) == 4
    assert (alone["curvatures"][1] == 1.0).all()


def test_what_two_devices_found_lives_on_one(on_two_devices: dict[str, np.ndarray]) -> None:
    assert (on_two_devices["devices"] == 1).all()


def test_a_run_in_two_parts_is_the_same_to_the_bit(on_two_devices: dict[str, np.ndarray]) -> None:
    np.testing.assert_array_equal(on_two_devices["again"], on_two_devices["moved"])
