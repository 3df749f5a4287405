"""The command `cluster` on a landscape of butane."""

import json
from pathlib import Path

import numpy as np
import pytest

from so3k_explore.analysis.torsions import rotatable_torsions, set_torsion
from so3k_explore.cli import main
from so3k_explore.exploration.labels import list_labellings, read_labelling
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.io.structures import load_molecule

BUTANE = load_molecule("CCCC")


@pytest.fixture
def file(tmp_path: Path) -> str:
    quad, rng = rotatable_torsions(BUTANE.numbers, BUTANE.bonds)[0], np.random.default_rng(0)
    with Landscape.open(tmp_path / "landscape.db") as made:
        made.bind(BUTANE)
        for k in range(24):
            angle = (180.0, 65.0, -65.0)[k % 3] + rng.uniform(-5, 5)
            made.add((0.0, 0.04, 0.05)[k % 3], set_torsion(BUTANE.positions, BUTANE.bonds, quad, angle))
    return str(tmp_path / "landscape.db")


def test_families_are_printed_and_kept(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cluster", file, "--smallest", "5"]) == 0
    printed = capsys.readouterr().out
    assert "3 families of 24 minima, 0 in none (by torsions, method hdbscan, smallest 5, silhouette 0.9" in printed
    assert printed.splitlines()[2].split() == ["family", "1", "8", "1", "0.00", "0"]
    with Landscape.open(file) as landscape:
        assert read_labelling(landscape, "torsions, hdbscan").clusters.tolist() == [0, 1, 2] * 8


def test_another_labelling_is_compared(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cluster", file, "--smallest", "5"]) == 0
    capsys.readouterr()
    options = ["--by", "distances", "--method", "kmedoids", "--clusters", "2", "--name", "shapes", "--json"]
    assert main(["cluster", file, *options, "--compare", "torsions, hdbscan"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [one["minima"] for one in said["families"]] == [8, 16]
    assert said["agreement"]["table"] == [[8, 0, 0], [0, 8, 8]]
    assert 0.5 < said["agreement"]["adjusted_rand"] < 0.7
    assert said["agreement"]["p_value"] < 0.01
    assert said["clusters"]["2"] == 1
    with Landscape.open(file) as landscape:
        assert list_labellings(landscape) == ["shapes", "torsions, hdbscan"]


def test_bad_input_is_told(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cluster", file, "--clusters", "3"]) == 2
    assert "HDBSCAN finds the number of clusters by itself" in capsys.readouterr().err
    assert main(["cluster", file, "--by", "tree"]) == 2
    assert "Search on, or search for saddles" in capsys.readouterr().err
    assert main(["cluster", file, "--dry", "--compare", "nothing"]) == 1
    assert "has no labelling 'nothing'" in capsys.readouterr().err
    assert main(["cluster", file, "--by", "features", "--model", "lennard-jones"]) == 2
    assert "Give a So3krates model" in capsys.readouterr().err
