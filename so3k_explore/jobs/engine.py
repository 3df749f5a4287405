"""Queueing and starting runs with Dask distributed; what happens to a run afterwards goes through its folder.

Without an address, an *engine process* serves a folder of runs: a Dask scheduler on the loopback interface and one
worker process per device (one for the CPU), each with one thread, so that runs wait for their turn. It belongs to no
terminal and no server: whoever comes first starts it, everybody else finds its address in ``engine.json`` and attaches,
and it ends by itself when nothing has been asked of it for a while. A lock makes sure that there is one.
"""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from so3k_explore.jobs.store import RunFolder, StoreError, is_locked, read_json, unwritable

if TYPE_CHECKING:
    from distributed import Client

START_TIMEOUT = 90.0  # s for the engine process to come up on a busy machine
CONNECT_TIMEOUT = 20.0  # s


class DaskEngine:
    """Submits runs to the workers of this machine, or of a cluster that shares the disk.

    Args:
        root: folder of the runs.
        scheduler: address of a Dask scheduler, e.g. ``tcp://node7:8786``; None for this machine.
        idle_timeout: seconds without work after which the local workers end.
    """

    def __init__(self, root: Path, scheduler: str | None = None, idle_timeout: float = 1800.0) -> None:
        self.root = root
        self._scheduler = scheduler
        self._idle_timeout = idle_timeout
        self._client: Client | None = None
        self._address = ""
        self._waiting: queue.Queue[_Errand] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def submit(self, folder: RunFolder, status: dict[str, Any]) -> None:
        """Writes the queued status and leaves the rest to a thread."""
        status = {**status, "local": self._scheduler is None, "queue": self._scheduler}
        try:
            folder.write_status(status)
        except OSError as error:
            raise unwritable(folder.path, error) from error
        failed = lambda sentence: folder.write_status({**status, "state": "failed", "message": sentence})
        self._enqueue(_Errand(lambda client: _send(client, self._address, folder, status), failed))

    def prepare(self) -> None:
        """Starts the local workers in the background."""
        self._enqueue(_Errand(lambda _: None, lambda _: None))

    def rehearse(self, job: dict[str, Any]) -> None:
        """Starts the local workers, and lets those that are idle compile what a run would need."""
        if self._scheduler is None:
            self._enqueue(_Errand(lambda client: _rehearse(client, job), lambda _: None))

    def flush(self, timeout: float | int) -> None:
        """Waits until everything submitted is in the hands of workers, or has failed."""
        deadline = time.monotonic() + timeout
        while self._waiting.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.02)

    def close(self, *, workers: bool = False) -> None:
        """Disconnects; with `workers` also ends the local workers, which save checkpoints first."""
        with self._starting:
            client, self._client = self._client, None
            if client is not None:
                client.close()
        if workers and self._scheduler is None:
            stop_engine(self.root)

    def _enqueue(self, errand: "_Errand") -> None:
        self._waiting.put(errand)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            errand = self._waiting.get()
            try:
                errand.done(self._connect())
            except Exception as error:
                with contextlib.suppress(OSError):
                    errand.failed(self._explain(error))
            finally:
                self._waiting.task_done()

    def _explain(self, error: Exception) -> str:
        if self._scheduler is not None:
            return f"The Dask scheduler at {self._scheduler} cannot be reached ({error}). Check the address."
        if isinstance(error, StoreError):
            return str(error)
        return f"The worker could not be started ({error}). Details: {self.root}/engine.log"

    def _connect(self) -> "Client":
        from distributed import Client

        with self._starting:
            address = self._scheduler or ensure_engine(self.root, self._idle_timeout)
            if self._client is not None:
                if self._client.status == "running" and self._address == address:
                    return self._client
                self._client.close()
            self._client = Client(address, timeout=CONNECT_TIMEOUT, set_as_default=False)
            self._address = address
            return self._client


class _Errand(NamedTuple):
    """Something for the workers."""

    done: "Callable[[Client], None]"
    failed: Callable[[str], None]  # hears a sentence


def _rehearse(client: "Client", job: dict[str, Any]) -> None:
    from so3k_explore.jobs.rehearsal import rehearse

    client.run(rehearse, job, on_error="ignore")


def _send(client: "Client", address: str, folder: RunFolder, status: dict[str, Any]) -> None:
    from distributed import fire_and_forget

    from so3k_explore.jobs.worker import run_job

    folder.write_status({**status, "queue": address})
    key = f"run-{status['ticket']}"
    fire_and_forget(client.submit(run_job, str(folder.path), status["ticket"], key=key, pure=False, retries=0))


def running_engine(root: Path) -> dict[str, Any] | None:
    """Address and process of the engine that serves a folder; None when there is none."""
    content = read_json(root / "engine.json")
    if content is None or is_locked(root / "engine.lock") is False:
        return None
    return content


def ensure_engine(root: Path, idle_timeout: float) -> str:
    """Address of the local scheduler, started if need be.

    Raises:
        StoreError: it did not come up; the message says where to look.
    """
    deadline = time.monotonic() + START_TIMEOUT
    process = None
    while time.monotonic() < deadline:
        content = running_engine(root)
        if content is not None:
            return str(content["address"])
        if process is None:
            process = _start(root, idle_timeout)
        elif process.returncode not in (None, 0):
            break
        time.sleep(0.05)
    raise StoreError(f"The process that runs jobs did not start. See {root}/engine.log, or run `so3k doctor`.")


def _start(root: Path, idle_timeout: float) -> "subprocess.Popen[bytes]":
    package = str(Path(__file__).parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", **os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "so3k_explore.jobs.serve", str(root), str(idle_timeout)]
    with (root / "engine.log").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    threading.Thread(target=process.wait, name="engine-wait", daemon=True).start()  # leaves no zombie behind
    return process


def stop_engine(root: Path, timeout: float = 30.0) -> None:
    """Ends the local workers of a folder: runs save checkpoints and become interrupted."""
    content = running_engine(root)
    if content is None:
        return
    with contextlib.suppress(OSError):
        os.kill(int(content["pid"]), signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while is_locked(root / "engine.lock") and time.monotonic() < deadline:
        time.sleep(0.05)
