"""When a search has done enough."""

import math

from so3k_explore.exploration.history import History
from so3k_explore.exploration.settings import MinimaSearch

EXHAUSTED = 0.01  # probability of something new at which a search that wants more minima than exist gives up
ARRIVALS = 100  # at least, and ten for each minimum, until that probability is believed


def limit_reached(settings: MinimaSearch, history: History, calls: int, seconds: float) -> str | None:
    """Why a search that has used so many force calls and so much time ends, in words; None if it goes on."""
    if settings.minima is not None and len(history) >= settings.minima:
        return f"found {len(history)} minima"
    if settings.max_calls is not None and calls >= settings.max_calls:
        return f"used {calls} force calls"
    if settings.minutes is not None and seconds >= 60 * settings.minutes:
        return f"searched for {settings.minutes:g} min"
    if settings.minima is not None and _exhausted(history):
        return f"found {len(history)} minima, and among the last arrivals hardly any was new"
    return None if settings.coverage is None else _covered(settings, settings.coverage, history)


def _exhausted(history: History) -> bool:
    coverage = history.coverage()
    enough = coverage.arrivals >= max(ARRIVALS, 10 * coverage.minima)
    return enough and coverage.unseen_probability < EXHAUSTED


def _covered(settings: MinimaSearch, share: float, history: History) -> str | None:
    """That enough of the low minima is known, even at the upper end of the estimate; None when it is not."""
    found = history.coverage_below(settings.window)
    if found.arrivals < ARRIVALS or found.sure_fraction < share:
        return None
    percent = math.floor(1000 * found.sure_fraction) / 10
    return (
        f"found {found.minima} minima below +{settings.window:g} eV, "
        f"at least {percent:g} % of those that the search can reach"
    )
