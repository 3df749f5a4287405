"""Why a run failed, in a sentence for the person who started it."""

import errno

from so3k_explore.jobs.learning_settings import FITTING
from so3k_explore.jobs.store import RunFolder, StoreError
from so3k_explore.jobs.task import Task

KEPT = "Everything up to the last checkpoint is kept; then press Resume."
FULL = (errno.ENOSPC, errno.EDQUOT)
SPEAKING = (  # errors that say themselves what to do
    *("SimulationError", "CheckpointError", "FitError"),
    *("DatasetError", "LandscapeError", "SearchError"),
)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def explain(error: BaseException, folder: RunFolder, task: Task | None = None) -> str:
    """What happened and what to do.

    Args:
        error: what was raised.
        folder: the run, which holds the details in ``worker.log``.
        task: tells how large the calculation was.
    """
    text = str(error).strip()
    if isinstance(error, OSError):
        return _explain_os_error(error, folder)
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in text or "out of memory" in text.lower():
        if (folder.job() or {}).get("kind") in FITTING:
            return "The device ran out of memory. Start a run with fewer `molecules` in a batch or fewer `features`."
        size = f" with {task.walkers} walkers" if task is not None else ""
        return f"The device ran out of memory{size}. Change to fewer walkers, or use a smaller molecule. {KEPT}"
    if isinstance(error, ValueError | StoreError) or type(error).__name__ in SPEAKING:
        return text
    what = f"{type(error).__name__}: {_first_line(text)}"
    return f"Something unexpected happened ({what}). Details: {folder.path}/worker.log"


def is_full(error: OSError) -> bool:
    """Whether the disk or the quota is used up; HDF5 gives the number of the error only in its text."""
    return error.errno in FULL or any(f"errno = {number}" in str(error) for number in FULL)


def _explain_os_error(error: OSError, folder: RunFolder) -> str:
    if is_full(error):
        return f"The disk that holds {folder.path} is full. Free some space. {KEPT}"
    if error.errno in FORBIDDEN:
        return f"The folder {folder.path} cannot be written ({error.strerror}). Change its permissions. {KEPT}"
    return f"A file of the run could not be used ({_first_line(str(error))}). {KEPT}"


def _first_line(text: str) -> str:
    return text.splitlines()[0][:300] if text else "no message"
