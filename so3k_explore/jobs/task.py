"""What every kind of run looks like to the worker: begin, advance by a block, show, save; and then again."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol, runtime_checkable

from so3k_explore.io.molecule import Molecule
from so3k_explore.jobs.frames import LiveFrame
from so3k_explore.jobs.job import Job
from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.store import RunFolder
from so3k_explore.potentials.protocol import Potential


class Outcome(NamedTuple):
    """How a run ended: ``done``, ``stopped``, ``failed`` or ``interrupted``, and a sentence."""

    state: str
    message: str = ""


@dataclass(frozen=True)
class Context:
    """What a task works with."""

    job: Job
    settings: Settings  # of the job, with the changes made since
    load: Callable[[], Potential]  # the model of the run
    folder: RunFolder
    say: Callable[[str], None]  # tells the user what is being prepared; raises `Halt` when the run is to end
    note: Callable[..., None]  # adds an event: kind, sentence, values
    show: Callable[[LiveFrame], None]  # makes a frame the newest one, while the run is being prepared
    background: Callable[[Callable[[], Any]], Future[Any]]  # works in another thread, in the precision of the run
    wait: Callable[[Future[Any], str], Any]  # its result; meanwhile says what is being done and for how long

    @property
    def molecule(self) -> Molecule:
        """The molecule of the run."""
        return self.job.molecule

    @cached_property
    def potential(self) -> Potential:
        """The potential of the run, loaded when it is first asked for."""
        return self.load()


class Halt(Exception):  # noqa: N818 - not an error
    """The user or the system ended the run while it was being prepared."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.message)


@runtime_checkable
class Task(Protocol):
    """One kind of run."""

    @property
    def step(self) -> int:
        """Steps done."""
        ...

    @property
    def total(self) -> int | None:
        """Steps to do; None: there is no telling."""
        ...

    @property
    def progress(self) -> float | None:
        """Share of the work that is done, 0 to 1; None: there is no telling."""
        ...

    @property
    def time_fs(self) -> float:
        """Simulated time, fs; 0 where there is none."""
        ...

    @property
    def calls(self) -> int:
        """Evaluations of the potential, over all walkers."""
        ...

    @property
    def walkers(self) -> int:
        """Walkers, those that stopped included."""
        ...

    def begin(self) -> None:
        """First state, or the one of the checkpoint when there is one."""
        ...

    def advance(self, seconds: float) -> None:
        """A block of about so many seconds, or as little as can be done in one piece."""
        ...

    def apply(self, settings: Settings) -> None:
        """Takes over settings that were changed while running."""
        ...

    def outcome(self) -> Outcome | None:
        """How it ended; None while there is something left to do."""
        ...

    def live(self) -> LiveFrame:
        """The newest frame."""
        ...

    def details(self) -> dict[str, Any]:
        """Numbers of this kind of run for the status."""
        ...

    def flush(self) -> None:
        """Brings recorded frames to the disk."""
        ...

    def save(self) -> None:
        """Writes the checkpoint, after everything up to it."""
        ...

    def close(self) -> None:
        """Closes files."""
        ...


def make_task(context: Context) -> Task:
    """The task for a job."""
    if context.job.kind == "dynamics":
        from so3k_explore.jobs.dynamics import DynamicsTask

        return DynamicsTask(context)
    if context.job.kind == "relax":
        from so3k_explore.jobs.relaxation import RelaxTask

        return RelaxTask(context)
    if context.job.kind == "train":
        from so3k_explore.jobs.training import TrainTask

        return TrainTask(context)
    if context.job.kind == "label":
        from so3k_explore.jobs.labelling import LabelTask

        return LabelTask(context)
    if context.job.kind == "loop":
        from so3k_explore.jobs.learning_loop import LoopTask

        return LoopTask(context)
    if context.job.kind == "minima":
        from so3k_explore.jobs.minima import MinimaTask

        return MinimaTask(context)
    from so3k_explore.jobs.on_landscape import TASKS

    return TASKS[context.job.kind](context)
