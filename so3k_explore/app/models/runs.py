"""The runs in the folder, which all windows share, and what can be done with them."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import param

from so3k_explore.app.models.background import Background
from so3k_explore.app.models.display import counted

if TYPE_CHECKING:
    from pathlib import Path

    from so3k_explore.jobs import Run, Runs, RunStatus

ACTIVE = ("queued", "starting", "running", "paused")
KIND_WORDS = {  # other words
    **{"relax": "relaxation", "recheck": "reference check"},
    **{"train": "training", "label": "labelling", "loop": "active learning"},
}
UNWATCHED = ("done", "failed", "interrupted")  # ends that the reader has not asked for
UNDO_SECONDS = 30.0
LIST_SECONDS = 1.0
GREETING_SECONDS = 60.0
NAMED = 3  # runs that a greeting names


class RunsModel(param.Parameterized):
    """Lists the runs once a second and passes on what the reader asks for; every call to `Runs` is made in a thread."""

    entries = param.List([], doc="(run, status) of every run, newest first.")
    loaded = param.Boolean(False, doc="Whether the folder of the runs has been read.")
    shown = param.String("", doc="Identifier of the run on the page; empty for none.")
    deleted = param.String("", doc="Identifier of the run that can still be brought back.")
    message = param.String("", doc="What came of the last action, or why it failed.")
    greeting = param.String("", doc="What happened while nobody looked.")
    failed = param.Boolean(False, doc="Whether `message` is about a failure.")

    def __init__(self, runs: "Callable[[], Runs]", background: Background) -> None:
        super().__init__()
        self._open = runs
        self._background = background
        self._listed = 0.0
        self._deleted_at = 0.0
        self._opened = 0.0

    def tick(self, now: float) -> None:
        """Looks at the folder again when it is time, and forgets an undo that nobody used."""
        if self.greeting and now - self._opened > GREETING_SECONDS:
            self.greeting = ""
        if self.deleted and now - self._deleted_at > UNDO_SECONDS:
            self.deleted = ""
        if now - self._listed >= LIST_SECONDS and not self._background.busy("runs"):
            self._listed = now
            self._background.start("runs", "", self._list, self._take, self._fail)

    def submit(
        self,
        settings: Any,
        molecule: Any,
        model: str | None,
        *,
        failed: Callable[[Exception], None] | None = None,
        **options: Any,
    ) -> None:
        """Starts a run and shows it; the options are those of `Runs.submit`. `failed` hears why it could not."""

        def work() -> "Run":
            return self._open().submit(settings, molecule, model, **options)

        def done(run: "Run") -> None:
            self.param.update(shown=run.id, message="", failed=False)
            self._listed = 0.0

        self._background.start("submit", "starting the run", work, done, failed or self._fail)

    def rehearse(self, settings: Any, molecule: Any, model: str, **options: Any) -> None:
        """Lets the worker compile what such a run would need; whatever is wrong with it, `submit` will say."""
        work = lambda: self._open().rehearse(settings, molecule, model, **options)
        self._background.start("rehearse", "", work, lambda _: None, lambda _: None)

    def act(self, action: str, identifier: str = "", **values: Any) -> None:
        """`pause`, `resume`, `stop` or `change` a run; without an identifier, the shown one."""
        identifier = identifier or self.shown

        def work() -> None:
            getattr(self._open().get(identifier), action)(**values)

        self._background.start(f"act {identifier}", "", work, lambda _: self._refresh(), self._fail)

    def root(self) -> "Path":
        """Folder of the runs; not for the session's thread, as it may open it first."""
        return self._open().root

    def delete(self, identifier: str) -> None:
        """Moves a run to the trash, from where `restore` brings it back for 30 s."""

        def done(_: None) -> None:
            name = next((run.name for run, _ in self.entries if run.id == identifier), identifier)
            self._deleted_at = time.monotonic()
            self.param.update(
                deleted=identifier,
                message=f"Deleted “{name}”.",
                failed=False,
                shown="" if self.shown == identifier else self.shown,
                entries=[entry for entry in self.entries if entry[0].id != identifier],
            )

        self._background.start("delete", "", lambda: self._open().delete(identifier), done, self._fail)

    def restore(self) -> None:
        """Brings back the run deleted last."""
        identifier = self.deleted

        def done(_: Any) -> None:
            self.param.update(deleted="", message="", shown=identifier)
            self._refresh()

        self._background.start("delete", "", lambda: self._open().restore(identifier), done, self._fail)

    def find(self, identifier: str) -> "tuple[Run, RunStatus] | None":
        """A run of the list with its status."""
        return next((entry for entry in self.entries if entry[0].id == identifier), None)

    def _list(self) -> "tuple[list[tuple[Run, RunStatus]], float]":
        runs = self._open()
        return [(run, run.status()) for run in runs.list()], runs.look()

    def _take(self, found: "tuple[list[tuple[Run, RunStatus]], float]") -> None:
        entries, looked = found
        if not self.loaded:
            self._opened = time.monotonic()
            self.greeting = greeting(entries, looked)
        self.param.update(loaded=True, entries=entries)

    def _fail(self, error: Exception) -> None:
        self.param.update(message=str(error), failed=True)

    def _refresh(self) -> None:
        self._listed = 0.0
        self.param.update(message="", failed=False)


def titled(run: "Run") -> str:
    """Name and kind, as people say it."""
    return f"{run.name} {KIND_WORDS.get(run.kind, run.kind)}"


def greeting(entries: "list[tuple[Run, RunStatus]]", looked: float) -> str:
    """Which runs have ended since somebody last looked, at `looked` seconds since 1970; empty if none."""
    ended = [run for run, status in entries if status.state in UNWATCHED and status.updated > looked]
    if not ended:
        return ""
    names = ", ".join(titled(run) for run in ended[:NAMED]) + (", …" if len(ended) > NAMED else "")
    return f"{counted(len(ended), 'run')} finished while you were away: {names}."
