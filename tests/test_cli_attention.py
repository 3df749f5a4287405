"""The command `attention`, with a small network with random weights and with a landscape of few minima."""

import json
from dataclasses import replace
from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.analysis.attention import attention
from so3k_explore.analysis.attention_coefficients import Channel, attention_map
from so3k_explore.cli import main
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.io.structures import load_molecule
from so3k_explore.potentials.checkpoints import save_potential
from so3k_explore.potentials.so3krates import So3krates
from tests.potentials import MIDDLE

BUTANE = load_molecule("CCCC")


@cache
def random_network() -> So3krates:
    return So3krates.create(4, replace(MIDDLE, cutoff=5.0), dtype=jnp.float64)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_potential(tmp_path_factory.mktemp("model") / "random.npz", random_network()))


@pytest.fixture(scope="module")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("landscape") / "landscape.db"
    rng = np.random.default_rng(2)
    with Landscape(path) as made:
        made.bind(BUTANE)
        for k in range(12):
            stretched = BUTANE.positions * (1.0 if k % 2 else 1.15)
            made.add(0.01 * k, stretched + 0.02 * rng.normal(size=stretched.shape))
    return str(path)


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["attention", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_a_molecule_gets_its_matrix_sums_and_a_verdict(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = json.loads(printed(capsys, "CCCC", "--model", model, "--layer", 1, "--head", 2, "--json"))
    expected = attention_map(attention(random_network(), BUTANE.system), Channel(layer=0, head=1))
    np.testing.assert_allclose(said["matrix"], expected, atol=1e-6)
    np.testing.assert_allclose(said["listens"], np.abs(expected).sum(axis=1), atol=1e-6)
    assert said["names"][0] == "C1"
    assert said["verdict"].startswith("Faithfulness ")
    assert {row["measure"] for row in said["faithfulness"]} >= {"magnitude", "rollout"}


def test_the_matrix_can_be_read_by_a_spreadsheet(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "CCCC", "--model", model, "--reduce", "heavy", "--csv", "--no-faithfulness")
    rows = [line.split(",") for line in text.splitlines()]
    assert rows[0] == ["", "C1", "C2", "C3", "C4"]
    assert [row[0] for row in rows[1:]] == rows[0][1:]
    values = np.array([row[1:] for row in rows[1:]], float)
    whole = attention_map(attention(random_network(), BUTANE.system))
    np.testing.assert_allclose(values.sum(), whole.sum(), atol=1e-6)


def test_a_landscape_gets_families_and_their_agreement_with_other_clusters(
    model: str, landscape: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = json.loads(printed(capsys, landscape, "--model", model, "--families", 2, "--json"))
    families = [set(family["minima"]) for family in said["families"]]
    assert sorted(map(sorted, families)) == [[1, 3, 5, 7, 9, 11], [2, 4, 6, 8, 10, 12]]
    assert said["families"][0]["separating_pairs"]
    assert "torsions" in said["agreement"]
    assert set(said["correlations"]) == {"distance", "hydrogen bonds", "energy"}
    assert 0 <= said["correlations"]["distance"]["median_rho"] <= 1
    text = printed(capsys, landscape, "--model", model, "--families", 2)
    assert "PAIRS AGAINST" in text
    assert "12 minima by magnitude between 4 parts" in text
    assert "AGREEMENT WITH" in text


def test_one_minimum_of_a_landscape_can_be_looked_at(
    model: str, landscape: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = json.loads(
        printed(capsys, landscape, "--minimum", 3, "--model", model, "--json", "--no-faithfulness", "--reduce", "heavy")
    )
    assert said["molecule"].endswith("minimum 3")
    assert "verdict" not in said


def test_what_is_not_possible_is_explained(model: str, landscape: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attention", landscape, "--minimum", "99", "--model", model]) == 2
    assert "There is no minimum 99" in capsys.readouterr().err
    assert main(["attention", landscape, "--csv", "--model", model]) == 2
    assert "--minimum N" in capsys.readouterr().err
    assert main(["attention", "CCCC", "--model", model, "--layer", "9"]) == 2
    assert "`--layer` must be from 1 to 2" in capsys.readouterr().err
    assert main(["attention", "lj7", "--model", "lennard-jones"]) == 2
    assert "LennardJones has no attention" in capsys.readouterr().err
