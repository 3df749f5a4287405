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


@dataclass(frozen=True, eq=False)
class Saddles:
    """Saddles of index one as arrays, by number."""

    ids: np.ndarray  # (saddles,) their numbers
    pairs: np.ndarray  # (saddles, 2) numbers of the minima they join, smaller first; equal: degenerate rearrangement
    energies: np.ndarray  # (saddles,) eV
    positions: np.ndarray  # (saddles, atoms, 3) Å
    frequencies: np.ndarray  # (saddles,) cm⁻¹ of the one imaginary mode, negative
    calls: np.ndarray  # (saddles,) force calls when found
    methods: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Attempt:
    """One attempt to find a saddle, and what came of it."""

    first: int  # minimum that the search left, or the smaller one of a pair to be joined
    second: int | None  # the other one of the pair; None: any
    call: int
    method: str
    saddle: int | None  # number of the saddle that was found; None: none
    reason: str  # why none was found, or what was found instead, in words
