import collections
import datetime
import os
import pickle
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.potentials.errors import CheckpointError
from so3k_explore.potentials.safe_pickle import read_arrays

ARRAYS = {
    "single": np.arange(6, dtype=np.float32).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big endian": np.arange(3, dtype=">f8"),
    "integers": np.array([[1, -2]], np.int64),
    "scalar": np.array(2.5),
}


def written(folder: Path, content: object, protocol: int = 4) -> Path:
    path = folder / "file.pkl"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_of_every_protocol_come_back(protocol: int, tmp_path: Path) -> None:
    found = read_arrays(written(tmp_path, {"a": {"b": ARRAYS}}, protocol))
    assert set(found) == {f"a/b/{name}" for name in ARRAYS}
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[f"a/b/{name}"], array)


def test_jax_arrays_come_back_as_numpy(tmp_path: Path) -> None:
    found = read_arrays(written(tmp_path, {"x": jnp.arange(4.0), "y": np.float32(3)}))
    assert isinstance(found["x"], np.ndarray)
    np.testing.assert_array_equal(found["x"], np.arange(4.0))
    assert found["y"] == 3


class Malicious:
    """Runs a command when unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


def test_a_malicious_pickle_is_refused_by_name_and_nothing_is_executed(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    path = written(tmp_path, {"params": Malicious(marker)})
    with pytest.raises(CheckpointError, match=r"posix\.system|nt\.system"):
        read_arrays(path)
    assert not marker.exists()
    pickle.loads(path.read_bytes())
    assert marker.exists(), "the file would not have done any harm, so the test shows nothing"


@pytest.mark.parametrize("content", [{"x": datetime.date(2020, 1, 1)}, {"x": collections.OrderedDict()}, {"x": eval}])
def test_any_other_global_is_refused(content: object, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="asks for"):
        read_arrays(written(tmp_path, content))


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="plain numbers"):
        read_arrays(written(tmp_path, {"x": np.array([{}], dtype=object)}))


def test_other_things_than_arrays_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nested dictionaries of arrays, got str at x"):
        read_arrays(written(tmp_path, {"x": "text"}))


@pytest.mark.parametrize("keep", [0, 10, 150, 400])
def test_a_truncated_pickle_says_so(keep: int, tmp_path: Path) -> None:
    path = written(tmp_path, {"x": np.zeros(100)})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="damaged"):
        read_arrays(path)
