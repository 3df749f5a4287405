import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.simulation import make_freedom, remove_overall, repartition_hydrogen, thermal_momenta
from so3k_explore.simulation.freedom import kinetic_energy, kinetic_temperature
from so3k_explore.system import System, replicate
from tests.molecules import ETHANOL, WATER

CO2 = System.create([[0.0, 0.0, -1.16], [0.0, 0.0, 0.0], [0.0, 0.0, 1.16]], [8, 6, 8])
ETHANOL_BONDS = [(0, 1), (1, 2), (0, 3), (0, 4), (0, 5), (1, 6), (1, 7), (2, 8)]


def angular_momentum(system: System, momenta: jax.Array) -> np.ndarray:
    return np.cross(np.asarray(system.positions), np.asarray(momenta)).sum(axis=-2)


@pytest.mark.parametrize(
    ("system", "fixed", "degrees"),
    [
        (WATER, None, 3),
        (ETHANOL, None, 21),
        (CO2, None, 4),
        (System.create([[0.0, 0.0, 0.0]], [18]), None, 0),
        (System.create([[0.0, 0.0, 0.0], [1.0, 1.0, 0.0]], [1, 1]), None, 1),
        (WATER.replace(cell=10 * jnp.eye(3)), None, 6),
        (ETHANOL, [0, 1], 21),
        (ETHANOL, np.arange(9) < 8, 3),
    ],
)
def test_degrees_of_freedom_are_counted(system: System, fixed: object, degrees: int) -> None:
    assert float(make_freedom(replicate(system, 1), fixed=fixed).degrees[0]) == degrees


def test_padding_carries_no_temperature() -> None:
    padded = System.create(np.vstack([np.asarray(WATER.positions), [[9.0, 9.0, 9.0]]]), [8, 1, 1, 0])
    batch = replicate(padded, 1)
    freedom = make_freedom(batch)
    momenta = thermal_momenta(jax.random.split(jax.random.key(0), 1), batch, 0.1, freedom)
    assert float(freedom.degrees[0]) == 3
    assert not np.any(np.asarray(momenta)[:, 3])


@pytest.mark.parametrize("system", [ETHANOL, CO2, WATER])
def test_the_overall_motion_is_removed_once_and_for_all(system: System) -> None:
    batch = replicate(system, 3)
    freedom = make_freedom(batch)
    momenta = jax.random.normal(jax.random.key(1), batch.positions.shape) * 3
    inner = remove_overall(batch, momenta, freedom)
    np.testing.assert_allclose(inner.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(angular_momentum(batch, inner), 0, atol=1e-11)
    np.testing.assert_allclose(remove_overall(batch, inner, freedom), inner, atol=1e-12)


def test_a_line_keeps_vibrations_that_turn_about_it() -> None:
    batch = replicate(CO2, 1)
    bent = batch.replace(positions=batch.positions.at[0, 1, 0].add(0.1))
    freedom = make_freedom(batch)
    circling = jnp.zeros((1, 3, 3)).at[0, :, 1].set(jnp.array([-0.5, 1.0, -0.5]))
    assert float(kinetic_energy(bent, remove_overall(bent, circling, freedom))[0]) > 0.9 * float(
        kinetic_energy(bent, circling)[0]
    )


def test_thermal_momenta_have_the_temperature_of_each_walker() -> None:
    batch = replicate(ETHANOL, 4000)
    freedom = make_freedom(batch)
    kelvin = np.where(np.arange(4000) < 2000, 100.0, 900.0)
    keys = jax.random.split(jax.random.key(2), 4000)
    momenta = thermal_momenta(keys, batch, jnp.asarray(units.KB * kelvin), freedom)
    measured = np.asarray(kinetic_temperature(kinetic_energy(batch, momenta), freedom.degrees))
    np.testing.assert_allclose(measured[:2000].mean(), 100, rtol=0.03)
    np.testing.assert_allclose(measured[2000:].mean(), 900, rtol=0.03)


def test_fixed_atoms_forbid_removing_the_overall_motion() -> None:
    with pytest.raises(ValueError, match="must be one of"):
        make_freedom(replicate(WATER, 1), fixed=[0], overall="rotation")


def test_fixed_atoms_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match=r"0 … 2"):
        make_freedom(replicate(WATER, 1), fixed=[3])


def test_hydrogen_takes_mass_from_its_neighbour() -> None:
    heavy = repartition_hydrogen(ETHANOL, ETHANOL_BONDS, mass=3.0)
    np.testing.assert_allclose(heavy.masses.sum(), ETHANOL.masses.sum())
    np.testing.assert_allclose(np.asarray(heavy.masses)[[3, 4, 5, 6, 7, 8]], 3.0)
    np.testing.assert_allclose(heavy.masses[0], 12.011 - 3 * (3.0 - 1.008), atol=1e-6)


def test_hydrogen_cannot_take_more_than_there_is() -> None:
    with pytest.raises(ValueError, match="smaller mass"):
        repartition_hydrogen(ETHANOL, ETHANOL_BONDS, mass=6.0)
