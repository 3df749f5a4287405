"""Reference methods: by default GFN2-xTB, any other as an ASE calculator.

GFN2-xTB (Bannwarth, Ehlert, Grimme, J. Chem. Theory Comput. 15, 1652 (2019)) comes from `tblite`, in the optional
dependencies ``reference``. Any other method is named as ``package.module:Name``, something that returns an ASE
calculator when called. One thread a call: two are ten times slower for molecules, so structures are shared among
several processes instead.
"""

import importlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore.io.datasets import DatasetError
from so3k_explore.io.processes import SINGLE_THREAD, Crew

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

GFN2 = "GFN2-xTB"


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


def with_electrons(atoms: "Atoms") -> "Atoms":
    """Copy that tells a calculator the charge and multiplicity of ``atoms.info``, in the ways that ASE knows."""
    charge, multiplicity = float(atoms.info.get("charge", 0.0)), int(atoms.info.get("multiplicity", 1))
    given = atoms.copy()
    given.set_initial_charges(np.full(len(given), charge / len(given)))
    given.set_initial_magnetic_moments(np.full(len(given), (multiplicity - 1) / len(given)))
    return given


@contextmanager
def single_threaded_pool(processes: int) -> Iterator[Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]]:
    """A `map` over fresh processes that compute with one thread each; in this process when one is enough."""
    if processes <= 1:
        yield map
        return
    with Crew(processes) as crew:
        yield crew.map
