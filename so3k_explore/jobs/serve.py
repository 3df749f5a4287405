"""The engine process: ``python -m so3k_explore.jobs.serve FOLDER IDLE_SECONDS``. See `jobs.engine`."""

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from so3k_explore.jobs.store import Lock, write_atomic

PATIENCE = 25.0  # s for a run to save its checkpoint
SETTINGS: dict[str, Any] = {
    "distributed.scheduler.allowed-failures": 1000,  # what is done after a killed worker is decided by `run_job`
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.worker.memory.terminate": False,  # the device's memory is XLA's business
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.target": False,
    "distributed.admin.log-length": 0,
}


async def serve(root: Path, idle_timeout: float) -> None:
    """Scheduler and workers, until nothing was asked for `idle_timeout` seconds or the process is told to end."""
    from dask.config import set as configure
    from distributed import Nanny, Scheduler

    configure(SETTINGS)
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    options: dict[str, Any] = {"host": "127.0.0.1", "dashboard": False}
    async with Scheduler(**options, dashboard_address=None, idle_timeout=idle_timeout) as scheduler:
        options |= {"nthreads": 1, "memory_limit": "0", "local_directory": str(root / ".dask")}
        options |= {"preload": ["so3k_explore.jobs.preload"]}
        nannies = [
            Nanny(scheduler.address, name=f"worker-{index}", env=environment, **options)
            for index, environment in enumerate(devices())
        ]
        try:
            await asyncio.gather(*nannies)
            record = {"address": scheduler.address, "pid": os.getpid(), "host": socket.gethostname()}
            write_atomic(root / "engine.json", json.dumps({**record, "started": time.time()}).encode())
            endings = [asyncio.ensure_future(told.wait()), asyncio.ensure_future(scheduler.finished())]
            _, pending = await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
        finally:
            await asyncio.gather(*(nanny.close(timeout=PATIENCE, reason="told to end") for nanny in nannies))


def devices() -> list[dict[str, str]]:
    """Environment of each worker: one per GPU when JAX can use several, else one."""
    plugins = ("jax_cuda13_plugin", "jax_cuda12_plugin")
    if not any(importlib.util.find_spec(name) for name in plugins):
        return [{}]
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        try:
            listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True)
        except (OSError, subprocess.SubprocessError):
            return [{}]
        names = [str(k) for k, line in enumerate(listing.stdout.splitlines()) if line.startswith("GPU ")]
    else:
        names = [name for name in chosen.split(",") if name.strip()]
    return [{"CUDA_VISIBLE_DEVICES": name} for name in names] or [{}]


def main() -> None:
    """Serves one folder, unless another process does already."""
    root, idle_timeout = Path(sys.argv[1]), float(sys.argv[2])
    lock = Lock(root / "engine.lock")
    if not lock.acquire(patience=1.0):
        return
    with contextlib.suppress(OSError):
        (root / "engine.json").unlink()
    asyncio.run(serve(root, idle_timeout))


if __name__ == "__main__":
    main()
