r"""Parallel tempering with periodic quenches, as work for walkers of a pool.

Replicas of the molecule live at temperatures of a ladder. A walker that follows this strategy carries one of them for a
stretch of dynamics and then relaxes: the structure where the stretch ended stays with the replica, the minimum goes
into the landscape. Replicas that are at rest exchange temperatures with neighbours on the ladder, with the Metropolis
probability :math:`\min(1, e^{(\beta_i - \beta_j)(E_i - E_j)})` (Swendsen & Wang, Phys. Rev. Lett. 57, 2607 (1986);
Earl & Deem, Phys. Chem. Chem. Phys. 7, 3910 (2005)).
"""

import math

import numpy as np

from so3k_explore import units
from so3k_explore.typing import Replaceable, pytree

RUNGS = 6  # at least; one for each walker
LADDER = (0.375, 1.25)  # lowest and highest temperature, in units of that of the search
NOBODY = -1


@pytree
class Replicas(Replaceable):
    """The replicas between two stretches. Arrays are changed in place, as those of the ledger are."""

    positions: np.ndarray  # (replicas, atoms, 3), Å
    energy: np.ndarray  # (replicas,) eV; NaN before the first stretch
    temperature: np.ndarray  # (replicas,) K
    carrier: np.ndarray  # (replicas,) walker that moves it; -1: it is at rest
    stretches: np.ndarray  # (replicas,) how often it was moved
    exchanges: np.ndarray  # (2,) tried and made

    def pick(self, walker: int) -> int:
        """The replica at rest that was moved least becomes this walker's; there is one for each walker."""
        resting = np.flatnonzero(self.carrier == NOBODY)
        replica = int(resting[np.argmin(self.stretches[resting])])
        self.carrier[replica] = walker
        return replica

    def carried_by(self, walker: int) -> int | None:
        """The replica that a walker moves, if any."""
        found = np.flatnonzero(self.carrier == walker)
        return int(found[0]) if len(found) else None

    def land(self, replica: int, positions: np.ndarray, energy: float, rng: np.random.Generator) -> None:
        """Ends a stretch at positions (Å) with a potential energy (eV), and tries an exchange."""
        self.positions[replica], self.energy[replica] = positions, energy
        self.carrier[replica] = NOBODY
        self.stretches[replica] += 1
        self._exchange(replica, rng)

    def lose(self, replica: int) -> None:
        """Ends a stretch that went wrong: the replica stays where it was."""
        self.carrier[replica] = NOBODY
        self.stretches[replica] += 1

    def _exchange(self, replica: int, rng: np.random.Generator) -> None:
        """Tries to exchange temperatures with the one above or below on the ladder, if it is at rest, too."""
        order = np.argsort(self.temperature, kind="stable")
        place = int(np.flatnonzero(order == replica)[0]) + (1 if rng.random() < 0.5 else -1)
        if not 0 <= place < len(order):
            return
        other = int(order[place])
        if self.carrier[other] != NOBODY or not np.isfinite(self.energy[other]):
            return
        self.exchanges[0] += 1
        beta = 1 / (units.KB * self.temperature[[replica, other]])
        logarithm = (beta[0] - beta[1]) * (self.energy[replica] - self.energy[other])
        if math.log(max(rng.random(), 1e-300)) < logarithm:
            self.temperature[[replica, other]] = self.temperature[[other, replica]]
            self.exchanges[1] += 1


def first_replicas(walkers: int, temperature: float, atoms: int) -> Replicas:
    """Replicas before their first stretch, which begins at a minimum, for a search at a temperature (K)."""
    low, high = (factor * temperature for factor in LADDER)
    rungs = max(RUNGS, walkers)
    return Replicas(
        positions=np.zeros((rungs, atoms, 3)),
        energy=np.full(rungs, np.nan),
        temperature=np.geomspace(low, high, rungs),
        carrier=np.full(rungs, NOBODY),
        stretches=np.zeros(rungs, int),
        exchanges=np.zeros(2, int),
    )
