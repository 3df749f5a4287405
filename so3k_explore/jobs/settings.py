"""What each kind of run is told to do: dataclasses that the page, the command line and a notebook fill in alike."""

# ruff: noqa: RUF009 - `setting` makes a `dataclasses.field`

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar

from so3k_explore.jobs.learning_settings import REFERENCES, LabelSettings, LoopSettings, TrainSettings
from so3k_explore.jobs.setting import Real, Settings, setting

RECORDABLE = ("velocities", "dipoles")
SPECTRAL_INTERVAL = 2.0  # fs between frames that show all vibrations of molecules


@dataclasses.dataclass(frozen=True)
class DynamicsSettings(Settings):
    """Molecular dynamics of one or many walkers."""

    kind: ClassVar[str] = "dynamics"

    walkers: int = setting(1, "Independent copies that move at the same time", minimum=1, live=True)
    temperature: Real = setting(
        300.0, "Target of the thermostat; sets the first velocities", unit="K", minimum=0.0, live=True
    )
    duration: Real | None = setting(None, "Simulated time; without it, until stopped", unit="ps", above=0.0, live=True)
    timestep: Real = setting(0.5, "Length of one step", unit="fs", above=0.0)
    thermostat: str = setting("langevin", "How the temperature is kept", choices=("langevin", "nose-hoover", "nve"))
    friction: Real = setting(1.0, "Coupling of the Langevin thermostat", unit="1/ps", above=0.0)
    relaxation_time: Real = setting(100.0, "Period of the Nosé-Hoover chain", unit="fs", above=0.0)
    frame_interval: Real = setting(10.0, "Simulated time between stored frames", unit="fs", above=0.0)
    seed: int = setting(0, "Makes a run repeatable", minimum=0)
    relax_first: bool = setting(True, "Remove strain before the first step")
    guard: bool = setting(True, "Stop a walker whose bonds break or form, or whose atoms fly away")
    hydrogen_mass: Real | None = setting(
        None, "Mass given to hydrogen, taken from its neighbour, which allows longer steps", unit="u", above=0.0
    )
    record: tuple[str, ...] = setting(
        (), "Kept beside the positions of stored frames; frames every 2 fs make spectra of them", choices=RECORDABLE
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frame_interval < self.timestep:
            raise ValueError(
                f"`frame_interval` must be at least one `timestep` of {self.timestep:g} fs, "
                f"got {self.frame_interval:g} fs."
            )
        if self.thermostat != "nve" and self.temperature == 0:
            raise ValueError("A thermostat needs a `temperature` above 0 K; choose `nve` to start from rest.")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "DynamicsSettings":
        """As of all settings; files of version 0.2 and earlier say `store_velocities`."""
        earlier = {"record": ("velocities",) if values.get("store_velocities") else (), **values}
        earlier.pop("store_velocities", None)
        return super().from_json(earlier)

    def changed(self, changes: Mapping[str, Any]) -> "DynamicsSettings":
        if self.thermostat == "nve" and "temperature" in changes:
            raise ValueError(
                "There is no thermostat (`nve`), so the temperature cannot be changed. "
                "Start a new run with `langevin` or `nose-hoover`."
            )
        return super().changed(changes)

    @property
    def steps_per_frame(self) -> int:
        """Steps between stored frames."""
        return max(1, round(self.frame_interval / self.timestep))

    @property
    def total_steps(self) -> int | None:
        """Steps until `duration`, a whole number of frames; None: without end."""
        if self.duration is None:
            return None
        return math.ceil(round(1000 * self.duration / self.timestep, 6) / self.steps_per_frame) * self.steps_per_frame


@dataclasses.dataclass(frozen=True)
class RelaxSettings(Settings):
    """Relaxation to the nearest minimum."""

    kind: ClassVar[str] = "relax"

    force_tolerance: Real = setting(0.01, "Largest force on any atom at the end", unit="eV/Å", above=0.0)
    max_steps: int = setting(1000, "Give up after so many steps", minimum=1)
    method: str = setting("lbfgs", "Optimiser", choices=("lbfgs", "fire"))
    steps_per_frame: int = setting(1, "Steps between stored frames", minimum=1)


CHIRALITIES = ("merge", "same", "mirror")
STRATEGIES = ("hopping", "torsions", "kicks", "seeds", "metadynamics", "tempering")


@dataclasses.dataclass(frozen=True)
class MinimaSettings(Settings):
    """Search for minima; defaults as in `exploration.MinimaSearch`."""

    kind: ClassVar[str] = "minima"

    walkers: int = setting(16, "Searchers that move at the same time and share what they know", minimum=1, live=True)
    minima: int | None = setting(
        None, "Stop at so many minima, or when nothing new turns up; without it, until stopped", minimum=1, live=True
    )
    max_calls: int | None = setting(None, "Stop after so many force calls", minimum=1, live=True)
    minutes: Real | None = setting(
        None, "Stop after so much time of searching, pauses left out", unit="min", above=0.0, live=True
    )
    coverage: Real | None = setting(
        None, "Stop when surely this share of the minima below `window` is known, as 0.99", above=0.0, live=True
    )
    window: Real = setting(0.26, "Energy above the lowest minimum, for `coverage`", unit="eV", above=0.0, live=True)
    temperature: Real = setting(800.0, "Of the first flights out of a minimum", unit="K", above=0.0, live=True)
    seed: int = setting(0, "Makes a run repeatable", minimum=0)
    strategies: tuple[str, ...] = setting(STRATEGIES[:4], "Ways out of a minimum, those that fit", choices=STRATEGIES)
    amides: bool = setting(True, "Turn amides between trans and cis now and then")
    chirality: str = setting(
        "merge", "Mirror images: one minimum, two, or two that know each other", choices=CHIRALITIES
    )
    force_tolerance: Real = setting(0.01, "Largest force on any atom of a minimum", unit="eV/Å", above=0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.coverage is not None and self.coverage >= 1:
            raise ValueError(
                f"`coverage` must be below 1, as 0.99 is, got {self.coverage:g}. All minima are never sure."
            )


SADDLE_STRATEGIES = ("hops", "nearest", "components", "paths", "torsions", "modes", "kicks", "itself")


@dataclasses.dataclass(frozen=True)
class SaddlesSettings(Settings):
    """Search for saddles in the landscape of another run; defaults as in `exploration.SaddleSearch`."""

    kind: ClassVar[str] = "saddles"

    landscape: str = setting("", "Run whose landscape is searched, in the same folder of runs")
    saddles: int | None = setting(None, "Stop at so many; without it, when nothing is left to try", minimum=1)
    connected: Real | None = setting(None, "Stop when this share of the minima hangs together", above=0.0)
    max_calls: int | None = setting(None, "Stop after so many force calls", minimum=1)
    energy_window: Real | None = setting(
        None, "Leave minima alone that lie higher above the lowest one", unit="eV", above=0.0
    )
    pairs: int = setting(4, "Minima joined by bands at the same time", minimum=1)
    images: int = setting(8, "Structures along a band", minimum=3)
    walkers: int = setting(8, "Climbers to saddles at the same time", minimum=1)
    neighbors: int = setting(3, "Of each minimum that it is joined to", minimum=0)
    modes: int = setting(3, "Lowest modes of each minimum that are followed", minimum=0)
    kicks: int = setting(2, "Random displacements of each minimum", minimum=0)
    strategies: tuple[str, ...] = setting(SADDLE_STRATEGIES, "Where to look, in this order", choices=SADDLE_STRATEGIES)
    force_tolerance: Real = setting(1e-3, "Largest force on any atom of a saddle", unit="eV/Å", above=0.0)
    seed: int = setting(0, "Makes a run repeatable", minimum=0)


@dataclasses.dataclass(frozen=True)
class RecheckSettings(Settings):
    """Minima of another run relaxed again with a reference method, saddles evaluated by it."""

    kind: ClassVar[str] = "recheck"

    landscape: str = setting("", "Run whose landscape is checked, in the same folder of runs")
    method: str = setting("GFN2-xTB", REFERENCES)
    minima: int | None = setting(20, "So many of the lowest minima; without it, all", minimum=0)
    saddles: int | None = setting(0, "So many of the lowest saddles; without it, all", minimum=0)
    force_tolerance: Real = setting(0.01, "Largest force on any atom of a minimum", unit="eV/Å", above=0.0)
    max_steps: int = setting(500, "Of a relaxation", minimum=1)


@dataclasses.dataclass(frozen=True)
class VibrationsSettings(Settings):
    """Frequencies of the minima and saddles of another run, for free energies."""

    kind: ClassVar[str] = "vibrations"

    landscape: str = setting("", "Run whose minima and saddles vibrate, in the same folder of runs")
    minima: int | None = setting(None, "So many of the lowest minima; without it, all", minimum=1)


SETTINGS: dict[str, type[Settings]] = {
    cls.kind: cls
    for cls in (
        *(DynamicsSettings, RelaxSettings, MinimaSettings, TrainSettings, LabelSettings, LoopSettings),
        *(SaddlesSettings, RecheckSettings, VibrationsSettings),
    )
}
"""Settings class of each kind of run."""


def settings_from_json(kind: str, values: Mapping[str, Any]) -> Settings:
    """Settings of a kind of run.

    Raises:
        ValueError: the kind or a name is unknown, or a value is not allowed.
    """
    if kind not in SETTINGS:
        raise ValueError(f"Unknown kind of run `{kind}`. Known are: {', '.join(SETTINGS)}.")
    return SETTINGS[kind].from_json(values)
