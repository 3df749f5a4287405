from functools import cache
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.analysis import dipoles
from so3k_explore.analysis.dipoles import dipole_moments, in_debye
from so3k_explore.geometry import neighbors
from so3k_explore.observables.charges import charges
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.registry import load_potential
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.system import System
from tests.molecules import ETHANOL
from tests.potentials import SMALL
from tests.potentials_.cases import read_case, system_of
from tests.simulation.toys import TRIANGLE, Charged, springs_of

SHAKEN = np.asarray(ETHANOL.positions) + 0.05 * np.random.default_rng(0).normal(size=(7, 9, 3))
ROTATION, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))


@cache
def random_network() -> So3lr:
    return So3lr.create(5, SMALL, dtype=jnp.float64)


def point_charges(*values: float) -> Charged:
    return Charged(springs_of(TRIANGLE), jnp.array(values))


def test_two_charges_have_the_dipole_of_the_textbook() -> None:
    """One electron's charge 1 Å from its opposite: 4.803 D, from minus to plus."""
    pair = System.create([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]], [9, 1])
    potential = Charged(springs_of(pair), jnp.array([-1.0, 1.0]))
    found = dipole_moments(potential, pair, np.stack([pair.positions, 2 * pair.positions]))
    np.testing.assert_allclose(found, [[0, 0, 1], [0, 0, 2]], atol=1e-12)
    np.testing.assert_allclose(in_debye(found), [4.80320, 9.60641], rtol=1e-5)


def test_dipoles_of_a_network_are_first_moments_of_its_charges() -> None:
    found = dipole_moments(random_network(), ETHANOL, SHAKEN)
    for moment, positions in zip(found, SHAKEN, strict=True):
        q = np.asarray(charges(random_network(), ETHANOL.replace(positions=jnp.asarray(positions))))
        np.testing.assert_allclose(moment, q @ positions, atol=1e-10)


def test_dipoles_turn_with_the_molecule_and_do_not_move_with_it() -> None:
    before = dipole_moments(random_network(), ETHANOL, SHAKEN)
    assert in_debye(before).min() > 0.05
    after = dipole_moments(random_network(), ETHANOL, SHAKEN @ ROTATION.T + np.array([3.0, -8.0, 1.0]))
    np.testing.assert_allclose(after, before @ ROTATION.T, atol=1e-9)
    np.testing.assert_allclose(in_debye(after), in_debye(before), atol=1e-8)


def test_the_dipole_of_an_ion_is_about_its_centre_of_mass() -> None:
    charged = point_charges(0.5, 0.3, 0.2)
    ion = TRIANGLE.replace(charge=jnp.asarray(1.0))
    positions = np.stack([ion.positions, ion.positions + 7.0])
    found = dipole_moments(charged, ion, positions)
    masses = np.asarray(ion.masses)
    centre = masses @ positions[0] / masses.sum()
    np.testing.assert_allclose(found, [np.array([0.5, 0.3, 0.2]) @ (positions[0] - centre)] * 2, atol=1e-12)


def test_blocks_are_compiled_once_and_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = dipole_moments(random_network(), ETHANOL, SHAKEN)
    monkeypatch.setattr(dipoles, "BLOCK", 3)
    compiled: Any = dipoles._moments._cache_size  # pyright: ignore[reportAttributeAccessIssue]
    before, told = compiled(), []
    report = lambda fraction, sentence: told.append((round(fraction, 2), sentence))
    parts = dipole_moments(random_network(), ETHANOL, SHAKEN, progress=report)
    assert compiled() == before + 1
    np.testing.assert_allclose(parts, whole, atol=1e-10)
    assert told[0] == (0.43, "dipole moments of 3 of 7 structures")
    assert told[-1] == (1.0, "dipole moments of 7 of 7 structures")
    assert dipole_moments(random_network(), ETHANOL, SHAKEN[:0]).shape == (0, 3)


def test_long_molecules_take_lists_from_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    device = dipole_moments(random_network(), ETHANOL, SHAKEN)
    monkeypatch.setattr(neighbors, "DEVICE_ATOMS", 5)
    np.testing.assert_allclose(dipole_moments(random_network(), ETHANOL, SHAKEN), device, atol=1e-10)


def test_what_has_no_dipole_moment_is_told_so() -> None:
    positions = np.asarray(TRIANGLE.positions)
    with pytest.raises(ValueError, match=r"LennardJones has no charges.*such as SO3LR"):
        dipole_moments(LennardJones(), TRIANGLE, positions[None])
    cell = TRIANGLE.replace(cell=9 * jnp.eye(3))
    with pytest.raises(ValueError, match="In a periodic cell a dipole moment means nothing"):
        dipole_moments(point_charges(0.1, 0.1, -0.2), cell, positions[None])
    with pytest.raises(ValueError, match=r"shape \(structures, 3, 3\), got \(2, 4, 3\)"):
        dipole_moments(point_charges(0.1, 0.1, -0.2), TRIANGLE, np.zeros((2, 4, 3)))


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_so3lr_has_the_dipoles_of_the_original(reference: Path, precision: str) -> None:
    cases = [read_case(name, reference) for name in ("ala2_c7eq", "ala2_alphaR")]
    potential, system = load_potential(reference / "so3lr", precision), system_of(cases[0])
    found = dipole_moments(potential, system, np.stack([case["positions"] for case in cases]))
    expected = np.stack([case["dipole"] for case in cases])
    np.testing.assert_allclose(found, expected, atol=1e-10 if precision == "float64" else 2e-5)
    np.testing.assert_allclose(in_debye(found), np.linalg.norm(expected, axis=1) / units.DEBYE, rtol=1e-4)
    assert in_debye(found)[1] > in_debye(found)[0] + 2  # amides of the turn point against each other


def test_so3lr_has_the_dipole_of_an_ion_of_the_original(reference: Path) -> None:
    case = read_case("methylammonium", reference)
    system = system_of(case)
    (found,) = dipole_moments(load_potential(reference / "so3lr", "float64"), system, case["positions"][None])
    masses = np.asarray(system.masses)
    centre = masses @ case["positions"] / masses.sum()
    np.testing.assert_allclose(found, case["dipole"] - float(case["total_charge"]) * centre, atol=1e-10)
