"""Fixtures shared by all tests: double precision, strict broadcasting, and the optional reference data."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

# Tests compile much and run little: the older emitters of fused loops need a third of the time.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false")
# What took long to compile is found again by other test processes, by servers and workers, and by the next run.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "xla"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")

import jax
import pytest

from so3k_explore.jobs.preload import make_way

make_way()  # tests, servers and browsers have the priority of workers, so that none waits in vain for another
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

REFERENCE = Path(__file__).parents[2] / "shared" / "reference"


@pytest.fixture(autouse=True, scope="module")
def _compiled_code_is_dropped() -> Iterator[None]:
    """What one module compiled is of no use to the next, and a process has only so many pieces of memory for code."""
    yield
    jax.clear_caches()
    gc.collect()


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of reference data beside the checkout; tests that read it are skipped where it is absent."""
    if not REFERENCE.is_dir():
        pytest.skip("reference data are not beside this checkout (../shared/reference)")
    return REFERENCE
