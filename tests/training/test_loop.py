from pathlib import Path

import numpy as np
import pytest
from ase.calculators.lj import LennardJones

from so3k_explore.io.datasets import from_frames, load_dataset
from so3k_explore.io.molecule import Molecule
from so3k_explore.system import System
from so3k_explore.training import loop
from so3k_explore.training.fit import Fit
from so3k_explore.training.loop import ActiveLearning, learn_actively
from so3k_explore.training.reference import label
from tests.training.test_fit import SIZES

LJ = "ase.calculators.lj:LennardJones"
QUICK = Fit(steps=60, molecules=4, learning_rate=5e-3, warmup=5, validate_every=30)
SIDE = 2 ** (1 / 6)
TRIMER = System.create(
    np.array([[0, 0, 0], [SIDE, 0, 0], [SIDE / 2, SIDE * 3**0.5 / 2, 0], [SIDE / 2, SIDE * 0.29, SIDE * 0.82]]),
    [18] * 4,
)


@pytest.fixture(scope="module")
def start():
    rng, calculator = np.random.default_rng(0), LennardJones()
    frames = []
    for number in range(24):
        atoms = TRIMER.to_ase()
        atoms.positions += rng.normal(scale=0.03, size=(4, 3))
        frames.append(label(atoms, calculator, molecule="cluster", group=number))
    return from_frames(frames, LJ)


def test_rounds_label_what_is_farthest_and_survive_an_interruption(start, tmp_path: Path) -> None:
    settings = ActiveLearning(
        rounds=2, walkers=2, temperature=200.0, frames=6, picks=5, method=LJ,
        fit=QUICK,
    )  # fmt: skip
    cluster = Molecule("cluster", TRIMER, np.zeros((0, 2), int), "made here")
    rounds = learn_actively(settings, [cluster], start, tmp_path, architecture=SIZES)
    first = next(rounds)
    del rounds
    assert 0 < first.picked <= 5
    assert first.explored >= first.picked
    assert np.isfinite([first.score, first.force_error, first.expected_error]).all()
    written = (tmp_path / "round_0" / "model.npz").stat().st_mtime_ns
    assert not (tmp_path / "round_0" / "fit.npz").exists()
    again = list(learn_actively(settings, [cluster], start, tmp_path, architecture=SIZES))
    assert (tmp_path / "round_0" / "model.npz").stat().st_mtime_ns == written
    assert again[0] == first
    assert again[1].frames > first.frames
    picks = load_dataset(tmp_path / "round_1" / "picks.npz")
    assert len({tuple(np.round(picks[k].positions.ravel(), 6)) for k in range(len(picks))}) == len(picks)


def test_a_fit_goes_on_where_it_was_interrupted(start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "STEPS", 10)
    settings = ActiveLearning(rounds=1, walkers=1, temperature=20.0, frames=2, picks=2, method=LJ, fit=QUICK)
    cluster = Molecule("cluster", TRIMER, np.zeros((0, 2), int), "made here")
    steps = []

    def watch(state) -> None:
        steps.append(int(state.step))
        if steps == [10, 20, 30]:
            raise KeyboardInterrupt

    options = {"architecture": SIZES, "watch": watch}
    with pytest.raises(KeyboardInterrupt):
        list(learn_actively(settings, [cluster], start, tmp_path, **options))
    assert len(list(learn_actively(settings, [cluster], start, tmp_path, **options))) == 1
    assert steps == [10, 20, 30, 30, 40, 50, 60]


def test_settings_out_of_range_are_named() -> None:
    with pytest.raises(ValueError, match="`picks` must be positive"):
        ActiveLearning(picks=0)
