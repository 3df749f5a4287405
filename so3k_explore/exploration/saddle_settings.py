"""Settings of a search for saddles."""

from dataclasses import dataclass

from so3k_explore.exploration.identity import Identity

STRATEGIES = ("hops", "nearest", "components", "paths", "torsions", "modes", "kicks", "itself")
"""In the order in which they are tried: pairs of minima first, then single minima, then clusters with themselves."""


@dataclass(frozen=True)
class SaddleSearch:
    """A search for the saddles between the minima of a landscape."""

    pairs: int = 4  # of minima that are joined by bands at the same time
    images: int = 8  # inner ones of each band
    walkers: int = 8  # that climb to saddles at the same time
    saddles: int | None = None  # stop at so many; None: no limit
    connected: float | None = None  # stop when this fraction of the minima hangs together; None: no limit
    max_calls: int | None = (
        None  # stop after so many force calls, a column of a Hessian counting as one; None: no limit
    )
    energy_window: float | None = None  # eV above the lowest minimum; what lies higher is left alone; None: nothing
    strategies: tuple[str, ...] = STRATEGIES  # those that do not fit the molecule are left out
    neighbors: int = 3  # of each minimum that the strategy "nearest" joins it to
    modes: int = 3  # lowest ones of each minimum that are followed both ways
    kicks: int = 2  # random displacements of each minimum, and other places for the atoms of a cluster
    force_tolerance: float = 1e-3  # eV/Å, at a saddle; minima below it are relaxed to half of it
    seed: int = 0
    identity: Identity | None = None  # None: that of the landscape

    def __post_init__(self) -> None:
        object.__setattr__(self, "strategies", tuple(self.strategies))
        for name in ("pairs", "walkers", "saddles", "max_calls"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be 1 or more, got {value}.")
        for name in ("neighbors", "modes", "kicks", "seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must be 0 or more, got {getattr(self, name)}.")
        if self.images < 3:
            raise ValueError(
                f"`images` must be 3 or more, got {self.images}: fewer cannot show where a path is highest."
            )
        for name, unit in (("force_tolerance", "eV/Å"), ("energy_window", "eV")):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"`{name}` must be positive, got {value} {unit}.")
        if self.connected is not None and not 0 < self.connected <= 1:
            raise ValueError(f"`connected` must lie above 0 and not above 1, got {self.connected}.")
        unknown = [name for name in self.strategies if name not in STRATEGIES]
        if unknown or not self.strategies:
            raise ValueError(
                f"`strategies` must be some of {', '.join(STRATEGIES)}, got {', '.join(unknown) or 'none'}."
            )
