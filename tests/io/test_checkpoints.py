import json
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.io.checkpoints import CheckpointError, load_checkpoint, read_metadata, save_checkpoint
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.simulation import Langevin, NoseHooverChain, advance, initial_state
from so3k_explore.system import replicate
from tests.molecules import random_cluster

TREE = {
    "array": jnp.arange(6.0).reshape(2, 3),
    "numpy": np.array([1, 2], np.int8),
    "keys": jax.random.split(jax.random.key(3), 2),
    "none": None,
    "python": [1, 2.5, True, "word"],
}


def test_a_tree_comes_back_with_its_metadata(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.npz", TREE, step=7, note="ü")
    back = load_checkpoint(tmp_path / "a.npz", jax.tree.map(lambda leaf: leaf, TREE))
    np.testing.assert_array_equal(back["array"], TREE["array"])
    np.testing.assert_array_equal(back["numpy"], TREE["numpy"])
    assert isinstance(back["numpy"], np.ndarray)
    assert (back["keys"] == TREE["keys"]).all()
    assert back["python"] == [1, 2.5, True, "word"]
    assert read_metadata(tmp_path / "a.npz") == {"step": 7, "note": "ü"}


@pytest.mark.parametrize("integrator", [Langevin(2 * units.FS, 0.002), NoseHooverChain(2 * units.FS, 0.002)])
def test_a_resumed_run_has_the_same_bits(tmp_path: Path, integrator: Langevin | NoseHooverChain) -> None:
    potential = LennardJones(sigma=3.4, epsilon=0.0104, cutoff=8.0)
    cluster = random_cluster(8, seed=2, spacing=3.8)
    start = integrator.prepare(initial_state(potential, replicate(cluster, 2), temperature=40.0))
    whole = advance(integrator, potential, start, 100)
    save_checkpoint(tmp_path / "run.npz", advance(integrator, potential, start, 50))
    other = integrator.prepare(initial_state(potential, replicate(cluster, 2), temperature=1.0, seed=9))
    resumed = advance(integrator, potential, load_checkpoint(tmp_path / "run.npz", other), 50)
    same = jax.tree.map(lambda a, b: bool((a == b).all()), resumed, whole)
    assert all(jax.tree.leaves(same))


def test_the_old_checkpoint_survives_when_the_new_one_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    save_checkpoint(path, {"x": jnp.ones(3)})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(path, {"x": jnp.zeros(3)})
    np.testing.assert_array_equal(load_checkpoint(path, {"x": jnp.zeros(3)})["x"], 1.0)
    assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_damage_is_noticed(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.npz"
    save_checkpoint(path, {"x": jnp.arange(1000.0)})
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 3] ^= 255
    path.write_bytes({"cut": content[: len(content) // 2], "flip": content, "empty": b""}[damage])
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path, {"x": jnp.zeros(1000)})


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", header=np.array([{"evil": 1}], object))
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / "a.npz", {})


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_checkpoint(tmp_path / "missing.npz", {})
    np.savez(tmp_path / "a.npz", header=np.frombuffer(json.dumps({"format": "other"}).encode(), np.uint8))
    with pytest.raises(CheckpointError, match="no checkpoint of so3k_explore"):
        load_checkpoint(tmp_path / "a.npz", {})
    header = json.dumps({"format": "so3k_explore checkpoint", "version": 99, "leaves": [], "metadata": {}})
    np.savez(tmp_path / "b.npz", header=np.frombuffer(header.encode(), np.uint8))
    with pytest.raises(CheckpointError, match="version 99"):
        load_checkpoint(tmp_path / "b.npz", {})


@pytest.mark.parametrize(
    ("like", "words"),
    [
        ({"x": jnp.zeros(3), "y": jnp.zeros(1)}, "missing"),
        ({"x": jnp.zeros(3, jnp.float32)}, "float64"),
        ({"x": jnp.zeros((3, 1))}, "axes"),
    ],
)
def test_other_data_than_expected_are_named(tmp_path: Path, like: dict[str, jax.Array], words: str) -> None:
    save_checkpoint(tmp_path / "a.npz", {"x": jnp.zeros(3)})
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(tmp_path / "a.npz", like)


def test_what_is_no_number_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="numbers and text"):
        save_checkpoint(tmp_path / "a.npz", {"x": object()})
