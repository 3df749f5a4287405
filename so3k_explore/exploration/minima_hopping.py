r"""Minima hopping with feedback (Goedecker, J. Chem. Phys. 120, 9911 (2004)), for walkers with one shared history.

A walker flies out of its minimum and relaxes. The temperature of the next flight rises when it came back or went where
any walker has been, the more so the more often, and falls when it found something new: walkers push each other away
from what is known. The new minimum is accepted when it lies no higher than a window above the old one; the window
shrinks with every acceptance and grows with every rejection, so that half of the hops are accepted.
"""

import math
from dataclasses import dataclass

TEMPERATURES = (0.2, 10.0)  # bounds of the feedback, in units of the first temperature
WINDOWS = (0.01, 100.0)  # the same for the window


@dataclass(frozen=True)
class MinimaHopping:
    """Parameters of minima hopping; the defaults are those of the method's authors."""

    window: float = 0.1  # eV, first acceptance window, for all strategies
    window_factor: float = 1.05  # the window times this after a rejection, divided by it after an acceptance
    heating: float = 1.05  # the temperature times this after a known minimum, divided by it after a new one
    softening: int = 20  # steps
    passes: int = 2  # minima of the potential energy after which a flight ends
    max_flight: int = 400  # steps
    timestep: float = 0.8  # fs, with masses of 1 u; adapted to each walker

    def __post_init__(self) -> None:
        for name in ("window", "timestep"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`hopping.{name}` must be positive, got {getattr(self, name)}.")
        for name in ("window_factor", "heating"):
            if not getattr(self, name) > 1:
                raise ValueError(f"`hopping.{name}` must be larger than 1, got {getattr(self, name)}.")
        for name, least in (("softening", 0), ("passes", 1), ("max_flight", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"`hopping.{name}` must be {least} or more, got {getattr(self, name)}.")

    def next_temperature(self, temperature: float, visits: int, first: float) -> float:
        """Temperature (K) after a hop to a minimum that had been visited `visits` times before; 0: a new one."""
        factor = 1 / self.heating if visits == 0 else self.heating ** (1 + math.log(visits))
        return min(max(factor * temperature, TEMPERATURES[0] * first), TEMPERATURES[1] * first)

    def next_window(self, window: float, *, accepted: bool) -> float:
        """Acceptance window (eV) after a hop."""
        factor = 1 / self.window_factor if accepted else self.window_factor
        return min(max(factor * window, WINDOWS[0] * self.window), WINDOWS[1] * self.window)

    def next_timestep(self, timestep: float, potential_range: float, total_range: float) -> float:
        """Timestep after a flight: longer when the total energy was constant to one per cent, else shorter.

        The energies (eV) are the ranges over the flight.
        """
        if total_range > 0.1 * potential_range:
            return 0.8 * timestep
        return timestep * (1.05 if total_range < 0.01 * potential_range else 1 / 1.05)
