import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.potentials.checkpoints import load_checkpoint, save_potential
from so3k_explore.potentials.errors import CheckpointError
from so3k_explore.potentials.model_files import FORMAT, content_hash, read_arrays
from so3k_explore.potentials.published import PUBLISHED
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.potentials.so3lr_format import ARCHITECTURE_KEYS, EXPECTED, arrays_from, key_table
from tests.potentials import GAPPED, MIDDLE


@cache
def untrained(kind: str) -> So3krates | So3lr:
    return So3krates.create(1, GAPPED) if kind == "so3krates" else So3lr.create(2, MIDDLE)


@pytest.mark.parametrize("kind", ["so3krates", "so3lr"])
def test_a_potential_comes_back_bit_for_bit(kind: str, tmp_path: Path) -> None:
    potential = untrained(kind)
    checkpoint = load_checkpoint(save_potential(tmp_path / "m.npz", potential, description="a test"))
    back = checkpoint.potential()
    assert checkpoint.kind == kind
    assert checkpoint.metadata["description"] == "a test"
    assert (back.architecture, back.elements) == (potential.architecture, potential.elements)
    assert jax.tree.structure(back) == jax.tree.structure(potential)
    jax.tree.map(np.testing.assert_array_equal, back.params, potential.params)


def test_the_precision_is_chosen_when_loading(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(save_potential(tmp_path / "m.npz", untrained("so3lr")))
    for dtype in (jnp.float32, jnp.float64):
        assert {leaf.dtype for leaf in jax.tree.leaves(checkpoint.potential(dtype))} == {jnp.dtype(dtype)}


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    save_potential(tmp_path / "m.npz", untrained("so3krates"))
    assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]


def damaged(folder: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Path:
    path = save_potential(folder / "m.npz", untrained("so3krates"))
    arrays = dict(np.load(path))
    head = json.loads(str(arrays.pop("metadata")))
    change(arrays, head)
    np.savez(path, metadata=np.array(json.dumps(head)), **arrays)
    return path


SCALE = "params/energy/scale"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays, head: arrays.pop(SCALE), r"lacks 1 arrays, the first is 'energy/scale'"),
        (lambda arrays, head: arrays.update(extra=np.ones(1)), r"1 arrays too many, the first is 'extra'"),
        (lambda arrays, head: arrays.update({SCALE: np.ones(3)}), r"must have the shape \(119,\), got \(3,\)"),
        (lambda arrays, head: arrays.update({SCALE: np.full(119, np.nan)}), "finite numbers"),
        (lambda arrays, head: head.update(kind="schnet"), "must be one of .* got 'schnet'"),
        (lambda arrays, head: head.update(format="other"), f"Expected '{FORMAT}'"),
        (lambda arrays, head: head.update(version=99), "Update the package"),
        (lambda arrays, head: head.pop("architecture"), "incomplete or wrong"),
        (lambda arrays, head: head["architecture"].update(depth=3), "Unknown hyper-parameter 'depth'"),
        (lambda arrays, head: head["architecture"].update(degrees=[1, 1]), "increasing and between"),
    ],
)
def test_what_does_not_fit_is_named(change: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(damaged(tmp_path, change))


def test_truncated_and_foreign_files_are_refused(tmp_path: Path) -> None:
    path = save_potential(tmp_path / "m.npz", untrained("so3krates"))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path)
    np.savez(tmp_path / "objects.npz", x=np.array([{}], dtype=object))
    with pytest.raises(CheckpointError, match=r"not a safe \.npz"):
        load_checkpoint(tmp_path / "objects.npz")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(CheckpointError, match=r"got 'notes\.txt'"):
        load_checkpoint(tmp_path / "notes.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="holds no model"):
        load_checkpoint(tmp_path / "empty")
    with pytest.raises(CheckpointError, match="no file"):
        load_checkpoint(tmp_path / "nowhere.npz")


def as_published(potential: So3lr) -> dict[str, np.ndarray]:
    """The arrays of a potential under the names of the published format."""
    from flax.traverse_util import flatten_dict

    ours: dict[str, Any] = flatten_dict(potential.params, sep="/")
    arrays = {f"params/{theirs}": np.asarray(ours[name]) for theirs, name in key_table(MIDDLE.layers).items()}
    inverse = lambda value: np.log(np.expm1(np.asarray(value, np.float64)))[None]
    names = [(f"a{k + 1}", ours["repulsion/decays"][k]) for k in range(4)]
    names += [(f"c{k + 1}", ours["repulsion/weights"][k]) for k in range(4)]
    names += [("p", ours["repulsion/power"]), ("d", ours["repulsion/scale"])]
    return arrays | {f"params/observables_0/zbl_repulsion/{name}": inverse(value) for name, value in names}


def write_published(folder: Path, potential: So3lr, **model: Any) -> Path:
    sizes = {theirs: getattr(MIDDLE, ours) for theirs, ours in ARCHITECTURE_KEYS.items()}
    settings = {"model": {**EXPECTED, **sizes, **model}, "data": {"avg_num_neighbors": MIDDLE.average_neighbors}}
    (folder / "hyperparameters.json").write_text(json.dumps(settings))
    np.savez(folder / "params.npz", **as_published(potential))  # pyright: ignore[reportArgumentType]
    return folder


def test_the_published_format_is_read_with_its_hyperparameters(tmp_path: Path) -> None:
    potential = untrained("so3lr")
    assert isinstance(potential, So3lr)
    checkpoint = load_checkpoint(write_published(tmp_path, potential))
    assert checkpoint.architecture == MIDDLE
    assert checkpoint.metadata["published"] is False
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=3e-7), checkpoint.params, potential.params)


def test_hyperparameters_that_ask_for_something_else_are_refused(tmp_path: Path) -> None:
    potential = untrained("so3lr")
    assert isinstance(potential, So3lr)
    with pytest.raises(CheckpointError, match="`cutoff_fn` must be 'phys' for SO3LR, got 'cosine'"):
        load_checkpoint(write_published(tmp_path, potential, cutoff_fn="cosine"))
    with pytest.raises(CheckpointError, match="layers has no array"):
        load_checkpoint(write_published(tmp_path, potential, num_layers=1))


def test_the_pickle_and_the_npz_hold_the_published_arrays(reference: Path) -> None:
    for name in ("params.pkl", "params.npz"):
        arrays, head = read_arrays(reference / "so3lr" / name)
        assert head is None
        assert content_hash(arrays) == PUBLISHED["so3lr"].content
        assert sum(array.size for array in arrays.values()) == PUBLISHED["so3lr"].parameters
        assert len(arrays_from(arrays, 3)) == len(arrays) - 6  # ten constants of the repulsion become four arrays
