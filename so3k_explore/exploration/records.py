"""What a landscape holds, as small frozen records."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Minima:
    """Minima as arrays, by number."""

    ids: np.ndarray  # (minima,) their numbers
    energies: np.ndarray  # (minima,) eV
    positions: np.ndarray  # (minima, atoms, 3) Å
    visits: np.ndarray  # (minima,) how often a search arrived there
    calls: np.ndarray  # (minima,) force calls when found
    walkers: np.ndarray  # (minima,) which walker found it; -1: unknown
    strategies: tuple[str, ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class SetAside:
    """A structure that is no minimum of this landscape, and why."""

    reason: str
    energy: float  # eV; NaN when unknown
    positions: np.ndarray  # (atoms, 3) Å
    call: int
    walker: int
    strategy: str


@dataclass(frozen=True, eq=False)
class Transitions:
    """Pairs of minima between which a search hopped."""

    pairs: np.ndarray  # (transitions, 2) numbers of minima, the smaller first
    barriers: (
        np.ndarray
    )  # (transitions,) eV, potential energy that suffices: an upper bound of the saddle; NaN: none known
    hops: np.ndarray  # (transitions,) how often


@dataclass(frozen=True)
class Hop:
    """One attempt to leave a minimum, and where it ended."""

    start: int | None  # None: it did not start from a minimum
    finish: int
    call: int
    walker: int
    strategy: str
    barrier: float | None  # eV, highest potential energy on the way; None when the way was not continuous
    accepted: bool
