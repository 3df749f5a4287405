import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from so3k_explore.cli import COMMANDS, main

ENVIRONMENT = {**os.environ, "JAX_ENABLE_X64": "0"}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "so3k_explore.cli", *arguments]


def test_help_lists_the_commands_and_loads_nothing_heavy() -> None:
    program = "import sys; from so3k_explore.cli import main; main(['--help']); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=800)
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    assert not {"jax", "numpy", "panel", "ase"} & set(done.stdout.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"so3k {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["cook"], "There is no command `cook`. Commands: serve, md"),
        (["md"], "The following arguments are required: molecule. See `so3k md --help`."),
        (["md", "lj7", "--walkers", "0"], "`walkers` must be at least 1, got 0."),
        (["md", "lj7", "--thermostat", "fridge"], "invalid choice: 'fridge'"),
        (["md", "no such molecule"], "neither a file nor a name"),
        (["md", "lj7", "--model", "nonsense"], "There is no model, file or folder 'nonsense'"),
        (["md", "lj7", "--long-range-cutoff", "8"], "`lennard-jones` has no long-range terms"),
        (["md", "lj7", "--detach", "--output", "x.xyz"], "Leave one of them out"),
        (["runs", "pause"], "needs the id of a run"),
        (["runs", "stop", "nothing"], "no run fits"),
        (["models", "show", "nonsense"], "There is no model"),
        (["serve", "--port", "99999999"], "cannot be used"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SO3K_RUNS", str(tmp_path / "runs"))
    try:
        code: object = main(arguments)
    except SystemExit as ended:
        code = ended.code
    captured = capsys.readouterr()
    assert code == 2
    assert sentence in captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_exploring_prints_one_json_document(tmp_path: Path) -> None:
    options = ["lj7", "--walkers", "4", "--minima", "2", "--seed", "1", "--json", "--runs", str(tmp_path)]
    done = subprocess.run(command("explore", *options), capture_output=True, text=True, timeout=800, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["molecule"], found["model"], found["seed"], found["state"]) == ("LJ7", "lennard-jones", 1, "done")
    assert found["n_minima"] == len(found["energies"]) >= 2
    assert found["n_minima"] <= found["estimated_minima"] <= found["estimated_minima_95"][1]
    assert found["energies"] == sorted(found["energies"])
    assert found["lowest_energy"] == pytest.approx(-16.505384, abs=1e-4)
    assert found["relative_energies_kcal_mol"][0] == 0.0
    assert found["force_calls"] > 0
    assert found["calls_per_second"] > 0
    assert (Path(found["folder"]) / "landscape.db").exists()


def interruptible(*arguments: str) -> list[str]:
    """The command in a process that hears Ctrl-C, which shells keep from what they run in the background."""
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from so3k_explore.cli import main; sys.exit(main())"
    )
    return [sys.executable, "-c", program, *arguments]


def test_interrupting_leaves_a_run_that_can_be_resumed(tmp_path: Path) -> None:
    options = ["lj7", "--json", "--runs", str(tmp_path)]
    with subprocess.Popen(
        interruptible("md", *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        deadline = time.monotonic() + 600
        while not any(json.loads(path.read_text())["state"] == "running" for path in tmp_path.glob("*/status.json")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=800)
    assert process.returncode == 130
    found = json.loads(out)
    assert found["state"] == "stopped"
    assert found["steps"] > 0
    assert f"so3k runs resume {found['run']} --runs {tmp_path}" in err
    assert "Traceback" not in err


def test_molecules_and_runs_are_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SO3K_RUNS", str(tmp_path))
    assert main(["relax", "lj7", "--force-tolerance", "0.1", "--json", "--output", str(tmp_path / "lj7.xyz")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["max_force"] < 0.1
    assert (tmp_path / "lj7.xyz").read_text().startswith("7\n")
    assert main(["show", found["run"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["formula"] == "Ar7"
    assert main(["runs"]) == 0
    assert found["run"] in capsys.readouterr().out
    assert main(["runs", "delete", found["run"]]) == 0
    assert main(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["show", "ala2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["formula"] == "C6H12N2O2"


def test_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--json"]) == 0
    assert "lennard-jones" in [model["name"] for model in json.loads(capsys.readouterr().out)]
