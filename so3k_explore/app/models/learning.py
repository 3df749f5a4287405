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


def round_errors(status: "RunStatus | None") -> Curves:
    """Mean error of forces on the picks of each round before and after they are learned, and as promised, meV/Å.

    Each round is as wide as the distance to the next one, so that a single one can be seen.
    """
    rounds = [] if status is None else status.details.get("rounds", [])
    edges = np.ravel([[found["number"] + 0.5, found["number"] + 1.5] for found in rounds])
    keys = {"before": "error_before", "after": "error_after", "expected": "expected_error"}
    errors = {name: MILLI * np.array([float(found[key]) for found in rounds]) for name, key in keys.items()}
    return {name: (edges, np.repeat(values, 2)) for name, values in errors.items()}


def label_counts(series: dict[str, np.ndarray]) -> Curves:
    """How many structures have a label, and how many failed, against seconds."""
    if "seconds" not in series:
        return {}
    return {name: (series["seconds"][:, 0], series[name][:, 0]) for name in ("labelled", "failed")}


def headlines(status: "RunStatus | None", kind: str = "train") -> dict[str, tuple[str, str]]:
    """The numbers to look at first: value and what it is about, by title."""
    details: dict[str, Any] = {} if status is None else status.details
    special = {"label": _label_headlines, "loop": _loop_headlines}.get(kind, _fit_headlines)
    speed = 0.0 if status is None else status.speed.get("steps_per_second", 0.0)
    running = status is not None and status.state == "running"
    left = lasting(status.seconds_left) if status is not None and running and status.seconds_left is not None else DASH
    going = running and speed and kind != "loop"
    unit = details.get("counts", "steps")
    return {
        **special(status, details),
        "Time left": (left, f"{speed:.3g} {unit}/s" if going else _spent(details)),
    }


def _fit_headlines(status: "RunStatus | None", details: dict[str, Any]) -> dict[str, tuple[str, str]]:
    step, epoch = details.get("best_step"), details.get("epoch")
    where = "in validation" if step is None else f"in validation, step {step}"
    return {
        "Best force error": (_error(details.get("best_force_error"), "meV/Å"), where),
        "Best energy error": (_error(details.get("best_energy_error"), "meV per atom"), where),
        "Epoch": (DASH if epoch is None else str(epoch + 1), _steps(status)),
    }


def _label_headlines(status: "RunStatus | None", details: dict[str, Any]) -> dict[str, tuple[str, str]]:
    number = lambda name: str(details[name]) if name in details else DASH
    total = f"of {counted(details['structures'], 'structure')}" if "structures" in details else ""
    return {
        "Labelled": (number("labelled"), total),
        "Failed": (number("failed"), "without a label"),
        "Method": ((details.get("level") or DASH).rsplit(":", 1)[-1], "reference"),
    }


def _loop_headlines(status: "RunStatus | None", details: dict[str, Any]) -> dict[str, tuple[str, str]]:
    rounds = details.get("rounds") or [{}]
    last, turn = rounds[-1], details.get("round", 0)
    where = f"on the picks of round {last['number'] + 1}" if last else "on the picks"
    value = DASH if "wanted" not in details else f"{turn} of {details['wanted']}" if turn else "first fit"
    phase, done, total = (details.get(name) for name in ("phase", "phase_done", "phase_total"))
    words = {None: "", "done": "all done", "next": "the next one begins"}
    doing = words.get(phase, f"{phase}, {done} of {total}")
    return {
        "Round": (value, doing),
        "Error before": (_error(last.get("error_before"), "meV/Å"), where),
        "Error after": (_error(last.get("error_after"), "meV/Å"), where),
    }


def remarks(status: "RunStatus | None", model: str) -> str:
    """The rest, in a line: parts of the data, size of the network, errors on what it has not seen."""
    if status is None or not status.details:
        return ""
    details = status.details
    if "wanted" in details or "counts" in details:
        return _label_remarks(details)
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


def _label_remarks(details: dict[str, Any]) -> str:
    """What has been labelled, and why some structures were not."""
    if "wanted" in details:
        failed = f", {details['failed']} failed" if details["failed"] else ""
        return f"{counted(details['labelled'], 'new structure')} labelled{failed}. Level of theory: {details['level']}."
    problems = details.get("problems") or []
    return f"Without a label: {problems[0]}" + (" …" if len(problems) > 1 else "") if problems else ""


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
