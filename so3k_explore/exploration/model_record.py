"""Which model the energies of a landscape come from: kept in its file, and asked before anything is added.

Energies of two models differ by electronvolts, so that a landscape with both has neither the right minima nor the right
barriers. Precision makes no other model, another long-range cutoff does. A file of before, or one whose potential could
not be told, has no record: there the energy of its lowest minimum is computed again, and decides.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.exploration.state import SearchError
from so3k_explore.observables.forces import energy_and_forces, forces_norm
from so3k_explore.potentials.fingerprint import fingerprint
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System

FOREIGN_ENERGY, FOREIGN_FORCE = 0.05, 0.1  # eV, eV/Å: a landscape this far off belongs to another potential
SHOWN = 8  # letters of a fingerprint
_KEY = "model"  # among the metadata of a landscape


@dataclass(frozen=True)
class ModelRecord:
    """A model as a landscape remembers it."""

    name: str  # a registered one, or empty: nobody said it
    kind: str  # class of the potential
    fingerprint: str  # `potentials.fingerprint`
    long_range_cutoff: float | None  # Å, 0 where there are no such terms; None: all pairs

    def same_as(self, other: "ModelRecord") -> bool:
        """Whether both give the same energies, whatever they are called."""
        return (self.fingerprint, self.long_range_cutoff) == (other.fingerprint, other.long_range_cutoff)

    def __str__(self) -> str:
        text = f"{self.name or self.kind} ({self.fingerprint[:SHOWN]}"
        if self.long_range_cutoff is None:
            return f"{text}, long-range terms of all pairs)"
        return f"{text}, long-range terms up to {self.long_range_cutoff:g} Å)" if self.long_range_cutoff else f"{text})"


def record_of(potential: Potential, name: str = "") -> ModelRecord | None:
    """The record of a potential; None where it cannot be told from others."""
    letters, far = fingerprint(potential), float(potential.long_range_cutoff)
    if not letters:
        return None
    return ModelRecord(name, type(potential).__name__, letters, None if math.isinf(far) else far)


def recorded_model(landscape: Landscape) -> ModelRecord | None:
    """The model that a landscape was made with; None where that is not written down."""
    content: dict[str, Any] | None = landscape.storage.metadata.get(_KEY)
    return None if content is None else ModelRecord(**{name: content[name] for name in _FIELDS})


def recorded_cutoff(landscape: Landscape) -> float | None:
    """The long-range cutoff (Å) with which to load the model of a landscape; None: as models are without a word."""
    record = recorded_model(landscape)
    return None if record is None else record.long_range_cutoff or None


def claim(landscape: Landscape, potential: Potential, name: str = "") -> None:
    """States that energies of this potential are going to be added; the first one to do so is written down.

    A landscape without minima can still become that of any model.

    Args:
        landscape: of a molecule.
        potential: that gives the energies.
        name: of the model, for people.

    Raises:
        LandscapeError: it was made with another model.
        SearchError: that is not written down, but the energy of its lowest minimum says so.
    """
    mine, theirs = record_of(potential, name), recorded_model(landscape)
    if not len(landscape):
        _write(landscape, mine)
    elif mine is None or theirs is None:
        _check_lowest(landscape, potential)
        _write(landscape, theirs or mine)
    else:
        _check_same(landscape, mine, theirs)
        _write(landscape, theirs if theirs.name else mine)


def check_model(landscape: Landscape, potential: Potential) -> None:
    """Refuses a potential that the landscape was not made with, as far as that is written down.

    Raises:
        LandscapeError: it was made with another model.
    """
    mine, theirs = record_of(potential), recorded_model(landscape)
    if mine is not None and theirs is not None:
        _check_same(landscape, mine, theirs)


def _check_same(landscape: Landscape, given: ModelRecord, made_with: ModelRecord) -> None:
    """Raises `LandscapeError` where a landscape was made with another model than the one that is given."""
    if not given.same_as(made_with):
        if given.fingerprint == made_with.fingerprint:
            given = replace(given, name=made_with.name)
        raise LandscapeError(
            f"{landscape.path.name} was made with the model {made_with}, got {given}. Energies of two models cannot be "
            "compared: go on with the first one, or give the other a landscape of its own."
        )


def take_record(target: Landscape, source: Landscape) -> None:
    """What merging `source` into `target` means for the record; to be called before any minimum is taken.

    Raises:
        LandscapeError: they were made with different models.
    """
    mine, theirs = recorded_model(target), recorded_model(source)
    if not len(target):
        _write(target, theirs)
    elif mine is not None and theirs is not None:
        _check_same(target, theirs, mine)


def check_minimum(
    potential: Potential, system: System, number: int, energy: float, force: float = FOREIGN_FORCE
) -> None:
    """Refuses a potential for which a minimum has another energy (eV), or forces above `force` (eV/Å).

    Raises:
        SearchError: with what was found.
    """
    found, forces = energy_and_forces(potential, system)
    difference, largest = abs(float(found) - energy), float(forces_norm(forces))
    if not (difference < FOREIGN_ENERGY and largest < force):
        raise SearchError(
            f"Minimum {number} of the landscape has another energy (by {difference:.3g} eV) or forces (up to "
            f"{largest:.3g} eV/Å) with this potential: the landscape belongs to another one. "
            "Choose the model it was explored with."
        )


def _check_lowest(landscape: Landscape, potential: Potential) -> None:
    """Energies alone decide: imported structures need not be relaxed."""
    minima = landscape.minima()
    lowest = int(np.argmin(minima.energies))
    number, energy = int(minima.ids[lowest]), float(minima.energies[lowest])
    check_minimum(potential, landscape.system(number), number, energy, force=math.inf)


def _write(landscape: Landscape, record: ModelRecord | None) -> None:
    if record != recorded_model(landscape):
        kept = {key: value for key, value in landscape.storage.metadata.items() if key != _KEY}
        landscape.storage.metadata = kept if record is None else {**kept, _KEY: asdict(record)}


_FIELDS = tuple(ModelRecord.__dataclass_fields__)
