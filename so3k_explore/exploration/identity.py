r"""Have I been here before? When two relaxed structures are the same minimum.

The tests go from cheap to costly, and none of the cheap ones can reject what the last one would accept:

1. *Energy*: both lie in a window of a few meV. A window alone does not do: n-hexane has distinct minima 1 meV apart.
2. *Shape*: the singular values of the centred positions divided by :math:`\sqrt N`. They are invariant under rotation,
   inversion and permutation, and by Mirsky's inequality their distance is never larger than the RMSD.
3. *Fingerprint*: the sorted distances between atoms, element pair by element pair; equally invariant, and never more
   than twice the RMSD apart (root mean square). Means over blocks of it, which are never farther apart, come first.
4. *RMSD* over rotations, automorphisms of the molecular graph and, where wanted, reflection.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from so3k_explore.analysis.alignment import align
from so3k_explore.analysis.symmetry import Symmetry

CHIRALITIES = ("merge", "same", "mirror")
BLOCKS = 32  # of a fingerprint, about


@dataclass(frozen=True)
class Identity:
    """What counts as a minimum, and below which thresholds two relaxed structures count as the same one.

    Mirror images "merge" into one minimum, or only structures of the "same" handedness are one. With "mirror" they are
    two as well, and the second one found knows the first (`mirror_images`).
    """

    energy_window: float = 0.003  # eV
    fingerprint: float = 0.25  # Å
    rmsd: float = 0.125  # Å
    chirality: str = "merge"
    check_hessian: bool = True  # new minima must have no imaginary frequency

    def __post_init__(self) -> None:
        for name in ("energy_window", "fingerprint", "rmsd"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` must be positive, got {getattr(self, name)}.")
        if self.chirality not in CHIRALITIES:
            raise ValueError(f"`chirality` must be one of {', '.join(CHIRALITIES)}, got {self.chirality!r}.")


def shape_of(positions: np.ndarray) -> np.ndarray:
    """Three invariants of the overall shape, Å: singular values of the centred positions over the root of atoms."""
    centred = positions - positions.mean(axis=-2, keepdims=True)
    return np.linalg.svd(centred, compute_uv=False) / positions.shape[-2] ** 0.5


class Fingerprint:
    """Sorted distances between atoms, element pair by element pair."""

    def __init__(self, numbers: Any) -> None:
        numbers = np.asarray(numbers, int)
        self._i, self._j = np.triu_indices(len(numbers), k=1)
        low, high = np.sort([numbers[self._i], numbers[self._j]], axis=0)
        self._kind = low * 1000 + high
        _, counts = np.unique(self._kind, return_counts=True)
        sizes = [part for count in counts.tolist() for part in _shared_out(count, BLOCKS / len(self._kind))]
        self._starts = np.cumsum([0, *sizes])[:-1]
        self._scales = 1.0 / np.sqrt(np.array(sizes, float) * len(self._kind))

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """Distances in Å, sorted inside each element pair."""
        distances = np.linalg.norm(positions[self._i] - positions[self._j], axis=-1)
        return distances[np.lexsort((distances, self._kind))]

    def coarse(self, distances: np.ndarray) -> np.ndarray:
        """Some thirty numbers for a fingerprint; their Euclidean distance is at most the `distance` of fingerprints."""
        return np.add.reduceat(distances, self._starts) * self._scales if len(distances) else distances

    @staticmethod
    def distance(one: np.ndarray, other: np.ndarray) -> float:
        """Root-mean-square difference, Å."""
        return float(np.sqrt(np.mean((one - other) ** 2))) if len(one) else 0.0


def _shared_out(count: int, density: float) -> list[int]:
    """Sizes of blocks, about `density` of them for each of so many distances."""
    blocks = min(count, max(1, round(count * density)))
    return [len(part) for part in np.array_split(np.arange(count), blocks)]


class _Rows:
    """Rows of numbers in one array that grows."""

    def __init__(self) -> None:
        self._rows, self._count = np.zeros((0, 0)), 0

    def append(self, row: np.ndarray) -> int:
        """Keeps a row and returns its place."""
        if self._count == len(self._rows):
            larger = np.zeros((max(64, 2 * self._count), len(row)))
            if self._count:
                larger[: self._count] = self._rows
            self._rows = larger
        self._rows[self._count] = row
        self._count += 1
        return self._count - 1

    def __getitem__(self, places: list[int]) -> np.ndarray:
        return self._rows[places]


class KnownMinima:
    """Minima of one molecule, sorted by energy, that can be asked whether a structure is among them."""

    def __init__(self, numbers: Any, bonds: Any, identity: Identity) -> None:
        self.identity = identity
        self._symmetry = Symmetry.of(numbers, bonds)
        self._fingerprint = Fingerprint(numbers)
        self._energies: list[float] = []  # sorted, as are the next two
        self._ids: list[int] = []
        self._places: list[int] = []  # in the rows
        self._rows = _Rows()  # shapes, then coarse fingerprints
        self._positions: dict[int, np.ndarray] = {}
        self._energy_of: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, minimum: int) -> bool:
        return minimum in self._positions

    @property
    def ids(self) -> tuple[int, ...]:
        """Minima by rising energy."""
        return tuple(self._ids)

    @property
    def energies(self) -> np.ndarray:
        """Energies in the order of `ids`, eV."""
        return np.array(self._energies)

    def latest(self, count: int) -> tuple[int, ...]:
        """The minima added last, at most `count` of them."""
        return tuple(islice(reversed(self._positions), count))

    def positions(self, minimum: int) -> np.ndarray:
        """Positions (atoms, 3) of a minimum, Å."""
        return self._positions[minimum]

    def energy(self, minimum: int) -> float:
        """Energy of a minimum, eV."""
        return self._energy_of[minimum]

    def add(self, minimum: int, energy: float, positions: Any) -> None:
        """Remembers a minimum (energy in eV, positions in Å)."""
        positions = np.array(positions, float)
        place = bisect_right(self._energies, energy)
        self._energies.insert(place, float(energy))
        self._ids.insert(place, minimum)
        self._places.insert(place, self._rows.append(self._described(positions)[0]))
        self._positions[minimum] = positions
        self._energy_of[minimum] = float(energy)

    def discard(self, minimum: int) -> None:
        """Forgets a minimum."""
        place = self._ids.index(minimum)
        del self._energies[place], self._ids[place], self._places[place]
        del self._positions[minimum], self._energy_of[minimum]

    def find(self, energy: float, positions: Any, above: float = 0.0) -> int | None:
        """The known minimum that this structure is, the closest one if there are several; None for a new one.

        Args:
            energy: eV.
            positions: (atoms, 3), Å.
            above: how much higher than the minimum the structure may lie because it is not fully relaxed, eV.
        """
        positions = np.asarray(positions, float)
        best, closest = None, self.identity.rmsd
        for minimum in self._candidates(energy, positions, above):
            found = align(
                positions,
                self._positions[minimum],
                self._symmetry,
                mirror=self.identity.chirality == "merge",
                enough=self.identity.rmsd / 5,
            )
            if found.rmsd < closest:
                best, closest = minimum, found.rmsd
        return best

    def find_mirror_image(self, energy: float, positions: Any) -> int | None:
        """The known minimum that is the mirror image of this new one, where that is of interest ("mirror")."""
        if self.identity.chirality != "mirror":
            return None
        return self.find(energy, -np.asarray(positions, float))

    def _candidates(self, energy: float, positions: np.ndarray, above: float) -> Iterator[int]:
        window = self.identity.energy_window
        first = bisect_left(self._energies, energy - window - above)
        last = bisect_right(self._energies, energy + window)
        if first == last:
            return
        described, mine = self._described(positions)
        difference = self._rows[self._places[first:last]] - described
        near = np.linalg.norm(difference[:, :3], axis=1) < self.identity.rmsd
        near &= np.linalg.norm(difference[:, 3:], axis=1) < self.identity.fingerprint
        for place in np.flatnonzero(near):
            minimum = self._ids[first + int(place)]
            theirs = self._fingerprint(self._positions[minimum])
            if Fingerprint.distance(mine, theirs) < self.identity.fingerprint:
                yield minimum

    def _described(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shape and coarse fingerprint in one row, and the whole fingerprint."""
        fingerprint = self._fingerprint(positions)
        return np.concatenate([shape_of(positions), self._fingerprint.coarse(fingerprint)]), fingerprint
