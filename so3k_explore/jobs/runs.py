"""All runs of a folder: submit, list, delete, restore."""

import logging
import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from so3k_explore.jobs.job import CHECKPOINT_INTERVAL, Job, make_job
from so3k_explore.jobs.run import Run
from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.store import RunFolder, RunNotFoundError, StoreError, unwritable
from so3k_explore.jobs.uploads import drop_unused_uploads

logger = logging.getLogger(__name__)

TRASH = ".trash"
TRASH_DAYS = 7.0
LOOKED = ".looked"


@runtime_checkable
class Engine(Protocol):
    """Starts queued runs."""

    def submit(self, folder: RunFolder, status: dict[str, Any]) -> None:
        """Writes the queued status and sees to it that somebody works on the run; returns at once."""
        ...

    def prepare(self) -> None:
        """Starts what takes time to start, in the background."""
        ...

    def rehearse(self, job: dict[str, Any]) -> None:
        """The same, and compiles what a run would need."""
        ...

    def flush(self, timeout: float | int) -> None:
        """Waits until everything submitted is in the hands of workers, or has failed."""
        ...

    def close(self, *, workers: bool = False) -> None:
        """Disconnects; with `workers` also ends those of this machine, which save checkpoints first."""
        ...


class Runs:
    """All runs of a folder, and the engine that works on new ones.

    Args:
        root: folder of the runs; default: the variable SO3K_RUNS, else the user's data folder.
        scheduler: address of a Dask scheduler; default: workers of this machine, started when first needed.
        engine: ``"dask"``, or ``"inline"`` for a thread of this process.

    Raises:
        StoreError: the folder cannot be written.
    """

    def __init__(
        self, root: str | Path | None = None, scheduler: str | None = None, engine: str | Engine = "dask"
    ) -> None:
        self.root = Path(root) if root is not None else default_root()
        self._scheduler = scheduler
        try:
            (self.root / TRASH).mkdir(parents=True, exist_ok=True)
            (self.root / TRASH / ".writable").touch()
        except OSError as error:
            raise unwritable(self.root, error) from error
        self._engine = _make_engine(engine, self.root, scheduler) if isinstance(engine, str) else engine
        self.empty_trash(TRASH_DAYS)
        drop_unused_uploads(self.root)

    def submit(
        self,
        settings: Settings,
        molecule: Any = None,
        model: str | Path | None = None,
        name: str | None = None,
        precision: str = "float32",
        checkpoint_interval: float | int = CHECKPOINT_INTERVAL,
        long_range_cutoff: float | int | None = None,
    ) -> Run:
        """Puts a new run into the queue and returns at once; problems of starting show up in its status.

        Args:
            settings: what to do.
            molecule: a `Molecule`, or anything `load_molecule` understands; none for training, which has its data.
            model: registered name, or path of a model; default: the best installed one for these elements.
            name: for people; default: the molecule's.
            precision: ``"float32"`` or ``"float64"``.
            checkpoint_interval: seconds of work that a killed worker may lose.
            long_range_cutoff: radius of electrostatics and dispersion in Å, above 2 Å; default: all pairs.

        Raises:
            ValueError: the model is unknown or not made for these elements, the structure or the data set cannot be
                read, or the cutoff does not suit the model.
            StoreError: the folder cannot be written.
        """
        job = make_job(settings, molecule, model, name, precision, checkpoint_interval, long_range_cutoff)
        day = time.strftime("%Y%m%d-%H%M%S")
        path = self.root / f"{day}-{_slug(job.name)}-{job.kind}-{secrets.token_hex(2)}"
        run = self._run(RunFolder.create(path, job.to_json()), job)
        self._queue(run._folder)
        return run

    def list(self) -> list[Run]:
        """All runs that are not deleted, newest first."""
        runs = []
        for path in sorted(self.root.glob("*/job.json"), reverse=True):
            folder = RunFolder(path.parent)
            if folder.control().deleted:
                self._bury(folder)
                continue
            with suppress(StoreError):
                runs.append(self._open(folder))
        return runs

    def look(self) -> float:
        """When somebody last looked at the runs, in seconds since 1970; from now on that is now."""
        mark, now = self.root / LOOKED, time.time()
        with suppress(OSError):
            before = mark.stat().st_mtime if mark.exists() else now
            mark.touch()
            return before
        return now

    def get(self, run_id: str) -> Run:
        """A run by its id, the beginning or end of its id, or ``latest``.

        Raises:
            RunNotFoundError: there is none, or several fit.
        """
        known = sorted(path.parent.name for path in self.root.glob("*/job.json"))
        if run_id == "latest" and known:
            return self._open(RunFolder(self.root / known[-1]))
        fitting = [run_id] if run_id in known else [k for k in known if k.startswith(run_id) or k.endswith(run_id)]
        if len(fitting) != 1 or not run_id:
            found = f"{len(fitting)} runs fit" if fitting else "no run fits"
            raise RunNotFoundError(
                f"Expected the id of a run in {self.root}, got `{run_id}`: {found}. See `so3k runs list`."
            )
        return self._open(RunFolder(self.root / fitting[0]))

    def delete(self, run_id: str) -> None:
        """Moves a run to the trash, stopping it first; `restore` undoes it for some days."""
        folder = self.get(run_id)._folder
        folder.wish(want="stop", deleted=True)
        self._bury(folder)

    def restore(self, run_id: str) -> Run:
        """Takes a run back out of the trash; it stays stopped until it is resumed.

        Raises:
            RunNotFoundError: it is not there any more.
        """
        buried, folder = self.root / TRASH / run_id, RunFolder(self.root / run_id)
        try:
            if buried.is_dir():
                buried.rename(folder.path)
        except OSError as error:
            raise unwritable(self.root, error) from error
        if not folder.path.is_dir():
            raise RunNotFoundError(
                f"Run `{run_id}` is not in the trash any more. It is emptied after {TRASH_DAYS:g} days."
            )
        folder.wish(deleted=False)
        return self._open(folder)

    def trash(self) -> tuple[str, ...]:
        """Ids of deleted runs that can be restored."""
        return tuple(sorted(path.parent.name for path in (self.root / TRASH).glob("*/job.json")))

    def empty_trash(self, older_than_days: float | int = 0.0) -> None:
        """Removes deleted runs for good."""
        for path in (self.root / TRASH).glob("*/job.json"):
            with suppress(OSError):
                if time.time() - path.parent.stat().st_mtime >= older_than_days * 86400:
                    shutil.rmtree(path.parent, ignore_errors=True)

    def prepare(self) -> None:
        """Starts the local workers in the background, so that the first run need not wait for them."""
        self._engine.prepare()

    def rehearse(
        self,
        settings: Settings,
        molecule: Any,
        model: str | Path | None = None,
        precision: str = "float32",
        long_range_cutoff: float | int | None = None,
    ) -> None:
        """Starts the local workers in the background and compiles there what such a run would need.

        A run that is submitted some seconds later begins to move at once. Arguments and errors are those of `submit`.
        Does nothing where the variable SO3K_REHEARSE is 0.
        """
        if os.environ.get("SO3K_REHEARSE") == "0":
            return
        job = make_job(settings, molecule, model, precision=precision, long_range_cutoff=long_range_cutoff)
        self._engine.rehearse(job.to_json())

    def flush(self, timeout: float | int = 180) -> None:
        """Waits until submitted runs are in the hands of the workers, as a program must that ends right after."""
        self._engine.flush(timeout)

    def close(self, *, workers: bool = False) -> None:
        """Lets go of the engine. Runs go on, unless `workers` asks the local ones to save checkpoints and end."""
        self._engine.close(workers=workers)

    def _bury(self, folder: RunFolder) -> None:
        if not folder.alive():
            buried = self.root / TRASH / folder.path.name
            with suppress(OSError):
                folder.path.rename(buried)
                os.utime(buried)  # its time in the trash counts from now

    def _open(self, folder: RunFolder) -> Run:
        content = folder.job()
        if content is None:
            raise StoreError(f"The file {folder.path}/job.json is missing or damaged; the run cannot be opened.")
        try:
            return self._run(folder, Job.from_json(content))
        except ValueError as error:
            logger.warning("run %s: %s", folder.path.name, error)
            raise StoreError(str(error)) from error

    def _run(self, folder: RunFolder, job: Job) -> Run:
        return Run(folder, job, self._queue)

    def _queue(self, folder: RunFolder) -> None:
        job, before = folder.job() or {}, folder.status()
        kept = {name: before[name] for name in ("step", "total", "time_fs", "progress", "walkers") if name in before}
        values = {"model": job.get("model", {}).get("name", ""), "created": job.get("created", 0.0)}
        status = {**kept, **values, "state": "queued", "message": "Waiting for the device."}
        self._engine.submit(folder, {**status, "ticket": secrets.token_hex(8)})


def default_root() -> Path:
    """Folder of the runs: the variable SO3K_RUNS, else in the user's data folder."""
    from platformdirs import user_data_path

    given = os.environ.get("SO3K_RUNS")
    return Path(given).expanduser() if given else user_data_path("so3k_explore") / "runs"


def _make_engine(engine: str, root: Path, scheduler: str | None) -> Engine:
    if engine == "inline":
        from so3k_explore.jobs.inline import InlineEngine

        return InlineEngine()
    if engine == "dask":
        from so3k_explore.jobs.engine import DaskEngine

        return DaskEngine(root, scheduler)
    raise ValueError(f'`engine` must be "dask" or "inline", got {engine!r}.')


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:30] or "run"
