"""A worker that is killed ten times, at random moments, loses no minimum: against the same search left alone.

Searches are runs, in a worker process of the engine that users have. Kills are by SIGKILL, three of the ten while a
checkpoint is being written, the others anywhere; of the last search no checkpoint is written but the first, so that it
begins again after each. The landscape is read when the worker is dead, and the run resumed. *Lost*: minima that were
in the landscape when the worker was killed, and are not there to the bit when it ends. *Twice*: minima that the
identity of the search takes for one. At the end minima (energies, positions, force calls at which they were found),
hops, transitions, structures set aside and curves are compared with those of the search that was left alone.
"""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from so3k_explore.exploration import Landscape
from so3k_explore.exploration.identity import Identity, KnownMinima
from so3k_explore.io.checkpoints import read_metadata
from so3k_explore.jobs import MinimaSettings, Run, Runs

LJ, BUNDLED, NEVER = "lennard-jones", "so3k-peptide-gfn2", 1e6
SEARCHES = (  # molecule, model, force calls, seconds between checkpoints
    ("lj13", LJ, 30_000, 0.5),
    ("CCCCCC", BUNDLED, 6000, 0.5),
    ("lj13", LJ, 30_000, NEVER),
)
KILLS, WRITING = 10, (2, 5, 8)  # of them while a checkpoint is written
SHOWN = 0.2  # s; the numbers of a run are written ten times a second
PATIENCE = 600  # s
WAY = 0.9  # share of the force calls after which nobody is killed, lest the search be over


@dataclass(frozen=True)
class Kill:
    """What was there when the worker was killed."""

    moment: str
    calls: int  # told last
    saved: int  # force calls of the checkpoint
    minima: dict[int, bytes]  # energy, positions and force calls by number
    twice: int


def main() -> None:
    """Prints a table for each search."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(folder)
        try:
            for molecule, model, calls, interval in SEARCHES:
                compare(runs, molecule, model, MinimaSettings(walkers=8, max_calls=calls, seed=1), interval)
        finally:
            runs.close(workers=True)


def compare(runs: Runs, molecule: str, model: str, settings: MinimaSettings, interval: float) -> None:
    """One search twice: left alone, and killed again and again."""
    print(f"{molecule}, {model}, a checkpoint {'at the start' if interval == NEVER else f'every {interval} s'}")
    submit = lambda: runs.submit(settings, molecule, model, checkpoint_interval=interval)
    alone = submit()
    end(alone)
    killed = submit()
    kills = list(kill_again_and_again(killed, settings, () if interval == NEVER else WRITING))
    end(killed)
    after = stored_minima(killed)
    print("kill  force calls  of checkpoint  minima  lost  twice  moment")
    for number, kill in enumerate(kills, start=1):
        lost = sum(after.get(minimum) != content for minimum, content in kill.minima.items())
        print(
            f"{number:4d}  {kill.calls:11d}  {kill.saved:13d}  {len(kill.minima):6d}  {lost:4d}  {kill.twice:5d}  "
            f"{kill.moment}"
        )
    print(f"   -  {killed.status().step:11d}              -  {len(after):6d}     -  {same_minima(killed):5d}  the end")
    for name, pair in zip(CONTENT, zip(content(alone), content(killed), strict=True), strict=True):
        print(f"{name}: {len(pair[0])} and {len(pair[1])}, {'the same' if pair[0] == pair[1] else 'DIFFERENT'}")
    print(flush=True)


def kill_again_and_again(run: Run, settings: MinimaSettings, writing: tuple[int, ...]) -> Iterator[Kill]:
    """Kills the worker, tells what was there, and resumes the run."""
    rng = np.random.default_rng(settings.seed)
    assert settings.max_calls is not None
    for number, moment in enumerate(np.sort(rng.integers(1, int(WAY * settings.max_calls), KILLS)).tolist()):
        wait_for(run, moment)
        if number in writing:
            wait_for_writing(run)
        else:
            time.sleep(rng.uniform(0, SHOWN))
        os.kill(int(run._folder.status()["pid"]), signal.SIGKILL)
        status = run.wait(PATIENCE)
        assert status.state == "interrupted", f"{status.state}: {status.message}"
        half = "while a checkpoint was written" if half_a_checkpoint(run) else "anywhere"
        saved = int(read_metadata(run._folder.checkpoint)["step"])
        yield Kill(half, status.step, saved, stored_minima(run), same_minima(run))
        run.resume()


def wait_for(run: Run, calls: int) -> None:
    """Until the worker has made so many force calls."""
    deadline = time.monotonic() + PATIENCE
    while (status := run.status()).step < calls or status.state != "running":
        assert status.active, status.message
        assert time.monotonic() < deadline, status.message
        time.sleep(0.002)


def wait_for_writing(run: Run) -> None:
    """Until a checkpoint is being written."""
    deadline = time.monotonic() + PATIENCE
    while not half_a_checkpoint(run):
        assert time.monotonic() < deadline


def half_a_checkpoint(run: Run) -> bool:
    """Whether a checkpoint is not complete, or was not when the worker was killed."""
    return any(run.folder.glob(".checkpoint.npz.*.tmp"))


def end(run: Run) -> None:
    """Waits until a search is done."""
    status = run.wait(PATIENCE)
    assert status.state == "done", f"{status.state}: {status.message}"


@contextmanager
def opened(run: Run) -> Iterator[Landscape]:
    """The landscape of a run."""
    with run.landscape() as landscape:
        yield landscape


def stored_minima(run: Run) -> dict[int, bytes]:
    """Every bit of each minimum, by number."""
    with opened(run) as landscape:
        minima = landscape.minima()
        rows = zip(minima.ids, minima.energies, minima.positions, minima.calls, strict=True)
        return {int(i): b"".join(np.asarray(value).tobytes() for value in values) for i, *values in rows}


def same_minima(run: Run) -> int:
    """How many minima are also there under an earlier number."""
    with opened(run) as landscape:
        minima = landscape.minima()
        known, twice = KnownMinima(landscape.numbers, landscape.bonds, Identity()), 0
        for number, energy, positions in zip(minima.ids, minima.energies, minima.positions, strict=True):
            twice += known.find(float(energy), positions) is not None
            known.add(int(number), float(energy), positions)
        return twice


CONTENT = ("minima", "hops", "transitions", "set aside", "rows of the series")


def content(run: Run) -> tuple[Any, ...]:
    """All that a search wrote, without the times of writing."""
    series = run.series()
    with opened(run) as landscape:
        transitions = landscape.transitions()
        rows = (transitions.pairs, transitions.barriers, transitions.hops)
        return (
            stored_minima(run),
            landscape.hops(),
            [b"".join(np.asarray(value).tobytes() for value in row) for row in zip(*rows, strict=True)],
            [(one.reason, one.energy, one.positions.tobytes(), one.call) for one in landscape.set_aside_structures()],
            [b"".join(column.tobytes() for column in row) for row in zip(*series.values(), strict=True)],
        )


if __name__ == "__main__":
    main()
