"""Errors of a model as Markdown tables, for its card and for people at a terminal."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from so3k_explore import units

if TYPE_CHECKING:
    from so3k_explore.training.rounds import Round

HEAD = ("structures", "forces MAE", "forces RMSE", "mean force", "energy MAE", "an atom", "relative energy MAE")
UNITS = ("", "meV/Å", "meV/Å", "meV/Å", "meV", "meV", "kcal/mol")


def evaluation_text(report: Mapping[str, Any]) -> str:
    """What `training.evaluate.report` says, as tables.

    Relative energies are those within a molecule: the mean error of each molecule is taken off.
    """
    level = f" Reference: {report['level']}." if report["level"] else ""
    heads = [f"{name} / {unit}" if unit else name for name, unit in zip(HEAD, UNITS, strict=True)]
    parts = [
        f"Mean absolute errors (MAE) and root mean squares (RMSE) of force components.{level}",
        _table(["", *heads], [["all", *_cells(report["all"])]]),
    ]
    for title, key in (("molecule", "molecules"), ("source", "sources")):
        rows = [[name or "unnamed", *_cells(scores)] for name, scores in report[key].items()]
        if len(rows) > 1:
            parts.append(_table([title, *heads], rows))
    for title, key in (("element", "elements"), ("reference force / eV/Å", "force_sizes")):
        rows = [[name, _number(1000 * error)] for name, error in report[key].items()]
        parts.append(_table([title, "forces MAE / meV/Å"], rows))
    if report.get("stress") is not None:
        parts.append(f"Stress of periodic structures: MAE {_number(1000 * report['stress'])} meV/Å³.")
    return "\n\n".join(parts) + "\n"


def examination_text(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """What `training.judge` found out, for the card of a model made by a recipe."""
    sections = []
    if "origin" in parts:
        text = (
            "Trained by this project with the recipe {recipe}: {structures} structures of {molecules} molecules "
            "at {level}, {steps} batches."
        )
        sections.append("## Origin\n\n" + text.format(**parts["origin"]))
    for name in ("unseen molecules", "new trajectories"):
        if warm := parts.get(name, {}).get("warm"):
            rows = [["all", *_cells(warm["all"])], *([key, *_cells(value)] for key, value in warm["molecules"].items())]
            heads = [f"{head} / {unit}" if unit else head for head, unit in zip(HEAD, UNITS, strict=True)]
            sections.append(f"## {name.capitalize()}, dynamics at 300 and 500 K\n\n{_table(['', *heads], rows)}")
    if "float32" in parts:
        energy, forces = (_bound(parts["float32"][name]) for name in ("energy", "forces"))
        text = f"Single against double precision: energies within {energy} eV, forces within {forces} eV/Å."
        sections.append(f"## Precision\n\n{text}")
    prefix = "dynamics of "
    rows = [[name.removeprefix(prefix), *_survival(found)] for name, found in parts.items() if name.startswith(prefix)]
    if rows:
        heads = ["molecule", "intact at 300 K", "intact at 500 K", "duration / ps", "NVE drift / meV/atom/ps"]
        sections.append(f"## Dynamics\n\n{_table(heads, rows)}")
    if "test" in parts:
        sections.append(f"## Test set\n\n{evaluation_text({**parts['test'], 'molecules': {}}).rstrip()}")
    return "\n\n".join(sections) + "\n"


def rounds_text(rounds: "Sequence[Round]") -> str:
    """What the rounds of active learning found out. Errors are those of forces on the picked structures."""
    heads = ["round", "trained on", "validation / meV/Å", "explored", "labelled", "failed", "score"]
    heads += [f"{name} / meV/Å" for name in ("expected error", "error before", "error after")]
    rows = [
        [
            *(str(found.number + 1), str(found.frames), _number(1000 * found.validation_force_error)),
            *(str(found.explored), str(found.picked), str(found.failed), _number(found.score)),
            *(_number(1000 * error) for error in (found.expected_error, found.error_before, found.error_after)),
        ]
        for found in rounds
    ]
    return _table(heads, rows) + "\n"


def _survival(found: Mapping[str, Any]) -> list[str]:
    cold, hot = found["300 K"], found["500 K"]
    share = lambda part: f"{round(part['intact'] * part['walkers'])} of {part['walkers']}"
    return [share(cold), share(hot), _number(cold["duration"]), _number(found["drift"])]


def _cells(scores: Mapping[str, Any]) -> list[str]:
    names = ("force_mae", "force_rmse", "force_mean", "energy_mae", "energy_mae_per_atom")
    relative = scores["relative_energy_mae"] / units.KCAL_PER_MOL
    return [str(scores["frames"]), *(_number(1000 * scores[name]) for name in names), _number(relative)]


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _bound(value: float) -> str:
    """One digit, rounded up: what is said to be within it is."""
    unit = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return f"{math.ceil(value / unit) * unit:.0e}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns."""
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    line = lambda row: (
        "| "
        + " | ".join(
            cell.rjust(width) if k else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
    )
    rule = "|" + "|".join("-" * (width + 1) + (":" if k else "-") for k, width in enumerate(widths)) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])
