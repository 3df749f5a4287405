"""Beside others on the same machine in one run: molecular dynamics with a pair potential, and with SO3LR.

*Lennard-Jones*, a cluster of 147 atoms, constant energy, one replica and 256 of them: this package, jax-md and
torch-sim (where they are installed), and ASE with this package's calculator. All take all pairs, in single precision
(ASE: double for what is not the force).

*SO3LR*, Ac-Ala3-NHMe, 42 atoms, all pairs at long range: this package with one walker and 16, ASE with its calculator,
and so3krates-torch (where it is installed, with the weights that come with it), in ASE and 16 structures in one call.
"""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import torch_peers
from benchmarks.md_speed import random_or_published
from benchmarks.torch_peers import missing
from so3k_explore import units
from so3k_explore.io.calculator import Calculator
from so3k_explore.io.structures import load_molecule
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.protocol import Potential
from so3k_explore.simulation import NVE, advance, initial_state
from so3k_explore.system import System, replicate

ATOMS, REPLICAS, STEPS, ROUNDS = 147, (1, 256), 200, 5
TIMESTEP = 0.002  # reduced units of time
BATCH = 16
NOT_INSTALLED = "not installed"


def main() -> None:
    """Prints a table for each potential."""
    cluster = _icosahedron()
    print(f"Lennard-Jones, {ATOMS} atoms, constant energy, {jax.devices()[0].device_kind}; replica steps/s")
    for replicas in REPLICAS:
        steps = max(10, STEPS // replicas)
        for name, found in _pair_rates(cluster, replicas, steps).items():
            print(f"  {replicas:4d} replicas  {name:30} {found}", flush=True)
    peptide = load_molecule("ala3").system
    print(f"SO3LR, {peptide.n_atoms} atoms, constant energy; walker steps/s, or structures/s")
    for name, found in _so3lr(peptide).items():
        print(f"  {name:50} {found}", flush=True)


def _pair_rates(cluster: System, replicas: int, steps: int) -> dict[str, str]:
    ours = _ours(LennardJones(), cluster, replicas, steps, TIMESTEP)
    rates = {"this package": f"{ours:.0f}"}
    if replicas == 1:
        rates["ASE with our calculator"] = f"{_ase(Calculator(LennardJones()), cluster, steps, TIMESTEP):.0f}"
    peers = {"jax-md": (_jax_md, "jax_md"), "torch-sim": (_torch_sim, "torch_sim")}
    return rates | {
        name: NOT_INSTALLED if missing(module) else beside(ours, rate(cluster, replicas, steps))
        for name, (rate, module) in peers.items()
    }


def _so3lr(peptide: System) -> dict[str, str]:
    potential, weights = random_or_published()
    timestep = 0.5 * units.FS
    one, many = (_ours(potential, peptide, count, 50, timestep) for count in (1, BATCH))
    atoms, name = peptide.to_ase(), "so3krates-torch"
    rates = {
        f"this package ({weights})": f"{one:.1f}",
        f"this package, {BATCH} walkers": f"{many:.1f}",
        "ASE with our calculator": f"{_ase(Calculator(potential), peptide, 50, timestep):.1f}",
    }
    if missing("so3krates_torch"):
        return rates | {name: NOT_INSTALLED}
    theirs = torch_peers.so3lr_calculator()
    difference = np.abs(theirs.get_forces(atoms) - Calculator(potential).get_forces(atoms)).max()
    batch = _best(torch_peers.so3lr_evaluations(atoms, BATCH), BATCH)
    return rates | {
        f"{name} in ASE": beside(one, _ase(theirs, peptide, 20, timestep)),
        f"{name}, {BATCH} structures": beside(many, batch),
        f"{name}, largest difference of a force": f"{difference:.1e} eV/Å",
    }


def beside(ours: float, theirs: float) -> str:
    """Their rate, and ours in units of it."""
    return f"{theirs:.1f} (ours / theirs {ours / theirs:.2f})"


def _best(step: Callable[[], Any], count: int) -> float:
    """Steps a second of the quickest round, after one to compile."""
    step()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return count / min(times)


def _ours(potential: Potential, system: System, replicas: int, steps: int, timestep: float) -> float:
    state = initial_state(potential, replicate(system.astype("float32"), replicas), temperature=10.0)
    move = lambda: jax.block_until_ready(advance(NVE(timestep), potential, state, steps).energy)
    return _best(move, steps * replicas)


def _ase(calculator: Any, system: System, steps: int, timestep: float) -> float:
    from ase.md.verlet import VelocityVerlet

    atoms = system.to_ase()
    atoms.calc = calculator
    dynamics = VelocityVerlet(atoms, timestep=timestep)
    return _best(lambda: dynamics.run(steps), steps)


def _jax_md(cluster: System, replicas: int, steps: int) -> float:
    from jax_md import energy, simulate, space  # pyright: ignore[reportMissingImports]

    displacement, shift = space.free()
    of = energy.lennard_jones_pair(displacement, r_onset=1e3, r_cutoff=1e4)
    init, apply = simulate.nve(of, shift, dt=TIMESTEP)
    places = jnp.broadcast_to(jnp.asarray(cluster.positions, jnp.float32), (replicas, ATOMS, 3))
    states = jax.vmap(lambda key, place: init(key, place, kT=1e-3))(
        jax.random.split(jax.random.key(0), replicas), places
    )
    run = jax.jit(lambda states: jax.lax.fori_loop(0, steps, lambda _, now: jax.vmap(apply)(now), states))
    return _best(lambda: jax.block_until_ready(run(states).position), steps * replicas)


def _torch_sim(cluster: System, replicas: int, steps: int) -> float:
    steps = max(2, steps // 10)
    return _best(torch_peers.lennard_jones_steps(cluster.to_ase(), replicas, TIMESTEP, steps), steps * replicas)


def _icosahedron() -> System:
    from ase.cluster import Icosahedron

    atoms = Icosahedron("Ar", 4, latticeconstant=2**0.5 * 2 ** (1 / 6))
    return System.create(atoms.positions - atoms.positions.mean(axis=0), [18] * len(atoms))


if __name__ == "__main__":
    main()
