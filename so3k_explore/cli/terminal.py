"""Talking to a terminal: arguments, sentences, tables, progress."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from so3k_explore.jobs import Run, RunStatus


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence instead of printing the usage."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        sentence = message[0].upper() + message[1:]
        say(f"{sentence.rstrip('.')}. See `{self.prog} --help`.")
        sys.exit(2)


def say(sentence: str) -> None:
    """A sentence for the person, on standard error."""
    sys.stderr.write(f"{sentence}\n")


def show(text: str) -> None:
    """A result, on standard output."""
    sys.stdout.write(f"{text}\n")


def show_json(content: Any) -> None:
    """A result for machines."""
    show(json.dumps(content, indent=1, allow_nan=False, default=float))


def table(rows: Sequence[Sequence[object]], head: Sequence[str]) -> str:
    """Columns as wide as their content."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[k]) for row in cells) for k in range(len(head))]
    line = lambda row: "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    return "\n".join(map(line, cells))


def describe(status: "RunStatus") -> str:
    """State and speed in a few words."""
    words = [status.state]
    if status.state in ("queued", "starting", "paused") and status.message:
        words.append(status.message)
    if "n_minima" in status.details:
        words.append(f"{status.details['n_minima']} minima{_estimate(status.details)}")
    if "max_force" in status.details:
        words.append(f"largest force {status.details['max_force']:.2g} eV/Å")
    if status.time_fs:
        words.append(f"{status.time_fs / 1000:.3g} ps")
    fitting = "epoch" in status.details
    words += _errors(status.details) if fitting else _learning(status.details)
    if status.speed and "wanted" not in status.details:  # the steps of a loop are not all of one kind
        what = "steps" if fitting else "calls"
        unit = status.details.get("counts", what)
        words.append(f"{status.speed[f'{what}_per_second']:.3g} {unit}/s")
    if "ns_per_day" in status.speed:
        words.append(f"{status.speed['ns_per_day']:.3g} ns/day")
    return ", ".join(words)


def _estimate(details: "dict[str, Any]") -> str:
    """How many minima there may be, where more than are known."""
    estimated = round(details.get("estimated_minima", [0])[0])
    return f" of about {estimated}" if estimated > details["n_minima"] else ""


def _learning(details: "dict[str, Any]") -> list[str]:
    """How far labels and rounds of active learning are."""
    words = []
    if "wanted" in details:
        turn = f"round {details['round']} of {details['wanted']}" if details["round"] else "before the first round"
        words.append(f"{turn}, {details['phase']} {details['phase_done']} of {details['phase_total']}")
    if "labelled" in details:
        words.append(f"{details['labelled']} labelled" + (f", {details['failed']} failed" if details["failed"] else ""))
    return words


def _errors(details: "dict[str, Any]") -> list[str]:
    """Loss and errors of a fit, as far as they are known."""
    words = [f"epoch {details['epoch']}"]
    if details["loss"] is not None:
        words.append(f"loss {details['loss']:.3g}")
    if details["best_loss"] is not None:
        errors = 1000 * details["best_force_error"], 1000 * details["best_energy_error"]
        words.append(f"best model: {errors[0]:.3g} meV/Å, {errors[1]:.3g} meV an atom")
    return words


class Progress:
    """A progress bar on standard error; silent where that is no terminal."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self._bar = tqdm(total=1.0, disable=None, bar_format="{desc}", leave=False)
        self._bounded = False

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def update(self, status: "RunStatus") -> None:
        """Shows how a run is doing."""
        if status.progress is not None and not self._bounded:
            self._bounded = True
            self._bar.bar_format = "{percentage:3.0f}% {bar:30} {desc}"
        if status.progress is not None:
            self._bar.n = status.progress
        left = "" if status.seconds_left is None else f", {duration(status.seconds_left)} left"
        self._bar.set_description_str(describe(status) + left)


def follow(run: "Run") -> "RunStatus":
    """Shows the progress of a run until it has ended."""
    import time

    with Progress() as progress:
        while True:
            status = run.status()
            progress.update(status)
            if not status.active:
                return status
            time.sleep(0.1)


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, as far as they matter."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
