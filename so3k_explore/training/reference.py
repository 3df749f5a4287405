"""Reference labels: energies and forces of another method, by default GFN2-xTB.

GFN2-xTB (Bannwarth, Ehlert, Grimme, J. Chem. Theory Comput. 15, 1652 (2019)) comes from `tblite`, in the optional
dependencies ``reference``. Any other method is named as ``package.module:Name``, something that returns an ASE
calculator when called. One thread a call: two are ten times slower for molecules, so labels are made in several
processes instead.
"""

import importlib
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from so3k_explore.io.datasets import DatasetError, Frame

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

GFN2 = "GFN2-xTB"
PORTION = 16  # structures handed to a process at a time
SINGLE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Failure(NamedTuple):
    """A structure that got no label."""

    structure: int  # its place among those given
    reason: str


def reference_calculator(method: str = GFN2) -> "Calculator":
    """An ASE calculator: "GFN2-xTB", "GFN1-xTB", or what ``package.module:Name`` returns.

    Raises:
        DatasetError: tblite is not installed, or nothing is found under that name.
    """
    if ":" in method:
        module, name = method.split(":", 1)
        try:
            return getattr(importlib.import_module(module), name)()
        except (ImportError, AttributeError) as error:
            raise DatasetError(f"No calculator was found at `{method}` ({error}).") from error
    if method not in (GFN2, "GFN1-xTB"):
        raise DatasetError(f"A method is {GFN2}, GFN1-xTB or `package.module:Name`, got `{method}`.")
    for name in SINGLE_THREAD:
        os.environ.setdefault(name, "1")  # read when the library is loaded
    try:
        from tblite.ase import TBLite
    except ImportError as error:
        raise DatasetError(
            f'{method} needs tblite, which is not installed. Run: pip install "so3k-explore[reference]".'
        ) from error
    return TBLite(method=method, verbosity=0)


def label(atoms: "Atoms", calculator: "Calculator", **about: Any) -> Frame:
    """One labelled structure; `about` are further fields of `Frame`.

    Charge and multiplicity come from ``atoms.info``. An unfinished wave function of the last structure is dropped when
    it leads astray, and the calculation is begun anew once.

    Raises:
        DatasetError: the method failed, or gave a number that is not finite.
    """
    from ase.calculators.calculator import CalculationFailed

    charge, multiplicity = float(atoms.info.get("charge", 0.0)), int(atoms.info.get("multiplicity", 1))
    given = atoms.copy()
    given.set_initial_charges(np.full(len(given), charge / len(given)))
    given.set_initial_magnetic_moments(np.full(len(given), (multiplicity - 1) / len(given)))
    for attempt in (1, 2):
        try:
            calculator.calculate(given, ["energy", "forces"])
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
        **about,
    )


def label_all(
    structures: Sequence["Atoms"], method: str = GFN2, processes: int = 1, **about: Any
) -> Iterator[Frame | Failure]:
    """Labels of structures in their order, made in parallel; what fails is reported in its place."""
    with single_threaded_pool(processes) as run:
        work = [(i, structures[i : i + PORTION], method, about) for i in range(0, len(structures), PORTION)]
        for portion in run(_label_portion, work):
            yield from portion


def _label_portion(work: tuple[int, Sequence["Atoms"], str, dict[str, Any]]) -> list[Frame | Failure]:
    start, structures, method, about = work
    calculator = reference_calculator(method)
    found: list[Frame | Failure] = []
    for index, atoms in enumerate(structures, start):
        try:
            found.append(label(atoms, calculator, **about))
        except DatasetError as error:
            found.append(Failure(index, str(error)))
    return found


@contextmanager
def single_threaded_pool(processes: int) -> Iterator[Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]]:
    """A `map` over fresh processes that compute with one thread each; in this process when one is enough."""
    if processes <= 1:
        yield map
        return
    before = {name: os.environ.get(name) for name in SINGLE_THREAD}
    os.environ.update(dict.fromkeys(SINGLE_THREAD, "1"))  # inherited by what is started now
    try:
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield pool.map
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
