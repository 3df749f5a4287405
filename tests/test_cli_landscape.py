"""The commands `tree`, `recheck` and `landscape` on a landscape of seven atoms."""

import json
from pathlib import Path

import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.cli import main
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.model_record import claim
from so3k_explore.exploration.records import Hop
from so3k_explore.exploration.vibrations import MINIMUM, SADDLE, store_vibrations
from so3k_explore.potentials.lennard_jones import LennardJones
from tests.exploration.molecules import cluster

ENERGIES = (-16.5, -15.9, -15.6, -15.5)
SHAPES = np.random.default_rng(0).uniform(-1.5, 1.5, (4, 7, 3))


@pytest.fixture
def file(tmp_path: Path) -> str:
    with Landscape(tmp_path / "landscape.db") as landscape:
        landscape.bind(cluster(7))
        for energy, positions in zip(ENERGIES, SHAPES, strict=True):
            landscape.add(energy, positions)
        landscape.add_saddle(1, 2, -15.0, SHAPES[0], frequency=-100.0)
        landscape.add_saddle(2, 3, -15.3, SHAPES[1], frequency=-100.0)
        landscape.add_hop(Hop(3, 4, 9, 0, "hopping", -15.1, accepted=True))
    return str(tmp_path / "landscape.db")


def answer(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_tree_prints_the_lowest_pass_to_anything_lower(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "tree", file, "--cut", 0.75 / units.KCAL_PER_MOL)
    rows = found["minima"]
    assert [row["minimum"] for row in rows] == [1, 2, 3, 4]
    assert [(row["kind"], row["to"]) for row in rows] == [(None, None), ("saddle", 1), ("saddle", 2), ("bound", 2)]
    heights = [row["barrier_kcal_mol"] * units.KCAL_PER_MOL for row in rows[1:]]
    np.testing.assert_allclose(heights, [0.9, 0.3, 0.4])
    assert [row["basin"] for row in rows] == [0, 1, -1, -1]
    assert found["parts"] == 1
    assert found["passes"][0] == {"minima": [2, 3], "height_eV": -15.3, "saddle": 2}

    assert main(["tree", file]) == 0
    printed = capsys.readouterr().out
    assert "4 minima, 3 passes (1 only upper bounds), connected parts: 1; energy in kcal/mol" in printed
    assert [line.split()[:1] for line in printed.splitlines()[1:]] == [["MINIMUM"], ["1"], ["2"], ["3"], ["4"]]


def test_the_way_between_two_minima_is_told(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    way = answer(capsys, "tree", file, "--between", 1, 4)["way"]
    assert (way["minima"], way["saddles"], way["heights_eV"]) == ([1, 2, 3, 4], [1, 2, None], [-15.0, -15.3, -15.1])
    np.testing.assert_allclose(way["forward_kcal_mol"] * units.KCAL_PER_MOL, 1.5)
    assert main(["tree", file, "--between", "1", "4", "--no-bounds"]) == 0
    assert "No way between minima 1 and 4 is known." in capsys.readouterr().out
    assert main(["tree", file, "--between", "1", "9"]) == 2
    assert "There is no minimum 9" in capsys.readouterr().err


def test_small_branches_are_collapsed_and_a_picture_drawn(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, "tree", file, "--depth", 0.5 / units.KCAL_PER_MOL, "--picture", tmp_path / "tree.svg")
    assert [(row["minimum"], row["stands_for"]) for row in found["minima"]] == [(1, 1), (2, 3)]
    assert "lj7" in (tmp_path / "tree.svg").read_text()


def test_free_energies_come_with_populations(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tree", file, "--temperature", "300"]) == 1
    assert "4 of 4 frequencies are not stored" in capsys.readouterr().err
    with Landscape.open(file) as landscape:
        store_vibrations(landscape, MINIMUM, [1, 2, 3, 4], [[100.0] * 15] * 4)
        store_vibrations(landscape, SADDLE, [1, 2], [[-100.0] + [100.0] * 14] * 2)
    found = answer(capsys, "tree", file, "--temperature", 5000, "--classical")
    shares = [row["population"] for row in found["minima"]]
    np.testing.assert_allclose(sum(shares), 1)
    assert shares[0] > shares[1] > 0.01
    assert found["energy"] == "free energy at 5000 K"
    assert [row["part"] for row in found["minima"]] == [0, 0, 0, 1]  # bounds of energies say nothing of free energies


def test_minima_are_checked_with_another_method(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    method = "ase.calculators.lj:LennardJones"
    found = answer(capsys, "recheck", file, "--method", method, "--lowest", 2, "--max-steps", 200)
    assert [row["number"] for row in found["structures"]] == [1, 2]
    assert all(row["energy_eV"] < row["single_point_eV"] for row in found["structures"])
    assert main(["recheck", file, "--method", method, "--saddles"]) == 0
    printed = capsys.readouterr().out
    assert "SADDLE" in printed
    assert "2 of 2 compared" in printed


def test_landscapes_are_exported_merged_and_imported(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    structures, other = tmp_path / "minima.extxyz", tmp_path / "other.db"
    assert answer(capsys, "landscape", "export", file, structures) == {"output": str(structures), "minima": 4}
    found = answer(capsys, "landscape", "import", other, structures, "--no-relax")
    assert (found["added"], found["known"], found["minima"]) == ([1, 2, 3, 4], 0, 4)
    merged = answer(capsys, "landscape", "merge", other, file)
    assert merged["taken"][0]["new_minima"] == 0
    assert merged["taken"][0]["new_saddles"] == 2
    with Landscape.open(other) as landscape:
        assert len(landscape.saddles()) == 2
    assert main(["landscape", "import", str(tmp_path / "relaxed.db"), str(structures), "--model", "lennard-jones"]) == 0
    with Landscape.open(tmp_path / "relaxed.db") as landscape:
        assert landscape.minima().energies.max() < -15.5


def test_a_landscape_says_which_model_made_it_and_takes_nothing_from_another(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(capsys, "landscape", "show", file)["model"] is None
    assert main(["landscape", "show", file]) == 0
    assert "model: not written down" in capsys.readouterr().out

    structures, made, deeper = tmp_path / "minima.extxyz", tmp_path / "made.db", tmp_path / "deeper.db"
    answer(capsys, "landscape", "export", file, structures)
    answer(capsys, "landscape", "import", made, structures, "--model", "lennard-jones")
    shown = answer(capsys, "landscape", "show", made)
    assert (shown["molecule"], shown["formula"], shown["saddles"], shown["hops"]) == ("minima", "Ar7", 0, 0)
    assert (shown["model"]["name"], shown["model"]["long_range_cutoff"]) == ("lennard-jones", 0.0)
    assert main(["landscape", "show", str(made)]) == 0
    assert f"model: lennard-jones ({shown['model']['fingerprint'][:8]})" in capsys.readouterr().out

    with Landscape.open(deeper) as landscape:
        landscape.bind(cluster(7))
        claim(landscape, LennardJones(epsilon=2.0), "deeper")
        landscape.add(-33.0, SHAPES[0])
    for arguments in (["merge", str(deeper), str(made)], ["import", str(deeper), str(structures)]):
        assert main(["landscape", *arguments, "--model", "lennard-jones"]) == 1
        assert "deeper.db was made with the model deeper" in capsys.readouterr().err
    assert main(["tree", str(deeper), "--temperature", "300", "--model", "lennard-jones"]) == 1
    assert "deeper.db was made with the model deeper" in capsys.readouterr().err


def test_distances_to_neighbours_are_counted(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Landscape.open(file) as landscape:
        landscape.add(ENERGIES[0] + 0.005, SHAPES[0] + np.random.default_rng(1).normal(scale=0.08, size=(7, 3)))
    found = answer(capsys, "landscape", "distances", file)
    assert found["minima"] == 5
    assert sorted(pair[:2] for pair in found["distances"]) == [[1, 5], [5, 1]]
    assert main(["landscape", "distances", file]) == 0
    assert "Minima 1 and 5 are 0." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["tree", "nothing.db"], 1, "no file with a landscape, and no run of that id"),
        (["tree", "FILE", "--picture", "tree.docx"], 2, "Expected a picture ending in"),
        (["recheck", "FILE", "--method", "B3LYP"], 2, "A method is GFN2-xTB"),
        (["recheck", "FILE", "--numbers", "9", "--method", "ase.calculators.lj:LennardJones"], 2, "no minimum 9"),
        (["recheck", "FILE", "--numbers", "1", "--lowest", "3"], 2, "exclude each other"),
        (["landscape", "export", "FILE"], 2, "one file to write"),
        (["landscape", "export", "FILE", "minima.docx"], 2, "Expected a file ending in"),
        (["landscape", "merge", "FILE"], 2, "needs a landscape, and after it"),
        (["landscape", "merge", "latest", "FILE"], 1, "The name of a new file must end in .db."),
        (["landscape", "merge", "FILE", "FILE"], 1, "cannot be merged with itself"),
        (["landscape", "import", "FILE", "nothing.xyz", "--no-relax"], 2, "There is no file"),
        (["landscape", "show", "nothing.db"], 1, "no file with a landscape"),
        (["landscape", "cook", "FILE"], 2, "invalid choice: 'cook'"),
    ],
)
def test_bad_input_is_one_sentence(
    file: str,
    arguments: list[str],
    code: int,
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SO3K_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    try:
        ended: object = main([file if word == "FILE" else word for word in arguments])
    except SystemExit as stopped:
        ended = stopped.code
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert ended == code
    assert captured.out == ""
