"""Programs that are compiled before anybody asks for them.

While a reader still chooses, the worker goes through the beginning of the run on the form, in a folder that nobody
sees. JAX keeps what it compiled, so that the run itself begins to move at once. A rehearsal never stands in the way:
it is left out while a run is going, a run of another kind ends it at its next word, and a run of the same kind, which
needs the same programs, waits for it.
"""

import dataclasses
import json
import logging
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from so3k_explore.jobs.background import in_background
from so3k_explore.jobs.job import Job
from so3k_explore.jobs.loading import load_model, working_precision
from so3k_explore.jobs.store import RunFolder
from so3k_explore.jobs.task import Context, Halt, Outcome, make_task

logger = logging.getLogger(__name__)

KEPT = 8  # rehearsals whose programs are kept; each takes memory, and memory maps, of which a process has not many
TICK = 0.2  # s between two looks at a rehearsal that a run waits for


class _Stage:
    """What this process rehearses, and whether it has a run."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.runs = 0  # going
        self.known: list[str] = []  # programs that are there
        self.current: _Rehearsal | None = None


class _Rehearsal:
    """One rehearsal, in a thread of its own."""

    def __init__(self, job: Job, programs: str) -> None:
        self.programs = programs
        self.doing = ""  # in words
        self._job = job
        self._ended = threading.Event()
        self._finished = in_background(self._play)

    def end(self) -> None:
        """Ends it at its next word."""
        self._ended.set()

    @property
    def going(self) -> bool:
        """Whether it is not over yet."""
        return not self._finished.done()

    def _play(self) -> None:
        with tempfile.TemporaryDirectory(prefix="so3k-rehearsal-", ignore_cleanup_errors=True) as path:
            try:
                self._begin(RunFolder(Path(path)))
            except Halt:
                return
            except Exception:  # the run itself will say what is wrong
                logger.info("a rehearsal failed", exc_info=True)
                return
        with _stage.lock:
            _stage.known.append(self.programs)

    def _begin(self, folder: RunFolder) -> None:
        job, task = self._job, None
        precision = lambda: working_precision(job.precision)
        with precision():
            try:
                task = make_task(
                    Context(
                        job=job,
                        settings=job.settings,
                        load=lambda: load_model(job),
                        folder=folder,
                        say=self._say,
                        note=lambda *_, **__: None,
                        show=lambda _: None,
                        background=lambda work: in_background(work, precision()),
                        wait=self._wait,
                    )
                )
                task.begin()
                while task.outcome() is None:
                    self._say(self.doing)
                    task.advance(0.0)
            finally:
                if task is not None:
                    with suppress(Exception):
                        task.close()

    def _say(self, message: str) -> None:
        self.doing = message
        if self._ended.is_set():
            raise Halt(Outcome("stopped"))

    def _wait(self, work: Future[Any], doing: str) -> Any:
        self._say(f"{doing}.")
        return work.result()


_stage = _Stage()


def rehearse(content: dict[str, Any]) -> None:
    """Begins to compile what a job needs, unless a run is going or that has been done; returns at once.

    Args:
        content: a job as in ``job.json``.
    """
    job = _shortened(Job.from_json(content))
    programs = programs_of(job)
    with _stage.lock:
        current = _stage.current
        if current is not None and current.going:
            if current.programs == programs:
                return
            current.end()
        if _stage.runs or programs in _stage.known:
            return
        if len(_stage.known) >= KEPT:
            import jax

            jax.clear_caches()
            _stage.known.clear()
        _stage.current = _Rehearsal(job, programs)


def enter() -> None:
    """Called by a run when it begins: nothing new is rehearsed until it calls `leave`."""
    with _stage.lock:
        _stage.runs += 1


def leave() -> None:
    """Called by a run when it is over."""
    with _stage.lock:
        _stage.runs -= 1


def make_way(job: Job, say: Callable[[str], None]) -> None:
    """Waits for a rehearsal of the programs that a run needs, and ends any other.

    Args:
        job: of the run.
        say: hears in words what is being waited for, and may raise.
    """
    current = _stage.current
    if current is None:
        return
    if current.programs != programs_of(job):
        current.end()
        return
    began = time.monotonic()
    while current.going:
        say(f"{current.doing.rstrip('.')} ({time.monotonic() - began:.0f} s).")
        time.sleep(TICK)


def programs_of(job: Job) -> str:
    """What two jobs have in common when they need the same programs."""
    content = job.to_json()
    settings = {
        name: value for name, value in content["settings"].items() if name == "walkers" or name not in FREE_SETTINGS
    }
    molecule = {name: value for name, value in content["molecule"].items() if name not in ("name", "source")}
    same = (content["kind"], settings, molecule, content["model"], content["precision"])
    return json.dumps(same, sort_keys=True)


FREE_SETTINGS = {
    *("seed", "temperature", "duration", "timestep", "friction", "relaxation_time", "frame_interval", "relax_first"),
    *("minima", "max_calls", "minutes", "coverage", "window", "force_tolerance", "max_steps"),
}
"""Settings that enter programs as numbers, or not at all."""


def _shortened(job: Job) -> Job:
    """The same job, over as soon as its programs have been used."""
    short: dict[str, Any] = {
        "dynamics": {"relax_first": False, "duration": 1e-3},
        "minima": {"minima": 1, "max_calls": None, "minutes": None, "coverage": None},
        "relax": {"max_steps": 1},
    }
    return dataclasses.replace(job, settings=dataclasses.replace(job.settings, **short.get(job.kind, {})))
