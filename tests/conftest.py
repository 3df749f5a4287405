"""Fixtures shared by all tests: double precision, strict broadcasting, and the optional reference data."""

import os
from pathlib import Path

os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # tests compile much and run little

import jax
import pytest

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

REFERENCE = Path(__file__).parents[2] / "shared" / "reference"


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of reference data beside the checkout; tests that read it are skipped where it is absent."""
    if not REFERENCE.is_dir():
        pytest.skip("reference data are not beside this checkout (../shared/reference)")
    return REFERENCE
