"""Which potential this is, in a few letters: equal for all that give the same energies but for rounding.

So the precision does not count, and neither do the radial networks, which `compression` replaces by series: the other
parameters of a network tell it from any other. The long-range cutoff, a choice at loading, is told beside it.
"""

import dataclasses
import hashlib
import json
from typing import Any

import jax
import numpy as np

from so3k_explore.potentials.model_files import content_hash
from so3k_explore.potentials.protocol import Potential

LENGTH = 16  # letters
RADIAL = "radial"  # in the paths of parameters that depend on how filters are written
WRITING = ("radial_basis", "radial_functions", "linear_filters")  # the same in an architecture


def fingerprint(potential: Potential) -> str:
    """Hexadecimal letters; empty where a potential cannot be seen through, such as a function of somebody else."""
    try:
        seen = json.dumps(_described(potential), sort_keys=True)
    except _OpaqueError:
        return ""
    return hashlib.sha256(seen.encode()).hexdigest()[:LENGTH]


class _OpaqueError(Exception):
    """Something that is neither data nor made of data."""


def _described(part: Any) -> Any:
    """What JSON can hold; numbers in single precision."""
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        fields = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
        if {"params", "architecture"} <= set(fields):
            fields = _network(part)
        return {"class": type(part).__name__} | {name: _described(value) for name, value in fields.items()}
    if isinstance(part, dict):
        return {str(name): _described(value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [_described(value) for value in part]
    if isinstance(part, frozenset | set):
        return sorted(_described(value) for value in part)
    if part is None or isinstance(part, str | bool):
        return part
    if isinstance(part, int | float | np.generic | np.ndarray | jax.Array):
        array = np.asarray(part, np.float32)
        return repr(float(array)) if array.ndim == 0 else [list(array.shape), content_hash({"": array})]
    raise _OpaqueError


def _network(potential: Any) -> dict[str, Any]:
    """Parameters and hyper-parameters that do not depend on how the filters are written."""
    leaves = jax.tree_util.tree_flatten_with_path(potential.params)[0]
    arrays = {"/".join(str(key.key) for key in path): np.asarray(leaf) for path, leaf in leaves}
    kept = {path: array for path, array in arrays.items() if RADIAL not in path.split("/")}
    sizes = dataclasses.asdict(potential.architecture)
    return {"params": content_hash(kept), **{name: sizes[name] for name in sizes if name not in WRITING}}
