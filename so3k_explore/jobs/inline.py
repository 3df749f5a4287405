"""Runs in a thread of this process, one after the other: for scripts, the command line and tests."""

import queue
import threading
from typing import Any

from so3k_explore.jobs.store import Lock, RunFolder, unwritable


class InlineEngine:
    """A queue with one thread. The runs end with the process, resumable from their last checkpoint."""

    name = "inline"

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[RunFolder, str, Lock] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    def submit(self, folder: RunFolder, status: dict[str, Any]) -> None:
        """Puts a run into the queue; it is locked from now on, which shows others that it is in good hands."""
        lock = Lock(folder.lock)
        try:
            if not lock.acquire(patience=2.0):
                return  # a worker has it and sees the wish to run
            folder.write_status({**status, "queue": self.name})
        except OSError as error:
            raise unwritable(folder.path, error) from error
        self._waiting.put((folder, status["ticket"], lock))
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="runs", daemon=True)
            self._thread.start()

    def prepare(self) -> None:
        """Nothing to start."""

    def rehearse(self, job: dict[str, Any]) -> None:
        """Nothing is compiled before it is needed: the thread that would do it is the reader's."""

    def flush(self, timeout: float | int) -> None:
        """Nothing to wait for."""

    def close(self, *, workers: bool = True) -> None:
        """Interrupts the run that is worked on, after a checkpoint; with it end those that wait."""
        self._ended.set()
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join(timeout=60.0)

    def _work(self) -> None:
        from so3k_explore.jobs.worker import run_job

        while (item := self._waiting.get()) is not None:
            folder, ticket, lock = item
            if self._ended.is_set():
                lock.release()
            else:
                run_job(folder.path, ticket, lock, ended=self._ended)
