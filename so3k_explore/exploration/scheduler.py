"""Which strategy a walker follows next: those that find more new minima per force call get a larger share.

Low minima count for more than high ones (`History.worth`). Otherwise random structures win wherever there are more
minima than anybody can visit, as they are always new, and the search never gets to the bottom of a funnel.
"""

import numpy as np

STRATEGIES = ("hopping", "torsions", "kicks", "seeds", "metadynamics", "tempering")
USUAL = STRATEGIES[:4]  # flights at a temperature need many more force calls for a minimum
LEAST = 0.05  # share that every strategy keeps, so that its rate stays known
KEENNESS = 2  # power of the rates that shares are proportional to
MEMORY = 0.98  # what happened counts this much less after every further task of the same strategy
PRIOR = 300.0  # force calls: before anything is known, each strategy found one minimum in so many
TASK = 60.0  # force calls: before anything is known, what a task of each strategy costs


def applicable(strategies: tuple[str, ...], *, bonds: int, torsions: int) -> tuple[str, ...]:
    """Strategies that make sense for a molecule with so many bonds and rotatable torsions.

    Torsions need a rotatable bond; kicks would break bonds, so that they are for clusters of atoms; seeds are random
    torsions, or random clusters.
    """
    fits = {"torsions": torsions > 0, "kicks": bonds == 0, "seeds": torsions > 0 or bonds == 0}
    return tuple(name for name in strategies if fits.get(name, True)) or ("hopping",)


class Scheduler:
    """Shares of the strategies from discounted counts of calls, tasks and new minima, which it changes in place."""

    def __init__(self, strategies: tuple[str, ...], calls: np.ndarray, tasks: np.ndarray, found: np.ndarray) -> None:
        self.strategies = strategies
        self.calls = calls  # force calls
        self.tasks = tasks
        self.found = found  # new minima, by their worth

    @property
    def shares(self) -> np.ndarray:
        """Share of each strategy in the force calls."""
        rate = ((self.found + 1) / (self.calls + PRIOR)) ** KEENNESS
        rest = 1 - LEAST * len(self.strategies)
        return LEAST + rest * rate / rate.sum()

    @property
    def chances(self) -> np.ndarray:
        """Probability of each strategy for a task: those whose tasks are short get more of them."""
        cost = (self.calls + TASK) / (self.tasks + 1)
        wanted = self.shares / cost
        return wanted / wanted.sum()

    def choose(self, rng: np.random.Generator) -> int:
        """Index of a strategy."""
        return int(rng.choice(len(self.strategies), p=self.chances))

    def report(self, strategy: int, calls: int, found: float) -> None:
        """Counts what a task cost, and what it found is worth."""
        self.calls[strategy] = MEMORY * self.calls[strategy] + calls
        self.tasks[strategy] = MEMORY * self.tasks[strategy] + 1
        self.found[strategy] = MEMORY * self.found[strategy] + found
