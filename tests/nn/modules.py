"""Flax modules as plain functions of parameters, for the tests."""

from typing import Any

import flax.linen as nn
import jax


def parameters(module: nn.Module, *arguments: Any, seed: int = 0) -> Any:
    return module.init(jax.random.key(seed), *arguments)["params"]


def applied(module: nn.Module, params: Any, *arguments: Any, **options: Any) -> Any:
    return module.apply({"params": params}, *arguments, **options)
