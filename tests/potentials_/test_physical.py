"""Energies of pairs against numbers worked out by hand."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.geometry.graph import Pairs
from so3k_explore.potentials.physical import (
    book,
    dispersion,
    electrostatics,
    free_atoms,
    repulsion,
    universal_repulsion,
)
from so3k_explore.units import BOHR, COULOMB, HARTREE

SCREENING = {"decays": jnp.array([1.0, 0.5]), "weights": jnp.array([0.7, 0.3]), "reach": 1.5, "cutoff": 4.5}


def test_pair_energies_are_booked_half_and_half_and_padding_is_left_out() -> None:
    pairs = Pairs(
        receivers=jnp.array([0, 1, 2]),
        senders=jnp.array([1, 2, 2]),
        displacements=jnp.ones((3, 3)),
        mask=jnp.array([True, True, False]),
    )
    np.testing.assert_array_equal(book(jnp.array([2.0, 4.0, jnp.nan]), pairs, 3), [1.0, 3.0, 2.0])


def test_bare_nuclei_repel_as_one_over_r_at_short_distance() -> None:
    r = jnp.array([1e-4, 2e-4])
    energy = repulsion(r, jnp.full(2, 64.0), jnp.full(2, 3.0), **SCREENING)
    np.testing.assert_allclose(energy * r, COULOMB * 64, rtol=1e-3)


def test_the_repulsion_ends_at_one_and_a_half_angstrom() -> None:
    r = jnp.array([1.0, 1.49, 1.5, 3.0])
    energy = np.asarray(repulsion(r, jnp.full(4, 8.0), jnp.full(4, 3.0), **SCREENING))
    assert energy[0] > 0
    np.testing.assert_allclose(energy[1:], 0.0, atol=1e-20)


def test_far_charges_feel_coulomb_law_and_close_ones_do_not_diverge() -> None:
    r = jnp.array([1e-6, 40.0])
    energy = electrostatics(r, jnp.full(2, -0.5), smearing=4.0, cutoff=math.inf)
    np.testing.assert_allclose(energy[0], -0.5 * COULOMB * 2 / (math.sqrt(math.pi) * 4.0), rtol=1e-6)
    np.testing.assert_allclose(energy[1], -0.5 * COULOMB / 40.0, rtol=1e-12)


def test_truncated_electrostatics_end_with_value_and_slope_zero() -> None:
    r = jnp.array([12.0 - 1e-4, 12.0, 15.0])
    energy = np.asarray(electrostatics(r, jnp.ones(3), smearing=4.0, cutoff=12.0))
    np.testing.assert_allclose(energy, 0.0, atol=1e-8)
    assert energy[2] == 0


def test_a_distant_cutoff_only_subtracts_a_constant() -> None:
    r = jnp.array([2.0, 20.0])
    everywhere = electrostatics(r, jnp.ones(2), smearing=4.0, cutoff=math.inf)
    truncated = electrostatics(r, jnp.ones(2), smearing=4.0, cutoff=1000.0)
    np.testing.assert_allclose(everywhere - truncated, COULOMB / 1000.0, rtol=1e-10)


def test_dispersion_of_distant_argon_is_minus_c6_over_r6() -> None:
    polarizability, c6 = (table[18] for table in free_atoms())
    r = 60.0
    pair = lambda value: (jnp.array([value]), jnp.array([value]))
    energy = dispersion(jnp.array([r]), pair(polarizability), pair(c6), damping=1.2, cutoff=math.inf, switch_width=2.0)
    np.testing.assert_allclose(energy, -HARTREE * c6 / (r / BOHR) ** 6, rtol=5e-3)


@pytest.mark.parametrize("cutoff", [8.0, 12.0])
def test_dispersion_ends_at_its_cutoff(cutoff: float) -> None:
    pair = lambda value: (jnp.full(2, value), jnp.full(2, value))
    r = jnp.array([cutoff - 2.5, cutoff])
    ended = dispersion(r, pair(11.1), pair(64.3), damping=1.2, cutoff=cutoff, switch_width=2.0)
    whole = dispersion(r, pair(11.1), pair(64.3), damping=1.2, cutoff=math.inf, switch_width=2.0)
    np.testing.assert_allclose(ended, np.array([float(whole[0]), 0.0]), atol=1e-15)


def test_free_atoms_are_listed_by_atomic_number() -> None:
    polarizability, c6 = free_atoms()
    assert polarizability.shape == c6.shape == (103,)
    np.testing.assert_array_equal([polarizability[1], c6[1], polarizability[6], c6[6]], [4.5, 6.5, 12.0, 46.6])


def test_the_universal_repulsion_of_two_carbons_is_that_of_ziegler_biersack_and_littmark() -> None:
    pairs = Pairs(jnp.array([0]), jnp.array([1]), jnp.array([[0.5, 0.0, 0.0]]), jnp.array([True]))
    free = universal_repulsion(jnp.array([6, 6]), pairs, reach=1e6, cutoff=1e6)
    x = 0.5 * 2 * 6**0.23 / (0.8854 * BOHR)
    terms = 0.1818 * np.exp(-3.2 * x) + 0.5099 * np.exp(-0.9423 * x) + 0.2802 * np.exp(-0.4028 * x)
    expected = COULOMB * 36 / 0.5 * (terms + 0.0281 * np.exp(-0.2016 * x))
    np.testing.assert_allclose(free.sum(), expected, rtol=1e-5)
    ended = universal_repulsion(jnp.array([6, 6]), pairs, reach=0.5, cutoff=4.5)
    np.testing.assert_array_equal(ended, 0.0)
