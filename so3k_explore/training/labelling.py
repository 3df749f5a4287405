"""Labels for many structures, by processes side by side, each label on disk as soon as it is known.

The journal is a file of JSON lines: whose labels it holds, then a line for each structure with its energy (eV), forces
(eV/Å), dipole (e·Å), charges (e) and stress (eV/Å³), or the reason why there is none. Whoever works with the same
journal again labels what is missing.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from so3k_explore.io.datasets import Dataset, DatasetError, Frame, from_frames
from so3k_explore.io.labels import Failure, try_label
from so3k_explore.io.processes import Crew, ProcessEndedError
from so3k_explore.io.reference import reference_calculator
from so3k_explore.system import System

if TYPE_CHECKING:
    from ase import Atoms

AHEAD = 4  # structures for each process that are handed over before they are due
_LABELS = ("forces", "dipole", "charges", "stress")
_HEAVIEST = 86  # atomic number that the GFN methods know


class Labelling(NamedTuple):
    """How far it is."""

    total: int
    labelled: int
    failed: int
    newest: int | None = None  # structure that was done last
    force: float = 0.0  # its largest force, eV/Å; NaN if it failed

    @property
    def done(self) -> int:
        """Structures that were tried."""
        return self.labelled + self.failed


class Journal:
    """The labels of these structures with this method that are on disk.

    Raises:
        DatasetError: the file is of other structures or of another method.
    """

    def __init__(self, path: Path | str, structures: Dataset, method: str) -> None:
        self.path, self.structures, self.method = Path(path), structures, method
        self._rows: dict[int, dict[str, Any]] = {}
        about = {"method": method, "structures": _digest(structures)}
        rows = self._read()
        if not rows:
            self._write(about)
        elif rows[0] != about:
            raise DatasetError(
                f"The labels in {self.path} are those of other structures or of another method than {method}. "
                "Choose another place for the new ones."
            )
        self._rows |= {int(row["structure"]): row for row in rows[1:]}
        self._failed = sum("failed" in row for row in self._rows.values())

    @property
    def missing(self) -> list[int]:
        """Structures that were not tried yet."""
        return [number for number in range(len(self.structures)) if number not in self._rows]

    @property
    def failures(self) -> list[Failure]:
        """Structures without a label."""
        rows = sorted(self._rows.items())
        return [Failure(number, row["failed"]) for number, row in rows if "failed" in row]

    def state(self, newest: int | None = None, force: float = 0.0) -> Labelling:
        """How far it is."""
        return Labelling(len(self.structures), len(self._rows) - self._failed, self._failed, newest, force)

    def dataset(self) -> Dataset:
        """The structures that have a label.

        Raises:
            DatasetError: there is none.
        """
        found = [self._frame(number, row) for number, row in sorted(self._rows.items()) if "failed" not in row]
        if not found:
            reason = f" {self.failures[0].reason}" if self._rows else ""
            raise DatasetError(f"Not one of {len(self.structures)} structures got a label.{reason}")
        return from_frames(found, self.method)

    def add(self, number: int, found: Frame | Failure) -> Labelling:
        """Keeps what is known of a structure now."""
        row: dict[str, Any] = {"structure": number}
        if isinstance(found, Failure):
            row["failed"] = found.reason
            force = float("nan")
        else:
            values = {name: getattr(found, name) for name in _LABELS}
            row |= {"energy": found.energy}
            row |= {name: np.asarray(value).tolist() for name, value in values.items() if value is not None}
            force = float(np.linalg.norm(found.forces, axis=-1).max())
        self._write(row)
        self._rows[number] = row
        self._failed += "failed" in row
        return self.state(number, force)

    def _frame(self, number: int, row: dict[str, Any]) -> Frame:
        labels = {name: np.array(row[name], float) for name in _LABELS if name in row}
        return self.structures[number]._replace(energy=row["energy"], **labels)

    def _read(self) -> list[dict[str, Any]]:
        """Whole lines; one that was torn by a crash is left out."""
        rows = []
        for line in self.path.read_text().splitlines() if self.path.is_file() else []:
            try:
                rows.append(json.loads(line))
            except ValueError:
                continue
        return rows

    def _write(self, row: dict[str, Any]) -> None:
        """Adds a line in one piece, after the end of one that may be torn."""
        line = b"\n" + json.dumps(row).encode() + b"\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            if os.write(descriptor, line) < len(line):
                raise OSError(28, "No space left on device", str(self.path))
        finally:
            os.close(descriptor)


def label_structures(journal: Journal, processes: int = 1, patience: float | int = 0.2) -> Iterator[Labelling]:
    """Labels what the journal lacks; yields after each structure, and when `patience` seconds have brought none.

    Args:
        journal: structures and method; it takes the labels.
        processes: that work side by side with one thread each; a single one is this process.
        patience: s between two states at most, with several processes.

    Raises:
        DatasetError: there is no such method, or tblite is not installed.
    """
    reference_calculator(journal.method)  # refuses before any process is started
    structures = ((number, atoms_of(journal.structures[number]), journal.method) for number in journal.missing)
    yield journal.state()
    if processes <= 1:
        for work in structures:
            yield journal.add(work[0], try_label(work))
        return
    going: dict[Future[Frame | Failure], int] = {}
    with Crew(processes) as crew:
        while True:
            for work in islice(structures, AHEAD * processes - len(going)):
                going[crew.submit(try_label, work)] = work[0]
            if not going:
                return
            ready, _ = wait(going, timeout=patience, return_when=FIRST_COMPLETED)
            for future in ready:
                number = going.pop(future)
                yield journal.add(number, _result(number, future))
            if not ready:
                yield journal.state()


def atoms_of(frame: Frame) -> "Atoms":
    """A structure for a calculator, with charge and multiplicity in ``info``."""
    from ase import Atoms

    atoms = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=frame.cell is not None)
    atoms.info.update(charge=frame.charge, multiplicity=round(frame.spin) + 1)
    return atoms


def unlabelled(system: System, molecule: str, source: str = "", group: int = 0) -> Frame:
    """A structure that waits for its label; until then energy and forces are zero."""
    cell = None if system.cell is None else np.asarray(system.cell, float)
    positions = np.asarray(system.positions, float)
    return Frame(
        *(np.asarray(system.numbers), positions, 0.0, np.zeros_like(positions), molecule, source, group),
        charge=float(system.charge),
        spin=float(system.spin),
        cell=cell,
    )


def check_method(method: str, structures: Dataset) -> None:
    """Raises `DatasetError` where a method is not there, or does not know an element of these structures."""
    from so3k_explore.geometry.elements import symbol

    reference_calculator(method)
    heavy = sorted(number for number in structures.elements if number > _HEAVIEST)
    if heavy and ":" not in method:
        raise DatasetError(
            f"{method} knows the elements up to {symbol(_HEAVIEST)}, got {', '.join(map(symbol, heavy))}. "
            "Choose an ASE calculator (`package.module:Name`) that knows them."
        )


def _result(number: int, future: "Future[Frame | Failure]") -> Frame | Failure:
    try:
        return future.result()
    except ProcessEndedError as error:
        return Failure(number, str(error))


def _digest(structures: Dataset) -> str:
    digest = hashlib.sha256()
    parts: Sequence[np.ndarray | None] = (
        structures.numbers,
        structures.offsets,
        structures.positions,
        structures.charge,
        structures.spin,
        structures.cells,
    )
    for part in parts:
        digest.update(b"" if part is None else np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
