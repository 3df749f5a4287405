"""A fit on several devices: each takes a batch of its own, and the result is that of all of them together."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.io.checkpoints import load_checkpoint
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.training.batches import Batches, stacked
from so3k_explore.training.fit import FitError, FitState, advance, fit, initial_fit
from tests.training.test_fit import SETTINGS, SIZES, taught

DEVICES, STEPS = 2, 5
STATES = """
import sys
import jax
jax.config.update("jax_enable_x64", True)
from so3k_explore.io.checkpoints import save_checkpoint
import importlib
from tests.training.test_devices import DEVICES, SETTINGS, batches, fresh
training = importlib.import_module('so3k_explore.training.fit')
assert len(training.parallel_devices()) == 1
training.parallel_devices = jax.devices  # as if they were GPUs
assert jax.device_count() == DEVICES
settings = SETTINGS.replace(steps=int(sys.argv[2]))
*_, state = training.fit(settings, fresh(), batches(20), batches(4), 1)
save_checkpoint(sys.argv[1], state)
"""


def batches(frames: int) -> Batches:
    return Batches(taught().select(slice(frames)), SIZES.cutoff, 4, dtype=np.float64)


def fresh() -> FitState:
    return initial_fit(SETTINGS, So3krates.create(1, SIZES, jnp.float64))


@pytest.fixture(scope="module")
def on_two_devices(tmp_path_factory: pytest.TempPathFactory) -> FitState:
    """State after some steps in a process that sees two devices."""
    file = tmp_path_factory.mktemp("devices") / "state.npz"
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": str(DEVICES), "PYTHONPATH": root}
    subprocess.run([sys.executable, "-c", STATES, file, str(STEPS)], env=environment, check=True, timeout=800)
    return load_checkpoint(file, like=fresh())


def test_devices_average_their_gradients(on_two_devices: FitState) -> None:
    """The same steps on one device, with the mean loss of two batches."""
    training = batches(20)
    settings = SETTINGS.replace(steps=STEPS)
    orders = [training.epoch(settings.seed, epoch) for epoch in range(3)]
    pairs = [order[k : k + DEVICES] for order in orders for k in range(0, len(order) - DEVICES + 1, DEVICES)]
    steps = [stacked([training.collate(frames) for frames in pair]) for pair in pairs[:STEPS]]
    state, _ = advance(settings, fresh(), stacked(steps), STEPS)
    together, apart = (jax.tree.leaves(one.potential) for one in (on_two_devices, state))
    assert int(on_two_devices.step) == STEPS
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(together, jax.tree.leaves(fresh().potential), strict=True))
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_every_device_needs_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["so3k_explore.training.fit"], "parallel_devices", lambda: jax.devices() * 8)
    with pytest.raises(FitError, match="8 devices need as many batches"):
        next(fit(SETTINGS, fresh(), batches(20), batches(4)))
