"""Work in a thread of its own, so that the worker can listen and speak while a program is being compiled."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import Any


def in_background(work: Callable[[], Any], context: AbstractContextManager[Any] | None = None) -> Future[Any]:
    """Begins `work` in a new thread, inside of `context` (such as the precision, which belongs to a thread).

    Nobody waits for the thread when the process ends: compiling cannot be interrupted, and nothing is lost.
    """
    future: Future[Any] = Future()

    def run() -> None:
        try:
            with context or nullcontext():
                future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="background", daemon=True).start()
    return future
