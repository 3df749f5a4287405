r"""How long a trajectory stays in states, and how it goes from one to another.

A state is what a clustering, or a name of the conformation, says about each frame; -1 is none. With core sets a frame
without a state belongs to the last state that was reached, so that a look over the barrier is no transition (Buchete &
Hummer, J. Phys. Chem. B 112, 6057 (2008)).

.. math:: \tau_i = \frac{\text{time in } i}{\text{exits from } i}, \qquad
          T_{ij}(t) = \frac{c_{ij}(t)}{\sum_k c_{ik}(t)}, \qquad
          t_k = -\frac{t}{\ln \lambda_k(T)}
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from so3k_explore.analysis.correlation import statistical_inefficiency

NONE = -1


@dataclass(frozen=True, eq=False)
class Residence:
    """Time spent in each state."""

    populations: np.ndarray  # (states,), shares of the frames that have a state
    population_errors: np.ndarray  # (states,)
    times: np.ndarray  # (states,), fs, mean time until it is left; infinite where it never was
    time_errors: np.ndarray  # (states,), fs, of a decay that is exponential
    exits: np.ndarray  # (states,), how often it was left
    visits: np.ndarray  # (states,), how often it was there, from the first frame on or after another state


@dataclass(frozen=True, eq=False)
class Transitions:
    """Which states follow which after a lag."""

    lag: int  # frames
    counts: np.ndarray  # (states, states), from row to column, all pairs of frames that are a lag apart
    matrix: np.ndarray  # (states, states), probabilities; NaN in rows of states that were never seen
    errors: np.ndarray  # (states, states), standard errors from the counts that do not overlap

    def timescales(self, interval: float | int) -> np.ndarray:
        """Implied time scales in the unit of `interval`, the time between frames; slowest first.

        Of the states that were seen; negative and complex eigenvalues, which have none, are left out.
        """
        seen = np.isfinite(self.matrix).all(axis=1)
        if seen.sum() < 2:
            return np.zeros(0)
        values = np.linalg.eigvals(self.matrix[np.ix_(seen, seen)])
        real = np.sort(values.real[np.abs(values.imag) < 1e-9])[::-1][1:]
        real = real[(real > 0) & (real < 1)]
        return -self.lag * interval / np.log(real)


def core_states(labels: Int[np.ndarray, "frames walkers"]) -> Int[np.ndarray, "frames walkers"]:
    """Labels where frames without a state (-1) belong to the last state reached; before the first they stay without."""
    labels = np.asarray(labels, int)
    last = np.where(labels == NONE, -1, np.arange(len(labels))[:, None])
    last = np.maximum.accumulate(last, axis=0)
    return np.where(last >= 0, np.take_along_axis(labels, np.maximum(last, 0), axis=0), NONE)


def residence(labels: Int[np.ndarray, "frames walkers"], interval: float | int, states: int) -> Residence:
    """Populations and mean times in states `0 … states - 1`.

    Args:
        labels: state of each frame, -1 for none; a frame without a state ends a stay.
        interval: time between frames, fs.
        states: how many there are.
    """
    labels = _checked(labels, states)
    leaves = (labels[:-1] != NONE) & (labels[1:] != labels[:-1])
    enters = np.concatenate([labels[:1] != NONE, (labels[1:] != NONE) & (labels[1:] != labels[:-1])])
    count = lambda mask, of: np.bincount(of[mask], minlength=states)[:states]
    spent = count(labels != NONE, labels)
    exits, visits = count(leaves, labels[:-1]), count(enters, labels)
    total = max(int(spent.sum()), 1)
    populations = spent / total
    memory = np.array([statistical_inefficiency((labels == state).astype(float)) for state in range(states)])
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.where(exits > 0, interval * spent / exits, np.where(spent > 0, np.inf, np.nan))
        time_errors = times / np.sqrt(exits)
    errors = np.sqrt(populations * (1 - populations) * memory / total)
    return Residence(populations, errors, times, np.where(exits > 0, time_errors, np.nan), exits, visits)


def transitions(labels: Int[np.ndarray, "frames walkers"], states: int, lag: int = 1) -> Transitions:
    """Counts and probabilities of going from one state to another within `lag` frames.

    Frames without a state are left out.

    Raises:
        ValueError: the lag is as long as the trajectory.
    """
    labels = _checked(labels, states)
    if not 1 <= lag < len(labels):
        raise ValueError(f"`lag` must be from 1 to {len(labels) - 1} frames, got {lag}.")
    before, after = labels[:-lag].ravel(), labels[lag:].ravel()
    known = (before != NONE) & (after != NONE)
    counts = np.bincount(before[known] * states + after[known], minlength=states**2).reshape(states, states)
    rows = counts.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        matrix = np.where(rows > 0, counts / rows, np.nan)
        errors = np.sqrt(matrix * (1 - matrix) / (rows / lag + 1))
    return Transitions(lag, counts, matrix, np.asarray(errors, float))


def _checked(labels: np.ndarray, states: int) -> np.ndarray:
    labels = np.asarray(labels, int)
    if labels.ndim != 2 or not labels.size:
        raise ValueError(f"`labels` must have shape (frames, walkers) with some frames, got {labels.shape}.")
    if labels.min() < NONE or labels.max() >= states:
        raise ValueError(f"`labels` must be from -1 to {states - 1}, got {labels.min()} to {labels.max()}.")
    return labels
