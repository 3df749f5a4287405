import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.nn.attention import EuclideanAttention, HeadwiseDense, PairFeatures, check_widths
from tests.nn.modules import applied, parameters

RNG = np.random.default_rng(4)
RECEIVERS, SENDERS = np.array([0, 0, 1]), np.array([1, 2, 2])
PAIRS = PairFeatures(
    receivers=jnp.asarray(RECEIVERS),
    senders=jnp.asarray(SENDERS),
    basis=jnp.asarray(RNG.normal(size=(3, 5))),
    envelope=jnp.asarray([0.9, 0.4, 0.0]),
    harmonics=jnp.asarray(RNG.normal(size=(3, 8))),
)
X = jnp.asarray(RNG.normal(size=(3, 8)))
EUCLIDEAN = jnp.asarray(RNG.normal(size=(3, 8)))


def test_heads_do_not_mix() -> None:
    module = HeadwiseDense(heads=2)
    params = parameters(module, X)
    kernel = np.asarray(params["kernel"])
    expected = np.concatenate([X[:, :4] @ kernel[0].T, X[:, 4:] @ kernel[1].T], axis=1)
    np.testing.assert_allclose(applied(module, params, X), expected, atol=1e-6)


def test_updates_are_the_sums_of_the_equation_written_out_pair_by_pair() -> None:
    module = EuclideanAttention(heads=2, degrees=(1, 2), average_neighbors=3.0)
    params = parameters(module, X, EUCLIDEAN, PAIRS)
    (x_update, update), sown = applied(module, params, X, EUCLIDEAN, PAIRS, mutable=["intermediates"])

    silu = lambda x: x / (1 + np.exp(-x))
    mlp = lambda p, x: silu(x @ p["hidden"]["kernel"] + p["hidden"]["bias"]) @ p["out"]["kernel"] + p["out"]["bias"]
    heads = lambda name, atom: np.einsum("hoi,hi->ho", params[name]["kernel"], np.asarray(X[atom]).reshape(2, 4))
    invariants = lambda w: np.array([np.sum(w[:3] ** 2) / np.sqrt(3), np.sum(w[3:] ** 2) / np.sqrt(5)])
    parity = np.array([-1] * 3 + [1] * 5)
    expected_x, expected = np.zeros((3, 8)), np.zeros((3, 8))
    coefficients = []
    for pairs_sign in (1, -1):
        for pair in range(3):
            i, j = (RECEIVERS[pair], SENDERS[pair])[::pairs_sign]
            harmonics = np.asarray(PAIRS.harmonics[pair]) * (parity if pairs_sign < 0 else 1)
            g = invariants(np.asarray(EUCLIDEAN[j] - EUCLIDEAN[i]))
            alpha = {}
            for branch in ("invariant", "equivariant"):
                p = params[f"{branch}_filter"]
                w = (mlp(p["radial"], PAIRS.basis[pair]) + mlp(p["spherical"], g)).reshape(2, 4)
                products = heads(f"{branch}_query", i) * w * heads(f"{branch}_key", j)
                alpha[branch] = PAIRS.envelope[pair] / 3.0 * products.sum(axis=1)
            expected_x[i] += (alpha["invariant"][:, None] * heads("invariant_value", j)).reshape(-1)
            expected[i] += np.repeat(alpha["equivariant"], [3, 5]) * harmonics
            coefficients.append(alpha["invariant"])
    np.testing.assert_allclose(x_update, expected_x, atol=1e-6)
    np.testing.assert_allclose(update, expected, atol=1e-6)
    np.testing.assert_allclose(sown["intermediates"]["invariant"][0], np.stack(coefficients), atol=1e-6)


def test_no_euclidean_variables_mean_zero_ones() -> None:
    module = EuclideanAttention(heads=2, degrees=(1, 2), average_neighbors=3.0)
    params = parameters(module, X, EUCLIDEAN, PAIRS)
    without = applied(module, params, X, None, PAIRS)
    zeros = applied(module, params, X, jnp.zeros_like(EUCLIDEAN), PAIRS)
    np.testing.assert_allclose(without[0], zeros[0], atol=1e-12)
    np.testing.assert_allclose(without[1], zeros[1], atol=1e-12)


def test_features_that_cannot_be_shared_out_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of `heads` = 3"):
        check_widths(16, 3, (1, 2))
