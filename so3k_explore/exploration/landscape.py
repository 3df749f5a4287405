"""The landscape of a molecule on disk: minima, structures set aside with the reason, and hops between minima.

One SQLite file, written through `ase.db`, so that ``ase db landscape.db`` and ``ase gui`` open it: each minimum is a
row with the keys ``minimum`` (its number, from 1), ``call`` (force calls when it was found), ``walker``, ``strategy``;
each structure set aside is a row with ``set_aside`` (the reason). Hops are in a table of their own, which ase ignores:
visits, transitions, acceptance and growth are counted from it.

One process writes, in short transactions with a write-ahead log; any number of others read at the same time, and see
each transaction whole or not at all. A writer that is killed loses at most the transaction it was in.
"""

import json
import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore.exploration.records import Hop, Minima, SetAside, Transitions
from so3k_explore.system import System

if TYPE_CHECKING:
    from so3k_explore.io.molecule import Molecule

FORMAT = 1
_HOPS = """CREATE TABLE IF NOT EXISTS hops (
    id INTEGER PRIMARY KEY, call INTEGER, walker INTEGER, strategy TEXT,
    start INTEGER, finish INTEGER, barrier REAL, accepted INTEGER)"""
_MINIMA = """SELECT keys.value, systems.energy, systems.positions, systems.key_value_pairs
    FROM number_key_values AS keys JOIN systems ON systems.id = keys.id
    WHERE keys.key = 'minimum' AND keys.value > ? ORDER BY keys.value"""
_SET_ASIDE = """SELECT systems.energy, systems.positions, systems.key_value_pairs
    FROM text_key_values AS keys JOIN systems ON systems.id = keys.id
    WHERE keys.key = 'set_aside' ORDER BY systems.id"""


class LandscapeError(RuntimeError):
    """A landscape cannot be opened or does not fit; the message says what to do."""


