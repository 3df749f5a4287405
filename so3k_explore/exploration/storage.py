"""One SQLite file of structures and notes about them, laid out by `ase.db`: connections, transactions, rows.

One process writes, in short transactions with a write-ahead log; any number of others read at the same time, and see
each transaction whole or not at all. A writer that is killed loses at most the transaction it was in; a machine that
loses power, what came after the last `sync`.
"""

import json
import os
import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

_STRUCTURES = """SELECT keys.value, systems.energy, systems.positions, systems.key_value_pairs
    FROM {kind}_key_values AS keys JOIN systems ON systems.id = keys.id
    WHERE keys.key = ? AND {condition}"""
_TABLES = """
    CREATE TABLE IF NOT EXISTS hops (
        id INTEGER PRIMARY KEY, call INTEGER, walker INTEGER, strategy TEXT,
        start INTEGER, finish INTEGER, barrier REAL, accepted INTEGER);
    CREATE INDEX IF NOT EXISTS hops_finish ON hops(finish);
    CREATE TABLE IF NOT EXISTS attempts (
        id INTEGER PRIMARY KEY, call INTEGER, first INTEGER, second INTEGER, method TEXT, saddle INTEGER, reason TEXT);
"""
_ASE_TABLES = ("keys", "text_key_values", "number_key_values", "species", "systems")

Row = tuple[Any, float, np.ndarray, dict[str, Any]]  # value of the key, energy in eV, positions in Å, all keys


class LandscapeError(RuntimeError):
    """A landscape cannot be opened or does not fit; the message says what to do."""


