"""Reference methods with bad days, for processes that should import little."""

import math
import os
import time

import numpy as np
from ase.calculators.calculator import CalculationFailed, Calculator, all_changes
from ase.calculators.lj import LennardJones


class Moody(Calculator):
    """Fails when it is asked for two hydrogens closer than 1 Å, and once after a failure elsewhere."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012 - as ASE has it

    def __init__(self) -> None:
        super().__init__()
        self.fresh = True

    def reset(self) -> None:
        super().reset()
        self.fresh = True

    def calculate(self, atoms=None, properties=None, system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None
        distance = self.atoms.get_distance(0, 1)
        if distance < 1.0 or (distance > 3.0 and not self.fresh):
            raise CalculationFailed("no convergence")
        self.fresh = False
        energy = math.nan if distance > 9.0 else distance
        self.results = {"energy": energy, "forces": np.zeros((2, 3))}


class Crashing(LennardJones):
    """Takes its process down when two atoms are too close, and finds an accident at 4 Å."""

    def calculate(self, atoms=None, properties=None, system_changes=all_changes) -> None:
        assert atoms is not None
        distance = atoms.get_distance(0, 1)
        if distance < 1.0:
            os._exit(7)
        if distance > 3.0:
            raise KeyError("no such shell")
        super().calculate(atoms, properties, system_changes)


class Slow(LennardJones):
    """Takes its time, as real methods do."""

    def calculate(self, atoms=None, properties=None, system_changes=all_changes) -> None:
        time.sleep(0.1)
        super().calculate(atoms, properties, system_changes)
