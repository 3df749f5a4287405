import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.observables.charges import dipole
from so3k_explore.observables.forces import neighbors_for
from so3k_explore.observables.hessian import normal_modes
from so3k_explore.observables.infrared import INTENSITY, dipole_derivatives, dipoles, infrared_intensities
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.system import System, replicate
from tests.molecules import ETHANOL
from tests.potentials import so3lr
from tests.simulation.toys import TRIANGLE, Charged, springs_of

HYDROGEN_CHLORIDE = System.create([[0.0, 0.0, 0.0], [0.0, 0.0, 1.27]], [1, 17])
CHARGE = 0.2  # e


def test_the_factor_is_that_of_the_tables() -> None:
    """42.2561 km/mol for 1 D²/(Å² u), 974.88 km/mol for 1 e²/u (Gaussian's and ORCA's manuals)."""
    np.testing.assert_allclose(INTENSITY, 974.88, rtol=1e-4)


def test_a_diatomic_with_fixed_charges_absorbs_as_known() -> None:
    """The dipole q r changes by q / sqrt(reduced mass) along the normal coordinate."""
    potential = Charged(springs_of(HYDROGEN_CHLORIDE), jnp.array([CHARGE, -CHARGE]))
    modes = normal_modes(potential, HYDROGEN_CHLORIDE)
    hydrogen, chlorine = np.asarray(HYDROGEN_CHLORIDE.masses)
    expected = 974.88 * CHARGE**2 * (1 / hydrogen + 1 / chlorine)
    np.testing.assert_allclose(infrared_intensities(potential, HYDROGEN_CHLORIDE, modes), [expected], rtol=1e-4)


def test_derivatives_are_differences_of_dipoles_of_a_network() -> None:
    potential = so3lr(float("inf"))
    modes = normal_modes(springs_of(ETHANOL), ETHANOL)
    found = dipole_derivatives(potential, ETHANOL, modes)
    for k in (0, 11):
        step = 1e-4 * modes.modes[k] / np.sqrt(modes.reduced_masses[k])
        ends = [dipole(potential, ETHANOL.replace(positions=ETHANOL.positions + sign * step)) for sign in (1, -1)]
        np.testing.assert_allclose(found[k], (ends[0] - ends[1]) / 2e-4, atol=1e-6)


def test_the_dipole_of_an_ion_does_not_depend_on_where_it_is() -> None:
    potential = Charged(springs_of(TRIANGLE), jnp.array([0.5, 0.3, 0.2]))
    ion = replicate(TRIANGLE.replace(charge=jnp.asarray(1.0)), 2)
    ion = ion.replace(positions=ion.positions.at[1].add(7.0))
    found = dipoles(potential, ion, neighbors_for(potential, ion))
    np.testing.assert_allclose(found[0], found[1], atol=1e-12)
    assert np.linalg.norm(found[0]) > 0.1


def test_without_charges_the_sentence_says_what_works() -> None:
    modes = normal_modes(springs_of(TRIANGLE), TRIANGLE)
    with pytest.raises(ValueError, match=r"LennardJones has no charges.*SO3LR"):
        infrared_intensities(LennardJones(), TRIANGLE, modes)
    cell = TRIANGLE.replace(cell=9 * jnp.eye(3))
    with pytest.raises(ValueError, match="periodic"):
        infrared_intensities(Charged(springs_of(TRIANGLE), jnp.zeros(3)), cell, modes)
