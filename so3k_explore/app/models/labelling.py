"""What the next labelling is to do: where the structures are, and with which method."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import param

from so3k_explore.app.models.background import Background
from so3k_explore.app.models.dataset import MOST_BYTES
from so3k_explore.app.models.display import counted
from so3k_explore.app.models.run import form_of
from so3k_explore.app.models.runs import RunsModel
from so3k_explore.jobs.learning_settings import FITTING, LabelSettings, check_name
from so3k_explore.jobs.uploads import keep_upload

if TYPE_CHECKING:
    from so3k_explore.jobs import Run

FORMATS = (".npz", ".xyz", ".extxyz", ".sdf", ".pdb", ".cif", ".traj", ".h5", ".db")
NO_TBLITE = '{} needs tblite. Install it with: pip install "so3k-explore[reference]"'


@dataclass(frozen=True)
class Found:
    """Structures that can be labelled."""

    path: Path
    name: str
    number: int
    formula: str  # of the first one
    atoms: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """For people, one line each."""
        return (
            f"{counted(self.number, 'structure')} of {self.name}",
            f"{'' if self.number == 1 else 'the first: '}{self.formula}, {counted(self.atoms, 'atom')}",
        )


class LabellingModel(param.Parameterized):
    """The form of a labelling, and why it cannot start."""

    path = param.String(
        "",
        label="Structures",
        doc="Path on the computer that serves this page: structures in any format, a trajectory (.h5), a landscape "
        "(.db), labelled data (.npz), or the folder of a run.",
    )
    reading = param.Boolean(False, doc="Whether they are being looked at.")
    found = param.ClassSelector(class_=Found, default=None, allow_None=True, doc="What is there.")
    problem = param.String("", doc="Why it could not be read.")
    run = param.Parameter(None, doc="The run on show, whose structures can be taken; None where it has none.")
    error = param.String("", doc="Why the last labelling could not be started.")

    def __init__(self, background: Background, runs: RunsModel) -> None:
        super().__init__()
        self._background, self._runs = background, runs
        self.form: Any = form_of(LabelSettings)
        self.param.watch(lambda *_: self._read(), "path")

    def open_file(self, content: bytes, filename: str) -> None:
        """Keeps an uploaded file beside the runs, and looks at it."""
        if not content or len(content) > MOST_BYTES:
            most = f"Uploads may have {MOST_BYTES / 1e6:.0f} MB; put larger files on the computer of this page."
            self.param.update(found=None, problem=most if content else f"{filename} is empty.")
            return
        keep = lambda: keep_upload(self._runs.root(), content, filename)
        self.param.update(reading=True, problem="", found=None, path="")
        self._background.start("structures", f"keeping {filename}", keep, self._keep, self._refuse)

    def offer(self, run: "Run | None") -> None:
        """Another run is on show, whose structures may be labelled."""
        self.run = None if run is not None and run.kind in FITTING else run

    def take_run(self) -> None:
        """Labels the structures of the run on show."""
        if self.run is not None:
            self.path = str(self.run.folder)

    @property
    def obstacle(self) -> str:
        """Why nothing can be labelled; empty if it can."""
        if self.found is None:
            if self.reading:
                return "The structures are being read."
            return "They cannot be used; see above." if self.problem else "Choose structures first."
        return method_obstacle(self.form.method)

    def settings(self) -> LabelSettings:
        """The filled form."""
        path = "" if self.found is None else str(self.found.path)
        return self.form.settings().replace(source=path)

    def start(self) -> None:
        """Starts the labelling."""
        if self.obstacle:
            return
        self.error = ""
        self._runs.submit(self.settings(), None, None, failed=self._fail)

    def _read(self) -> None:
        path = self.path.strip()
        self.param.update(reading=bool(path), found=None, problem="", error="")
        if path:
            label, look = f"reading {Path(path).name}", lambda: _look(path)
            self._background.start("structures", label, look, self._take, self._refuse)

    def _keep(self, path: Path) -> None:
        self.path = str(path)

    def _take(self, found: Found) -> None:
        self.param.update(reading=False, found=found, problem="")

    def _fail(self, error: Exception) -> None:
        self.error = str(error)

    def _refuse(self, error: Exception) -> None:
        self.param.update(reading=False, found=None, problem=str(error))


def method_obstacle(method: str, installed: Callable[[str], Any] = find_spec) -> str:
    """Why a reference method cannot be used; empty if nothing is known against it."""
    try:
        check_name(method)
    except ValueError as error:
        return str(error)
    return "" if ":" in method or installed("tblite") else NO_TBLITE.format(method)


def _look(path: str) -> Found:
    from so3k_explore.geometry.elements import formula_text
    from so3k_explore.jobs.labelling_inputs import survey

    name, number, first = survey(path)
    return Found(
        Path(path).expanduser().resolve(), name, number, formula_text(first.numbers, first.charge), len(first.numbers)
    )
