import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import sph_harm_y

from so3k_explore.geometry.rotations import random_rotation
from so3k_explore.nn.spherical import contract, expand, orders_of, parity, spherical_harmonics

ALL = (1, 2, 3, 4)


def directions(count: int) -> jax.Array:
    vectors = np.random.default_rng(2).normal(size=(count, 3))
    return jnp.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def test_they_are_the_real_spherical_harmonics_without_the_condon_shortley_sign() -> None:
    unit = directions(20)
    theta, phi = np.arccos(unit[:, 2]), np.arctan2(unit[:, 1], unit[:, 0])
    expected = []
    for l in ALL:
        for m in range(-l, l + 1):
            with_sign = sph_harm_y(l, abs(m), theta, phi)
            part = with_sign.imag if m < 0 else with_sign.real
            expected.append(part if m == 0 else np.sqrt(2) * (-1.0) ** m * part)
    np.testing.assert_allclose(spherical_harmonics(unit, ALL), np.stack(expected, 1), atol=1e-12)


def test_their_invariant_is_the_same_in_every_direction() -> None:
    found = contract(spherical_harmonics(directions(10), ALL), ALL)
    expected = [np.sqrt(2 * l + 1) / (4 * np.pi) for l in ALL]  # Unsöld's theorem over sqrt(2l + 1)
    np.testing.assert_allclose(found, np.tile(expected, (10, 1)), atol=1e-12)


def test_invariants_of_sums_do_not_turn() -> None:
    unit = directions(7)
    rotation = random_rotation(jax.random.key(1))
    total = lambda u: contract(spherical_harmonics(u, ALL).sum(axis=0, keepdims=True), ALL)
    np.testing.assert_allclose(total(unit @ rotation.T), total(unit), atol=1e-12)


def test_inverting_space_changes_the_sign_of_odd_degrees() -> None:
    unit = directions(5)
    np.testing.assert_allclose(
        spherical_harmonics(-unit, ALL), spherical_harmonics(unit, ALL) * parity(ALL)[None, :], atol=1e-14
    )


@pytest.mark.parametrize("degrees", [(1,), (2, 4), (1, 3), ALL])
def test_any_set_of_degrees_picks_its_orders(degrees: tuple[int, ...]) -> None:
    unit = directions(3)
    everything = np.asarray(spherical_harmonics(unit, ALL))
    columns = [np.arange(l * l - 1, (l + 1) ** 2 - 1) for l in degrees]
    found = spherical_harmonics(unit, degrees)
    assert found.shape[1] == orders_of(degrees)
    np.testing.assert_array_equal(found, everything[:, np.concatenate(columns)])


def test_expand_repeats_each_degree_for_its_orders() -> None:
    np.testing.assert_array_equal(expand(jnp.array([[2.0, 5.0]]), (1, 2)), [[2, 2, 2, 5, 5, 5, 5, 5]])


@pytest.mark.parametrize("degrees", [(), (-1, 1), (2, 1), (1, 5), (1, 1)])
def test_impossible_degrees_are_refused(degrees: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="increasing and between 0 and 4"):
        spherical_harmonics(directions(1), degrees)


def test_degree_zero_is_the_same_in_all_directions() -> None:
    np.testing.assert_allclose(spherical_harmonics(directions(4), (0,)), np.sqrt(1 / (4 * np.pi)), rtol=1e-12)
