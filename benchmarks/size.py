"""Cost against size: energy and forces of periodic boxes of water from a hundred to ten thousand atoms.

Time and working memory should grow as the number of atoms. Boxes have the density of water and molecules that are
turned at random; with SO3LR, where its weights are installed, long-range terms reach 12 Å. Memory is what XLA sets
aside for one call. Slopes are of the logarithms, from one size to the next: 1 is linear.
"""

import time
from typing import Any

import jax
import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.machine import best_seconds
from so3k_explore.observables.forces import energy_and_forces, neighbors_for
from so3k_explore.potentials.protocol import Potential
from so3k_explore.potentials.registry import ModelNotFoundError, load_potential
from so3k_explore.system import System

MOLECULES = (33, 105, 333, 1053, 3333)
VOLUME = 29.9  # Å³ a molecule
WATER = np.array([[0.0, 0.0, 0.0], [0.757, 0.586, 0.0], [-0.757, 0.586, 0.0]])  # Å
SKIN, LONG_RANGE = 0.5, 12.0  # Å


def main() -> None:
    """Prints one line for each box."""
    for name, cutoff in (("so3k-peptide-gfn2", None), ("so3lr", LONG_RANGE)):
        try:
            potential = load_potential(name, long_range_cutoff=cutoff)
        except ModelNotFoundError:
            print(f"{name}: its weights are not on this machine")
            continue
        _measure(name, potential)


def _measure(name: str, potential: Potential) -> None:
    print(f"{name}, float32, {jax.devices()[0].device_kind}, periodic boxes of water")
    print("  atoms  pairs an atom  lists/ms  call/ms  µs an atom  slope  MB  kB an atom  slope")
    before: tuple[float, float, float] | None = None
    for molecules in MOLECULES:
        system = water_box(molecules)
        atoms = system.n_atoms
        began = time.perf_counter()
        neighbors = neighbors_for(potential, system, skin=SKIN)
        lists = 1e3 * (time.perf_counter() - began)
        seconds, _ = best_seconds(lambda system=system, near=neighbors: _called(potential, system, near), repeats=3)
        memory = _memory(potential, system, neighbors)
        pairs = float(neighbors.short.mask.sum()) / atoms
        slopes = ["", ""] if before is None else _slopes(before, (atoms, seconds, memory))
        before = (atoms, seconds, memory)
        print(
            f"{atoms:7d} {pairs:14.0f} {lists:9.0f} {1e3 * seconds:8.1f} {1e6 * seconds / atoms:11.1f} {slopes[0]:>6} "
            f"{memory / 1e6:4.0f} {memory / atoms / 1e3:11.0f} {slopes[1]:>6}",
            flush=True,
        )


def water_box(molecules: int) -> System:
    """A cubic periodic box of water molecules on a grid, turned at random, at the density of the liquid."""
    rng = np.random.default_rng(0)
    edge = (molecules * VOLUME) ** (1 / 3)
    side = int(np.ceil(molecules ** (1 / 3)))
    places = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    chosen = np.sort(rng.permutation(len(places))[:molecules])
    centres = (places[chosen] + 0.5) * edge / side
    turned = np.einsum("mxy,ay->max", Rotation.random(molecules, rng=np.random.default_rng(1)).as_matrix(), WATER)
    return System.create((centres[:, None] + turned).reshape(-1, 3), [8, 1, 1] * molecules, cell=edge * np.eye(3))


def _called(potential: Potential, system: System, neighbors: Any) -> Any:
    return jax.jit(energy_and_forces)(potential, system, neighbors)


def _memory(potential: Potential, system: System, neighbors: Any) -> float:
    analysis = jax.jit(energy_and_forces).lower(potential, system, neighbors).compile().memory_analysis()
    return float(analysis.temp_size_in_bytes) if analysis is not None else float("nan")


def _slopes(before: tuple[float, ...], now: tuple[float, ...]) -> list[str]:
    steps = np.log(np.array(now) / np.array(before))
    return [f"{step / steps[0]:.2f}" for step in steps[1:]]


if __name__ == "__main__":
    main()
