r"""How many minima are still missing, from how often the known ones were visited.

With :math:`f_1` minima seen once and :math:`f_2` seen twice in :math:`n` arrivals, the probability that the next
one finds a new minimum is about :math:`f_1/n` (Good, Biometrika 40, 237 (1953)), and at least

.. math:: \hat S = S + \frac{n-1}{n}\,\frac{f_1 (f_1 - 1)}{2 (f_2 + 1)}

minima exist (Chao, Scand. J. Stat. 11, 265 (1984), bias-corrected). The 95 % interval takes the logarithm of the number
of missing minima as normally distributed (Chao, Biometrics 43, 783 (1987)); where nothing was seen only once, it comes
from the chance that minima as often visited as the known ones were missed.

Arrivals of a search are no independent draws: it avoids what it knows, and never reaches what no strategy proposes.
Read the numbers as lower bounds. Low minima are visited more often than high ones, so estimates for an energy window
are better than those for all.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

QUANTILE = 1.959964  # of the normal distribution, for 95 %


@dataclass(frozen=True)
class Coverage:
    """Estimates from visit counts."""

    minima: int  # seen
    arrivals: int
    unseen_probability: float  # that the next arrival is in a new minimum; 1 before the first
    estimated_minima: float  # lower bound of the number that exist
    interval: tuple[float, float]  # in which this number lies with 95 %

    @property
    def fraction(self) -> float:
        """Share of the estimated minima that is known."""
        return self.minima / self.estimated_minima if self.estimated_minima else 0.0

    @property
    def sure_fraction(self) -> float:
        """The same at the upper end of the interval."""
        return self.minima / self.interval[1] if self.interval[1] else 0.0


def estimate_coverage(visits: Any) -> Coverage:
    """Coverage from the number of visits of each minimum; those never visited (given beforehand) count once."""
    visits = np.maximum(np.asarray(visits, int).reshape(-1), 1)
    arrivals, once, twice = int(visits.sum()), int((visits == 1).sum()), int((visits == 2).sum())
    if not arrivals:
        return Coverage(0, 0, 1.0, 0.0, (0.0, 0.0))
    most = (arrivals - 1) / arrivals
    missing = most * once * (once - 1) / (2 * (twice + 1))
    estimate = len(visits) + missing
    spread = lambda: _log_normal(len(visits), missing, _variance(most, once, twice, estimate))
    return Coverage(len(visits), arrivals, once / arrivals, estimate, spread() if missing else _missed(visits))


def coverage_below(energies: Any, visits: Any, window: float) -> Coverage:
    """Coverage of the minima that lie at most `window` above the lowest one, in the unit of the energies."""
    energies, visits = np.asarray(energies, float), np.asarray(visits, int)
    return estimate_coverage(visits[energies <= energies.min(initial=math.inf) + window])


@dataclass(frozen=True, eq=False)
class Growth:
    """Coverage as a search went on."""

    calls: np.ndarray  # (points,) force calls
    minima: np.ndarray  # (points,) seen until then
    estimated: np.ndarray  # (points,) minima that exist, as estimated then
    low: np.ndarray  # (points,) of the 95 % interval
    high: np.ndarray  # (points,)
    unseen_probability: np.ndarray  # (points,)


def coverage_growth(calls: Any, finishes: Any, points: int = 60) -> Growth:
    """How the estimates grew.

    Args:
        calls: (arrivals,) force calls at which a search arrived at a minimum, rising.
        finishes: (arrivals,) numbers of these minima.
        points: in which the curve is told at most.
    """
    calls, finishes = np.asarray(calls, int).reshape(-1), np.asarray(finishes, int).reshape(-1)
    _, places = np.unique(finishes, return_inverse=True)
    ends = np.unique(np.linspace(0, len(calls), points + 1).astype(int)[1:]) if len(calls) else np.zeros(0, int)
    counts = (np.bincount(places[:end]) for end in ends)
    found = [estimate_coverage(count[count > 0]) for count in counts]
    column = lambda read: np.array([read(one) for one in found], float)
    return Growth(
        calls=calls[ends - 1],
        minima=column(lambda one: one.minima),
        estimated=column(lambda one: one.estimated_minima),
        low=column(lambda one: one.interval[0]),
        high=column(lambda one: one.interval[1]),
        unseen_probability=column(lambda one: one.unseen_probability),
    )


def _variance(most: float, once: int, twice: int, estimate: float) -> float:
    """Of the estimate, for its bias-corrected form (Chao 1987; EstimateS, eqs. 6 and 7)."""
    lone = most * once * (once - 1) / (2 * (twice + 1)) + (most * once * (2 * once - 1) / (2 * (twice + 1))) ** 2 / once
    if twice:
        return lone + most**2 * once**2 * twice * (once - 1) ** 2 / (4 * (twice + 1) ** 4)
    return lone - most**2 * once**4 / (4 * estimate)


def _log_normal(seen: int, missing: float, variance: float) -> tuple[float, float]:
    factor = math.exp(QUANTILE * math.sqrt(math.log(1 + max(variance, 0.0) / missing**2)))
    return seen + missing / factor, seen + missing * factor


def _missed(visits: np.ndarray) -> tuple[float, float]:
    """From the chance to have missed minima like the known ones, as in Chao's program SpadeR."""
    seen = len(visits)
    chances = np.exp(-visits.astype(float))
    missed = float(chances.mean())
    variance = float((chances - chances**2).sum() - (visits * chances).sum() ** 2 / visits.sum())
    return float(seen), (seen + QUANTILE * math.sqrt(max(variance, 0.0))) / (1 - missed)