class Landscape:
    """Minima, hops and structures set aside of one molecule. Without a path it lives in a temporary file.

    All methods may be called from several threads.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        from ase.db.sqlite import SQLite3Database

        folder = tempfile.mkdtemp(prefix="landscape-") if path is None else None
        self.path = Path(path) if path is not None else Path(str(folder)) / "landscape.db"
        self._lock = threading.RLock()
        self._depth = 0
        self._last: int | None = None  # highest number given to a minimum, once known
        try:
            self._connection = sqlite3.connect(self.path, timeout=20, check_same_thread=False)
            self._finalizer = weakref.finalize(self, _release, self._connection, folder)
            self._database = SQLite3Database(str(self.path), use_lock_file=False)
            self._database.connection, self._database.change_count = self._connection, 0
            self._prepare()
        except sqlite3.Error as error:
            raise LandscapeError(
                f"{self.path} cannot be opened as a landscape ({error}). "
                "Choose a file written by `Landscape` or `ase db`, in a folder where you may write."
            ) from error

    @classmethod
    def open(cls, path: str | Path, *, create: bool = True) -> "Landscape":
        """Landscape in the file `path`, for reading and writing.

        Raises:
            FileNotFoundError: there is no such file, and `create` is False.
            LandscapeError: the file is no landscape.
        """
        if not create and not Path(path).exists():
            raise FileNotFoundError(f"There is no landscape at {path}. Run a search first, or check the path.")
        return cls(path)

    def close(self) -> None:
        """Closes the file; one without a path is gone then."""
        self._finalizer()

    def __enter__(self) -> "Landscape":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return int(self._read("SELECT COUNT(*) FROM number_key_values WHERE key = 'minimum'")[0][0])

    # Writing

    def bind(self, molecule: "Molecule") -> None:
        """States whose landscape this is; a landscape of another molecule refuses.

        Raises:
            LandscapeError: the landscape belongs to another molecule.
        """
        mine, theirs = self._metadata(), _signature(molecule)
        if not mine:
            with self.transaction():
                self._connection.execute("DELETE FROM information WHERE name = 'metadata'")
                values = ("metadata", json.dumps({"landscape": theirs}))
                self._connection.execute("INSERT INTO information VALUES (?, ?)", values)
            return
        different = [key for key in theirs if key != "name" and mine.get(key) != theirs[key]]
        if different:
            raise LandscapeError(
                f"{self.path.name} is the landscape of {mine.get('name')!r}, which differs from "
                f"{theirs['name']!r} in {', '.join(different)}. Give each molecule a landscape of its own."
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside becomes visible to others at once, at the end; nothing of it after an error."""
        with self._lock:
            self._depth += 1
            try:
                yield
            except BaseException:
                self._connection.rollback()
                self._last = None
                raise
            else:
                if self._depth == 1:
                    self._connection.commit()
            finally:
                self._depth -= 1

    def add(
        self, energy: float, positions: Any, *, call: int = 0, walker: int = -1, strategy: str = "", label: str = ""
    ) -> int:
        """Stores a minimum (eV, Å) without asking whether it is new; returns its number."""
        with self.transaction():
            if self._last is None:
                (row,) = self._read("SELECT MAX(value) FROM number_key_values WHERE key = 'minimum'")
                self._last = int(row[0] or 0)
            self._write(energy, positions, {"minimum": self._last + 1}, call, walker, strategy, label)
            self._last += 1
        return self._last

    def set_aside(
        self, reason: str, energy: float, positions: Any, *, call: int = 0, walker: int = -1, strategy: str = ""
    ) -> None:
        """Keeps a structure that is no minimum of this landscape, with the reason in words."""
        with self.transaction():
            self._write(energy, positions, {"set_aside": reason}, call, walker, strategy, "")

    def add_hop(self, hop: Hop) -> None:
        """Stores an attempt to leave a minimum."""
        values = (hop.call, hop.walker, hop.strategy, hop.start, hop.finish, hop.barrier, int(hop.accepted))
        with self.transaction():
            self._connection.execute("INSERT INTO hops VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", values)

    def label(self, minimum: int, label: str) -> None:
        """Names a minimum."""
        with self.transaction():
            self._database.update(self._row(minimum), label=label)

    def rewind(self, call: int) -> None:
        """Forgets hops and set-aside structures after force call `call`; minima stay."""
        with self.transaction():
            self._connection.execute("DELETE FROM hops WHERE call > ?", (call,))
            late = "SELECT id FROM number_key_values WHERE key = 'call' AND value > ?"
            rows = self._read(f"SELECT id FROM text_key_values WHERE key = 'set_aside' AND id IN ({late})", (call,))
            for table in ("keys", "text_key_values", "number_key_values", "species", "systems"):
                self._connection.executemany(f"DELETE FROM {table} WHERE id = ?", rows)

    # Reading

    def minima(self, since: int = 0) -> Minima:
        """Minima with numbers above `since`, by number."""
        rows = self._read(_MINIMA, (since,))
        keys = [json.loads(row[3]) for row in rows]
        visits = self.visits()
        ids = np.array([int(row[0]) for row in rows], int)
        return Minima(
            ids=ids,
            energies=np.array([row[1] for row in rows], float),
            positions=self._positions([row[2] for row in rows]),
            visits=np.array([visits.get(int(i), 0) for i in ids], int),
            calls=np.array([key["call"] for key in keys], int),
            walkers=np.array([key["walker"] for key in keys], int),
            strategies=tuple(key.get("strategy", "") for key in keys),
            labels=tuple(key.get("label", "") for key in keys),
        )

    def visits(self) -> dict[int, int]:
        """How often searches arrived at each minimum, by number."""
        return dict(self._read("SELECT finish, COUNT(*) FROM hops GROUP BY finish"))

    def hops(self, since: int = 0) -> list[Hop]:
        """Hops after the first `since` ones, in order."""
        rows = self._read(
            "SELECT start, finish, call, walker, strategy, barrier, accepted FROM hops ORDER BY id LIMIT -1 OFFSET ?",
            (since,),
        )
        return [Hop(*row[:6], accepted=bool(row[6])) for row in rows]

    def transitions(self) -> Transitions:
        """Pairs of minima between which walkers hopped, with the lowest upper bound of the barrier seen."""
        rows = self._read(
            "SELECT MIN(start, finish), MAX(start, finish), MIN(barrier), COUNT(*) FROM hops "
            "WHERE start IS NOT NULL AND start != finish GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return Transitions(
            pairs=np.array([row[:2] for row in rows], int).reshape(-1, 2),
            barriers=np.array([np.nan if row[2] is None else row[2] for row in rows], float),
            hops=np.array([row[3] for row in rows], int),
        )

    def set_aside_structures(self) -> list[SetAside]:
        """Structures set aside, in order."""
        found = []
        for energy, blob, pairs in self._read(_SET_ASIDE):
            keys = json.loads(pairs)
            position = np.frombuffer(blob).reshape(-1, 3)
            energy = np.nan if energy is None else energy
            found.append(
                SetAside(keys["set_aside"], energy, position, keys["call"], keys["walker"], keys.get("strategy", ""))
            )
        return found

    def growth(self) -> tuple[np.ndarray, np.ndarray]:
        """Growth curve: force calls at which minima were found, and how many were known then."""
        rows = self._read(
            "SELECT calls.value FROM number_key_values AS calls JOIN number_key_values AS minima "
            "ON calls.id = minima.id WHERE calls.key = 'call' AND minima.key = 'minimum' ORDER BY calls.value"
        )
        return np.array([row[0] for row in rows], int), np.arange(1, len(rows) + 1)

    def system(self, minimum: int) -> System:
        """A minimum as a `System`, with the charge and spin of the molecule."""
        atoms = self._database.get(id=self._row(minimum)).toatoms()
        signature = self._metadata()
        atoms.info.update(charge=signature.get("charge", 0.0), multiplicity=signature.get("spin", 0.0) + 1)
        return System.from_ase(atoms)

    @property
    def numbers(self) -> np.ndarray:
        """Atomic numbers; empty as long as the landscape belongs to no molecule."""
        return np.array(self._metadata().get("numbers", []), int)

    @property
    def bonds(self) -> np.ndarray:
        """Bonded pairs (bonds, 2) of the molecule."""
        return np.array(self._metadata().get("bonds", []), int).reshape(-1, 2)

    @property
    def calls(self) -> int:
        """Force calls at the latest entry."""
        latest = self._read(
            "SELECT MAX(value) FROM number_key_values WHERE key = 'call' UNION ALL SELECT MAX(call) FROM hops"
        )
        return int(max(row[0] or 0 for row in latest))

    # Inside

    def _prepare(self) -> None:
        with self._database.managed_connection():
            pass  # creates the tables of ase in a new file, refuses files of a later format
        self._connection.execute("PRAGMA journal_mode=WAL")  # readers and the writer do not wait for each other
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(_HOPS)
        self._connection.execute("CREATE INDEX IF NOT EXISTS hops_finish ON hops(finish)")
        self._connection.commit()

    def _write(
        self, energy: float, positions: Any, keys: dict[str, Any], call: int, walker: int, strategy: str, label: str
    ) -> None:
        from ase import Atoms
        from ase.calculators.singlepoint import SinglePointCalculator

        numbers = self.numbers
        positions = np.asarray(positions, float)
        if positions.shape != (len(numbers), 3):
            raise LandscapeError(
                f"Structures of this landscape have shape ({len(numbers)}, 3), got {positions.shape}. "
                "Call `bind(molecule)` once before the first structure."
            )
        atoms = Atoms(numbers, positions)
        if np.isfinite(energy):
            atoms.calc = SinglePointCalculator(atoms, energy=float(energy))
        texts = {key: text for key, text in (("strategy", strategy), ("label", label)) if text}
        self._database.write(atoms, key_value_pairs={**keys, "call": int(call), "walker": int(walker), **texts})

    def _read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def _metadata(self) -> dict[str, Any]:
        rows = self._read("SELECT value FROM information WHERE name = 'metadata'")
        return json.loads(rows[0][0]).get("landscape", {}) if rows else {}

    def _positions(self, blobs: list[bytes]) -> np.ndarray:
        return np.frombuffer(b"".join(blobs)).reshape(len(blobs), len(self.numbers), 3)

    def _row(self, minimum: int) -> int:
        rows = self._read("SELECT id FROM number_key_values WHERE key = 'minimum' AND value = ?", (minimum,))
        if not rows:
            raise KeyError(f"There is no minimum {minimum}; the landscape has {len(self)}.")
        return int(rows[0][0])


def _signature(molecule: "Molecule") -> dict[str, Any]:
    system = molecule.system
    return {
        "format": FORMAT,
        "name": molecule.name,
        "numbers": np.asarray(system.numbers).tolist(),
        "bonds": np.sort(np.asarray(molecule.bonds, int).reshape(-1, 2), axis=1).tolist(),
        "charge": float(system.charge),
        "spin": float(system.spin),
    }


def _release(connection: sqlite3.Connection, folder: str | None) -> None:
    connection.close()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
