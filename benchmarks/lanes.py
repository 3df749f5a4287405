"""Walkers side by side on the cores of a CPU: dynamics of 16 walkers as one stream of operations and as several.

Both programs are compiled in one process and timed in turns, so that what else the machine does falls on both.
"""

import statistics
import time
from typing import Any
from unittest import mock

import jax

from benchmarks.md_speed import MOLECULES, STEPS, random_or_published
from so3k_explore import units
from so3k_explore.io.structures import load_molecule
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation import Langevin, initial_state, relaxed, run
from so3k_explore.system import replicate

WALKERS = 16
ROUNDS = 7


def main() -> None:
    """Prints one line for each molecule."""
    potential, weights = random_or_published()
    cores = jax.local_device_count()
    print(f"{WALKERS} walkers, SO3LR ({weights}), float32, {cores} devices; median of {ROUNDS} rounds in turns")
    print(f" atoms  walker steps/s on one  on {cores}  ratio")
    for name, atoms in MOLECULES.items():
        one, several = _rates(potential, name, max(1, STEPS[atoms] // 4))
        print(f"{atoms:6d} {one:22.1f} {several:5.1f} {several / one:6.2f}", flush=True)


def _rates(potential: Potential, name: str, steps: int) -> list[float]:
    """Walker steps/s on one device and on all of them."""
    start = jax.tree.map(lambda leaf: leaf[0], relaxed(potential, load_molecule(name).system, max_steps=30).system)
    state = initial_state(potential, replicate(start, WALKERS), temperature=300.0, seed=1)
    langevin = Langevin(timestep=0.5 * units.FS, kT=units.KB * 300.0, friction=0.001 / units.FS)
    langevin = run.per_walker(langevin, state.energy)
    programs = [_program(lanes, langevin, potential, state, steps) for lanes in (1, jax.local_device_count())]
    rates: list[list[float]] = [[] for _ in programs]
    for _ in range(ROUNDS):
        for program, found in zip(programs, rates, strict=True):
            begun = time.perf_counter()
            jax.block_until_ready(program(langevin, potential, state, steps))
            found.append(WALKERS * steps / (time.perf_counter() - begun))
    return [statistics.median(found) for found in rates]


def _program(lanes: int, *arguments: Any) -> Any:
    jax.clear_caches()
    with mock.patch("so3k_explore.simulation.evaluation.lane_count", lambda walkers: min(lanes, walkers)):
        return run._advance.lower(*arguments).compile()


if __name__ == "__main__":
    main()
