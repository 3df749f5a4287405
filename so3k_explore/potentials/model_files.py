"""Models on disk as far as they can be judged without loading a framework."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore.potentials import safe_pickle
from so3k_explore.potentials.errors import CheckpointError
from so3k_explore.potentials.published import PUBLISHED

FORMAT = "so3k-explore potential"
VERSION = 1
MODEL_FILES = ("model.npz", "params.npz", "params.pkl")  # what makes a folder a model, in order of preference
_DAMAGE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zipfile.LargeZipFile)


@dataclass(frozen=True)
class Summary:
    """What a checkpoint says about itself."""

    kind: str
    elements: tuple[int, ...] | None
    parameters: int
    description: str
    published: bool  # whether the arrays are those of `PUBLISHED[kind]`
    ions: bool = True  # whether charge and spin are embedded
    licence: str = ""


def model_file(path: Path) -> Path:
    """The file to read for a file or folder.

    Raises:
        CheckpointError: there is none.
    """
    if path.is_dir():
        found = [path / name for name in MODEL_FILES if (path / name).is_file()]
        if not found:
            raise CheckpointError(f"The folder {path} holds no model; expected one of {', '.join(MODEL_FILES)}.")
        return found[0]
    if not path.is_file():
        raise CheckpointError(f"There is no file {path}.")
    return path


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any] | None]:
    """Arrays of a checkpoint file by name, and what our own format says about them; None for published formats.

    Raises:
        CheckpointError: damaged, unknown, or a pickle of more than arrays.
    """
    if path.suffix == ".pkl":
        return safe_pickle.read_arrays(path), None
    if path.suffix != ".npz":
        raise CheckpointError(f"A checkpoint must be a folder, an .npz or an SO3LR .pkl file, got {path.name!r}.")
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except _DAMAGE as error:
        raise CheckpointError(f"{path} is damaged or not a safe .npz file ({error}). Fetch it again.") from error
    head = arrays.pop("metadata", None)
    return arrays, None if head is None else parse_head(path, head)


def summarise(path: Path) -> Summary:
    """Reads no more than needed to list a model."""
    path = model_file(path)
    head = None
    if path.suffix == ".npz":
        try:
            with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
                head = parse_head(path, file["metadata"]) if "metadata" in file else None
        except _DAMAGE as error:
            raise CheckpointError(f"{path} is damaged or not a safe .npz file ({error}). Fetch it again.") from error
    if head is None:
        arrays, _ = read_arrays(path)
        known = PUBLISHED["so3lr"]
        if not any(name.endswith("zbl_repulsion/a1") for name in arrays):
            raise CheckpointError(f"{path} holds arrays of no known model.")
        published = content_hash(arrays) == known.content
        size = sum(array.size for array in arrays.values())
        return Summary("so3lr", known.elements, size, known.description, published)
    elements = head.get("elements")
    return Summary(
        kind=str(head.get("kind")),
        elements=None if elements is None else tuple(elements),
        parameters=int(head.get("parameters", 0)),
        description=str(head.get("description", "")),
        published=bool(head.get("published", False)),
        ions=bool(head.get("architecture", {}).get("charge_and_spin", True)),
        licence=str(head.get("licence", "")),
    )


def parse_head(path: Path, text: np.ndarray) -> dict[str, Any]:
    """The JSON text of our format as a dictionary.

    Raises:
        CheckpointError: it is not ours, or newer than this package.
    """
    try:
        head = json.loads(str(text))
        known, version = head["format"] == FORMAT, head["version"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} does not say what it is: {error}.") from error
    if not known or version > VERSION:
        raise CheckpointError(
            f"Expected {FORMAT!r} up to version {VERSION}, got {head['format']!r} version {version} in {path}. "
            "Update the package."
        )
    return {name: value for name, value in head.items() if name not in ("format", "version")}


def content_hash(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of names and numbers in single precision, independent of the file format."""
    digest = hashlib.sha256()
    plain = {name.removeprefix("params/"): array for name, array in arrays.items()}
    for name in sorted(plain):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(plain[name], "<f4").tobytes())
    return digest.hexdigest()
