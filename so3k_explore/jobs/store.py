"""The folder of a run: every file in it, and how it is read and written so that it can be trusted at any moment.

====================  ==================================================================================
``job.json``          what was asked: settings, molecule, model and its fingerprint, seed, versions
``control.jsonl``     wishes of the users (run, pause, stop, new temperature …), one a line, only ever appended
``status.json``       what the worker says about itself, replaced in one piece
``events.jsonl``      what happened, one sentence a line
``live.bin``          the newest frame, replaced in one piece
``series/``           numbers against time, only ever appended (`jobs.series`)
``checkpoint.npz``    the state to continue from
``model.npz``         the best model of a training run (`potentials.checkpoints`)
``trajectory.h5``     frames (`io.trajectories`)
``landscape.db``      minima and transitions (`exploration.landscape`)
``worker.lock``       locked by the process that works on the run; the system unlocks it however that process ends
====================  ==================================================================================

Wishes are lines rather than one replaced file, so that two windows pressing at once cannot lose each other's.
Readers never raise on files that are half written, damaged or gone: they see nothing, or the part that is whole.
"""

import json
import os
import re
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

try:  # locks of the POSIX kernel; elsewhere heartbeats alone tell who is alive
    import fcntl
except ImportError:  # pragma: no cover
    fcntl = None

STALE = 30.0  # s without a heartbeat after which a worker on another host is taken for dead
_HALF_WRITTEN = re.compile(r"\.(?!status\.json|job\.json).+\.\d+(\.\d+|\.tmp)?")  # .name.process and more


class StoreError(RuntimeError):
    """A run folder cannot be written or found; the message is for the user."""


class RunNotFoundError(StoreError, ValueError):
    """No run has this id, or several fit."""


def write_atomic(path: Path, content: bytes) -> None:
    """Replaces a file in one piece: a reader sees the old content or the new, never a mixture."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


def read_json(path: Path) -> dict[str, Any] | None:
    """Content of a JSON file that holds an object; None when it is missing or damaged."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Adds one JSON line in a single write; the leading newline ends a line that was torn by a crash."""
    line = b"\n" + json.dumps(record).encode() + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


class Lines:
    """Follows a file of JSON lines: each `read` gives the records that were added since the last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def read(self) -> list[dict[str, Any]]:
        """New whole records; torn or damaged lines are left out."""
        try:
            if self.path.stat().st_size <= self._offset:
                return []
            with self.path.open("rb") as stream:
                stream.seek(self._offset)
                content = stream.read()
        except OSError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        records = []
        for line in whole.splitlines():
            with suppress(ValueError):
                record = json.loads(line)
                if isinstance(record, dict):
                    records.append(record)
        return records


class Control:
    """Wishes for a run, folded from ``control.jsonl``: the latest value of each name counts."""

    def __init__(self, path: Path) -> None:
        self._lines = Lines(path)
        self.values: dict[str, Any] = {}

    def poll(self) -> dict[str, Any]:
        """Takes in new wishes and returns them; all are in `values`."""
        new: dict[str, Any] = {}
        for record in self._lines.read():
            new.update({name: value for name, value in record.items() if name != "time"})
        self.values.update(new)
        return new

    @property
    def want(self) -> str:
        """``run``, ``pause`` or ``stop``."""
        wanted = self.values.get("want")
        return wanted if wanted in ("run", "pause", "stop") else "run"

    @property
    def deleted(self) -> bool:
        """Whether the run waits to be moved to the trash."""
        return bool(self.values.get("deleted"))


class Lock:
    """Claim of a process on a file, given up by the system when the process ends in whatever way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object has the lock."""
        return self._descriptor is not None

    def acquire(self, patience: float | int = 0) -> bool:
        """Takes the lock; False when somebody else holds it for longer than `patience` seconds."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        deadline = time.monotonic() + patience
        while not _lock(descriptor, exclusive=True):
            if time.monotonic() > deadline:
                os.close(descriptor)
                return False
            time.sleep(0.02)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Gives the lock up."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_locked(path: Path) -> bool | None:
    """Whether a process of this machine holds the lock; None where the file system cannot say."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _lock(descriptor, exclusive=False)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _lock(descriptor: int, *, exclusive: bool) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class RunFolder:
    """Paths and small files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.checkpoint = self.path / "checkpoint.npz"
        self.model = self.path / "model.npz"
        self.trajectory = self.path / "trajectory.h5"
        self.landscape = self.path / "landscape.db"
        self.live = self.path / "live.bin"
        self.series = self.path / "series"
        self.lock = self.path / "worker.lock"

    @classmethod
    def create(cls, path: Path, job: Mapping[str, Any]) -> "RunFolder":
        """New folder with its ``job.json``.

        Raises:
            StoreError: the place cannot be written.
        """
        try:
            path.mkdir(parents=True)
            write_atomic(path / "job.json", json.dumps(job, indent=1).encode())
        except OSError as error:
            raise unwritable(path.parent, error) from error
        return cls(path)

    def job(self) -> dict[str, Any] | None:
        """What was asked; None when the file is missing or damaged."""
        return read_json(self.path / "job.json")

    def status(self) -> dict[str, Any]:
        """What was last written about the run, empty when nothing was."""
        return read_json(self.path / "status.json") or {}

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Replaces the status, stamped with the time."""
        write_atomic(self.path / "status.json", json.dumps({**status, "updated": time.time()}).encode())

    def control(self) -> Control:
        """All wishes so far."""
        control = Control(self.path / "control.jsonl")
        control.poll()
        return control

    def wish(self, **values: Any) -> None:
        """Adds a wish, such as ``want="pause"`` or ``temperature=500.0``.

        Raises:
            StoreError: the folder cannot be written.
        """
        try:
            append_line(self.path / "control.jsonl", {"time": time.time(), **values})
        except OSError as error:
            raise unwritable(self.path, error) from error

    def note(self, kind: str, message: str, **values: Any) -> None:
        """Adds an event."""
        append_line(self.path / "events.jsonl", {"time": time.time(), "kind": kind, "message": message, **values})

    def events(self) -> list[dict[str, Any]]:
        """Everything that happened, oldest first."""
        return Lines(self.path / "events.jsonl").read()

    def sweep(self) -> None:
        """Removes files that killed workers left half written; only for the process that holds the lock.

        Files that others may be writing, the status and the job, are left alone.
        """
        for path in self.path.iterdir():
            if _HALF_WRITTEN.fullmatch(path.name):
                with suppress(OSError):
                    path.unlink()

    def alive(self) -> bool:
        """Whether a process works on this run: by its lock, or on another host by its heartbeat."""
        status = self.status()
        locked = is_locked(self.lock)
        if locked or (locked is not None and status.get("host") in (None, socket.gethostname())):
            return bool(locked)
        return time.time() - float(status.get("updated", 0.0)) < STALE


def unwritable(path: Path, error: OSError) -> StoreError:
    """The sentence for a folder that cannot be written."""
    return StoreError(
        f"The folder for runs, {path}, cannot be written ({error.strerror or error}). "
        "Free some space or its permissions, or choose another with `--runs` or the variable SO3K_RUNS."
    )
