"""Active learning on the command line, with Lennard-Jones clusters and a network of eight features."""

import dataclasses
import json
from pathlib import Path

import pytest
from ase import Atoms
from ase.io import write

from so3k_explore.cli import main, training_loop
from so3k_explore.io.datasets import save_dataset
from so3k_explore.potentials.checkpoints import load_checkpoint
from so3k_explore.training.loop import ActiveLearning
from tests.test_cli_training import OPTIONS, run_command
from tests.training.data import LJ, clusters

TETRAHEDRON = [[0, 0, 0], [1.12, 0, 0], [0.56, 0.97, 0], [0.56, 0.32, 0.92]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return save_dataset(tmp_path / "argon.npz", clusters())


def test_a_loop_explores_labels_and_reports(tmp_path: Path) -> None:
    data = save_dataset(tmp_path / "argon.npz", dataclasses.replace(clusters(), level=LJ))
    write(tmp_path / "trimer.xyz", Atoms("Ar4", TETRAHEDRON))
    arguments = [
        "train",
        "loop",
        str(data),
        "--folder",
        str(tmp_path / "loop"),
        "--explore",
        str(tmp_path / "trimer.xyz"),
    ]
    small = ["--rounds", "2", "--walkers", "2", "--temperature", "20", "--frames", "4", "--picks", "3", "--method", LJ]
    done = run_command(*arguments, *small, *OPTIONS, "--steps", "10", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [found["number"] for found in said["rounds"]] == [0, 1]
    assert said["rounds"][1]["frames"] > said["rounds"][0]["frames"]
    assert load_checkpoint(said["model"]).metadata["level"] == LJ
    report = (tmp_path / "loop" / "report.md").read_text().splitlines()
    assert len(report) == 4
    assert "expected error / meV/Å" in report[0]


def test_the_options_of_a_loop_are_those_of_python() -> None:
    settings = ActiveLearning()
    assert {name: default for name, (default, _) in training_loop.OPTIONS.items()} == {
        name: getattr(settings, name) for name in training_loop.OPTIONS
    }
    assert {name: getattr(settings.fit, name) for name in training_loop.STEPS} == training_loop.STEPS


def test_a_loop_does_not_mix_methods(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "loop", str(data), "--folder", str(tmp_path), "--explore", "lj7"]) == 2
    assert "picks would be labelled with GFN2-xTB" in capsys.readouterr().err


def test_a_loop_without_molecules_says_what_it_needs(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "loop", str(data)]) == 2
    assert "loop DATA --folder DIR --explore MOLECULE" in capsys.readouterr().err
