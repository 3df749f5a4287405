"""Any potential of this package as an ASE calculator, to take it elsewhere."""

from typing import TYPE_CHECKING, Any, ClassVar

import jax
import numpy as np
from ase.calculators.calculator import Calculator as AseCalculator
from ase.calculators.calculator import all_changes

from so3k_explore.geometry.neighbors import Neighbors, update_neighbors
from so3k_explore.observables.charges import charges, dipole, has_charges
from so3k_explore.observables.forces import energy_and_forces, neighbors_for
from so3k_explore.observables.stress import stress
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System

if TYPE_CHECKING:
    from ase import Atoms

_INFO = ("charge", "multiplicity")


class Calculator(AseCalculator):
    """ASE calculator with energy, free energy and forces; charges, dipole and stress where they exist.

    Total charge and multiplicity are read from ``atoms.info["charge"]`` and ``atoms.info["multiplicity"]``. Pair lists
    are kept with a skin and made anew only when an atom has moved by half of it.

    Args:
        potential: a potential, in the precision it was loaded with.
        skin: of the pair lists, Å.
    """

    implemented_properties: ClassVar[list[str]] = [  # pyright: ignore[reportIncompatibleVariableOverride]
        "energy",
        "free_energy",
        "forces",
        "charges",
        "dipole",
        "stress",
    ]

    def __init__(self, potential: Potential, *, skin: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.potential = potential
        self.skin = skin
        self._neighbors: Neighbors | None = None
        self._listed: Any = None  # for which numbers and cell the pair lists are
        self._info: tuple[Any, ...] | None = None

    def check_state(self, atoms: "Atoms", tol: float = 1e-15) -> list[str]:
        """What changed since the last calculation; charge and multiplicity count."""
        changes = super().check_state(atoms, tol=tol)
        if self._info != _electrons(atoms) and "initial_charges" not in changes:
            changes.append("initial_charges")
        return changes

    def calculate(
        self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = tuple(all_changes)
    ) -> None:
        """Fills `results`.

        Raises:
            PropertyNotImplementedError: charges or dipole of a potential without charges, or stress without a cell.
        """
        super().calculate(atoms, list(properties), list(system_changes))
        self._info = _electrons(self.atoms)
        system = System.from_ase(self.atoms)  # pyright: ignore[reportArgumentType]
        neighbors = self._neighbors_for(system)
        energy, forces = energy_and_forces(self.potential, system, neighbors)
        self.results = {
            "energy": float(energy),
            "free_energy": float(energy),
            "forces": np.asarray(forces, float),
        }
        if {"charges", "dipole"} & set(properties):
            self._add_charges(system, neighbors)
        if "stress" in properties:
            self._add_stress(system, neighbors)

    def _neighbors_for(self, system: System) -> Neighbors:
        cell = None if system.cell is None else np.asarray(system.cell)
        listed = (np.asarray(system.numbers).tobytes(), None if cell is None else cell.tobytes())
        old = self._neighbors
        if old is not None and listed == self._listed:
            updated = _updated(old, system)
            if not bool(updated.expired):
                self._neighbors = updated
                return updated
        size = old.short.receivers.shape[-1] if old is not None and listed == self._listed else 0
        self._neighbors, self._listed = neighbors_for(self.potential, system, skin=self.skin, capacity=size), listed
        return self._neighbors

    def _add_charges(self, system: System, neighbors: Neighbors) -> None:
        if not has_charges(self.potential):
            raise _missing("Charges and dipole need a potential with charges, such as SO3LR.")
        self.results["charges"] = np.asarray(charges(self.potential, system, neighbors), float)
        self.results["dipole"] = np.asarray(dipole(self.potential, system, neighbors), float)

    def _add_stress(self, system: System, neighbors: Neighbors) -> None:
        if system.cell is None:
            raise _missing("Stress needs a periodic cell: set `atoms.cell` and `atoms.pbc`.")
        from ase.stress import full_3x3_to_voigt_6_stress

        self.results["stress"] = full_3x3_to_voigt_6_stress(np.asarray(stress(self.potential, system, neighbors)))


_updated = jax.jit(update_neighbors)  # outside of compiled code each call would compile its branches anew


def _electrons(atoms: Any) -> tuple[Any, ...]:
    return tuple(atoms.info.get(name) for name in _INFO)


def _missing(sentence: str) -> Exception:
    from ase.calculators.calculator import PropertyNotImplementedError

    return PropertyNotImplementedError(sentence)
