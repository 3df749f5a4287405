"""`so3k spectra` and `so3k free-energy`, in this process."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from so3k_explore.cli import main
from so3k_explore.io.structures import load_molecule
from so3k_explore.io.trajectory_writer import TrajectoryWriter
from so3k_explore.jobs import DynamicsSettings, MinimaSettings, Runs
from tests.analysis.test_spectra import vibrating
from tests.simulation.toys import TRIANGLE, springs_of

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    monkeypatch.setenv("SO3K_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SO3K_HOME", str(tmp_path))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def trajectory(tmp_path: Path) -> Path:
    """Two walkers of a triangle of springs that vibrates at 300 K."""
    from so3k_explore.observables.hessian import normal_modes

    modes = normal_modes(springs_of(TRIANGLE), TRIANGLE)
    positions, velocities = vibrating(modes, 3000, 2.0, walkers=2)
    with TrajectoryWriter(tmp_path / "trajectory.h5", TRIANGLE, walkers=2, flush_every=1000) as writer:
        for k in range(len(positions)):
            writer.append(2.0 * k, k, positions[k], velocities=velocities[k], temperature=300.0)
    return tmp_path / "trajectory.h5"


def test_a_power_spectrum_is_told_and_given_as_json_and_csv(call: Call, trajectory: Path) -> None:
    code, out, _ = call("spectra", trajectory, "--temperature", "300")
    assert code == 0
    told = re.search(r"integral ([0-9.]+) degrees of freedom", out)
    assert told is not None
    assert float(told[1]) == pytest.approx(3.0, rel=0.01)
    assert len(out.splitlines()) == 2 + 3  # a band for each vibration
    code, out, _ = call("spectra", trajectory, "--json", "--begin", "0.1", "--resolution", "12")
    said = json.loads(out)
    assert (code, said["unit"]) == (0, "degrees of freedom")
    np.testing.assert_allclose(said["integral"], 3.0)
    total = np.sum([np.array(part) for part in said["parts"].values()], axis=0)
    np.testing.assert_allclose(total, said["density"], rtol=1e-9)
    code, out, _ = call("spectra", trajectory, "--csv", "--highest", "3000")
    lines = out.splitlines()
    assert lines[0] == "wavenumber_cm-1,density,error,H,C,O"
    assert float(lines[-1].split(",")[0]) <= 3000


def test_a_free_energy_is_told_and_given_as_json_and_csv(call: Call, trajectory: Path) -> None:
    code, out, err = call("free-energy", trajectory, "--along", "distance 1-2", "--bins", "10")
    assert (code, err) == (0, "")
    assert "independent samples" in out
    code, out, _ = call("free-energy", trajectory, "--along", "distance 1-2", "distance 1-3", "--bins", "5", "--json")
    said = json.loads(out)
    assert code == 0
    assert said["coordinates"] == ["distance 1\N{EN DASH}2 / Å", "distance 1\N{EN DASH}3 / Å"]
    assert np.shape(said["counts"]) == (5, 5)
    assert sum(map(sum, said["counts"])) == 6000
    code, out, _ = call("free-energy", trajectory, "--along", "rg", "--bins", "5", "--csv")
    assert out.splitlines()[0] == "radius of gyration / Å,F / kcal/mol,error / kcal/mol,frames"
    assert len(out.splitlines()) == 6


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["spectra", "{file}", "--kind", "infrared"],
            "no dipole moments, which an infrared spectrum is made of. Record",
        ),
        (["spectra", "{file}", "--resolution", "1"], "takes 48 ps of dynamics, there are 6 ps"),
        (["spectra", "{file}", "--json", "--csv"], "not both"),
        (["spectra", "nothing"], "no run fits"),
        (["free-energy", "{file}", "--along", "chi 1"], "There is no coordinate `chi 1`: expected `phi N`"),
        (["free-energy", "{file}", "--along", "rg", "rmsd", "rg"], "one or two coordinates, got 3"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(
    arguments: list[str], sentence: str, call: Call, trajectory: Path
) -> None:
    code, out, err = call(*(text.format(file=trajectory) for text in arguments))
    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err


def test_runs_have_spectra_too(call: Call, tmp_path: Path) -> None:
    """Dynamics with velocities, harmonic lines of a molecule and of the lowest minimum of a search."""
    runs = Runs(tmp_path / "runs", engine="inline")
    cluster = load_molecule("lj7")
    settings = DynamicsSettings(duration=0.5, record=("velocities",), frame_interval=2.0, temperature=20.0)
    moving = runs.submit(settings, cluster, "lennard-jones")
    search = runs.submit(MinimaSettings(max_calls=1500, walkers=4), cluster, "lennard-jones")
    assert moving.wait(600).state == search.wait(600).state == "done"
    runs.close()
    code, out, err = call("spectra", moving.id, "--resolution", "100")
    assert (code, err) == (0, "")
    assert out.startswith("density of states, degrees of freedom per cm⁻¹")
    lines = []
    for run in (str(moving.folder), search.id):
        code, out, _ = call("spectra", run, "--kind", "harmonic", "--json")
        assert code == 0
        lines.append(json.loads(out)["frequencies"])
    np.testing.assert_allclose(lines[0], lines[1], rtol=1e-3)  # both are the bipyramid
    code, out, _ = call("spectra", moving.id, "--kind", "harmonic")
    assert "15 harmonic vibrations" in out
    assert "unknown" in out  # intensities
    code, _, err = call("spectra", search.id, "--kind", "harmonic", "--minimum", "9999")
    assert (code, "There is no minimum 9999" in err) == (2, True)
    code, _, err = call("spectra", search.id)
    assert (code, "has no frames" in err) == (2, True)
