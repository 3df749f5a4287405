"""Potentials on disk, in one safe format: an `.npz` with the arrays and a JSON text, never a pickle.

Arrays are stored under ``params/`` plus their path in the tree of parameters, the JSON text under ``metadata``, and
what else belongs to a model under folders such as ``extrapolation/``. The published files of SO3LR (`params.npz`,
`params.pkl`, with or without `hyperparameters.json` beside) are read, too.
"""

import dataclasses
import json
import math
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax.traverse_util import flatten_dict, unflatten_dict

from so3k_explore.potentials import so3lr_format
from so3k_explore.potentials.errors import CheckpointError
from so3k_explore.potentials.model_files import FORMAT, VERSION, content_hash, model_file, read_arrays
from so3k_explore.potentials.published import PUBLISHED
from so3k_explore.potentials.so3krates import (
    Architecture,
    So3krates,
    So3kratesNetwork,
    architecture_from_json,
    parameter_shapes,
)
from so3k_explore.potentials.so3lr import So3lr, So3lrNetwork

EXTRAS = ("extrapolation",)  # folders beside ``params``
NETWORKS: dict[str, type[nn.Module]] = {"so3krates": So3kratesNetwork, "so3lr": So3lrNetwork}


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Parameters in single precision as stored, and what is known about them."""

    kind: str  # "so3krates" | "so3lr"
    params: dict[str, Any]
    architecture: Architecture
    metadata: dict[str, Any]
    extras: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)  # further arrays, by folder/name

    @property
    def n_parameters(self) -> int:
        """How many numbers were trained."""
        return sum(leaf.size for leaf in jax.tree.leaves(self.params))

    def potential(self, dtype: Any = jnp.float32, long_range_cutoff: float | None = None) -> So3krates | So3lr:
        """The potential, with parameters in `dtype`."""
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), self.params)
        elements = self.metadata.get("elements")
        known = None if elements is None else frozenset(elements)
        if self.kind == "so3krates":
            return So3krates(params=params, architecture=self.architecture, elements=known)
        return So3lr(
            params=params,
            architecture=self.architecture,
            long_range_cutoff=math.inf if long_range_cutoff is None else float(long_range_cutoff),
            elements=known,
        )


def save_potential(
    path: Path | str, potential: So3krates | So3lr, extras: dict[str, np.ndarray] | None = None, **metadata: Any
) -> Path:
    """Writes a potential atomically; `metadata` are JSON values such as ``description``, `extras` further arrays.

    The long-range cutoff is a choice at loading and not stored.
    """
    kind = "so3lr" if isinstance(potential, So3lr) else "so3krates"
    elements = None if potential.elements is None else sorted(potential.elements)
    about = {"elements": elements, **metadata}
    return save_checkpoint(path, Checkpoint(kind, potential.params, potential.architecture, about, extras or {}))


def save_checkpoint(path: Path | str, checkpoint: Checkpoint) -> Path:
    """Writes a checkpoint atomically: a reader sees the old file or the whole new one."""
    path = Path(path)
    arrays: dict[str, Any] = dict(checkpoint.extras)
    arrays |= {f"params/{name}": np.asarray(leaf) for name, leaf in flatten_dict(checkpoint.params, sep="/").items()}
    head = {
        "format": FORMAT,
        "version": VERSION,
        "kind": checkpoint.kind,
        "architecture": dataclasses.asdict(checkpoint.architecture),
        "parameters": checkpoint.n_parameters,
        **checkpoint.metadata,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            np.savez_compressed(file, metadata=np.array(json.dumps(head)), **arrays)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def load_checkpoint(path: Path | str) -> Checkpoint:
    """Reads a file or folder in our format or in the published one of SO3LR.

    Raises:
        CheckpointError: nothing readable there, damaged, a forbidden pickle, or arrays that do not fit.
    """
    path = model_file(Path(path))
    arrays, head = read_arrays(path)
    if head is None:
        return _published(path, arrays)
    try:
        architecture = architecture_from_json(head.pop("architecture"))
        kind = head.pop("kind")
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"The description inside {path} is incomplete or wrong: {error}.") from error
    params = {name.removeprefix("params/"): array for name, array in arrays.items() if not _is_extra(name)}
    extras = {name: array for name, array in arrays.items() if _is_extra(name)}
    return Checkpoint(kind, fitted(params, kind, architecture, path), architecture, head, extras)


def fitted(arrays: dict[str, np.ndarray], kind: str, architecture: Architecture, path: Path) -> dict[str, Any]:
    """Arrays as the tree the network wants, after checking names, shapes and values."""
    if kind not in NETWORKS:
        raise CheckpointError(f"The kind of model must be one of {sorted(NETWORKS)}, got {kind!r} in {path}.")
    wanted: dict[str, Any] = flatten_dict(parameter_shapes(NETWORKS[kind](architecture)), sep="/")
    if missing := sorted(set(wanted) - set(arrays)):
        raise CheckpointError(f"{path} lacks {len(missing)} arrays, the first is {missing[0]!r}.")
    if unknown := sorted(set(arrays) - set(wanted)):
        raise CheckpointError(f"{path} has {len(unknown)} arrays too many, the first is {unknown[0]!r}.")
    for name, leaf in wanted.items():
        if arrays[name].shape != leaf.shape:
            raise CheckpointError(f"{name!r} must have the shape {leaf.shape}, got {arrays[name].shape} in {path}.")
        if not np.isfinite(arrays[name]).all():
            raise CheckpointError(f"{name!r} must hold finite numbers, got NaN or infinity in {path}.")
    return unflatten_dict({name: arrays[name] for name in wanted}, sep="/")


def _is_extra(name: str) -> bool:
    return name.split("/")[0] in EXTRAS


def _published(path: Path, arrays: dict[str, np.ndarray]) -> Checkpoint:
    settings = path.parent / "hyperparameters.json"
    architecture = Architecture()
    if settings.is_file():
        try:
            architecture = so3lr_format.architecture_from(json.loads(settings.read_text()))
        except json.JSONDecodeError as error:
            raise CheckpointError(f"{settings} is not valid JSON: {error}.") from error
    renamed = so3lr_format.arrays_from(arrays, architecture.layers)
    known = PUBLISHED["so3lr"]
    same = content_hash(arrays) == known.content
    about = {
        "elements": list(known.elements),
        "description": known.description + ("" if same else "; NOT the published parameters"),
        "published": same,
        "parameters": sum(array.size for array in arrays.values()),
    }
    return Checkpoint("so3lr", fitted(renamed, "so3lr", architecture, path), architecture, about)
