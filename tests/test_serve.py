"""`so3k serve` in a process of its own, ended with Ctrl-C."""

import os
import signal
import subprocess
import time
from pathlib import Path
from urllib.request import urlopen

from so3k_explore.cli.serve import free_port
from so3k_explore.io.structures import load_molecule
from so3k_explore.jobs import DynamicsSettings, Runs
from tests.test_cli import interruptible

PATIENCE = 600  # s, for machines with too much to do


def test_ctrl_c_ends_the_page_at_once_and_the_run_goes_on(tmp_path: Path) -> None:
    port = free_port("localhost")
    command = interruptible("serve", "--port", str(port), "--runs", str(tmp_path))
    root = Path(__file__).parents[1]
    page = subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True, start_new_session=True)
    runs = Runs(tmp_path)
    try:
        wait_for(f"http://localhost:{port}/", page)
        run = runs.submit(DynamicsSettings(temperature=300.0, seed=1), load_molecule("lj7"), "lennard-jones")
        assert run.wait(PATIENCE, states=("running",)).state == "running"
        os.killpg(page.pid, signal.SIGINT)  # a terminal sends it to the whole group
        said = page.communicate(timeout=PATIENCE)[1]
        assert page.returncode in (0, 130)
        assert "Traceback" not in said
        assert "Ctrl-C ends the page; runs go on" in said

        step = run.status().step
        while run.status().step < step + 1000:
            assert run.status().state == "running"
            time.sleep(0.05)
        run.stop()
        stopped = run.wait(PATIENCE)
        run.resume()
        assert stopped.state == "stopped"
        assert run.wait(PATIENCE, states=("running",)).step >= stopped.step
    finally:
        page.kill()
        page.communicate()
        runs.close(workers=True)


def wait_for(address: str, page: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + PATIENCE
    while page.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(address, timeout=PATIENCE) as answer:  # each asking makes a session, which takes seconds
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("The page did not come up.")
