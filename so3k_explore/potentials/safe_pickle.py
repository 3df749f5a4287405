"""Reads arrays out of a pickle without running anything that the pickle asks for.

Only dictionaries, lists, strings, numbers and numeric arrays come out. The few globals that pickled NumPy and JAX
arrays name are replaced by stand-ins defined here; any other global is refused by name.
"""

import math
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore.potentials.errors import CheckpointError


class _Dtype:
    """Stands for `numpy.dtype`."""

    def __init__(self, code: str, *_: Any) -> None:
        if not re.fullmatch(r"[<>=|]?[biuf]\d{1,2}", code):
            raise CheckpointError(f"Arrays must hold plain numbers, got the dtype {code!r}.")
        self.value = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.value = self.value.newbyteorder(state[1])


class _Array:
    """Stands for `numpy.ndarray`; its content arrives later, as a state."""

    value: np.ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, content = state
        self.value = _from_bytes(content, dtype, shape, "F" if fortran else "C").value


def _empty_array(*_: Any) -> _Array:
    return _Array()


def _from_bytes(content: Any, dtype: _Dtype, shape: tuple[int, ...], order: str = "C") -> _Array:
    if not isinstance(content, bytes | bytearray) or len(content) != math.prod(shape) * dtype.value.itemsize:
        raise CheckpointError(f"An array of shape {shape} does not fit its content; the file is damaged.")
    array = _Array()
    array.value = np.frombuffer(bytes(content), dtype.value).reshape(shape, order="F" if order == "F" else "C")
    return array


def _scalar(dtype: _Dtype, content: Any) -> _Array:
    return _from_bytes(content, dtype, ())


def _jax_array(_function: Any, _arguments: Any, state: tuple[Any, ...], *_: Any) -> _Array:
    array = _Array()
    array.__setstate__(state)
    return array


def _latin1(text: str, *_: Any) -> bytes:
    """Old protocols write bytes as text."""
    return text.encode("latin1")


def _plain_dict(content: dict[Any, Any], *_: Any) -> dict[Any, Any]:
    return dict(content)


_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _latin1,
    ("jax._src.array", "_reconstruct_array"): _jax_array,
    ("flax.core.frozen_dict", "FrozenDict"): _plain_dict,
}
for _core in ("numpy.core", "numpy._core"):
    _STAND_INS[f"{_core}.multiarray", "_reconstruct"] = _empty_array
    _STAND_INS[f"{_core}.multiarray", "scalar"] = _scalar
    _STAND_INS[f"{_core}.numeric", "_frombuffer"] = _from_bytes


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _STAND_INS[module, name]
        except KeyError:
            raise CheckpointError(
                f"The pickle asks for `{module}.{name}`; only plain arrays are read, and nothing was executed. "
                "Do not trust this file."
            ) from None


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a pickled tree of dictionaries, by path joined with "/".

    Raises:
        CheckpointError: the pickle holds anything else, or is damaged.
    """
    try:
        with path.open("rb") as file:
            tree = _ArraysOnly(file).load()
    except (CheckpointError, OSError):
        raise
    except Exception as error:  # a damaged pickle fails in many ways
        raise CheckpointError(f"{path} is damaged or not a pickle ({error}). Fetch it again.") from error
    return dict(_flatten(tree, ""))


def _flatten(node: Any, path: str) -> Any:
    if isinstance(node, _Array):
        yield path, node.value
    elif isinstance(node, dict):
        for key, child in node.items():
            yield from _flatten(child, f"{path}/{key}" if path else str(key))
    else:
        raise CheckpointError(
            f"Expected nested dictionaries of arrays, got {type(node).__name__} at {path or 'the top'}."
        )
