import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.observables.charges import charges, dipole, energy_terms, has_charges, hirshfeld_ratios
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.lennard_jones import LennardJones
from tests.molecules import WATER, random_cluster
from tests.potentials import so3lr

SO3LR = so3lr(float("inf"))


def test_the_dipole_is_the_first_moment_of_the_charges() -> None:
    found = charges(SO3LR, WATER)
    np.testing.assert_allclose(found.sum(), 0.0, atol=1e-12)
    np.testing.assert_allclose(dipole(SO3LR, WATER), found @ WATER.positions, atol=1e-12)


def test_the_dipole_of_a_neutral_molecule_does_not_depend_on_the_origin() -> None:
    moved = WATER.replace(positions=WATER.positions + jnp.array([[5.0, 1.0, -2.0]]))
    np.testing.assert_allclose(dipole(SO3LR, moved), dipole(SO3LR, WATER), atol=1e-10)


def test_volumes_are_positive() -> None:
    assert (np.asarray(hirshfeld_ratios(SO3LR, WATER)) > 0).all()


def test_a_potential_without_parts_has_one_term() -> None:
    cluster = random_cluster(5, seed=1)
    terms = energy_terms(LennardJones(), cluster)
    assert list(terms) == ["energy"]
    np.testing.assert_allclose(terms["energy"].sum(), energy_and_forces(LennardJones(), cluster)[0], atol=1e-12)


def test_a_potential_without_charges_says_so() -> None:
    assert has_charges(SO3LR)
    assert not has_charges(LennardJones())
    with pytest.raises(TypeError, match="LennardJones has no `charges`"):
        charges(LennardJones(), random_cluster(3, seed=1))
