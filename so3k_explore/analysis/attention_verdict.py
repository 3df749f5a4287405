"""How well two rankings of pairs agree, beyond what their distance explains, and what to say about it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import rankdata

FEWEST = 10  # pairs without which a correlation is not given
RHO, MINUS = "\N{GREEK SMALL LETTER RHO}", "\N{MINUS SIGN}"
HIGH, MODERATE = 0.7, 0.4  # rank correlations from which agreement is called so


@dataclass(frozen=True)
class Agreement:
    """Rank correlations of one measure of attention with one measure of what matters; NaN where too few pairs are."""

    measure: str
    reference: str
    rho: float  # Spearman, all pairs within the cutoff
    partial: float  # the same at fixed distance
    contacts: float  # at fixed distance, pairs more than three bonds apart
    pairs: int
    contact_pairs: int

    @property
    def grade(self) -> str:
        """`high`, `moderate` or `low`, by what is left at fixed distance."""
        return grade(self.partial)


def agreement(
    measure: str,
    values: Float[np.ndarray, "pairs"],
    reference: str,
    truth: Float[np.ndarray, "pairs"],
    distances: Float[np.ndarray, "pairs"],
    contacts: Bool[np.ndarray, "pairs"] | None = None,
) -> Agreement:
    """Compares two rankings of pairs, with and without the part that the distance explains."""
    among = np.zeros(len(values), bool) if contacts is None else contacts
    return Agreement(
        measure=measure,
        reference=reference,
        rho=rank_correlation(values, truth),
        partial=partial_correlation(values, truth, distances),
        contacts=partial_correlation(values[among], truth[among], distances[among]),
        pairs=len(values),
        contact_pairs=int(among.sum()),
    )


def rank_correlation(one: Float[np.ndarray, "pairs"], other: Float[np.ndarray, "pairs"]) -> float:
    """Spearman's rho; NaN for fewer than ten pairs, or when one side does not vary."""
    if len(one) < FEWEST or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def partial_correlation(
    one: Float[np.ndarray, "pairs"], other: Float[np.ndarray, "pairs"], given: Float[np.ndarray, "pairs"]
) -> float:
    """Spearman's rho of two quantities at a fixed value of a third one."""
    between, first, second = (rank_correlation(*each) for each in ((one, other), (one, given), (other, given)))
    left = (1 - first**2) * (1 - second**2)
    return float((between - first * second) / np.sqrt(left)) if left > 1e-12 else float("nan")


def averaged(tables: Sequence[Sequence[Agreement]]) -> tuple[Agreement, ...]:
    """Means over structures, for the same measures in the same order; pairs are counted together."""
    means = []
    for rows in zip(*tables, strict=True):
        mean = lambda name, rows=rows: _mean([getattr(row, name) for row in rows])
        pairs, contact_pairs = sum(row.pairs for row in rows), sum(row.contact_pairs for row in rows)
        rhos = mean("rho"), mean("partial"), mean("contacts")
        means.append(Agreement(rows[0].measure, rows[0].reference, *rhos, pairs, contact_pairs))
    return tuple(means)


def grade(rho: float) -> str:
    """A rank correlation in a word."""
    if not np.isfinite(rho):
        return "unknown"
    return "high" if rho >= HIGH else "moderate" if rho >= MODERATE else "low"


def verdict(table: Sequence[Agreement], measure: str) -> str:
    """What may be concluded from a picture of this measure, in two sentences.

    The grade is the lower one of the two at fixed distance: with masked pairs, and with the Hessian.
    """
    rows = [row for row in table if row.measure == measure]
    if not rows:
        raise ValueError(f"Nothing is known about {measure!r}; known are {', '.join({row.measure for row in table})}.")
    worst = min(rows, key=lambda row: row.partial if np.isfinite(row.partial) else -1.0)
    numbers = "; ".join(
        f"{RHO} = {_number(row.rho)} with {_what(row.reference)}, {_number(row.partial)} at fixed distance"
        for row in rows
    )
    return f"Faithfulness {worst.grade}: {numbers}. {ADVICE[worst.grade]}"


ADVICE = {
    "high": "Pairs with much attention are pairs that matter to the energy.",
    "moderate": "Much attention is a hint that a pair matters to the energy, not a proof.",
    "low": "Much attention does not mean that a pair matters to the energy, beyond that near pairs do.",
    "unknown": "There are too few pairs to tell.",
}


def _what(reference: str) -> str:
    return {"masked": "the energy of masked pairs", "Hessian": "blocks of the Hessian"}.get(reference, reference)


def _number(value: float) -> str:
    return "unknown" if not np.isfinite(value) else f"{value:.2f}".replace("-", MINUS)


def _mean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
