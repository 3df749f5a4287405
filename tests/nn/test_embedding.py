import jax
import jax.numpy as jnp
import numpy as np

from so3k_explore.nn.embedding import AtomEmbedding, ChargeEmbedding
from tests.nn.modules import applied, parameters

NUMBERS = jnp.array([8, 1, 1, 0])
REAL = NUMBERS > 0


def embedded(psi: float, numbers: jax.Array = NUMBERS) -> np.ndarray:
    module = ChargeEmbedding(features=8, elements=10)
    params = parameters(module, NUMBERS, REAL, jnp.asarray(0.0))
    return np.asarray(applied(module, params, numbers, numbers > 0, jnp.asarray(psi)))


def test_a_neutral_molecule_gets_exactly_nothing() -> None:
    np.testing.assert_array_equal(embedded(0.0), 0.0)


def test_positive_and_negative_charges_are_embedded_differently() -> None:
    assert np.abs(embedded(1.0) + embedded(-1.0)).max() > 1e-3
    assert np.abs(embedded(1.0) - embedded(-1.0)).max() > 1e-3


def test_padding_takes_no_part_of_the_charge() -> None:
    padded, plain = embedded(2.0), embedded(2.0, NUMBERS[:3])
    np.testing.assert_allclose(padded[:3], plain, atol=1e-7)
    np.testing.assert_array_equal(padded[3], 0.0)


def test_without_charge_and_spin_atoms_are_their_elements() -> None:
    module = AtomEmbedding(features=8, elements=10, charge_and_spin=False)
    params = parameters(module, NUMBERS, REAL, jnp.asarray(0.0), jnp.asarray(0.0))
    assert list(params) == ["elements"]
    x = applied(module, params, NUMBERS, REAL, jnp.asarray(3.0), jnp.asarray(0.0))
    np.testing.assert_array_equal(x, params["elements"]["embedding"][NUMBERS])
