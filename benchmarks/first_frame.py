"""Seconds from the press of *Run* to what is then seen, with SO3LR and 22 atoms.

No engine process runs before. *Cold* begins without compiled programs, *warm* finds those of the cold run on the disk.
Beside the seconds on the clock stand those of the worker's CPU time, which count where other programs run as well.
"""

import os
import tempfile
import time
from pathlib import Path

from so3k_explore.jobs import DynamicsSettings, Run, Runs
from so3k_explore.potentials.registry import ModelNotFoundError, model_info

ATOMS, MOLECULE = 22, "ala2"
PATIENCE = 600  # s


def main() -> None:
    """Prints two lines."""
    try:
        installed = model_info("so3lr").installed
    except ModelNotFoundError:
        installed = False
    if not installed:
        print("first frame: SO3LR is not on this machine; fetch it with `so3k models get so3lr`")
        return
    print(f"first frame, SO3LR, {ATOMS} atoms; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print("        molecule  relaxing  dynamics  worker CPU s until dynamics")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["JAX_COMPILATION_CACHE_DIR"] = cache
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        for name in ("cold", "warm"):
            with tempfile.TemporaryDirectory() as folder:
                print(f"{name:6s} {_start(Path(folder))}", flush=True)


def _start(folder: Path) -> str:
    runs = Runs(folder)
    began = time.monotonic()
    run = runs.submit(DynamicsSettings(), MOLECULE, "so3lr")
    try:
        seen = _watch(run, began)
    finally:
        run.stop()
        runs.close(workers=True)
    return f"{seen['molecule']:9.1f} {seen['relaxing']:9.1f} {seen['dynamics']:9.1f} {seen['cpu']:28.1f}"


def _watch(run: Run, began: float) -> dict[str, float]:
    """Seconds until the molecule, its relaxation and its dynamics are seen, and CPU seconds until the last."""
    seen: dict[str, float] = {}
    while "dynamics" not in seen and time.monotonic() - began < PATIENCE:
        frame, status = run.live(), run.status()
        now = time.monotonic() - began
        if frame is not None:
            seen.setdefault("molecule", now)
        if status.message.startswith("Relaxing"):
            seen.setdefault("relaxing", now)
        if status.step > 0:
            seen |= {"dynamics": now, "cpu": _cpu_seconds(run)}
        time.sleep(0.02)
    return seen


def _cpu_seconds(run: Run) -> float:
    import psutil  # comes with Dask

    times = psutil.Process(int(run._folder.status()["pid"])).cpu_times()
    return times.user + times.system
