"""Data sets and training on the command line, with Lennard-Jones clusters and a network of eight features."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.io import write

from so3k_explore.cli import main
from so3k_explore.cli.options import add_settings, read_settings
from so3k_explore.cli.terminal import Parser
from so3k_explore.io.dataset_formats import read_dataset, write_extxyz
from so3k_explore.io.datasets import load_dataset, save_dataset
from so3k_explore.jobs.learning_settings import TrainSettings
from so3k_explore.potentials.checkpoints import load_checkpoint
from so3k_explore.potentials.so3krates import Architecture
from so3k_explore.training import judge, molecules, recipe
from so3k_explore.training.cards import evaluation_text
from so3k_explore.training.fit import Fit
from so3k_explore.training.loss import Loss
from so3k_explore.training.recipe import Recipe
from so3k_explore.training.sampling import Plan, Sample
from tests.molecules import random_cluster
from tests.test_cli import interruptible
from tests.training.data import LJ, SIZES, TINY, clusters

ENVIRONMENT = {**os.environ, "JAX_ENABLE_X64": "0"}
OPTIONS = [
    word
    for name, value in TINY.items()
    for word in (f"--{name.replace('_', '-')}", *(map(str, value) if isinstance(value, tuple) else [str(value)]))
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_dataset(tmp_path_factory.mktemp("data") / "argon.npz", clusters())


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """What `so3k train` prints, and the model it writes."""
    folder = tmp_path_factory.mktemp("train")
    model = folder / "argon.npz"
    arguments = ["train", str(data), *OPTIONS, "--steps", "15", "--output", str(model), "--json"]
    done = run_command(*arguments, "--runs", str(folder / "runs"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), model


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "so3k_explore.cli", *arguments]
    return subprocess.run(program, capture_output=True, text=True, timeout=800, env=ENVIRONMENT)


def steps_of(status: Path) -> int:
    return json.loads(status.read_text()).get("step", 0)


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_structures_are_labelled_and_failures_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SO3K_RUNS", str(tmp_path / "runs"))
    good, bad = random_cluster(6, 1, 1.2).to_ase(), random_cluster(6, 2, 1.2).to_ase()
    bad.positions[1] = bad.positions[0]  # infinite energy
    write(tmp_path / "some.xyz", [good, bad, good])
    made = tmp_path / "some.npz"
    with np.errstate(all="ignore"):
        found = output(capsys, "label", str(tmp_path / "some.xyz"), "--output", str(made), "--method", LJ)
    assert (found["frames"], found["failed"], found["level"]) == (2, 1, LJ)
    assert found["problems"][0].startswith("structure 1:")
    dataset = load_dataset(made)
    assert dataset.molecules.tolist() == ["some", "some"]
    assert dataset.groups.tolist() == [0, 2]
    again = output(capsys, "label", str(made), "--output", str(tmp_path / "again.xyz"), "--method", LJ)
    assert again["failed"] == 0
    np.testing.assert_allclose(read_dataset(tmp_path / "again.xyz").energies, dataset.energies, atol=1e-6)


def test_molecules_are_sampled_once_and_failures_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "six.xyz", random_cluster(6, 3, 1.2).to_ase())
    made = tmp_path / "data.npz"
    plan = ["--conformers", "1", "--temperatures", "50", "--frames", "2", "--method", LJ]
    arguments = ["sample", str(tmp_path / "six.xyz"), "lj7", "Xx", "--output", str(made), *plan]
    with np.errstate(all="ignore"):
        found = output(capsys, *arguments)
    assert found["failed"] == 1
    assert found["problems"][0].startswith("Xx: ")
    assert set(load_dataset(made).molecules.tolist()) == {"six", "lj7"}
    parts = {path: path.stat().st_mtime_ns for path in (tmp_path / "data.parts" / "molecules").iterdir()}
    assert output(capsys, *arguments)["frames"] == found["frames"]
    assert {path: path.stat().st_mtime_ns for path in parts} == parts
    fewer = output(capsys, *arguments, "--frames", "1")
    assert fewer["frames"] < found["frames"]


def test_training_writes_a_model_and_one_json_document(trained: tuple[dict[str, Any], Path]) -> None:
    found, model = trained
    assert (found["kind"], found["state"], found["steps"]) == ("train", "done", 15)
    assert found["frames"]["training"] == 20
    assert found["best_force_error"] > 0
    assert found["seconds"] > 0
    checkpoint = load_checkpoint(model)
    assert checkpoint.architecture.features == 8
    assert checkpoint.architecture.degrees == (1,)
    assert Path(found["model_file"]).read_bytes()


def test_a_model_is_compared_with_labels(
    trained: tuple[dict[str, Any], Path], data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, model = trained
    found = output(capsys, "evaluate", str(model), str(data), "--precision", "float64")
    assert found["all"]["frames"] == 30
    assert set(found["molecules"]) == {"cluster 0", "cluster 1"}
    single = output(capsys, "evaluate", str(model), str(write_extxyz(tmp_path / "d.xyz", clusters())))
    assert single["all"]["force_mae"] == pytest.approx(found["all"]["force_mae"], rel=1e-4)
    assert main(["evaluate", str(model), str(data), "--precision", "float64"]) == 0
    text = capsys.readouterr().out
    assert "| cluster 0" in text
    assert text == evaluation_text(found)
    card = tmp_path / "card.md"
    assert main(["card", str(model), str(data), "--output", str(card)]) == 0
    assert card.read_text().startswith("# argon\n")
    assert "## Errors on argon.npz" in card.read_text()
    assert "evaluation" in output(capsys, "card", str(model))


def test_foreign_data_are_converted_by_the_units_given(
    trained: tuple[dict[str, Any], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few, foreign = clusters(4), tmp_path / "foreign.npz"
    shape = (4, 6, 3)
    positions, forces = few.positions.reshape(shape), few.forces.reshape(shape)
    np.savez(foreign, R=positions, z=few.numbers[:6], E=few.energies / 0.0433641153, F=forces / 0.0433641153)
    assert main(["evaluate", str(trained[1]), str(foreign)]) == 2
    assert "`energy_unit`, one of eV, kcal/mol" in capsys.readouterr().err
    units = ["--energy-unit", "kcal/mol", "--length-unit", "Angstrom"]
    found = output(capsys, "evaluate", str(trained[1]), str(foreign), *units)
    assert found["all"]["force_mean"] == pytest.approx(np.abs(forces).mean(), rel=1e-5)


def test_interrupting_leaves_a_fit_that_can_be_resumed(data: Path, tmp_path: Path) -> None:
    program = interruptible("train", str(data), *OPTIONS, "--steps", "1000000")
    with subprocess.Popen(
        [*program, "--runs", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        try:
            deadline = time.monotonic() + 600
            while not any(steps_of(path) > 20 for path in tmp_path.glob("*/status.json")):
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=800)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "so3k runs resume" in err
    assert "Traceback" not in err
    (folder,) = [path.parent for path in tmp_path.glob("*/status.json")]
    assert (folder / "checkpoint.npz").exists()
    assert (folder / "model.npz").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "nowhere.npz"], "There is no file nowhere.npz"),
        (["train", "a.npz", "b.npz"], "One file of labelled structures is expected"),
        (["train", "recipe", "soup"], "a recipe of peptide-gfn2"),
        (["train", "DATA", "--features", "9", "--heads", "2"], "multiple"),
        (["train", "DATA", "--held-out", "benzene"], "No frame belongs to benzene"),
        (["train", "DATA", "--detach", "--output", "x.npz"], "Leave one of them out"),
        (["evaluate", "no-such-model", "DATA"], "There is no model"),
        (["label", "nowhere.xyz", "--output", "x.npz"], "There is no file"),
        (["label", "nowhere.xyz", "--output", "x.csv"], "must end in .npz or .xyz"),
        (["label", "DATA", "--output", "x.npz", "--method", "B3LYP"], "`method` must be GFN2-xTB"),
        (["sample", "Xx", "--output", "OUT", "--method", LJ], "Not one molecule was sampled. Xx: "),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(
    arguments: list[str],
    sentence: str,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SO3K_RUNS", str(tmp_path / "runs"))
    places = {"DATA": str(data), "OUT": str(tmp_path / "out.npz")}
    assert main([places.get(word, word) for word in arguments]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.out == ""


def test_a_recipe_samples_what_is_missing_and_goes_on_with_its_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tblite", reason="This test needs tblite: pip install tblite")
    plan = Plan(conformers=2, temperatures=(300.0,), frames=3, stride=2, relaxation_steps=5, displaced=3)
    what = (Sample("methanol", "CO", plan), Sample("methane", "C", plan))
    sizes = Architecture(**SIZES, charge_and_spin=False)  # pyright: ignore[reportArgumentType]
    settings = Fit(steps=20, molecules=4, validate_every=10, loss=Loss(huber=0.5))
    first = Recipe("first", "before it", sizes, settings, ("methanol",))
    small = Recipe("tiny", "a tiny model", sizes, settings, ("methanol", "methane"), after=first)
    monkeypatch.setattr(recipe, "samples", lambda part: what[part == "methane" :][:1])
    monkeypatch.setitem(recipe.RECIPES, "tiny", small)
    for module in (molecules, judge):
        monkeypatch.setattr(module, "samples", lambda part: (Sample("water", "O", plan),))
    monkeypatch.setattr(judge, "SURVIVORS", ())
    arguments = ["train", "recipe", "tiny", "--folder", str(tmp_path), "--steps", "10"]
    assert main([*arguments, "--validation", "0.3"]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("Sampling 1 molecules took") == 2
    assert "Fitting tiny took" in captured.err
    assert load_checkpoint(tmp_path / "first.npz").metadata["description"] == "before it"
    finished = load_checkpoint(tmp_path / "tiny.npz")
    assert finished.metadata["description"] == "a tiny model"
    assert "extrapolation/means" in finished.extras
    assert "## Unseen molecules, dynamics at 300 and 500 K" in (tmp_path / "tiny.md").read_text()
    assert set(json.loads((tmp_path / "tiny.json").read_text())) == {
        "origin",
        "test",
        "unseen molecules",
        "new trajectories",
        "float32",
    }
    found = output(capsys, *arguments, "--validation", "0.3")
    assert (found["steps"], found["state"]) == (10, "done")
    assert len(list((tmp_path / "runs").glob("*/*/job.json"))) == 2


def test_a_trained_model_says_what_it_was_fitted_to(trained: tuple[dict[str, Any], Path], capsys: Any) -> None:
    said, model = trained
    assert "force_calls" not in said
    assert main(["card", str(model)]) == 0
    card = capsys.readouterr().out
    assert "Fitted to Lennard-Jones. Structures: 20 training, 6 validation, 3 test." in card
    assert re.search(r"Validation error of step 15: [\d.e+]+ meV/Å", card)


def test_a_setting_that_is_on_by_default_can_be_switched_off() -> None:
    parser = Parser(prog="so3k train")
    add_settings(parser, TrainSettings, without=("dataset",))
    read = lambda *words: read_settings(parser.parse_args(words), TrainSettings, dataset="d.npz").huber
    assert (read(), read("--huber", "0.2"), read("--huber", "none")) == (TrainSettings().huber, 0.2, None)


def test_data_are_described_and_drawn(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", str(data), "--picture", str(tmp_path / "argon.png")]) == 0
    said = capsys.readouterr().out
    assert "30 structures of 2 molecules at Lennard-Jones" in said
    assert "Ar 180 atoms" in said
    assert (tmp_path / "argon.png").stat().st_size > 10_000
    assert main(["data", str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["molecules"] == {"cluster 0": 15, "cluster 1": 15}
