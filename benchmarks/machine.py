"""The two limits of the machine a benchmark runs on, and a clock."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def best_seconds(function: Callable[[], Any], repeats: int = 5) -> tuple[float, float]:
    """Wall and CPU seconds of the quickest of `repeats` calls, after one to compile."""
    jax.block_until_ready(function())
    wall, cpu = [], []
    for _ in range(repeats):
        start, start_cpu = time.perf_counter(), time.process_time()
        jax.block_until_ready(function())
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
    return min(wall), min(cpu)


def matrix_product_rate(size: int = 2048) -> float:
    """GFLOP/s of a large single-precision matrix product."""
    a = jnp.ones((size, size), jnp.float32)
    product = jax.jit(lambda a: a @ a)
    seconds, _ = best_seconds(lambda: product(a))
    return 2 * size**3 / seconds / 1e9


def memory_bandwidth(megabytes: int = 256) -> float:
    """GB/s of reading and writing an array much larger than any cache."""
    a = jnp.ones(megabytes * 2**20 // 4, jnp.float32)
    scaled = jax.jit(lambda a: 2.0 * a)
    seconds, _ = best_seconds(lambda: scaled(a))
    return 2 * a.nbytes / seconds / 1e9
