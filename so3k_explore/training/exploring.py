"""Where a model has not been yet: hot dynamics, and the structures farthest from what it has learned from."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from so3k_explore import units
from so3k_explore.analysis.extrapolation import Extrapolation
from so3k_explore.io.datasets import Dataset, Frame
from so3k_explore.io.molecule import Molecule
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.simulation import Langevin, initial_state, simulate
from so3k_explore.system import System, replicate
from so3k_explore.training.extrapolation import descriptors
from so3k_explore.training.labelling import unlabelled
from so3k_explore.training.splits import distinct

TIMESTEP = 0.5  # fs
FRICTION = 0.01  # 1/fs
MOST_MOLECULES = 8  # taken from data that nobody has chosen from


class Explored(NamedTuple):
    """A step of the exploration."""

    molecule: int  # whose turn it is
    positions: np.ndarray  # (walkers, atoms, 3), Å
    frames: tuple[Frame, ...]  # of the walkers that are whole


def explore(
    potential: So3krates | So3lr,
    molecules: Sequence[Molecule],
    *,
    walkers: int = 4,
    temperature: float | int = 600.0,
    frames: int = 25,
    interval: float | int = 20.0,
    seed: int = 0,
) -> Iterator[Explored]:
    """Structures of hot dynamics with a model, without labels; walkers that go astray end early.

    Args:
        potential: that moves them.
        molecules: one after the other.
        walkers: of each molecule.
        temperature: of the thermostat, K.
        frames: of each walker.
        interval: between frames, fs.
        seed: of the velocities.
    """
    thermostat = Langevin(timestep=TIMESTEP * units.FS, kT=temperature * units.KB, friction=FRICTION / units.FS)
    for number, molecule in enumerate(molecules):
        system: System = molecule.system.astype(np.float32)
        state: Any = initial_state(potential, replicate(system, walkers), temperature=temperature, seed=seed)
        bare = unlabelled(system, molecule.name)
        moving = simulate(thermostat, potential, state, max(1, round(interval / TIMESTEP)))
        for _, state in zip(range(frames), moving, strict=False):
            positions = np.asarray(state.system.positions, float)
            whole = np.asarray(state.running) & np.isfinite(positions).all(axis=(1, 2))
            found = tuple(bare._replace(positions=positions[walker]) for walker in np.flatnonzero(whole))
            yield Explored(number, positions, found)


def pick(cloud: Extrapolation, potential: So3krates | So3lr, found: Dataset, count: int) -> list[int]:
    """Frames with the largest score on any atom, farthest first, none a copy of another."""
    each = cloud.score(found.numbers, descriptors(potential, found))
    worst = np.maximum.reduceat(each, found.offsets[:-1])
    order = np.argsort(-worst)
    return [int(order[k]) for k in distinct(found.select(order))[:count]]


def molecules_of(dataset: Dataset) -> list[Molecule]:
    """The molecules of labelled data, each as it is lowest in energy.

    Raises:
        ValueError: there are too many to explore them all.
    """
    names = dict.fromkeys(dataset.molecules.astype(str).tolist())
    if len(names) > MOST_MOLECULES:
        raise ValueError(
            f"The data have {len(names)} molecules. Name those to explore with `explore`, such as {next(iter(names))}."
        )
    found = []
    for name in names:
        frames = np.flatnonzero(dataset.molecules == name)
        lowest = dataset[int(frames[np.argmin(dataset.energies[frames])])]
        found.append(Molecule.from_system(lowest.system, name or "unnamed", "labelled data"))
    return found
