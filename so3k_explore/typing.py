"""Array aliases and the frozen pytree dataclass that all data of the package is made of.

Axis names used in annotations: ``walkers`` (independent copies of a molecule), ``atoms``, ``edges`` (directed pairs
inside the cutoff), ``pairs`` (unordered long-range pairs), ``features``, ``heads``, ``orders``, ``frames``, ``minima``.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

import jax
import numpy as np
from jaxtyping import Array, Float, Int

type_of_class = TypeVar("type_of_class", bound=type)
type_of_self = TypeVar("type_of_self")  # instead of `Self`, which beartype refuses outside decorated classes

ScalarLike = float | int | Float[Array, ""] | Int[Array, ""] | np.ndarray
"""A number or a zero-dimensional array; under `jax.jit` a tracer, so changing it does not recompile."""


def static(*, default: Any = dataclasses.MISSING, **kwargs: Any) -> Any:
    """Field that is part of the structure (shapes, widths, flags): a new value means a new compilation."""
    return dataclasses.field(default=default, metadata={"static": True}, **kwargs)


class Replaceable:
    """Adds `replace` to frozen dataclasses."""

    def replace(self: type_of_self, **changes: Any) -> type_of_self:
        """Copy with some fields changed."""
        return dataclasses.replace(self, **changes)  # pyright: ignore[reportArgumentType]


@dataclass_transform(frozen_default=True, field_specifiers=(static, dataclasses.field))
def pytree(cls: type_of_class) -> type_of_class:
    """Class decorator: a frozen dataclass whose fields are leaves of a JAX pytree, except those marked `static`.

    Unflattening does not run the constructor, so transformations may put placeholders into the leaves.
    """
    cls = dataclasses.dataclass(frozen=True, eq=False)(cls)
    fields = dataclasses.fields(cls)
    leaves = tuple(f.name for f in fields if not f.metadata.get("static"))
    statics = tuple(f.name for f in fields if f.metadata.get("static"))

    def flatten(node: Any) -> tuple[tuple[tuple[Any, Any], ...], tuple[Any, ...]]:
        children = tuple((jax.tree_util.GetAttrKey(name), getattr(node, name)) for name in leaves)
        return children, tuple(getattr(node, name) for name in statics)

    def unflatten(auxiliary: tuple[Any, ...], children: Any) -> Any:
        node = object.__new__(cls)
        for name, value in (*zip(leaves, children, strict=True), *zip(statics, auxiliary, strict=True)):
            object.__setattr__(node, name, value)
        return node

    jax.tree_util.register_pytree_with_keys(cls, flatten, unflatten)
    return cls


def stack(trees: list[Any]) -> Any:
    """Stacks equal pytrees along a new leading axis."""
    return jax.tree.map(lambda *leaves: jax.numpy.stack(leaves), *trees)


def take(tree: Any, index: Any) -> Any:
    """Rows `index` of the leading axis of every leaf."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


Progress = Callable[[float, str], None]
"""Called with a fraction in [0, 1] and a sentence."""
