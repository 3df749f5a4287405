"""The process that does the work of a run: `run_job(folder)`.

One loop for all kinds: look at the wishes, advance by a block of about `BLOCK` seconds, show, and save now and then.
Everything it needs and everything it makes is in the folder, so it does not matter who started it.
"""

import logging
import threading
import time
import traceback
from concurrent.futures import Future, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

from so3k_explore.jobs import rehearsal
from so3k_explore.jobs.background import in_background
from so3k_explore.jobs.explain import explain
from so3k_explore.jobs.frames import LiveFrame, first_frame, write_live
from so3k_explore.jobs.job import Job
from so3k_explore.jobs.loading import load_model, working_precision
from so3k_explore.jobs.reporter import Reporter, device_name
from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.status import ACTIVE, somebody_waits, why_interrupted
from so3k_explore.jobs.store import Control, Lock, RunFolder, read_json
from so3k_explore.jobs.task import Context, Halt, Outcome, Task, make_task

logger = logging.getLogger(__name__)

BLOCK = 0.05  # s of work between two looks at the wishes
LIVE = 0.05  # s between two live frames at least
FLUSH = 0.5  # s between two writings of frames and series
TICK = 0.2  # s between two words about something that takes long
HOLD = 0.05  # s between two looks at the wishes while paused
YIELD = 1.0  # s of pause after which the device goes to a run that waits
RESERVE = 65536  # bytes kept in hand, so that a full disk can still be told

shutdown = threading.Event()
"""Set when the process is asked to end: the run saves a checkpoint and becomes interrupted."""


def run_job(
    path: str | Path, ticket: str | None = None, lock: Lock | None = None, ended: threading.Event = shutdown
) -> str:
    """Works on a run until it ends or gives the device away.

    Args:
        path: the folder of the run.
        ticket: only work if the run was not submitted again since this ticket was given.
        lock: the lock on the folder, when the caller holds it already.
        ended: tells that the process is about to end.

    Returns:
        The state at the end; ``"busy"`` when another process works on the run, or a later ticket will.
    """
    folder = RunFolder(Path(path))
    lock = lock or Lock(folder.lock)
    while True:
        if not folder.path.is_dir() or not (lock.held or lock.acquire(patience=2.0)):
            return "busy"
        try:
            written = folder.status()
            if ticket is not None and written.get("ticket") != ticket:
                return "busy"
            if ticket is not None and written.get("state") in ACTIVE and not written.get("released"):
                return _interrupted(folder)
            state = _Session(folder, ticket, ended).run()
        finally:
            lock.release()
        if state != "paused" or folder.control().want == "pause":
            return state


