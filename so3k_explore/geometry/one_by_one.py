"""Matrices of many walkers factorised one after the other.

On a CPU, JAX hands the matrices of a batch to the threads that its operations run on, and waits for them in one of
these threads. Where walkers are shared between the cores, each core waits so at the same time, no thread is left to do
the work, and the program hangs for ever. A single matrix is factorised by the thread that asks for it.
"""

from collections.abc import Callable
from typing import Any

import jax


def one_by_one(work: Callable[..., Any], *batch: Any) -> Any:
    """Results of `work` for the rows of some arrays, as `jax.vmap(work)(*batch)` gives them.

    For work that calls on LAPACK (`solve`, `inv`, `eigh`, `svd`, `cholesky`) inside compiled steps of walkers. Devices
    other than CPUs factorise all matrices in one call.
    """
    if jax.default_backend() == "cpu":
        return jax.lax.map(lambda row: work(*row), batch)
    return jax.vmap(work)(*batch)
