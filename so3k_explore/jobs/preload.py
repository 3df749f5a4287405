"""What a Dask worker of ours does when it begins and ends.

Heavy imports happen in the background, so that the first run starts quickly; asked to end, the worker first lets its
run save a checkpoint.
"""

import asyncio
import ctypes
import importlib
import os
import platform
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

NICENESS = 10  # computing takes all cores; the page and the browser beside it come first
LARGEST_KEPT = 256 * 2**20  # bytes, of a buffer; twice as many may lie idle
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of `mallopt`


async def dask_setup(worker: Any) -> None:
    """Called in the worker process when it starts."""
    from so3k_explore.jobs.worker import shutdown

    shutdown.clear()
    make_way()
    use_all_cores()
    reuse_memory()
    close = lambda: asyncio.ensure_future(worker.close(nanny=False, reason="told to end"))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, close)
    threading.Thread(target=_warm, name="imports", daemon=True).start()


async def dask_teardown(worker: Any) -> None:
    """Called in the worker process when it is asked to end, before it waits for its thread."""
    from so3k_explore.jobs.worker import shutdown

    shutdown.set()


def make_way() -> None:
    """Gives this thread, and those it starts from now on, a lower priority than the page has."""
    if hasattr(os, "nice"):
        os.nice(max(0, NICENESS - os.nice(0)))


def use_all_cores() -> None:
    """Lets JAX see a device per core, so that walkers are computed side by side; too late when it computes already."""
    import jax
    from dask.system import CPU_COUNT  # those of the machine that this process may use

    if getattr(jax.config, "jax_num_cpu_devices", 0) == -1:  # nobody has chosen
        with suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", CPU_COUNT)


def reuse_memory() -> None:
    """Lets freed memory stay with this process, as compiled code asks for the same large buffers in every call.

    Otherwise each call maps fresh pages, one fault for every 4 KiB: a third of the time of a few columns of a Hessian.
    Only glibc is told, where the parameters have these numbers.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for parameter, size in ((_MMAP_THRESHOLD, LARGEST_KEPT), (_TRIM_THRESHOLD, 2 * LARGEST_KEPT)):
            libc.mallopt(parameter, size)


def use_compilation_cache() -> None:
    """Keeps compiled programs on disk, so that the second start of a run is quick."""
    import jax
    from platformdirs import user_cache_path

    if getattr(jax.config, "jax_compilation_cache_dir", None) is None:
        home = os.environ.get("SO3K_HOME")
        folder = (Path(home).expanduser() if home else user_cache_path("so3k_explore")) / "xla"
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def _warm() -> None:
    use_compilation_cache()
    import jax

    jax.devices()
    for name in ("jobs.dynamics", "potentials.checkpoints", "potentials.so3lr"):
        importlib.import_module(f"so3k_explore.{name}")
