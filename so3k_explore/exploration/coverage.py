r"""How many minima are still missing, from how often the known ones were visited.

With :math:`f_1` minima seen once and :math:`f_2` seen twice in :math:`n` arrivals, the probability that the next
one finds a new minimum is about :math:`f_1/n` (Good, Biometrika 40, 237 (1953)), and at least

.. math:: \hat S = S + \frac{n-1}{n}\,\frac{f_1 (f_1 - 1)}{2 (f_2 + 1)}

minima exist (Chao, Scand. J. Stat. 11, 265 (1984), bias-corrected). Arrivals of a search are no independent draws: it
avoids what it knows, and never reaches what no strategy proposes. Read the numbers as lower bounds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Coverage:
    """Estimates from visit counts."""

    minima: int  # seen
    arrivals: int
    unseen_probability: float  # that the next arrival is in a new minimum; 1 before the first
    estimated_minima: float  # lower bound of the number that exist

    @property
    def fraction(self) -> float:
        """Share of the estimated minima that is known."""
        return self.minima / self.estimated_minima if self.estimated_minima else 0.0


def estimate_coverage(visits: Any) -> Coverage:
    """Coverage from the number of visits of each minimum; those never visited (given beforehand) count once."""
    visits = np.maximum(np.asarray(visits, int), 1)
    arrivals, once, twice = int(visits.sum()), int((visits == 1).sum()), int((visits == 2).sum())
    if not arrivals:
        return Coverage(0, 0, 1.0, 0.0)
    missing = (arrivals - 1) / arrivals * once * (once - 1) / (2 * (twice + 1))
    return Coverage(len(visits), arrivals, once / arrivals, len(visits) + missing)
