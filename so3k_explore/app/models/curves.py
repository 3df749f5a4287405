"""Series of a run as curves: units people read, one curve a walker, and never more than a chart can tell apart."""

from dataclasses import dataclass

import numpy as np

from so3k_explore.app.models.display import Display

MAX_WALKERS = 6

Curves = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Axis:
    """Horizontal axis of everything that happens in a run."""

    label: str
    factor: float
    column: str = "time_fs"


def axis_of(kind: str, last_fs: float | int) -> Axis:
    """Time in fs, ps or ns, whichever keeps the numbers readable; steps for a relaxation, which has no time."""
    if kind == "relax":
        return Axis("step", 1.0, "step")
    if last_fs >= 2e6:
        return Axis("time / ns", 1e-6)
    return Axis("time / ps", 1e-3) if last_fs >= 2000 else Axis("time / fs", 1.0)


def last_time(series: dict[str, np.ndarray]) -> float:
    """Time of the last entry, fs."""
    times = series.get("time_fs", np.zeros(0))
    return float(times[-1]) if len(times) else 0.0


def walker_names(walkers: int) -> list[str]:
    """Names of the curves."""
    return [f"walker {k + 1}" for k in range(min(walkers, MAX_WALKERS))]


def curves(series: dict[str, np.ndarray], axis: Axis, column: str, display: Display) -> Curves:
    """One curve a walker; energies relative to the first value of the first walker, in the chosen unit."""
    if column not in series or not len(series[column]):
        return {}
    values = np.asarray(series[column], float)
    if column == "energy":
        values = display.energies(values - values[0, 0])
    elif column == "conserved_energy":
        values = display.energies(values - values[0])
    x = np.asarray(series[axis.column], float) * axis.factor
    return {name: (x, values[:, k]) for k, name in enumerate(walker_names(values.shape[1]))}


def broken(angles: np.ndarray) -> np.ndarray:
    """Angles (frames, torsions) in degrees with a gap where one passes from 180° to −180°."""
    jumps = np.abs(np.diff(angles, axis=0, prepend=angles[:1])) > 180
    return np.where(jumps, np.nan, angles)
