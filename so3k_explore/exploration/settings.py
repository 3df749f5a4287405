"""Settings of a search for minima."""

from dataclasses import dataclass, field

from so3k_explore.exploration.identity import Identity
from so3k_explore.exploration.minima_hopping import MinimaHopping
from so3k_explore.exploration.scheduler import STRATEGIES, USUAL


@dataclass(frozen=True)
class MinimaSearch:
    """A search for minima with many walkers that share one history."""

    walkers: int = 16
    temperature: float = 800.0  # K, of the first flights
    minima: int | None = None  # stop at so many, or when under 1 % of the arrivals are new; None: no limit
    max_calls: int | None = None  # stop after so many force calls; None: no limit
    minutes: float | None = None  # stop after so much time of searching; None: no limit
    coverage: float | None = None  # stop when this share of the minima below `window` is surely known; None: no limit
    window: float = 0.26  # eV above the lowest minimum (6 kcal/mol), for `coverage`
    seed: int = 0
    strategies: tuple[str, ...] = USUAL  # those that do not fit the molecule are left out
    amides: bool = True  # proposals turn them between trans and cis; False: they stay as they are
    force_tolerance: float = 0.01  # eV/Å, of a relaxation; new minima are relaxed to a fifth of it
    hopping: MinimaHopping = field(default_factory=MinimaHopping)
    identity: Identity = field(default_factory=Identity)

    def __post_init__(self) -> None:
        object.__setattr__(self, "strategies", tuple(self.strategies))
        for name in ("walkers", "minima", "max_calls"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be 1 or more, got {value}.")
        if self.coverage is not None and not 0 < self.coverage < 1:
            raise ValueError(f"`coverage` must lie between 0 and 1, as 0.99 does, got {self.coverage}.")
        units = {"temperature": "K", "force_tolerance": "eV/Å", "window": "eV", "minutes": "min"}
        for name, unit in units.items():
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"`{name}` must be positive, got {value} {unit}.")
        if self.seed < 0:
            raise ValueError(f"`seed` must be 0 or more, got {self.seed}.")
        unknown = [name for name in self.strategies if name not in STRATEGIES]
        if unknown or not self.strategies:
            raise ValueError(
                f"`strategies` must be some of {', '.join(STRATEGIES)}, got {', '.join(unknown) or 'none'}."
            )