class _Session:
    """One worker's time with a run."""

    def __init__(self, folder: RunFolder, ticket: str | None, ended: threading.Event) -> None:
        self.folder = folder
        self._ended = ended
        self.control: Control = folder.control()
        written = folder.status()
        kept = {name: written[name] for name in ("queue", "local", "created", "time_fs", "step") if name in written}
        self.reporter = Reporter(folder, ticket=ticket, **kept)
        self._reserve = folder.path / ".reserve"
        self._last = dict.fromkeys(("live", "flush", "save"), 0.0)
        self._job: Job
        self._settings: Settings

    def run(self) -> str:
        """Everything from the first sign of life to the last."""
        if self.control.want == "stop":
            self.reporter.end("stopped", "Stopped before it began.")
            return "stopped"
        task: Task | None = None
        rehearsal.enter()
        try:
            self.folder.sweep()
            self._reserve.write_bytes(bytes(RESERVE))
            self.reporter.start("Loading the model.")
            self._job = Job.from_json(read_json(self.folder.path / "job.json") or {})
            with working_precision(self._job.precision):
                task = self._begin()
                outcome = self._drive(task)
                outcome = self._finish(task, outcome)
        except Halt as halt:
            outcome = halt.outcome
        except Exception as error:
            outcome = Outcome("failed", self._explain(error, task))
        finally:
            rehearsal.leave()
            if task is not None:
                with suppress(Exception):
                    task.close()
        with suppress(OSError):
            self._reserve.unlink()
            self.folder.note(outcome.state, outcome.message)
        self.reporter.end(outcome.state, outcome.message, released=outcome.state == "paused")
        return outcome.state

    def _begin(self) -> Task:
        self._settings = self._current(self._job.settings)
        if not self.folder.live.exists():
            self._show_frame(first_frame(self._job.molecule, self._settings.to_json().get("walkers", 1)))
        device, model = device_name(), self._job.model
        self.reporter.progress(device=device, model=model, created=self._job.created)
        self._say("Preparing the run.")
        rehearsal.make_way(self._job, self._say)
        task = make_task(
            Context(
                job=self._job,
                settings=self._settings,
                load=lambda: load_model(self._job),
                folder=self.folder,
                say=self._say,
                note=self.folder.note,
                show=self._show_frame,
                background=lambda work: in_background(work, working_precision(self._job.precision)),
                wait=self._wait,
            )
        )
        resumed = self.folder.checkpoint.exists()
        try:
            task.begin()
        except BaseException:
            with suppress(Exception):
                task.close()  # what it has opened and locked
            raise
        self.folder.note("resumed" if resumed else "started", f"On {device}, model {model}.", step=task.step)
        self._last["save"] = time.monotonic()
        self._show(task, force=True)
        return task

    def _drive(self, task: Task) -> Outcome:
        state = "starting"
        while True:
            outcome = task.outcome() or self._wishes(task)
            if outcome is not None:
                return outcome
            if self.control.want == "pause":
                outcome = self._hold(task)
                if outcome is not None:
                    return outcome
                state = "paused"
            task.advance(BLOCK)
            if state != "running":
                state = "running"
                self.reporter.speed.reset()  # compiling and pauses do not count
                self.reporter.say(state, **self._numbers(task))
            self._show(task)
            if time.monotonic() - self._last["save"] > self._job.checkpoint_interval:
                self._save(task)

    def _wishes(self, task: Task) -> Outcome | None:
        """Takes in new wishes; an outcome when one of them ends the run."""
        new = self.control.poll()
        if self._ended.is_set():
            return Outcome("interrupted", "The worker was asked to end. Resume continues where it was.")
        if self.control.want == "stop":
            return Outcome("stopped")
        changes = {name: value for name, value in new.items() if name in self._settings.live()}
        if changes:
            self._change(task, changes)
        return None

    def _change(self, task: Task, changes: dict[str, Any]) -> None:
        try:
            settings = self._settings.changed(changes)
        except ValueError as error:
            self.folder.note("refused", str(error))
            return
        compiles = settings.to_json().get("walkers") != self._settings.to_json().get("walkers")
        if compiles:
            self.reporter.progress(message="Compiling for another number of walkers.")
        task.apply(settings)
        self._settings = settings
        what = ", ".join(f"{name} {value:g}" for name, value in changes.items() if value is not None)
        self.folder.note("changed", f"Now {what}.", step=task.step, **changes)
        if compiles:
            self.reporter.speed.reset()
        self.reporter.progress(message="")

    def _hold(self, task: Task) -> Outcome | None:
        """Waits while paused, with the state in memory; gives the device away when another run waits for it."""
        self._save(task)
        self._show(task, force=True)
        self.folder.note("paused", "", step=task.step)
        self.reporter.say("paused", speed={}, seconds_left=None)
        began = time.monotonic()
        while self.control.want == "pause":
            outcome = self._wishes(task)
            if outcome is not None:
                return outcome
            if time.monotonic() - began > YIELD and somebody_waits(self.folder):
                return Outcome("paused", "The device works on another run; resume waits for it.")
            time.sleep(HOLD)
        self.folder.note("continued", "", step=task.step)
        return None

    def _finish(self, task: Task, outcome: Outcome) -> Outcome:
        self._save(task)
        self._show(task, force=True)
        return outcome

    def _save(self, task: Task) -> None:
        task.save()
        self._last["save"] = self._last["flush"] = time.monotonic()

    def _show(self, task: Task, *, force: bool = False) -> None:
        now = time.monotonic()
        if force or now - self._last["live"] > LIVE:
            self._last["live"] = now
            write_live(self.folder.live, task.live())
            self.reporter.speed.add(task.step, task.calls, task.time_fs, task.progress)
            self.reporter.progress(**self._numbers(task))
        if now - self._last["flush"] > FLUSH:
            self._last["flush"] = now
            task.flush()

    def _show_frame(self, frame: LiveFrame) -> None:
        write_live(self.folder.live, frame)

    def _wait(self, work: Future[Any], doing: str) -> Any:
        """The result of work in another thread; meanwhile tells for how long it has been going on."""
        began = time.monotonic()
        while not work.done():
            self._say(f"{doing} ({time.monotonic() - began:.0f} s).")
            wait([work], timeout=TICK)
        return work.result()

    def _numbers(self, task: Task) -> dict[str, Any]:
        return {
            "step": task.step,
            "total": task.total,
            "time_fs": task.time_fs,
            "progress": task.progress,
            "seconds_left": self.reporter.speed.seconds_left(),
            "speed": self.reporter.speed.rates(),
            "walkers": task.walkers,
            "calls": task.calls,
            "details": task.details(),
        }

    def _say(self, message: str) -> None:
        """Tells what is being prepared, and ends the run if that is the wish."""
        self.control.poll()
        if self._ended.is_set():
            raise Halt(Outcome("interrupted", "The worker was asked to end. Resume starts again."))
        if self.control.want == "stop":
            raise Halt(Outcome("stopped"))
        self.reporter.progress(message=message)

    def _current(self, settings: Settings) -> Settings:
        """Settings of the job with all changes wished so far, those that are not allowed left out."""
        for name, value in self.control.values.items():
            if name in settings.live():
                with suppress(ValueError):
                    settings = settings.changed({name: value})
        return settings

    def _explain(self, error: Exception, task: Task | None) -> str:
        with suppress(OSError):
            self._reserve.unlink()  # room for the last words on a full disk
            (self.folder.path / "worker.log").write_text(traceback.format_exc())
        logger.exception("run %s failed", self.folder.path.name)
        return explain(error, self.folder, task)


def _interrupted(folder: RunFolder) -> str:
    """Dask gives the task of a killed worker to the next one; whether to go on is for the user to say."""
    folder.write_status({**folder.status(), "state": "interrupted", "message": why_interrupted(folder)})
    folder.note("interrupted", why_interrupted(folder))
    return "interrupted"
