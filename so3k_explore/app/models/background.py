"""Work that would hold up the page runs in threads; the session collects what has finished.

Nothing of a session is touched from a thread: a task returns its result, and `Background.collect`, called by the
session's own clock, hands it over. A closed page therefore needs no clean-up.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import param

logger = logging.getLogger(__name__)

_THREADS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="so3k-page")
_PATIENT = ThreadPoolExecutor(max_workers=1, thread_name_prefix="so3k-patient")


@dataclass(frozen=True)
class _Task:
    future: Future[Any]
    label: str
    done: Callable[[Any], None]
    failed: Callable[[Exception], None]


class Background(param.Parameterized):
    """The tasks of one session, one at a time for each key."""

    doing = param.String("", doc="What is being waited for, in words; empty when nothing is.")
    fraction = param.Number(None, allow_None=True, bounds=(0, 1), doc="Share of it that is done, where known.")

    def __init__(self) -> None:
        super().__init__()
        self._tasks: dict[str, _Task] = {}
        self._progress: tuple[float, str] | None = None

    def start(
        self,
        key: str,
        label: str,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
        *,
        patient: bool = False,
    ) -> None:
        """Begins `work` in a thread; an unfinished task of the same key is forgotten.

        Args:
            key: What the task is for, such as `"molecule"`.
            label: Shown while it runs, such as "reading the molecule"; empty for what nobody waits for.
            work: Runs in a thread and must not touch anything of the session.
            done: Receives the result, in the session.
            failed: Receives the error, in the session.
            patient: Waits for others of its kind, so that what takes seconds leaves threads for the rest.
        """
        earlier = self._tasks.pop(key, None)
        if earlier is not None:
            earlier.future.cancel()
        self._tasks[key] = _Task((_PATIENT if patient else _THREADS).submit(work), label, done, failed)
        self._describe()

    def busy(self, key: str) -> bool:
        """Whether a task of this key has not been collected yet."""
        return key in self._tasks

    def report(self, fraction: float, sentence: str) -> None:
        """Progress of the task with a label; may be called from its thread."""
        self._progress = (min(max(fraction, 0.0), 1.0), sentence)

    def collect(self) -> bool:
        """Hands over the results of all finished tasks; whether there were any."""
        finished = [(key, task) for key, task in self._tasks.items() if task.future.done()]
        for key, task in finished:
            if self._tasks.get(key) is not task:  # an earlier `done` has started this key anew
                continue
            del self._tasks[key]
            if task.future.cancelled():
                continue
            error = task.future.exception()
            if error is None:
                task.done(task.future.result())
            elif isinstance(error, Exception):
                logger.info("%s failed", key, exc_info=error)
                task.failed(error)
            else:
                raise error
        self._describe()
        return bool(finished)

    def wait(self, seconds: float = 300.0) -> None:
        """Waits for all tasks and collects them, those that they start in turn included; for notebooks and tests."""
        while self._tasks:
            for task in list(self._tasks.values()):
                if not task.future.cancelled():
                    task.future.exception(timeout=seconds)
            self.collect()

    def _describe(self) -> None:
        label = next((task.label for task in self._tasks.values() if task.label), "")
        if not label:
            self._progress = None
        fraction, sentence = self._progress or (None, "")
        self.param.update(doing=sentence or label, fraction=fraction)
