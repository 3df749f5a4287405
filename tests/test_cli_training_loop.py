"""Active learning on the command line, with Lennard-Jones clusters and a network of eight features."""

import json
from pathlib import Path
from typing import Any

import pytest
from ase import Atoms
from ase.io import write

from so3k_explore.cli import main
from so3k_explore.cli.options import add_settings, read_settings
from so3k_explore.cli.terminal import Parser, describe
from so3k_explore.cli.training import add_arguments
from so3k_explore.io.datasets import load_dataset, save_dataset
from so3k_explore.jobs.learning_settings import LoopSettings, TrainSettings
from so3k_explore.jobs.status import RunStatus
from so3k_explore.potentials.checkpoints import load_checkpoint
from tests.test_cli_training import OPTIONS
from tests.training.data import LJ, LOOP, clusters, loop_data

SMALL = [word for name, value in {**LOOP, "steps": 15}.items() for word in (f"--{name}", str(value))]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return save_dataset(tmp_path / "argon.npz", loop_data())


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_loop_explores_labels_reports_and_goes_on_in_its_folder(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "loop"
    arguments = ["train", "loop", str(data), "--folder", str(folder), *OPTIONS, *SMALL]
    found = output(capsys, *arguments)
    assert (found["kind"], found["state"], found["labelled"]) == ("loop", "done", 3)
    (first,) = found["rounds"]
    assert first["frames"] > 20
    assert load_checkpoint(folder / "model.npz").metadata["level"] == LJ
    assert len(load_dataset(folder / "data.npz")) == 33
    report = (folder / "report.md").read_text().splitlines()
    assert len(report) == 3
    assert "error before / meV/Å | error after / meV/Å" in report[0]
    again = output(capsys, *arguments)
    assert (again["run"], again["rounds"]) == (found["run"], found["rounds"])
    assert len(list((folder / "runs").glob("*/job.json"))) == 1


def test_a_loop_has_all_settings_of_a_training_and_its_own_defaults() -> None:
    parser = Parser(prog="so3k train")
    add_arguments(parser, "train")
    read = lambda *words: read_settings(parser.parse_args(["loop", *words]), LoopSettings, dataset="d.npz")
    assert read() == LoopSettings(dataset="d.npz")
    assert read("--picks", "5", "--explore", "CCO", "CO", "--temperature", "300").explore == ("CCO", "CO")
    alone = Parser(prog="so3k train")
    add_settings(alone, TrainSettings)
    assert "--picks" not in alone.format_help()


def test_how_far_a_loop_and_labels_are_is_said_in_a_few_words() -> None:
    details = {"wanted": 3, "round": 2, "phase": "labelling", "phase_done": 4, "phase_total": 32}
    status = RunStatus("running", details={**details, "labelled": 36, "failed": 1}, speed={"steps_per_second": 2.0})
    assert describe(status) == "running, round 2 of 3, labelling 4 of 32, 36 labelled, 1 failed"
    labels = {"labelled": 36, "failed": 0, "counts": "structures"}
    assert describe(RunStatus("running", details=labels, speed={"calls_per_second": 2.0})) == (
        "running, 36 labelled, 2 structures/s"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Expected `loop DATA`"),
        (["OTHER"], "The data are of Lennard-Jones, and picks would be labelled with"),
        (["DATA", "--method", "B3LYP"], "`method` must be GFN2-xTB"),
        (["DATA", "--method", "GFN2-xTB"], "picks would be labelled with GFN2-xTB"),
        (["DATA", "--method", LJ, "--explore", "water"], "The data have no H, O"),
        (["DATA", "--folder", "X", "--detach"], "for loops of this terminal"),
    ],
)
def test_a_loop_that_cannot_work_says_why(
    arguments: list[str],
    sentence: str,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SO3K_RUNS", str(tmp_path / "runs"))
    places = {"DATA": str(data), "OTHER": str(save_dataset(tmp_path / "other.npz", clusters(20)))}
    assert main(["train", "loop", *(places.get(word, word) for word in arguments)]) == 2
    assert sentence in capsys.readouterr().err


def test_labels_of_a_run_are_asked_for_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SO3K_RUNS", str(tmp_path / "runs"))
    write(tmp_path / "two.xyz", [Atoms("Ar2", [[0, 0, 0], [1.1, 0, 0]]), Atoms("Ar2", [[0, 0, 0], [1.3, 0, 0]])])
    first = output(capsys, "label", str(tmp_path / "two.xyz"), "--method", LJ)
    again = output(capsys, "label", "latest", "--method", LJ, "--output", str(tmp_path / "again.xyz"))
    assert (first["frames"], again["frames"], again["failed"]) == (2, 2, 0)
    assert Path(again["output"]).is_file()
    assert again["run"] != first["run"]
    assert main(["label", "no-such-run", "--method", LJ]) == 2
    assert "There is no file no-such-run, and no run of that name" in capsys.readouterr().err
