"""How a training is doing: its curves and numbers, in units people read."""

from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore.app.models.curves import Curves
from so3k_explore.app.models.display import DASH, counted, lasting

if TYPE_CHECKING:
    from so3k_explore.jobs import RunStatus

MILLI = 1000.0  # eV → meV
PARTS = {"training": "to learn from", "validation": "to validate with", "test": "to test with", "unseen": "held out"}


def learning_curves(series: dict[str, np.ndarray], column: str) -> Curves:
    """Error in training, averaged over a few steps, and in validation against steps; eV become meV."""
    if "step" not in series:
        return {}
    curves = {}
    for name, key in (("training", column), ("validation", f"validation_{column}")):
        values = np.asarray(series.get(key, np.full((len(series["step"]), 1), np.nan)), float)[:, 0]
        known = np.isfinite(values)
        curves[name] = (np.asarray(series["step"], float)[known], MILLI * values[known])
    return curves


def headlines(status: "RunStatus | None") -> dict[str, tuple[str, str]]:
    """The numbers to look at first: value and what it is about, by title."""
    details: dict[str, Any] = {} if status is None else status.details
    speed = 0.0 if status is None else status.speed.get("steps_per_second", 0.0)
    running = status is not None and status.state == "running"
    step = details.get("best_step")
    where = "in validation" if step is None else f"in validation, step {step}"
    left = lasting(status.seconds_left) if status is not None and running and status.seconds_left is not None else DASH
    epoch = details.get("epoch")
    return {
        "Best force error": (_error(details.get("best_force_error"), "meV/Å"), where),
        "Best energy error": (_error(details.get("best_energy_error"), "meV per atom"), where),
        "Epoch": (DASH if epoch is None else str(epoch + 1), _steps(status)),
        "Time left": (left, f"{speed:.3g} steps/s" if running and speed else _spent(details)),
    }


def remarks(status: "RunStatus | None", model: str) -> str:
    """The rest, in a line: parts of the data, size of the network, errors on what it has not seen."""
    if status is None or not status.details:
        return ""
    details = status.details
    parts = [f"{number} {PARTS[name]}" for name, number in details.get("frames", {}).items() if number]
    sentences = [f"Structures: {', '.join(parts)}."] if parts else []
    if details.get("parameters"):
        sentences.append(f"{counted(details['parameters'], 'parameter')}, begun as {model}.")
    if details.get("level"):
        sentences.append(f"Level of theory: {details['level']}.")
    for part, words in (("test", "In the test"), ("unseen", "On molecules held out")):
        if details.get(f"{part}_force_error") is not None:
            force, energy = details[f"{part}_force_error"], details[f"{part}_energy_error"]
            sentences.append(f"{words}: {_error(force, 'meV/Å')} and {_error(energy, 'meV per atom')}.")
    return " ".join(sentences)


def usable(status: "RunStatus | None") -> bool:
    """Whether a training has ended with a model."""
    return status is not None and not status.active and bool(status.details.get("model"))


def _error(value: float | None, unit: str) -> str:
    if value is None:
        return DASH
    number = MILLI * value
    return f"{number:.0f} {unit}" if number >= 1000 else f"{number:.3g} {unit}"


def _steps(status: "RunStatus | None") -> str:
    if status is None or not status.total:
        return ""
    return f"{status.step} of {counted(status.total, 'step')}"


def _spent(details: dict[str, Any]) -> str:
    return f"after {lasting(details['seconds'])}" if details.get("seconds") else ""
