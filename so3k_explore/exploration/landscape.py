"""The landscape of a molecule on disk: minima, saddles, structures set aside with the reason, and hops between minima.

One SQLite file, written through `ase.db` (see `storage`), so that ``ase db landscape.db`` and ``ase gui`` open it.

* Each minimum is a row with the keys ``minimum`` (its number, from 1), ``call`` (force calls when it was found),
  ``walker`` and ``strategy``.
* Each saddle is a row with ``saddle`` (its number, from 1), ``first`` and ``second`` (the minima it joins),
  ``frequency`` (of the imaginary mode, cm⁻¹, negative), ``call`` and ``strategy``.
* Each structure set aside is a row with ``set_aside`` (the reason).

Hops, and attempts to find saddles, are in tables of their own, which ase ignores: visits, transitions, acceptance and
growth are counted from them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore.exploration.records import Attempt, Hop, Minima, Saddles, SetAside, Transitions
from so3k_explore.exploration.storage import LandscapeError as LandscapeError
from so3k_explore.exploration.storage import Storage
from so3k_explore.system import System

if TYPE_CHECKING:
    from so3k_explore.io.molecule import Molecule

FORMAT = 1


class Landscape:
    """Minima, saddles, hops and structures set aside of one molecule. Without a path it lives in a temporary file.

    All methods may be called from several threads.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._storage = Storage(path)
        self.path = self._storage.path

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
        self._storage.close()

    def __enter__(self) -> "Landscape":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self._storage.count("minimum")

    # Writing

    def bind(self, molecule: "Molecule") -> None:
        """States whose landscape this is; a landscape of another molecule refuses.

        Raises:
            LandscapeError: the landscape belongs to another molecule.
        """
        mine, theirs = self._storage.metadata, _signature(molecule)
        if not mine:
            self._storage.metadata = theirs
            return
        mine["bonds"] = sorted(mine["bonds"])  # older files keep them in the order in which they were given
        different = [key for key in theirs if key != "name" and mine.get(key) != theirs[key]]
        if different:
            raise LandscapeError(
                f"{self.path.name} is the landscape of {mine.get('name')!r}, which differs from "
                f"{theirs['name']!r} in {', '.join(different)}. Give each molecule a landscape of its own."
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside becomes visible to others at once, at the end; nothing of it after an error."""
        with self._storage.transaction():
            yield

    def add(
        self,
        energy: float,
        positions: Any,
        *,
        call: int = 0,
        walker: int = -1,
        strategy: str = "",
        label: str = "",
        mirror: int | None = None,
    ) -> int:
        """Stores a minimum (eV, Å) without asking whether it is new; returns its number.

        Without a walker it came from elsewhere; `mirror` is the number of the minimum that is its mirror image.
        """
        keys = {"call": int(call), "walker": int(walker), "strategy": strategy, "label": label}
        if mirror is not None:
            keys["mirror"] = int(mirror)
        return self._storage.add_numbered("minimum", energy, positions, keys)

    def add_saddle(
        self,
        first: int,
        second: int,
        energy: float,
        positions: Any,
        *,
        frequency: float,
        call: int = 0,
        method: str = "",
    ) -> int:
        """Stores a saddle (eV, Å) between two minima without asking whether it is new; returns its number.

        Args:
            first: number of one minimum.
            second: number of the other one; the same for a degenerate rearrangement.
            energy: eV.
            positions: (atoms, 3), Å.
            frequency: of the one imaginary mode, cm⁻¹, negative.
            call: force calls when it was found.
            method: how it was found.

        Raises:
            KeyError: one of the minima does not exist.
        """
        for minimum in (first, second):
            self._row(minimum)
        first, second = sorted((int(first), int(second)))
        keys = {"first": first, "second": second, "frequency": float(frequency), "call": int(call), "strategy": method}
        return self._storage.add_numbered("saddle", energy, positions, keys)

    def set_aside(
        self, reason: str, energy: float, positions: Any, *, call: int = 0, walker: int = -1, strategy: str = ""
    ) -> None:
        """Keeps a structure that is no minimum of this landscape, with the reason in words."""
        keys = {"set_aside": reason, "call": int(call), "walker": int(walker), "strategy": strategy}
        self._storage.add(energy, positions, keys)

    def add_hop(self, hop: Hop) -> None:
        """Stores an attempt to leave a minimum."""
        values = (hop.call, hop.walker, hop.strategy, hop.start, hop.finish, hop.barrier, int(hop.accepted))
        self._storage.execute("INSERT INTO hops VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", values)

    def add_attempt(self, attempt: Attempt) -> None:
        """Stores an attempt to find a saddle."""
        values = (attempt.call, attempt.first, attempt.second, attempt.method, attempt.saddle, attempt.reason)
        self._storage.execute("INSERT INTO attempts VALUES (NULL, ?, ?, ?, ?, ?, ?)", values)

    def label(self, minimum: int, label: str) -> None:
        """Names a minimum."""
        self._storage.label(self._row(minimum), label)

    def rewind(self, call: int) -> None:
        """Forgets hops of walkers, and structures they set aside, after force call `call`; minima and saddles stay."""
        with self.transaction():
            self._storage.execute("DELETE FROM hops WHERE call > ? AND walker >= 0", (call,))
            self._storage.remove_noted("set_aside", after=call)

    # Reading

    def minima(self, since: int = 0) -> Minima:
        """Minima with numbers above `since`, by number."""
        rows = self._storage.numbered("minimum", since)
        keys = [row[3] for row in rows]
        visits = self.visits()
        ids = np.array([row[0] for row in rows], int)
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

    def saddles(self) -> Saddles:
        """Saddles, by number."""
        rows = self._storage.numbered("saddle")
        keys = [row[3] for row in rows]
        return Saddles(
            ids=np.array([row[0] for row in rows], int),
            pairs=np.array([(key["first"], key["second"]) for key in keys], int).reshape(-1, 2),
            energies=np.array([row[1] for row in rows], float),
            positions=self._positions([row[2] for row in rows]),
            frequencies=np.array([key["frequency"] for key in keys], float),
            calls=np.array([key["call"] for key in keys], int),
            methods=tuple(key.get("strategy", "") for key in keys),
        )

    def attempts(self) -> list[Attempt]:
        """Attempts to find saddles, in order."""
        query = "SELECT first, second, call, method, saddle, reason FROM attempts ORDER BY id"
        return [Attempt(*row) for row in self._storage.read(query)]

    def visits(self) -> dict[int, int]:
        """How often searches arrived at each minimum, by number."""
        return dict(self._storage.read("SELECT finish, COUNT(*) FROM hops GROUP BY finish"))

    def hops(self, since: int = 0) -> list[Hop]:
        """Hops after the first `since` ones, in order."""
        rows = self._storage.read(
            "SELECT start, finish, call, walker, strategy, barrier, accepted FROM hops ORDER BY id LIMIT -1 OFFSET ?",
            (since,),
        )
        return [Hop(*row[:6], accepted=bool(row[6])) for row in rows]

    def transitions(self) -> Transitions:
        """Pairs of minima between which walkers hopped, with the lowest upper bound of the barrier seen."""
        rows = self._storage.read(
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
        return [
            SetAside(reason, energy, positions, keys["call"], keys["walker"], keys.get("strategy", ""))
            for reason, energy, positions, keys in self._storage.noted("set_aside")
        ]

    def growth(self) -> tuple[np.ndarray, np.ndarray]:
        """Growth curve: force calls at which minima were found, and how many were known then."""
        rows = self._storage.read(
            "SELECT calls.value FROM number_key_values AS calls JOIN number_key_values AS minima "
            "ON calls.id = minima.id WHERE calls.key = 'call' AND minima.key = 'minimum' ORDER BY calls.value"
        )
        return np.array([row[0] for row in rows], int), np.arange(1, len(rows) + 1)

    def system(self, minimum: int) -> System:
        """A minimum as a `System`, with the charge and spin of the molecule."""
        atoms = self._storage.atoms(self._row(minimum))
        signature = self._storage.metadata
        atoms.info.update(charge=signature.get("charge", 0.0), multiplicity=signature.get("spin", 0.0) + 1)
        return System.from_ase(atoms)

    @property
    def storage(self) -> Storage:
        """The file, in which other modules keep tables of their own."""
        return self._storage

    @property
    def version(self) -> tuple[int, int]:
        """Changes whenever somebody has written to the file, be it this `Landscape` or another one."""
        return self._storage.version

    @property
    def name(self) -> str:
        """Name of the molecule; empty as long as the landscape belongs to none."""
        return self._storage.metadata.get("name", "")

    @property
    def numbers(self) -> np.ndarray:
        """Atomic numbers; empty as long as the landscape belongs to no molecule."""
        return np.array(self._storage.metadata.get("numbers", []), int)

    @property
    def bonds(self) -> np.ndarray:
        """Bonded pairs (bonds, 2) of the molecule."""
        return np.array(self._storage.metadata.get("bonds", []), int).reshape(-1, 2)

    @property
    def calls(self) -> int:
        """Force calls at the latest entry."""
        latest = self._storage.read(
            "SELECT MAX(value) FROM number_key_values WHERE key = 'call' "
            "UNION ALL SELECT MAX(call) FROM hops UNION ALL SELECT MAX(call) FROM attempts"
        )
        return int(max(row[0] or 0 for row in latest))

    # Inside

    def _positions(self, each: list[np.ndarray]) -> np.ndarray:
        return np.array(each, float).reshape(len(each), len(self.numbers), 3)

    def _row(self, minimum: int) -> int:
        query = "SELECT id FROM number_key_values WHERE key = 'minimum' AND value = ?"
        rows = self._storage.read(query, (int(minimum),))
        if not rows:
            raise KeyError(f"There is no minimum {minimum}; the landscape has {len(self)}.")
        return int(rows[0][0])


def _signature(molecule: "Molecule") -> dict[str, Any]:
    system = molecule.system
    return {
        "format": FORMAT,
        "name": molecule.name,
        "numbers": np.asarray(system.numbers).tolist(),
        "bonds": sorted(np.sort(np.asarray(molecule.bonds, int).reshape(-1, 2), axis=1).tolist()),
        "charge": float(system.charge),
        "spin": float(system.spin),
    }
