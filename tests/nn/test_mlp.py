import jax.numpy as jnp
import numpy as np

from so3k_explore.nn.mlp import Mlp, ResidualMlp
from tests.nn.modules import applied, parameters

X = jnp.asarray(np.random.default_rng(0).normal(size=(5, 6)))
silu = lambda x: x / (1 + np.exp(-x))


def test_two_dense_layers_with_a_silu_between() -> None:
    module = Mlp(hidden=4, features=3)
    params = parameters(module, X)
    w1, w2 = (np.asarray(params[name]["kernel"]) for name in ("hidden", "out"))
    np.testing.assert_allclose(applied(module, params, X), silu(X @ w1) @ w2, atol=1e-6)


def test_the_residual_block_activates_before_each_layer() -> None:
    module = ResidualMlp(use_bias=False)
    params = parameters(module, X)
    assert all(list(layer) == ["kernel"] for layer in params.values())
    w1, w2 = (np.asarray(params[name]["kernel"]) for name in ("hidden", "out"))
    np.testing.assert_allclose(applied(module, params, X), X + silu(silu(X) @ w1) @ w2, atol=1e-6)
