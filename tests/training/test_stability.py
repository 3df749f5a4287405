import jax.numpy as jnp
import numpy as np

from so3k_explore import units
from so3k_explore.io.molecule import Molecule
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.system import System
from so3k_explore.training.conformers import conformer_scores, frequency_errors
from so3k_explore.training.stability import energy_drift, stability

LJ = LennardJones(sigma=jnp.asarray(3.4), epsilon=jnp.asarray(0.3))
TRIMER = System.create([[0, 0, 0], [3.8, 0, 0], [1.9, 3.3, 0]], [18, 18, 18])


def trimer() -> Molecule:
    return Molecule("trimer", TRIMER, np.array([[0, 1], [1, 2], [0, 2]]), "made here")


def test_a_cold_cluster_survives_and_a_hot_one_loses_its_bonds() -> None:
    cold = stability(LJ, trimer(), temperature=50.0, duration=0.5, walkers=2, timestep=2.0)
    assert cold.fraction == 1.0
    np.testing.assert_allclose(cold.survived, 0.5)
    hot = stability(LJ, trimer(), temperature=3000.0, duration=5.0, walkers=3, timestep=2.0, seed=1)
    assert hot.fraction < 1.0
    assert "BOND_CHANGED" in hot.status
    assert (hot.survived[np.array(hot.status) == "BOND_CHANGED"] < 5.0).all()


def test_energy_hardly_drifts_on_a_smooth_surface() -> None:
    assert abs(energy_drift(LJ, trimer(), temperature=50.0, duration=5.0, timestep=1.0)) < 0.01


def test_a_minimum_of_the_same_surface_stays_and_one_of_another_moves() -> None:
    side = 2 ** (1 / 6) * 3.4
    minimum = System.create([[0, 0, 0], [side, 0, 0], [side / 2, side * 3**0.5 / 2, 0]], [18, 18, 18])
    found = conformer_scores(LJ, [minimum, TRIMER], np.array([-0.9, -0.5]))
    assert found.moved[0] < 1e-3
    assert found.moved[1] > 0.005
    np.testing.assert_allclose(found.found, 0.0, atol=1e-5)
    np.testing.assert_allclose(found.energy_mae, 0.2 / 0.0433641, rtol=1e-3)


def test_frequencies_of_the_same_surface_agree() -> None:
    """Three springs k = 57.146 ε/σ² between equal masses: ω² = 3k/m once, 3k/2m twice."""
    breathing = units.HBAR * (3 * 57.146 * 0.3 / 3.4**2 / 39.948) ** 0.5 / units.INVERSE_CM
    errors = frequency_errors(LJ, TRIMER, np.array([breathing / 2**0.5, breathing / 2**0.5, breathing]))
    np.testing.assert_allclose(errors, 0.0, atol=0.5)