class Storage:
    """The file behind a landscape. Without a path it lives in a temporary folder and is gone when closed.

    All methods may be called from several threads.
    """

    def __init__(self, path: str | Path | None) -> None:
        from ase.db.sqlite import SQLite3Database

        folder = tempfile.mkdtemp(prefix="landscape-") if path is None else None
        self.path = Path(path) if path is not None else Path(str(folder)) / "landscape.db"
        self._lock = threading.RLock()
        self._depth = 0
        self._last: dict[str, int] = {}  # highest number given to each kind of structure, once known
        try:
            self._connection = sqlite3.connect(self.path, timeout=20, check_same_thread=False)
            self.close = weakref.finalize(self, _release, self._connection, folder)
            self._database = SQLite3Database(str(self.path), use_lock_file=False)
            self._database.connection, self._database.change_count = self._connection, 0
            self._prepare()
        except sqlite3.Error as error:
            raise LandscapeError(
                f"{self.path} cannot be opened as a landscape ({error}). "
                "Choose a file written by `Landscape` or `ase db`, in a folder where you may write."
            ) from error

    def _prepare(self) -> None:
        with self._database.managed_connection():
            pass  # creates the tables of ase in a new file, refuses files of a later format
        self._connection.execute("PRAGMA journal_mode=WAL")  # readers and the writer do not wait for each other
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_TABLES)
        self._connection.commit()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside becomes visible to others at once, at the end; nothing of it after an error."""
        with self._lock:
            self._depth += 1
            try:
                yield
            except BaseException:
                self._connection.rollback()
                self._last = {}
                raise
            else:
                if self._depth == 1:
                    self._connection.commit()
            finally:
                self._depth -= 1

    def sync(self) -> None:
        """Returns when everything committed is on the disk: commits themselves do not wait for that.

        Only the log is opened; to close another handle of the main file would give up SQLite's locks on it.
        """
        log = self.path.with_name(f"{self.path.name}-wal")
        if log.exists():
            handle = os.open(log, os.O_RDWR)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Rows that a query selects."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Changes something."""
        with self.transaction():
            self._connection.execute(statement, values)

    @property
    def version(self) -> tuple[int, int]:
        """Counts what others have written, and what was written here: SQLite's own number leaves that out."""
        with self._lock:
            theirs = self._connection.execute("PRAGMA data_version").fetchone()[0]
            return int(theirs), self._connection.total_changes

    # Notes about the whole file

    @property
    def metadata(self) -> dict[str, Any]:
        """Whose landscape this is; empty as long as nobody said so."""
        rows = self.read("SELECT value FROM information WHERE name = 'metadata'")
        return json.loads(rows[0][0]).get("landscape", {}) if rows else {}

    @metadata.setter
    def metadata(self, content: dict[str, Any]) -> None:
        with self.transaction():
            self._connection.execute("DELETE FROM information WHERE name = 'metadata'")
            values = ("metadata", json.dumps({"landscape": content}))
            self._connection.execute("INSERT INTO information VALUES (?, ?)", values)

    # Structures

    def add(self, energy: float, positions: Any, keys: dict[str, Any]) -> None:
        """Stores a structure (eV, Å) with its keys; empty texts are left out."""
        from ase import Atoms
        from ase.calculators.singlepoint import SinglePointCalculator

        numbers = np.array(self.metadata.get("numbers", []), int)
        positions = np.asarray(positions, float)
        if positions.shape != (len(numbers), 3):
            raise LandscapeError(
                f"Structures of this landscape have shape ({len(numbers)}, 3), got {positions.shape}. "
                "Call `bind(molecule)` once before the first structure."
            )
        atoms = Atoms(numbers, positions)
        if np.isfinite(energy):
            atoms.calc = SinglePointCalculator(atoms, energy=float(energy))
        with self.transaction():
            pairs = {key: value for key, value in keys.items() if value != ""}
            self._database.write(atoms, key_value_pairs=pairs)

    def add_numbered(self, kind: str, energy: float, positions: Any, keys: dict[str, Any]) -> int:
        """Stores a structure (eV, Å) under the next number of its kind, and returns that."""
        with self.transaction():
            if kind not in self._last:
                (row,) = self.read("SELECT MAX(value) FROM number_key_values WHERE key = ?", (kind,))
                self._last[kind] = int(row[0] or 0)
            self.add(energy, positions, {kind: self._last[kind] + 1, **keys})
            self._last[kind] += 1
        return self._last[kind]

    def count(self, kind: str) -> int:
        """How many structures of a kind there are."""
        return int(self.read("SELECT COUNT(*) FROM number_key_values WHERE key = ?", (kind,))[0][0])

    def numbered(self, kind: str, since: int = 0) -> list[Row]:
        """Structures of a kind with numbers above `since`, by number."""
        query = _STRUCTURES.format(kind="number", condition="keys.value > ? ORDER BY keys.value")
        return [_row(row) for row in self.read(query, (kind, since))]

    def noted(self, key: str) -> list[Row]:
        """Structures with a text under this key, in the order in which they were stored."""
        query = _STRUCTURES.format(kind="text", condition="1 ORDER BY systems.id")
        return [_row(row) for row in self.read(query, (key,))]

    def atoms(self, row: int) -> Any:
        """Structure in a row of the file, as ase knows it."""
        return self._database.get(id=row).toatoms()

    def label(self, row: int, label: str) -> None:
        """Names the structure in a row of the file."""
        with self.transaction():
            self._database.update(row, label=label)

    def remove_noted(self, key: str, after: int) -> None:
        """Forgets structures with a text under this key that walkers found after force call `after`."""
        late = (
            "SELECT id FROM number_key_values WHERE key = 'call' AND value > ? AND id IN "
            "(SELECT id FROM number_key_values WHERE key = 'walker' AND value >= 0)"
        )
        with self.transaction():
            rows = self.read(f"SELECT id FROM text_key_values WHERE key = ? AND id IN ({late})", (key, after))
            for table in _ASE_TABLES:
                self._connection.executemany(f"DELETE FROM {table} WHERE id = ?", rows)


def _row(row: Any) -> Row:
    value, energy, blob, pairs = row
    return value, np.nan if energy is None else float(energy), np.frombuffer(blob).reshape(-1, 3), json.loads(pairs)


def _release(connection: sqlite3.Connection, folder: str | None) -> None:
    connection.close()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
