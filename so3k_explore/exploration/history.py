"""What all walkers know together: minima, visits, and the landscape they are written to."""

from typing import Any

import numpy as np

from so3k_explore.exploration.coverage import Coverage, coverage_below, estimate_coverage
from so3k_explore.exploration.identity import Identity, KnownMinima
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.records import Hop
from so3k_explore.io.molecule import Molecule


class History:
    """The minima that a search knows.

    Minima of the landscape that are younger than the search (it was interrupted, and goes on from an older state) are
    *pending*: they are found again, and then keep their numbers, so that none is lost and none is stored twice.
    """

    def __init__(self, molecule: Molecule, identity: Identity, landscape: Landscape) -> None:
        self.known = KnownMinima(molecule.numbers, molecule.bonds, identity)
        self._pending = KnownMinima(molecule.numbers, molecule.bonds, identity)
        self._visits: dict[int, int] = {}
        self.landscape = landscape
        landscape.bind(molecule)

    def __len__(self) -> int:
        return len(self.known)

    def recall(self, until: int) -> None:
        """Reads the landscape as it was at force call `until`; what no walker found is known whenever it came."""
        self.landscape.rewind(until)
        stored = self.landscape.minima()
        settled = (stored.calls <= until) | (stored.walkers < 0)
        for number, energy, positions, known in zip(
            stored.ids, stored.energies, stored.positions, settled, strict=True
        ):
            (self.known if known else self._pending).add(int(number), float(energy), positions)
        self._visits = self.landscape.visits()

    def visits(self, minimum: int) -> int:
        """How often walkers arrived at a minimum."""
        return self._visits.get(minimum, 0)

    def coverage(self) -> Coverage:
        """How much of the landscape is known, by the visits so far."""
        return estimate_coverage([self.visits(number) for number in self.known.ids])

    def coverage_below(self, window: float) -> Coverage:
        """The same of the minima at most `window` (eV) above the lowest one."""
        return coverage_below(self.known.energies, [self.visits(i) for i in self.known.ids], window)

    def store(self, energy: float, positions: np.ndarray, **found: Any) -> int:
        """Remembers a new minimum (eV, Å) and returns its number."""
        number = self._pending.find(energy, positions)
        if number is None:
            mirror = self.known.find_mirror_image(energy, positions)
            number = self.landscape.add(energy, positions, mirror=mirror, **found)
        else:
            self._pending.discard(number)
        self.known.add(number, energy, positions)
        return number

    def hop(self, hop: Hop) -> None:
        """Remembers an arrival."""
        self.landscape.add_hop(hop)
        self._visits[hop.finish] = self.visits(hop.finish) + 1

    def worth(self, energy: float) -> float:
        """How much a new minimum at this energy (eV) counts: the squared share of known ones that lie no lower."""
        return float((1 - np.searchsorted(self.known.energies, energy) / len(self)) ** 2)

    def elsewhere(self, rng: np.random.Generator) -> int:
        """A known minimum to go on from: rather low, and rarely visited."""
        ids, energies = self.known.ids, self.known.energies
        visits = np.array([self.visits(i) for i in ids])
        weights = np.exp(-(energies - energies[0]) / max(float(energies.std()), 1e-6)) / (1 + visits)
        return int(rng.choice(ids, p=weights / weights.sum()))
