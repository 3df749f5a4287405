"""Labelled data for tests, small enough for a machine that is busy."""

from dataclasses import replace

import numpy as np
from ase.calculators.lj import LennardJones

from so3k_explore.io.datasets import Dataset, from_frames
from so3k_explore.io.labels import label
from tests.molecules import random_cluster

LJ = "ase.calculators.lj:LennardJones"
SIZES = {"features": 8, "heads": 2, "layers": 1, "degrees": (1,), "cutoff": 3.0, "repulsion_range": 0.0}
FIT = {"molecules": 4, "validate_every": 15, "learning_rate": 2e-2, "energy_weight": 1.0}
TINY = {**SIZES, **FIT, "validation": 0.2, "test": 0.1}
"""Settings of a small network."""


LOOP = {"walkers": 2, "temperature": 20.0, "frames": 4, "picks": 3, "method": LJ, "rounds": 1}
"""Settings of a short loop of active learning, whose fits have 15 steps."""


def loop_data() -> Dataset:
    """Clusters of one name, at the level of the method that labels more of them."""
    data = clusters()
    return replace(data, level=LJ, molecules=np.full(len(data), "cluster"))


def clusters(frames: int = 30, atoms: int = 6) -> Dataset:
    """Argon clusters in reduced units, every frame a group of its own."""
    calculator = LennardJones()
    made = []
    for seed in range(frames):
        shape = random_cluster(atoms, seed, spacing=1.35).to_ase()
        made.append(label(shape, calculator, molecule=f"cluster {seed % 2}", source="lattice", group=seed))
    return from_frames(made, "Lennard-Jones")
