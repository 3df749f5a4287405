import numpy as np
import pytest

from so3k_explore.exploration.verification import downhill_push
from so3k_explore.observables.forces import energy_and_forces, neighbors_for
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.simulation.relaxation import relaxed
from so3k_explore.system import System

LJ = LennardJones()


def relax(positions):
    system = System.create(positions, np.full(len(positions), 18))
    state = relaxed(LJ, system, force_tolerance=1e-8)
    return system.replace(positions=state.system.positions[0])


def test_a_minimum_has_no_way_down():
    tetrahedron = relax([[0, 0, 0], [1.1, 0, 0], [0.5, 0.95, 0], [0.5, 0.3, 0.9]])
    frequency, pushed, calls = downhill_push(LJ, tetrahedron, neighbors_for(LJ, tetrahedron))
    assert frequency > 0
    assert pushed is None
    assert calls == 12


def test_a_flat_square_is_a_saddle_and_is_pushed_downhill():
    square = relax([[0, 0, 0], [1.1, 0, 0], [1.1, 1.1, 0], [0, 1.1, 0]])
    np.testing.assert_allclose(square.positions[:, 2], 0, atol=1e-9)
    frequency, pushed, _ = downhill_push(LJ, square, neighbors_for(LJ, square))
    assert frequency < -15
    assert pushed is not None
    assert np.linalg.norm(pushed - np.asarray(square.positions), axis=1).max() == pytest.approx(0.1)
    energy = lambda system: float(energy_and_forces(LJ, system)[0])
    assert energy(square.replace(positions=square.positions.at[:].set(pushed))) < energy(square)
