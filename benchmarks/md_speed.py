"""Molecular dynamics with SO3LR: steps per second, arithmetic and memory traffic for 1 to 64 walkers.

The molecules have 22, 42 and 162 atoms (Ac-Ala-NHMe, Ac-Ala3-NHMe, Ac-Ala15-NHMe). Counts of floating-point operations
and bytes are XLA's, of energy and forces; rates are those counts over measured time, beside the machine's own limits
measured in the same run. Without the published weights a random network of the same shape is timed.
"""

import jax
import jax.numpy as jnp

from benchmarks.machine import best_seconds, matrix_product_rate, memory_bandwidth
from so3k_explore import units
from so3k_explore.io.structures import load_molecule
from so3k_explore.observables.forces import batched_energy_and_forces
from so3k_explore.potentials.protocol import Potential
from so3k_explore.potentials.registry import ModelNotFoundError, load_potential
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.simulation import Langevin, advance, initial_state, relaxed
from so3k_explore.simulation.state import MDState
from so3k_explore.system import replicate

MOLECULES = {"ala2": 22, "ala3": 42, "ala15": 162}
WALKERS = (1, 4, 16, 64)
STEPS = {22: 200, 42: 100, 162: 20}
ORIGINAL = {22: 5.9, 42: 11.2, 162: 72.0}  # CPU ms a step of the original stack, one walker, two idle cores
ORIGINAL_RATE = {22: 272.0, 42: 153.0}  # its steps/s there


def main() -> None:
    """Prints one line for each molecule and number of walkers."""
    potential, weights = random_or_published()
    flops, bandwidth = matrix_product_rate(), memory_bandwidth()
    print(f"MD speed, SO3LR ({weights}), float32, {jax.devices()[0].device_kind}, NVE-like Langevin 300 K, 0.5 fs")
    print(f"limits here: matrix product {flops:.0f} GFLOP/s, memory {bandwidth:.1f} GB/s")
    print("original: 272 / 153 steps/s at 22 / 42 atoms and 5.9 / 11.2 / 72 CPU ms a step (recorded, two idle cores)")
    print(
        " atoms   W  steps/s  walker steps/s  CPU ms/walker step  CPU: original/ours  "
        "MFLOP  MB  GFLOP/s  of limit  GB/s"
    )
    for name, atoms in MOLECULES.items():
        molecule = load_molecule(name)
        start = relaxed(potential, molecule.system, max_steps=30).system
        start = jax.tree.map(lambda leaf: leaf[0], start)
        for walkers in WALKERS:
            state = initial_state(potential, replicate(start, walkers), temperature=300.0, seed=1)
            _report(potential, state, atoms, max(5, 4 * STEPS[atoms] // max(walkers, 4)), flops)


def random_or_published() -> tuple[Potential, str]:
    """SO3LR with the published weights where they are installed, else with random ones."""
    try:
        return load_potential("so3lr"), "published weights"
    except ModelNotFoundError:
        return So3lr.create(), "random weights of the same shape"


def _report(potential: Potential, state: MDState, atoms: int, steps: int, limit: float) -> None:
    walkers = state.system.n_walkers
    integrator = Langevin(timestep=0.5 * units.FS, kT=units.KB * 300.0, friction=0.001 / units.FS)
    wall, cpu = best_seconds(lambda: advance(integrator, potential, state, steps).energy, repeats=3)
    one_step, cpu_walker = wall / steps, 1e3 * cpu / steps / walkers
    counts = _counts(potential, state)
    rate, traffic = counts["flops"] / one_step / 1e9, counts["bytes accessed"] / one_step / 1e9
    print(
        f"{atoms:6d} {walkers:3d} {1 / one_step:8.1f} {walkers / one_step:15.1f} {cpu_walker:19.2f} "
        f"{ORIGINAL[atoms] / cpu_walker:19.2f} {counts['flops'] / walkers / 1e6:6.0f} "
        f"{counts['bytes accessed'] / walkers / 1e6:3.0f} {rate:8.1f} {rate / limit:9.2f} {traffic:5.1f}",
        flush=True,
    )


def _counts(potential: Potential, state: MDState) -> dict[str, float]:
    """XLA's count of operations and bytes of one evaluation of all walkers (blocks of walkers counted one by one)."""
    call = jax.jit(batched_energy_and_forces)
    part = min(state.system.n_walkers, 4)
    head = jax.tree.map(lambda leaf: leaf[:part], (state.system, state.neighbors))
    analysis = call.lower(potential, *head).compile().cost_analysis() or {}
    scale = state.system.n_walkers / part
    return {name: float(jnp.asarray(analysis.get(name, 0.0))) * scale for name in ("flops", "bytes accessed")}
