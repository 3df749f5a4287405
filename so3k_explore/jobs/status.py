"""How a run is doing, as anybody sees it who looks at its folder.

The worker writes what it knows; what it can no longer write, that it is dead, is concluded here:

======== ======== =========================================================================================
queued            waits for the device
starting          loads the model, compiles
running
paused            keeps its state; the device goes to another run that waits
done              reached what was asked
stopped           ended by the user; can be resumed
failed            ended by a problem, told in `message`; can be resumed once that is solved
interrupted       the worker is gone without a word; can be resumed from the last checkpoint
======== ======== =========================================================================================
"""

import time
from dataclasses import dataclass, field, fields
from typing import Any

from so3k_explore.jobs.store import RunFolder, is_locked, read_json

ACTIVE = ("starting", "running", "paused")  # states in which a worker holds the run
ENDED = ("done", "stopped", "failed", "interrupted")
GRACE = 60.0  # s a queued run is given until its queue must be there


@dataclass(frozen=True)
class RunStatus:
    """State and progress of a run."""

    state: str
    message: str = ""  # what is going on, or why it ended, for the user
    progress: float | None = None  # 0 to 1; None: without end
    step: int = 0
    total: int | None = None
    time_fs: float = 0.0
    speed: dict[str, float] = field(default_factory=dict)  # steps_per_second, calls_per_second, ns_per_day
    device: str = ""
    model: str = ""
    walkers: int = 0
    calls: int = 0  # evaluations of the potential, over all walkers
    created: float = 0.0  # seconds since 1970, as the next two
    started: float | None = None
    updated: float = 0.0
    seconds_left: float | None = None
    details: dict[str, Any] = field(default_factory=dict)  # of the kind of run: minima found, largest force …

    @property
    def active(self) -> bool:
        """Whether a worker holds the run or will."""
        return self.state in ("queued", *ACTIVE)


def read_status(folder: RunFolder) -> RunStatus:
    """Status of a run; never raises on missing or damaged files."""
    written, gone = _last_words(folder)
    state, message = _conclude(folder, written, gone=gone)
    known = {f.name for f in fields(RunStatus)} - {"state", "message"}
    values = {name: value for name, value in written.items() if name in known}
    if state in ENDED:
        values["seconds_left"] = None
        values["speed"] = written.get("speed", {}) if state == "done" else {}
    return RunStatus(state=state, message=message, **values)


def _last_words(folder: RunFolder) -> tuple[dict[str, Any], bool]:
    """What the worker wrote last, and whether it is gone in the middle of its work."""
    written = folder.status()
    if not _working(written) or folder.alive():
        return written, False
    again = folder.status()  # it may have finished between our two looks
    return again, _working(again) and again.get("state") == written.get("state")


def _working(written: dict[str, Any]) -> bool:
    return written.get("state") in ACTIVE and not written.get("released")


def _conclude(folder: RunFolder, written: dict[str, Any], *, gone: bool) -> tuple[str, str]:
    state, message = str(written.get("state", "interrupted")), str(written.get("message", ""))
    if gone:
        return "interrupted", why_interrupted(folder)
    if state == "queued":
        if folder.control().want == "stop":
            return "stopped", "Stopped before it began."
        if _queue_lost(folder, written):
            return "interrupted", "The queue it waited in is gone. Resume puts it into a new one."
    if not written:
        return "interrupted", "The run was never started. Resume starts it."
    return state, message


def why_interrupted(folder: RunFolder) -> str:
    """The sentence for a run whose worker is gone."""
    try:
        saved = time.strftime("%H:%M:%S on %d %B", time.localtime(folder.checkpoint.stat().st_mtime))
    except OSError:
        return "The worker ended without a word (killed, or the computer was switched off). Resume starts again."
    return (
        "The worker ended without a word (killed, or the computer was switched off). "
        f"Resume continues from the checkpoint of {saved}."
    )


def _queue_lost(folder: RunFolder, written: dict[str, Any]) -> bool:
    queue = written.get("queue")
    if queue == "inline":
        return is_locked(folder.lock) is False
    if not written.get("local"):
        return False
    if queue is None:
        return time.time() - float(written.get("updated", 0.0)) > GRACE
    engine = read_json(folder.path.parent / "engine.json") or {}
    return engine.get("address") != queue or is_locked(folder.path.parent / "engine.lock") is False


def somebody_waits(folder: RunFolder) -> bool:
    """Whether another run is queued for the workers that have this one."""
    mine = folder.status().get("queue")
    for path in folder.path.parent.glob("*/status.json"):
        status = read_json(path) or {}
        if status.get("state") == "queued" and status.get("queue") == mine:
            return True
    return False
