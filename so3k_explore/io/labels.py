"""Reference labels: energies and forces of another method (see `io.reference`); `training.labelling` makes many."""

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from so3k_explore.io.dataset_formats import box_of
from so3k_explore.io.datasets import DatasetError, Frame
from so3k_explore.io.reference import reference_calculator, with_electrons

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator


class Failure(NamedTuple):
    """A structure that got no label."""

    structure: int  # its place among those given
    reason: str


def label(atoms: "Atoms", calculator: "Calculator", **about: Any) -> Frame:
    """One labelled structure; `about` are further fields of `Frame`.

    Charge and multiplicity come from ``atoms.info``. An unfinished wave function of the last structure is dropped when
    it leads astray, and the calculation is begun anew once.

    Raises:
        DatasetError: the method failed, or gave a number that is not finite.
    """
    from ase.calculators.calculator import CalculationFailed

    charge, multiplicity = float(atoms.info.get("charge", 0.0)), int(atoms.info.get("multiplicity", 1))
    given = with_electrons(atoms)
    stressed = bool(given.pbc.any()) and "stress" in calculator.implemented_properties
    wanted = ["energy", "forces", *(["stress"] if stressed else [])]
    for attempt in (1, 2):
        try:
            calculator.calculate(given, wanted)
        except (CalculationFailed, RuntimeError) as error:
            calculator.reset()
            if attempt == 2:
                raise DatasetError(f"The reference calculation failed: {error}") from error
        else:
            break
    found = calculator.results
    if not (np.isfinite(found["energy"]) and np.isfinite(found["forces"]).all()):
        calculator.reset()
        raise DatasetError("The reference calculation gave a number that is not finite.")
    dipole, charges = found.get("dipole"), found.get("charges")
    return Frame(
        numbers=given.numbers.copy(),
        positions=given.positions.copy(),
        energy=float(found["energy"]),
        forces=np.array(found["forces"], float),
        charge=charge,
        spin=float(multiplicity - 1),
        dipole=None if dipole is None else np.array(dipole, float),
        charges=None if charges is None else np.array(charges, float),
        **box_of(given, found),
        **about,
    )


def try_label(work: "tuple[int, Atoms, str]") -> Frame | Failure:
    """The label of a numbered structure with this method, or why there is none; for processes that label."""
    number, atoms, method = work
    try:
        return label(atoms, _calculator(method))
    except DatasetError as error:
        return Failure(number, str(error))
    except Exception as error:  # a calculator may raise anything
        return Failure(number, f"The reference calculation failed: {type(error).__name__}: {error}")


@cache
def _calculator(method: str) -> "Calculator":
    """Of this process: each wave function begins with the last one."""
    return reference_calculator(method)
