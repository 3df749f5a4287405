import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from so3k_explore.typing import Replaceable, ScalarLike, pytree, stack, static, take


@pytree
class Spring(Replaceable):
    stiffness: ScalarLike
    ends: Float[Array, "*walkers 2"]
    power: int = static(default=2)


SPRING = Spring(stiffness=3.0, ends=jnp.array([0.0, 2.0]))


def test_leaves_are_flattened_in_order_and_static_fields_are_not() -> None:
    leaves, structure = jax.tree.flatten(SPRING)
    assert len(leaves) == 2
    assert leaves[0] == 3.0
    back = jax.tree.unflatten(structure, leaves)
    assert isinstance(back, Spring)
    assert back.power == 2
    np.testing.assert_array_equal(back.ends, SPRING.ends)


def test_paths_name_the_fields() -> None:
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(SPRING)]
    assert paths == [".stiffness", ".ends"]


def test_unflattening_accepts_placeholders() -> None:
    structure = jax.tree.structure(SPRING)
    assert jax.tree.unflatten(structure, [None, object()]).stiffness is None


def test_replace_makes_a_changed_copy() -> None:
    other = SPRING.replace(stiffness=5.0)
    assert (other.stiffness, SPRING.stiffness) == (5.0, 3.0)
    assert other.ends is SPRING.ends


def test_instances_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SPRING.power = 4  # pyright: ignore[reportAttributeAccessIssue]


def test_a_new_leaf_does_not_recompile_and_a_new_static_value_does() -> None:
    traces = []

    @jax.jit
    def energy(spring: Spring) -> Array:
        traces.append(spring.power)
        return (spring.ends[1] - spring.ends[0]) ** spring.power * jnp.asarray(spring.stiffness)

    assert energy(SPRING) == 12.0
    assert energy(SPRING.replace(stiffness=1.0)) == 4.0
    assert traces == [2]
    assert energy(SPRING.replace(power=3)) == 24.0
    assert traces == [2, 3]


def test_gradients_have_the_shape_of_the_tree() -> None:
    gradient = jax.grad(lambda s: s.stiffness * (s.ends[1] - s.ends[0]) ** s.power)(SPRING)
    assert isinstance(gradient, Spring)
    np.testing.assert_allclose(gradient.stiffness, 4.0)
    np.testing.assert_allclose(gradient.ends, [-12.0, 12.0])


def test_stacked_trees_come_apart_again() -> None:
    both = stack([SPRING.replace(stiffness=jnp.asarray(1.0)), SPRING.replace(stiffness=jnp.asarray(2.0))])
    assert both.ends.shape == (2, 2)
    assert take(both, 1).stiffness == 2.0
    assert take(both, np.array([1, 0])).stiffness.tolist() == [2.0, 1.0]


def test_vmap_runs_over_a_stacked_tree() -> None:
    both = stack([SPRING.replace(stiffness=jnp.asarray(1.0)), SPRING.replace(stiffness=jnp.asarray(2.0))])
    np.testing.assert_allclose(jax.vmap(lambda s: s.stiffness * s.ends[1])(both), [2.0, 4.0])
