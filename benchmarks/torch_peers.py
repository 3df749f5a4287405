"""Peers in PyTorch, as the benchmark `peers` measures them: torch-sim with Lennard-Jones, so3krates-torch with SO3LR.

Written for torch-sim-atomistic 0.3 and so3krates-torch 0.2; both are optional, and neither is a dependency.
"""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms

EVERYTHING = 1e5  # Å, a cutoff so large that it changes no force by 1e-4 eV/Å


def missing(*modules: str) -> bool:
    """Whether one of the modules is not installed."""
    return any(importlib.util.find_spec(module) is None for module in modules)


def lennard_jones_steps(atoms: Atoms, replicas: int, timestep: float, steps: int) -> Callable[[], Any]:
    """So many steps of velocity Verlet of torch-sim, all pairs, single precision."""
    import torch  # pyright: ignore[reportMissingImports]
    from torch_sim.integrators import nve  # pyright: ignore[reportMissingImports]
    from torch_sim.models.lennard_jones import LennardJonesModel  # pyright: ignore[reportMissingImports]
    from torch_sim.state import initialize_state  # pyright: ignore[reportMissingImports]

    model = LennardJonesModel(use_neighbor_list=False, cutoff=EVERYTHING, dtype=torch.float32)
    start = initialize_state([atoms] * replicas, torch.device("cpu"), torch.float32)
    begin, step = nve(model, dt=torch.tensor(timestep), kT=torch.tensor(1e-3), seed=0)
    state = [begin(start)]

    def run() -> Any:
        for _ in range(steps):
            state[0] = step(state[0])
        return state[0].energy

    return run


def so3lr_calculator() -> Any:
    """ASE calculator of so3krates-torch with the published weights that come with it, single precision."""
    from so3krates_torch.calculator.so3 import SO3LRCalculator  # pyright: ignore[reportMissingImports]

    return SO3LRCalculator(default_dtype="float32", r_max_lr=EVERYTHING)


def so3lr_evaluations(atoms: Atoms, count: int) -> Callable[[], np.ndarray]:
    """Forces of `count` equal structures in one call of so3krates-torch; pair lists are made once, outside of it."""
    from so3krates_torch.data.atomic_data import AtomicData  # pyright: ignore[reportMissingImports]
    from so3krates_torch.data.utils import KeySpecification, config_from_atoms  # pyright: ignore[reportMissingImports]
    from so3krates_torch.tools import torch_geometric  # pyright: ignore[reportMissingImports]

    calculator = so3lr_calculator()
    ranges = {"cutoff": calculator.r_max, "cutoff_lr": calculator.r_max_lr}
    config = config_from_atoms(atoms, key_specification=KeySpecification())
    single = AtomicData.from_config(config, z_table=calculator.z_table, **ranges)
    batch = next(iter(torch_geometric.dataloader.DataLoader([single] * count, batch_size=count)))
    model = calculator.models[0]
    return lambda: model(batch.clone().to_dict(), compute_stress=False)["forces"].detach().numpy()
