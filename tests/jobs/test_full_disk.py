"""A disk that really is full: a small file system in memory, mounted where only the worker of the test sees it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, subprocess, sys
from so3k_explore.io.structures import load_molecule
from so3k_explore.jobs import DynamicsSettings, Runs
from so3k_explore.jobs.series import SeriesReader

folder = sys.argv[1]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=True)
runs = Runs(folder, engine="inline")
settings = DynamicsSettings(walkers=16, temperature=300.0, duration=5.0, frame_interval=0.5, seed=1)
run = runs.submit(settings, load_molecule("lj13"), "lennard-jones", checkpoint_interval=0.5)

def look():
    status, trajectory = run.status(), run.trajectory()
    frames = trajectory.positions[:]
    return {
        "state": status.state,
        "message": status.message,
        "frames": len(trajectory),
        "steps": trajectory.steps.tolist(),
        "moved": float(abs(frames[-1] - frames[0]).max()),
        "series": SeriesReader(run.folder / "series").read()["step"].tolist(),
        "checkpoint": (run.folder / "checkpoint.npz").exists(),
    }

run.wait(600)
before = look()
subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)
run.resume()
run.wait(600)
print(json.dumps([before, look()]))
runs.close()
"""


def test_a_full_disk_is_told_and_what_was_written_is_kept(tmp_path: Path) -> None:
    private = ["unshare", "--map-root-user", "--mount"]
    try:
        subprocess.run([*private, "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("This test mounts a small file system, for which it needs Linux and the rights of root")
    command = [*private, sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stderr
    full, after = json.loads(done.stdout)

    assert full["state"] == "failed"
    assert "is full. Free some space" in full["message"]
    assert str(tmp_path) in full["message"]
    assert full["checkpoint"]
    assert full["frames"] > 10
    assert full["moved"] > 0
    assert full["steps"] == list(range(full["frames"]))
    assert full["series"][: full["frames"]] == full["steps"]

    assert (after["state"], after["frames"]) == ("done", 10001)
    assert after["steps"] == after["series"] == list(range(10001))
