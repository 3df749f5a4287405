"""Vibrations of the minima and saddles of a landscape, computed once and kept in its file.

Frequencies are in a table ``vibrations`` beside the structures, by kind and number. They belong to the potential that
the landscape was explored with.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from so3k_explore.analysis.point_group import point_group
from so3k_explore.exploration.identity_record import recorded_identity
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.exploration.model_record import check_model
from so3k_explore.exploration.verification import IMAGINARY
from so3k_explore.observables.hessian import hessians, normal_modes
from so3k_explore.observables.thermodynamics import principal_moments
from so3k_explore.system import System, replicate, walker

if TYPE_CHECKING:
    from so3k_explore.potentials.protocol import Potential

MINIMUM, SADDLE = "minimum", "saddle"
LEAST = 1.0  # cm⁻¹, of a flat mode
STORED = 64  # structures in one transaction
_TABLE = """CREATE TABLE IF NOT EXISTS vibrations (
    kind TEXT, number INTEGER, frequencies BLOB, PRIMARY KEY (kind, number))"""


@dataclass(frozen=True, eq=False)
class Vibrations:
    """What statistics needs to know about stationary points of one kind."""

    kind: str  # "minimum" or "saddle"
    ids: np.ndarray  # (points,) their numbers
    energies: np.ndarray  # (points,) eV
    frequencies: tuple[np.ndarray, ...]  # (modes,) cm⁻¹ of each, from the lowest; negative: imaginary
    moments: np.ndarray  # (points, 3) principal moments of inertia, u Å²
    rotations: np.ndarray  # (points,) symmetry numbers
    chiral: np.ndarray  # (points,) whether a point stands for its mirror image too, which is another structure

    def __len__(self) -> int:
        return len(self.ids)

    def real(self, point: int) -> np.ndarray | None:
        """Frequencies (cm⁻¹) without the one that leads over a saddle; None when more are imaginary.

        Flat modes, a little below zero because the structure is not perfectly relaxed, count with their size.
        """
        found = np.sort(self.frequencies[point])
        if self.kind == SADDLE:
            found = found[1:]
        return None if (found < IMAGINARY).any() else np.maximum(np.abs(found), LEAST)


def vibrations(
    landscape: Landscape,
    kind: str = MINIMUM,
    potential: "Potential | None" = None,
    numbers: Collection[int] | None = None,
) -> Vibrations:
    """Vibrations of minima or saddles; what is not in the file yet is computed and stored.

    Args:
        landscape: with the structures; open for writing when something has to be computed.
        kind: "minimum" or "saddle".
        potential: that of the landscape; not needed when all is stored.
        numbers: which ones; None: all.

    Raises:
        LandscapeError: something is missing and there is no potential to compute it with, or it is another one.
        KeyError: there is no minimum or saddle of that number.
    """
    ids, energies, positions = stationary_points(landscape, kind, numbers)
    stored = stored_frequencies(landscape, kind)
    missing = np.array([number not in stored for number in ids.tolist()], bool)
    if missing.any():
        if potential is None:
            raise LandscapeError(
                f"{missing.sum()} of {len(ids)} frequencies are not stored in {landscape.path.name}. "
                "Give the potential of the landscape, so that they can be computed."
            )
        check_model(landscape, potential)
        _compute(landscape, kind, potential, ids[missing], positions[missing])
        stored = stored_frequencies(landscape, kind)
    groups = [point_group(landscape.numbers, structure) for structure in positions]
    together = recorded_identity(landscape).chirality == "merge"
    template = System.create(np.zeros((len(landscape.numbers), 3)), landscape.numbers)
    moments = [principal_moments(template.replace(positions=jnp.asarray(structure))) for structure in positions]
    return Vibrations(
        kind=kind,
        ids=ids,
        energies=energies,
        frequencies=tuple(stored[number] for number in ids.tolist()),
        moments=np.array(moments).reshape(-1, 3),
        rotations=np.array([group.rotations for group in groups], int),
        chiral=np.array([group.chiral and together for group in groups], bool),
    )


def store_vibrations(landscape: Landscape, kind: str, numbers: Sequence[int], frequencies: Sequence[Any]) -> None:
    """Keeps frequencies (cm⁻¹, of each structure) in the file of the landscape, instead of any that were there."""
    with landscape.transaction():
        landscape.storage.execute(_TABLE)
        for number, found in zip(numbers, frequencies, strict=True):
            values = (kind, int(number), np.asarray(found, float).tobytes())
            landscape.storage.execute("INSERT OR REPLACE INTO vibrations VALUES (?, ?, ?)", values)


def stationary_points(
    landscape: Landscape, kind: str, numbers: Collection[int] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers, energies (eV) and positions (Å) of minima or saddles, all or some; see `vibrations`."""
    if kind not in (MINIMUM, SADDLE):
        raise ValueError(f"`kind` must be {MINIMUM!r} or {SADDLE!r}, got {kind!r}.")
    found = landscape.minima() if kind == MINIMUM else landscape.saddles()
    if numbers is None:
        return found.ids, found.energies, found.positions
    unknown = sorted(set(numbers) - set(found.ids.tolist()))
    if unknown:
        raise KeyError(f"There is no {kind} {unknown[0]} in this landscape, which has {len(found)}.")
    chosen = np.isin(found.ids, list(numbers))
    return found.ids[chosen], found.energies[chosen], found.positions[chosen]


def stored_frequencies(landscape: Landscape, kind: str) -> dict[int, np.ndarray]:
    """Frequencies (cm⁻¹) in the file of a landscape, by the number of the minimum or saddle."""
    tables = landscape.storage.read("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'vibrations'")
    if not tables:
        return {}
    rows = landscape.storage.read("SELECT number, frequencies FROM vibrations WHERE kind = ?", (kind,))
    return {number: np.frombuffer(blob) for number, blob in rows}


def _compute(
    landscape: Landscape, kind: str, potential: "Potential", numbers: np.ndarray, positions: np.ndarray
) -> None:
    template = landscape.system(int(landscape.minima().ids[0]))
    for start in range(0, len(numbers), STORED):  # what is stored is not lost when somebody loses patience
        some = jnp.asarray(positions[start : start + STORED], template.positions.dtype)
        systems = replicate(template, len(some)).replace(positions=some)
        second = hessians(potential, systems)
        modes = [normal_modes(potential, walker(systems, k), second=matrix) for k, matrix in enumerate(second)]
        store_vibrations(
            landscape, kind, numbers[start : start + STORED].tolist(), [found.frequencies for found in modes]
        )
