import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.geometry.one_by_one import one_by_one


@pytest.mark.parametrize(
    "work", [jnp.linalg.inv, jnp.linalg.eigvalsh, jnp.linalg.solve], ids=lambda work: work.__name__
)
def test_results_are_those_of_the_whole_batch(work):
    root = jax.random.normal(jax.random.key(0), (5, 4, 4))
    matrices = root @ jnp.swapaxes(root, 1, 2) + jnp.eye(4)[None]
    batch = (matrices, root) if work is jnp.linalg.solve else (matrices,)
    np.testing.assert_allclose(one_by_one(work, *batch), jax.vmap(work)(*batch), atol=1e-12)
