"""Checkpoints: any pytree of arrays in one NumPy file, written so that a crash leaves the old or the new one.

The file is an uncompressed ``.npz`` without pickled objects; every array carries a CRC. Random keys are stored as their
numbers, with the name of their generator. The structure is not stored: the caller gives a tree of the same kind, whose
static fields (cutoffs, names of methods) are kept.
"""

import json
import os
import zipfile
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

FORMAT, VERSION = "so3k_explore checkpoint", 1
_HEADER = "header"

Tree = TypeVar("Tree")


class CheckpointError(RuntimeError):
    """A checkpoint is damaged, foreign, or made for something else."""


def save_checkpoint(path: str | Path, tree: Any, **metadata: Any) -> None:
    """Writes the leaves of `tree`; `metadata` (what JSON can hold) comes back from `read_metadata`.

    The file appears under its name only when it is complete and on the disk.
    """
    path = Path(path)
    leaves, arrays = [], {}
    for number, (where, leaf) in enumerate(jax.tree_util.tree_flatten_with_path(tree)[0]):
        array, kind = _to_array(leaf, jax.tree_util.keystr(where))
        arrays[f"leaf_{number:05d}"] = array
        leaves.append({"path": jax.tree_util.keystr(where), "kind": kind})
    header = {"format": FORMAT, "version": VERSION, "leaves": leaves, "metadata": metadata}
    arrays[_HEADER] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def load_checkpoint(path: str | Path, like: Tree) -> Tree:
    """The tree that was saved. `like` has the same structure; shapes come from the file, static fields from `like`.

    Raises:
        CheckpointError: the file is damaged or foreign, or its leaves are not those of `like`.
    """
    header, arrays = _read(Path(path))
    leaves, structure = jax.tree_util.tree_flatten_with_path(like)
    expected = [jax.tree_util.keystr(where) for where, _ in leaves]
    found = [leaf["path"] for leaf in header["leaves"]]
    if expected != found:
        missing = ", ".join(sorted(set(expected) - set(found))) or "none"
        surplus = ", ".join(sorted(set(found) - set(expected))) or "none"
        raise CheckpointError(
            f"`{path}` holds other data than expected (missing: {missing}; surplus: {surplus}). "
            "It belongs to another kind of run or another version."
        )
    restored = [
        _from_array(arrays[f"leaf_{number:05d}"], described, leaf, path)
        for number, (described, (_, leaf)) in enumerate(zip(header["leaves"], leaves, strict=True))
    ]
    return jax.tree_util.tree_unflatten(structure, restored)


def read_metadata(path: str | Path) -> dict[str, Any]:
    """What was given to `save_checkpoint` beside the tree."""
    return _read(Path(path))[0]["metadata"]


def _sync_folder(folder: Path) -> None:
    """Makes the renaming durable, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _to_array(leaf: Any, where: str) -> tuple[np.ndarray, str]:
    if _is_key(leaf):
        return np.asarray(jax.random.key_data(leaf)), f"key {jax.random.key_impl(leaf)}"
    array = np.asarray(leaf)
    if array.dtype.kind not in "biufcSU":
        raise TypeError(f"Checkpoints hold numbers and text, got {type(leaf).__name__} at `{where}`.")
    return array, "array"


def _from_array(array: np.ndarray, described: dict[str, str], like: Any, path: str | Path) -> Any:
    kind, where = described["kind"], described["path"]
    if kind.startswith("key "):
        if not _is_key(like):
            raise CheckpointError(f"`{path}` holds a random key at `{where}`, where an array is expected.")
        return jax.random.wrap_key_data(jnp.asarray(array), impl=kind.removeprefix("key "))
    if isinstance(like, bool | int | float | str):
        return type(like)(array.item())
    reference = np.asarray(like) if not isinstance(like, jax.Array) else like
    if _is_key(like) or array.dtype != reference.dtype or array.ndim != reference.ndim:
        raise CheckpointError(
            f"`{path}` holds {array.dtype} with {array.ndim} axes at `{where}`, expected {reference.dtype} with "
            f"{reference.ndim}. Load it with the precision and the kind of run it was written with."
        )
    return jnp.asarray(array) if isinstance(like, jax.Array) else array


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    if not path.exists():
        raise CheckpointError(f"There is no checkpoint `{path}`.")
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(bytes(arrays.pop(_HEADER)))
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"`{path}` is damaged or no checkpoint ({error}). Use an older one.") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise CheckpointError(f"`{path}` is no checkpoint of so3k_explore.")
    if header["version"] > VERSION:
        raise CheckpointError(
            f"`{path}` has version {header['version']}, this program reads up to {VERSION}. Update so3k_explore."
        )
    return header, arrays
