"""Total charge and unpaired electrons: what files say about them, and whether they fit together."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int

from so3k_explore.io.molecule import StructureError

_CHARGE_KEYS = ("charge", "total_charge", "net_charge")
_MULTIPLICITY_KEYS = ("multiplicity", "spin_multiplicity", "mult")


def charge_and_spin(info: Mapping[str, Any], numbers: Int[np.ndarray, "atoms"]) -> tuple[float | None, float | None]:
    """Charge (e) and number of unpaired electrons from a file's key-value pairs; None where it says nothing.

    Keys: charge, total_charge, net_charge; multiplicity, spin_multiplicity, mult; spin. Some data sets mean the number
    of unpaired electrons by ``spin`` and others the multiplicity: the one that fits the number of electrons is taken.
    """
    plain = {str(key).lower(): value for key, value in info.items()}
    charge = _first(plain, _CHARGE_KEYS)
    multiplicity = _first(plain, _MULTIPLICITY_KEYS)
    if multiplicity is not None:
        check_multiplicity(multiplicity)
        return charge, multiplicity - 1
    spin = _first(plain, ("spin",))
    if spin is None:
        return charge, None
    if spin != round(spin):
        spin = 2 * spin  # total spin S
    odd = (electron_count(numbers, charge or 0.0) - round(spin)) % 2
    if spin < 0 or (odd and spin < 1):
        raise StructureError(f"`spin` in the file should be unpaired electrons or a multiplicity, it is {spin:g}.")
    return charge, spin - 1 if odd else spin


def electron_count(numbers: Int[np.ndarray, "atoms"], charge: float | int) -> int:
    """Number of electrons."""
    return int(np.sum(numbers)) - round(charge)


def check_multiplicity(multiplicity: float | int) -> None:
    """Raises `StructureError` unless the multiplicity is a whole number from 1."""
    if multiplicity < 1 or multiplicity != round(multiplicity):
        raise StructureError(
            f"`multiplicity` must be a whole number from 1 (unpaired electrons plus one), got {multiplicity:g}."
        )


def _first(info: Mapping[str, Any], keys: tuple[str, ...]) -> float | None:
    for key in keys:
        if key not in info:
            continue
        value = info[key]
        try:
            number = float(np.asarray(value, float).reshape(()))
        except (TypeError, ValueError):
            raise StructureError(f"`{key}` in the file should be one number, it is `{value}`.") from None
        if not np.isfinite(number):
            raise StructureError(f"`{key}` in the file should be a finite number, it is {number}.")
        return number
    return None
