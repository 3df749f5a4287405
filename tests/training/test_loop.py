from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from so3k_explore.io.datasets import Dataset, DatasetError, load_dataset
from so3k_explore.io.molecule import Molecule
from so3k_explore.jobs.loading import working_precision
from so3k_explore.potentials.registry import load_potential
from so3k_explore.potentials.so3krates import Architecture
from so3k_explore.system import System
from so3k_explore.training import loop
from so3k_explore.training.exploring import molecules_of
from so3k_explore.training.fit import Fit
from so3k_explore.training.loop import learn_actively
from so3k_explore.training.loss import Loss
from so3k_explore.training.rounds import ActiveLearning, LoopState
from tests.training.data import LOOP, SIZES, loop_data

FIT = Fit(steps=15, molecules=4, learning_rate=2e-2, validate_every=15, loss=Loss(energy=1.0, huber=0.5))
SETTINGS = ActiveLearning(**LOOP, fit=FIT)
OPTIONS = {"architecture": Architecture(**SIZES, charge_and_spin=False), "validation": 0.2, "test": 0.1}


@pytest.fixture(scope="module")
def start() -> Dataset:
    return loop_data()


@pytest.fixture(autouse=True)
def single_precision() -> Iterator[None]:
    """As runs have it, which shares what they have compiled."""
    with working_precision("float32"):
        yield


@pytest.fixture(scope="module")
def cluster(start: Dataset) -> Molecule:
    return molecules_of(start)[0]


def modified(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_mtime_ns for name in ("start/model.npz", "round_0/model.npz")}


class Interrupted:
    """A loop of one round that is interrupted time and again, and knows nothing but its folder afterwards."""

    def __init__(self, cluster: Molecule, start: Dataset, folder: Path) -> None:
        self.cluster, self.start, self.folder = cluster, start, folder
        self.states: list[LoopState] = []

    def go_on(self, until: Callable[[LoopState], bool]) -> list[tuple[str, int]]:
        """Works until a state is reached; the phases it went through, and how far each was."""
        begun = len(self.states)
        for state in learn_actively(SETTINGS, [self.cluster], self.start, self.folder, **OPTIONS):
            self.states.append(state)
            if until(state):
                break
        return [(state.phase, state.done) for state in self.states[begun:]]


@pytest.fixture(scope="module")
def interrupted(start: Dataset, cluster: Molecule, tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    return Interrupted(cluster, start, tmp_path_factory.mktemp("loop"))


def test_a_loop_goes_on_wherever_it_was_interrupted(interrupted: Interrupted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    go_on, states = interrupted.go_on, interrupted.states
    assert go_on(lambda state: state.done == 15) == [("fitting", 10), ("fitting", 15)]
    assert go_on(lambda state: state.phase == "exploring") == [("fitting", 15), ("exploring", 1)]
    assert states[-1].positions is not None
    assert states[-1].positions.shape == (2, 6, 3)
    go_on(lambda state: state.phase == "labelling" and state.done == 2)
    candidates = load_dataset(interrupted.folder / "round_0" / "candidates.npz").positions
    again = go_on(lambda state: state.phase == "labelling")
    assert again[-1] == ("labelling", 2), "what was labelled is not labelled again"
    go_on(lambda state: state.phase == "done")
    progress = [state.progress for state in states]
    assert 0 < progress[0] < progress[3] < progress[-1] == 1.0
    picks = load_dataset(interrupted.folder / "round_0" / "picks.npz")
    np.testing.assert_array_equal(picks.positions, candidates)


def test_a_loop_labels_what_is_farthest_and_reports(interrupted: Interrupted) -> None:
    interrupted.go_on(lambda state: state.phase == "done")
    folder = interrupted.folder
    (found,) = interrupted.states[-1].rounds
    assert 0 < found.picked <= 3
    assert found.explored >= found.picked
    assert np.isfinite([found.score, found.error_before, found.error_after, found.expected_error]).all()
    assert found.error_after != found.error_before
    picks = load_dataset(folder / "round_0" / "picks.npz")
    assert len({tuple(np.round(picks[k].positions.ravel(), 6)) for k in range(len(picks))}) == len(picks)
    assert len(load_dataset(folder / "data.npz")) == len(interrupted.start) + found.picked
    assert not list(folder.glob("*/fit.npz"))
    assert load_potential(folder / "model.npz").elements == frozenset({18})
    assert "error after / meV/Å" in (folder / "report.md").read_text()


def test_a_loop_that_is_done_is_not_done_again(interrupted: Interrupted) -> None:
    interrupted.go_on(lambda state: state.phase == "done")
    (found,), before = interrupted.states[-1].rounds, modified(interrupted.folder)
    assert interrupted.go_on(lambda _: False) == [("done", 1)]
    assert interrupted.states[-1].rounds == (found,)
    assert modified(interrupted.folder) == before


def test_molecules_come_from_the_data_unless_there_are_too_many(start: Dataset, cluster: Molecule) -> None:
    lowest = start[int(np.argmin(start.energies))]
    np.testing.assert_allclose(cluster.positions, lowest.positions)
    assert cluster.name == "cluster"
    many = replace(start, molecules=np.array([f"m{k}" for k in range(len(start))]))
    with pytest.raises(ValueError, match=r"The data have 30 molecules\. Name those to explore with `explore`"):
        molecules_of(many)


def test_what_cannot_go_together_is_refused_before_anything_starts(
    start: Dataset, cluster: Molecule, tmp_path: Path
) -> None:
    begin = lambda settings, molecule: learn_actively(settings, [molecule], start, tmp_path)
    with pytest.raises(DatasetError, match="picks would be labelled with GFN1-xTB"):
        begin(SETTINGS.replace(method="GFN1-xTB"), cluster)
    neon = cluster.replace(system=System.create(cluster.positions, [10] * 6), name="neon")
    with pytest.raises(DatasetError, match="The data have no Ne, which neon is made of"):
        begin(SETTINGS, neon)
    ion = cluster.replace(system=System.create(cluster.positions, [18] * 6, charge=1.0), name="ion")
    with pytest.raises(DatasetError, match=r"got ion with charge \+1"):
        begin(SETTINGS, ion)
    assert list(tmp_path.iterdir()) == []


def test_settings_out_of_range_are_named() -> None:
    with pytest.raises(ValueError, match="`picks` must be positive"):
        ActiveLearning(picks=0)
