"""The labelled structures to learn from: where they are, in which units, and what is in them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from so3k_explore.app.models.background import Background
from so3k_explore.app.models.display import counted
from so3k_explore.jobs.uploads import keep_upload

if TYPE_CHECKING:
    from so3k_explore.io.datasets import Dataset

SUFFIXES = (".npz", ".xyz", ".extxyz")
MOST_BYTES = 200_000_000  # of an upload; larger files are named by their path
NAMED = 3  # molecules that a summary names
CHOOSE = "choose …"
ENERGY_UNITS = ("kcal/mol", "eV", "kJ/mol", "Hartree")
LENGTH_UNITS = {"Å": "Angstrom", "Bohr": "Bohr"}


@dataclass(frozen=True)
class Summary:
    """What is in a data set; forces in eV/Å."""

    path: Path
    frames: int
    molecules: dict[str, int]  # how many frames each has
    elements: tuple[int, ...]
    sizes: tuple[int, int]  # atoms of the smallest and of the largest structure
    level: str
    typical_force: float  # root mean square of the components
    largest_force: float  # on any atom

    @property
    def sentences(self) -> tuple[str, ...]:
        """For people, one line each."""
        from ase.data import chemical_symbols

        names = [name or "unnamed" for name in list(self.molecules)[:NAMED]]
        known = ", ".join(names) + (", …" if len(self.molecules) > NAMED else "")
        low, high = self.sizes
        atoms = counted(high, "atom") if low == high else f"{low} to {high} atoms"
        return (
            f"{counted(self.frames, 'structure')} of {counted(len(self.molecules), 'molecule')} ({known})",
            f"{atoms} · {' '.join(chemical_symbols[number] for number in self.elements)}",
            f"forces {self.typical_force:.3g} eV/Å RMS, largest {self.largest_force:.3g} eV/Å",
            f"level of theory {self.level}" if self.level else "level of theory not stated",
        )


class DatasetModel(param.Parameterized):
    """Reads a data set in the background; says in a sentence why it could not."""

    path = param.String(
        "",
        label="Data set",
        doc="Path of labelled structures on the computer that serves this page: "
        ".npz of this program or of others (MD17, sGDML), or extended XYZ in eV and Å.",
    )
    energy_unit = param.Selector(
        default="",
        objects={CHOOSE: "", **{unit: unit for unit in ENERGY_UNITS}},
        label="Energies in",
        doc="Unit of the energies in this file, and of the forces with that of lengths.",
    )
    length_unit = param.Selector(
        default="", objects={CHOOSE: "", **LENGTH_UNITS}, label="Lengths in", doc="Unit of the positions."
    )
    units_wanted = param.Boolean(False, doc="Whether the file does not say its units.")
    reading = param.Boolean(False, doc="Whether it is being read.")
    summary = param.ClassSelector(class_=Summary, default=None, allow_None=True, doc="What is in it, once read.")
    error = param.String("", doc="Why it could not be read.")

    def __init__(self, background: Background, root: Callable[[], Path]) -> None:
        """`root` gives the folder of the runs; it is called in a thread."""
        super().__init__()
        self._background = background
        self._root = root
        self._settled = True  # whether a change of units is the reader's
        self.param.watch(lambda *_: self._begin(), "path")
        self.param.watch(lambda *_: self._read(), ["energy_unit", "length_unit"])

    def open_file(self, content: bytes, filename: str) -> None:
        """Keeps an uploaded file beside the runs, and reads it."""
        problem = refused(content, filename)
        if problem:
            self.param.update(error=problem, summary=None)
            return

        def keep() -> Path:
            return keep_upload(self._root(), content, filename)

        def done(path: Path) -> None:
            if self.path == str(path):
                self._begin()  # the same file again
            self.path = str(path)

        self.param.update(reading=True, error="", summary=None)
        self._background.start("dataset", f"keeping {filename}", keep, done, self._fail)

    @property
    def obstacle(self) -> str:
        """Why nothing can be learned from it yet; empty if something can."""
        if self.summary is not None:
            return ""
        if self.reading:
            return "The data set is being read."
        if self.error:
            return "The data set cannot be used; see above."
        return "Choose the units of the data set." if self.units_wanted else "Choose a data set first."

    @property
    def units(self) -> dict[str, str | None]:
        """As `TrainSettings` calls them."""
        return {"energy_unit": self.energy_unit or None, "length_unit": self.length_unit or None}

    def _begin(self) -> None:
        """Another file: what was known of the last one is forgotten."""
        self._settled = False
        self.param.update(energy_unit="", length_unit="", units_wanted=False)
        self._settled = True
        self._read()

    def _read(self) -> None:
        if not self._settled:
            return
        path, units = self.path.strip(), self.units
        if not path:
            self.param.update(reading=False, summary=None, error="")
            return
        if self.units_wanted and None in units.values():
            self.param.update(summary=None, error="")
            return
        self.param.update(reading=True, summary=None, error="")
        name = Path(path).name
        self._background.start("dataset", f"reading {name}", lambda: _read(path, units), self._take, self._fail)

    def _take(self, summary: Summary) -> None:
        self.param.update(reading=False, summary=summary, error="", units_wanted=self.units_wanted)

    def _fail(self, error: Exception) -> None:
        from so3k_explore.io.dataset_formats import UnitsMissingError

        missing = isinstance(error, UnitsMissingError)
        self.param.update(reading=False, summary=None, units_wanted=missing, error="" if missing else str(error))


def refused(content: bytes, filename: str) -> str:
    """Why an upload is not taken; empty if it is."""
    if Path(filename).suffix.lower() not in SUFFIXES:
        return f"Expected a file {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, got {filename}."
    if len(content) > MOST_BYTES:
        return (
            f"Uploads may have {MOST_BYTES / 1e6:.0f} MB, {filename} has {len(content) / 1e6:.0f} MB. "
            "Put it on the computer that serves this page, and type its path."
        )
    return "" if content else f"{filename} is empty."


def summarised(path: Path, dataset: "Dataset") -> Summary:
    """A data set in a few numbers."""
    return Summary(
        path=path,
        frames=len(dataset),
        molecules=dict(Counter(str(name) for name in dataset.molecules).most_common()),
        elements=dataset.elements,
        sizes=(int(dataset.sizes.min()), int(dataset.sizes.max())),
        level=dataset.level,
        typical_force=float(np.sqrt(np.mean(dataset.forces**2))),
        largest_force=float(np.linalg.norm(dataset.forces, axis=-1).max()),
    )


def _read(path: str, units: dict[str, Any]) -> Summary:
    from so3k_explore.io.dataset_formats import read_dataset
    from so3k_explore.io.datasets import DatasetError

    place = Path(path).expanduser()
    if place.suffix.lower() not in SUFFIXES:
        raise DatasetError(f"Expected a file {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, got {place.name or path}.")
    return summarised(place.resolve(), read_dataset(place, **units))
