import dataclasses
import errno
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.io import checkpoints
from so3k_explore.io.dataset_formats import ENERGY_UNITS, LENGTH_UNITS
from so3k_explore.io.datasets import DatasetError, save_dataset
from so3k_explore.jobs import Run, Runs, TrainSettings, training, worker
from so3k_explore.jobs.job import Job
from so3k_explore.jobs.training_inputs import FRESH, architecture_of, fit_of, settings_of
from so3k_explore.potentials.checkpoints import load_checkpoint
from so3k_explore.potentials.registry import load_potential
from so3k_explore.training.fit import Fit
from so3k_explore.training.recipe import PEPTIDE_GFN2, RECIPES
from tests.training.data import TINY, clusters


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_dataset(tmp_path_factory.mktemp("data") / "argon.npz", clusters())


@pytest.fixture(scope="module")
def settings(file: Path) -> TrainSettings:
    return TrainSettings(dataset=str(file), steps=45, seed=2, **TINY)


@pytest.fixture(scope="module")
def whole(settings: TrainSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run that nothing has interrupted."""
    runs = Runs(tmp_path_factory.mktemp("whole"), engine="inline")
    run = runs.submit(settings, name="argon")
    assert run.wait(600).state == "done", run.status().message
    yield run
    runs.close()


def parameters(run: Run, name: str = "checkpoint.npz") -> dict[str, np.ndarray]:
    with np.load(run.folder / name) as content:
        return {key: content[key] for key in content.files if key not in ("header", "metadata")}


def assert_same_bits(one: Run, two: Run) -> None:
    for name in ("checkpoint.npz", "model.npz"):
        left, right = parameters(one, name), parameters(two, name)
        assert left.keys() == right.keys()
        for key, array in left.items():
            np.testing.assert_array_equal(array, right[key])
    for column, values in one.series().items():
        np.testing.assert_array_equal(values, two.series()[column])


def test_a_fit_runs_to_its_end_and_leaves_curves_and_a_model(whole: Run) -> None:
    run, status = whole, whole.status()
    assert (status.step, status.total, status.progress) == (45, 45, 1.0)
    assert (run.kind, run.model, run.molecule.name) == ("train", FRESH, "cluster 0")
    assert "meV/Å" in status.message
    series, details = run.series(), status.details
    np.testing.assert_array_equal(series["step"], [10, 15, 25, 30, 40, 45])
    assert np.isfinite(series["validation_loss"][:, 0]).tolist() == [False, True] * 3
    assert series["validation_loss"][-1, 0] < 0.9 * series["validation_loss"][1, 0]
    assert details["best_loss"] == pytest.approx(np.nanmin(series["validation_loss"]))
    assert details["frames"] == {"training": 20, "validation": 6, "test": 3, "unseen": 0}
    assert details["phase"] == "done"
    assert details["test_force_error"] > 0
    live = run.live()
    assert live is not None
    assert live.positions.shape == (1, 6, 3)
    checkpoint = load_checkpoint(run.folder / "model.npz")
    assert checkpoint.metadata["level"] == "Lennard-Jones"
    assert checkpoint.metadata["best"]["step"] == details["best_step"]
    assert "argon" in checkpoint.metadata["description"]
    assert load_potential(run.folder / "model.npz").elements == frozenset({18})


def test_a_stopped_fit_goes_on_as_if_it_had_not_been_stopped(runs: Runs, settings: TrainSettings, whole: Run) -> None:
    parts = runs.submit(settings)
    deadline = time.monotonic() + 600
    while parts.status().step < 10:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    parts.stop()
    stopped = parts.wait(600)
    assert stopped.state == "stopped", stopped.message
    assert 0 < stopped.step < 45
    parts.resume()
    assert parts.wait(600).state == "done"
    assert_same_bits(whole, parts)


def test_a_full_disk_keeps_the_last_good_checkpoint(
    runs: Runs, settings: TrainSettings, whole: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    savez = np.savez

    def full(file: Any, **arrays: Any) -> None:
        header = json.loads(bytes(arrays["header"]))
        if header["metadata"]["step"] >= 25:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        savez(file, **arrays)

    monkeypatch.setattr(checkpoints.np, "savez", full)
    monkeypatch.setattr(worker, "BLOCK", 0.0)  # saves after every row, however fast the steps are
    run = runs.submit(settings, checkpoint_interval=0)
    status = run.wait(600)
    assert status.state == "failed"
    assert "is full. Free some space" in status.message
    assert checkpoints.read_metadata(run.folder / "checkpoint.npz")["step"] == 15
    monkeypatch.undo()
    run.resume()
    assert run.wait(600).state == "done"
    assert_same_bits(whole, run)


def test_more_steps_and_patience_can_be_asked_for_later(runs: Runs, settings: TrainSettings) -> None:
    run = runs.submit(settings.replace(steps=15))
    assert run.wait(600).state == "done"
    run.change(steps=20)
    run.resume()
    status = run.wait(600)
    assert (status.state, status.step) == ("done", 20)
    with pytest.raises(ValueError, match="accepts new values of steps, patience, got features"):
        run.change(features=16)


def test_patience_ends_a_fit_that_does_not_improve(runs: Runs, settings: TrainSettings) -> None:
    run = runs.submit(settings.replace(steps=100, patience=2, validate_every=5, learning_rate=1e-12))
    status = run.wait(600)
    assert status.state == "done"
    assert status.step < 100
    assert "No improvement in 2 validations" in status.message


def test_a_fit_goes_on_from_a_trained_model(runs: Runs, settings: TrainSettings, whole: Run, tmp_path: Path) -> None:
    model = whole.folder / "model.npz"
    tuned = runs.submit(settings.replace(steps=10, start=str(model), features=64, learning_rate=1e-9))
    assert tuned.wait(600).state == "done", tuned.status().message
    assert tuned.model == str(model)
    before, after = load_checkpoint(model), load_checkpoint(tuned.folder / "model.npz")
    assert after.architecture == before.architecture
    assert after.metadata["energy_shifts"] == before.metadata["energy_shifts"]
    foreign = clusters(20)
    foreign = dataclasses.replace(foreign, numbers=np.where(np.arange(len(foreign.numbers)) % 6, 18, 10))
    other = save_dataset(tmp_path / "neon.npz", foreign)
    status = runs.submit(settings.replace(dataset=str(other), start=str(model))).wait(600)
    assert status.state == "failed"
    assert "does not know Ne" in status.message


def test_a_checkpoint_of_another_network_or_other_data_is_refused(
    runs: Runs, settings: TrainSettings, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.npz"
    copy.write_bytes(Path(settings.dataset).read_bytes())
    run = runs.submit(settings.replace(steps=10, dataset=str(copy)))
    assert run.wait(600).state == "done"
    about = json.loads((run.folder / "job.json").read_text())
    about["settings"] |= {"steps": 20, "features": 16}
    (run.folder / "job.json").write_text(json.dumps(about))
    again = runs.get(run.id)
    again.resume()
    status = again.wait(600)
    assert status.state == "failed"
    assert "another network (features 8 instead of 16)" in status.message
    about["settings"]["features"] = 8
    (run.folder / "job.json").write_text(json.dumps(about))
    save_dataset(copy, clusters(20))
    again.resume()
    status = again.wait(600)
    assert status.state == "failed"
    assert "has changed since this run was made" in status.message


def test_a_fit_that_goes_astray_says_so(runs: Runs, settings: TrainSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    initial = training.initial_fit
    spoiled = lambda potential: jax.tree.map(lambda leaf: leaf * jnp.nan, potential)
    monkeypatch.setattr(training, "initial_fit", lambda fit, potential: initial(fit, spoiled(potential)))
    status = runs.submit(settings).wait(600)
    assert status.state == "failed"
    assert "Lower `learning_rate`" in status.message


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"dataset": ""}, "needs a `dataset`, got none. Make one with `so3k sample`"),
        ({"dataset": "nowhere.npz"}, "There is no file nowhere.npz"),
        ({"held_out": ["cluster 0", "cluster 1"]}, "Nothing is left to train with"),
        ({"held_out": ["benzene"]}, "No frame belongs to benzene"),
        ({"validation": 1e-9}, "No frame is left for validation"),
        ({"features": 9}, "multiple"),
        ({"start": "lennard-jones"}, "cannot be trained"),
        ({"start": "no-such-model"}, "There is no model"),
    ],
)
def test_bad_input_is_refused_before_anything_starts(
    runs: Runs, settings: TrainSettings, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        runs.submit(TrainSettings.from_json({**settings.to_json(), **changes}))
    assert runs.list() == []


def test_data_without_units_or_with_labels_that_are_no_numbers_are_refused(runs: Runs, tmp_path: Path) -> None:
    bare, broken = tmp_path / "bare.npz", tmp_path / "broken.npz"
    rows = np.random.default_rng(1).normal(size=(4, 3, 3))
    np.savez(bare, R=rows, z=np.array([8, 1, 1]), E=np.zeros(4), F=0 * rows)
    np.savez(broken, R=rows, z=np.array([8, 1, 1]), E=np.full(4, np.nan), F=rows, e_unit="eV", r_unit="Ang")
    with pytest.raises(DatasetError, match=r"does not say its units\. Give `energy_unit`"):
        runs.submit(TrainSettings(dataset=str(bare)))
    with pytest.raises(DatasetError, match="`energies` must be finite"):
        runs.submit(TrainSettings(dataset=str(broken)))


def test_what_other_runs_take_is_refused(runs: Runs, settings: TrainSettings) -> None:
    with pytest.raises(ValueError, match="takes no `molecule`"):
        runs.submit(settings, "lj7")
    with pytest.raises(ValueError, match="takes no `model`"):
        runs.submit(settings, model="lennard-jones")
    with pytest.raises(ValueError, match='Training is in "float32"'):
        runs.submit(settings, precision="float64")


def test_settings_are_those_of_training_and_of_the_bundled_model(settings: TrainSettings) -> None:
    usual = TrainSettings()
    fit = fit_of(usual)
    assert fit == Fit(loss=PEPTIDE_GFN2.fit.loss)
    assert architecture_of(usual, clusters(2)) == PEPTIDE_GFN2.architecture
    assert usual.energy_unit is usual.length_unit is None
    choices = {field.name: field.metadata["choices"] for field in dataclasses.fields(TrainSettings)}
    assert choices["energy_unit"] == tuple(ENERGY_UNITS)
    assert choices["length_unit"] == tuple(LENGTH_UNITS)
    for recipe in RECIPES.values():
        made = settings_of(recipe, Path("data.npz"))
        assert fit_of(made) == recipe.fit
        assert architecture_of(made, clusters(2)) == recipe.architecture


def test_a_training_job_survives_its_file(runs: Runs, settings: TrainSettings) -> None:
    run = runs.submit(settings.replace(steps=1))
    run.stop()
    content = json.loads((run.folder / "job.json").read_text())
    assert Job.from_json(content).settings == settings.replace(steps=1)
    assert run.wait(600).state in ("stopped", "done")
