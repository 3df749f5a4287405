import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.io.datasets import from_frames
from so3k_explore.training.fit import Fit
from so3k_explore.training.judge import judge
from so3k_explore.training.prepare import prepare
from tests.training.test_fit import SIZES, taught


def test_the_examination_reports_errors_where_they_are_promised() -> None:
    frames = [taught()[k]._replace(source="md 300 K" if k % 2 else "md 1000 K", group=k) for k in range(20)]
    known = from_frames(frames[:14], "network")
    unseen = from_frames([frame._replace(molecule="other") for frame in frames[14:]], "network")
    ready = prepare(known, Fit(seed=1), architecture=SIZES, validation=0.2, test=0.4)
    single = ready.potential
    double = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), single)
    found = {part.name: part.values for part in judge(double, single, ready, unseen, unseen, survivors=())}
    assert set(found) == {"test", "unseen molecules", "new trajectories", "float32"}
    warm = [k for k in ready.parts.test.tolist() if str(ready.dataset.sources[k]) == "md 300 K"]
    assert found["test"]["warm"]["molecules"]["ethanol"]["frames"] == len(warm) > 0
    assert found["unseen molecules"]["warm"]["all"]["frames"] == 3
    assert 0 < found["float32"]["forces"] < 1e-4
    assert found["test"]["all"]["force_mae"] == pytest.approx(
        np.mean([found["test"]["elements"][s] * n for s, n in {"H": 6, "C": 2, "O": 1}.items()]) * 3 / 9
    )
