"""Processes that compute for us with one thread each: ``python -m so3k_explore.io.processes`` is one of them.

They are children that listen to their standard input, so they end with us in whatever way we end, can be started by
background workers (which may not use `multiprocessing`), and one that crashes takes nothing but its own task with it.
"""

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

SINGLE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class ProcessEndedError(RuntimeError):
    """A process ended in the middle of a task."""


class Crew:
    """So many processes, started when they are first needed. To be closed, or used in a ``with`` statement."""

    def __init__(self, processes: int) -> None:
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="crew")
        self._idle: queue.LifoQueue[_Member] = queue.LifoQueue()
        self._members = [_Member() for _ in range(processes)]
        for member in self._members:
            self._idle.put(member)

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(self, function: Callable[[Any], Any], argument: Any) -> "Future[Any]":
        """Begins ``function(argument)``, both known to `pickle`; its errors are those of the future."""
        return self._threads.submit(self._call, function, argument)

    def map(self, function: Callable[[Any], Any], arguments: Iterable[Any]) -> Iterator[Any]:
        """Results in the order of the arguments."""
        futures = [self.submit(function, argument) for argument in arguments]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()

    def close(self) -> None:
        """Ends the processes, whatever they are doing."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for member in self._members:
            member.end()
        self._threads.shutdown()

    def _call(self, function: Callable[[Any], Any], argument: Any) -> Any:
        member = self._idle.get()
        try:
            return member.call(function, argument)
        finally:
            self._idle.put(member)


class _Member:
    """One process, started anew after it crashed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()  # so that none is started after the end
        self._ended = False

    def call(self, function: Callable[[Any], Any], argument: Any) -> Any:
        """The result of ``function(argument)``, or its exception.

        Raises:
            ProcessEndedError: the process crashed, or was ended.
        """
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            pickle.dump((function, argument), process.stdin)
            process.stdin.flush()
            good, result = pickle.load(process.stdout)  # of a child of ours
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            self._stop()
            raise ProcessEndedError(f"The process that computed ended with code {process.returncode}.") from error
        if good:
            return result
        raise result

    def end(self) -> None:
        """Ends it for good."""
        with self._lock:
            self._ended = True
        self._stop()

    def _started(self) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._ended:
                raise ProcessEndedError("The processes have been ended.")
            if self._process is None:
                self._process = _start()
            return self._process

    def _stop(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    stream.close()  # pyright: ignore[reportOptionalMemberAccess]


def _start() -> "subprocess.Popen[bytes]":
    paths = [path or os.getcwd() for path in sys.path]
    environment = {**os.environ, **dict.fromkeys(SINGLE_THREAD, "1"), "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "so3k_explore.io.processes"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def main() -> None:
    """Answers until nobody asks any more. What is computed may write to standard output, which goes elsewhere."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(EOFError, KeyboardInterrupt, BrokenPipeError):
        while True:
            function, argument = pickle.load(sys.stdin.buffer)
            try:
                answer = (True, function(argument))
            except Exception as error:
                answer = (False, error)
            answers.write(_pickled(answer))
            answers.flush()


def _pickled(answer: tuple[bool, Any]) -> bytes:
    try:
        return pickle.dumps(answer)
    except Exception as error:  # an exception that holds something that cannot travel
        return pickle.dumps((False, RuntimeError(f"{answer[1]} ({error})")))


if __name__ == "__main__":
    main()
