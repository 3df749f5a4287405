"""Relaxations of a real molecule with SO3LR land where ASE's optimiser does."""

from pathlib import Path

import numpy as np
import pytest

from so3k_explore.io.calculator import Calculator
from so3k_explore.io.structures import named
from so3k_explore.observables.hessian import normal_modes
from so3k_explore.potentials.registry import load_potential
from so3k_explore.simulation import Status, relaxed
from so3k_explore.system import walker


@pytest.mark.physics
def test_alanine_dipeptide_relaxes_to_the_minimum_of_ase(reference: Path) -> None:
    from ase.optimize import BFGS

    potential = load_potential(reference / "so3lr", precision="float64")
    minimum = walker(relaxed(potential, named("ala2").system).system, 0)
    noise = np.random.default_rng(0).normal(scale=0.05, size=(22, 3))  # far starts may end in different minima
    start = minimum.replace(positions=minimum.positions + noise)
    state = relaxed(potential, start, force_tolerance=0.001)
    assert state.status.tolist() == [Status.CONVERGED]
    atoms = start.to_ase()
    atoms.calc = Calculator(potential)
    optimizer = BFGS(atoms, logfile=None)
    assert optimizer.run(fmax=0.001, steps=1000)
    np.testing.assert_allclose(state.energy[0], atoms.get_potential_energy(), atol=1e-4)
    assert int(state.calls[0]) < optimizer.get_number_of_steps()
    modes = normal_modes(potential, walker(state.system, 0))
    assert modes.imaginary == 0
    assert modes.frequencies.shape == (3 * 22 - 6,)
    assert 3000 < modes.frequencies[-1] < 4000  # N-H stretches
