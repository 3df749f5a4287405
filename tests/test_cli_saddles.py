import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from so3k_explore.cli import main
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.model_record import claim
from so3k_explore.exploration.search import explore_minima
from so3k_explore.exploration.settings import MinimaSearch
from so3k_explore.io.structures import load_molecule
from so3k_explore.jobs import on_landscape
from so3k_explore.jobs.store import RunFolder
from so3k_explore.potentials.lennard_jones import LennardJones

SETTINGS = ["--pairs", "4", "--walkers", "8", "--strategies", "nearest", "components"]


@pytest.fixture(scope="module")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four minima of seven atoms."""
    path = tmp_path_factory.mktemp("landscape") / "lj7.db"
    with Landscape.open(path) as made:
        search = MinimaSearch(walkers=8, seed=1, max_calls=2000)
        for _ in explore_minima(LennardJones(), load_molecule("lj7"), search, made):
            pass
        assert len(made) == 4
    return path


def test_saddles_are_searched_for_and_listed(
    landscape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = ["--runs", str(tmp_path)]
    assert main(["saddles", str(landscape), *SETTINGS, *runs, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["finished"] == "nothing is left to try"
    assert (said["n_minima"], said["connected"]) == (4, 1.0)
    assert said["n_saddles"] == len(said["saddles"]) >= 3
    energies = [row["energy_eV"] for row in said["saddles"]]
    assert energies == sorted(energies)
    assert energies[0] == pytest.approx(-15.444734, abs=1e-5)
    with Landscape.open(landscape) as kept:
        minima = kept.minima()
    lowest = said["saddles"][0]
    heights = [energies[0] - minima.energies[minima.ids == number][0] for number in lowest["minima"]]
    np.testing.assert_allclose(np.array(lowest["barriers_kcal_mol"]) * 0.0433641, heights, rtol=1e-5)
    assert lowest["frequency_per_cm"] < -100

    assert main(["saddles", str(landscape), "--list", *runs]) == 0
    listed = capsys.readouterr().out
    assert f"{said['n_saddles']} saddles between 4 minima, 100% of which hang together" in listed
    assert "nearest" in listed


@pytest.mark.parametrize("command", [["saddles", *SETTINGS], ["recheck", "--lowest", "1"]], ids=lambda words: words[0])
def test_a_landscape_that_a_run_is_writing_is_left_alone(
    command: list[str], landscape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(on_landscape, "PATIENCE", 0.0)
    lock = on_landscape.landscape_lock(RunFolder(landscape.parent))
    try:
        assert main([command[0], str(landscape), *command[1:], "--runs", str(tmp_path)]) != 0
    finally:
        lock.release()
    assert "Another run is writing the landscape" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--connected", "2"], "`connected` must lie above 0 and not above 1, got 2.0."),
        (["--strategies", "luck"], "`strategies` must be some of hops, nearest, components"),
        (["--model", "nonsense"], "There is no model"),
    ],
)
def test_bad_input_is_one_sentence(
    landscape: Path, options: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["saddles", str(landscape), "--runs", str(tmp_path), *options]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.out == ""


def test_a_landscape_of_another_model_is_refused(
    landscape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Landscape.open(tmp_path / "shifted.db") as shifted, Landscape.open(landscape) as kept:
        shifted.bind(load_molecule("lj7"))
        shifted.add(-1.0, kept.minima().positions[0])
    assert main(["saddles", str(tmp_path / "shifted.db"), "--runs", str(tmp_path)]) == 1
    assert "belongs to another one" in capsys.readouterr().err


def test_a_landscape_is_searched_with_the_model_that_it_names(
    landscape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Landscape.open(tmp_path / "deeper.db") as deeper:
        deeper.bind(load_molecule("lj7"))
        claim(deeper, LennardJones(epsilon=2.0), "so3k-nowhere")
        with Landscape.open(landscape) as kept:
            deeper.add(-33.0, kept.minima().positions[0])
    assert main(["saddles", str(tmp_path / "deeper.db"), "--runs", str(tmp_path)]) == 2
    assert "There is no model, file or folder 'so3k-nowhere'" in capsys.readouterr().err
    assert main(["saddles", str(tmp_path / "deeper.db"), "--runs", str(tmp_path), "--model", "lennard-jones"]) == 1
    assert "deeper.db was made with the model so3k-nowhere" in capsys.readouterr().err


def test_the_landscape_of_a_run_is_searched_with_its_model(tmp_path: Path) -> None:
    """As in a terminal: explore, then find saddles, without naming the model."""
    command = [sys.executable, "-m", "so3k_explore.cli"]
    environment = {**os.environ, "SO3K_RUNS": str(tmp_path), "JAX_ENABLE_X64": "0"}
    options = ["lj7", "--walkers", "4", "--minima", "3", "--seed", "1", "--json", "--force-tolerance", "0.001"]
    call = lambda *words: subprocess.run(
        [*command, *words], capture_output=True, text=True, timeout=800, env=environment
    )
    explored = call("explore", *options)
    assert explored.returncode == 0, explored.stderr
    found = call("saddles", "latest", *SETTINGS, "--saddles", "1", "--json")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["n_saddles"] >= 1
