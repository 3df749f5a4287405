"""Structures to learn from: conformers, relaxations, hot trajectories, displacements and close pairs of molecules.

Everything here moves on the surface of the reference method, so every structure comes with its label. Trajectories are
Langevin dynamics of ASE with a step of 1 fs; a trajectory ends when a bond breaks or forms, so no reaction is learned
by accident. Frames of one relaxation or trajectory share a group, for splits that keep them together.
"""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from so3k_explore.geometry.bonds import find_bonds
from so3k_explore.io.datasets import Dataset, DatasetError, Frame, from_frames
from so3k_explore.io.labels import label
from so3k_explore.io.reference import GFN2, reference_calculator

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

TIMESTEP = 1.0  # fs
FRICTION = 0.02  # 1/fs, so that trajectories forget quickly
SETTLING = 40  # steps before the first frame
TARGET_FORCE = 0.02  # eV/Å, where relaxations end
SEPARATIONS = (-0.3, 1.2)  # Å, gap between the van der Waals surfaces of close pairs


@dataclass(frozen=True)
class Plan:
    """How often a molecule is sampled; numbers count structures of each conformer or trajectory."""

    conformers: int = 3
    temperatures: tuple[float, ...] = (300.0, 500.0, 1000.0)  # K, one trajectory each, for each conformer
    frames: int = 8  # of a trajectory
    stride: int = 10  # steps between them
    relaxation_steps: int = 40
    relaxed: int = 4  # structures kept on the way to the minimum, the last one among them
    displaced: int = 4  # random displacements of the minimum
    compressed: int = 1  # minimum with all distances shortened


@dataclass(frozen=True)
class Sample:
    """One molecule to be sampled: anything `load_molecule` understands, or two such texts joined by ``&``."""

    name: str
    text: str
    plan: Plan = Plan()


def sample(what: Sample, seed: int = 0, method: str = GFN2) -> Dataset:
    """Labelled structures of one molecule, or of a close pair of molecules.

    Raises:
        DatasetError: not one structure got a label.
    """
    calculator = reference_calculator(method)
    rng = np.random.default_rng([seed, *what.name.encode()])
    found: list[Frame] = []
    group = itertools.count()
    for atoms in _starts(what, rng):
        try:
            found += _around(atoms, calculator, what, rng, group)
        except DatasetError:  # the wave function of this start does not converge; others may
            continue
    return from_frames(found, method)


def _around(
    atoms: "Atoms", calculator: "Calculator", what: Sample, rng: np.random.Generator, group: Iterator[int]
) -> list[Frame]:
    plan = what.plan
    path = list(relaxation(atoms, calculator, plan.relaxation_steps))
    chosen = np.unique(np.linspace(0, len(path) - 1, plan.relaxed + 1).round().astype(int))[1:]
    found = [path[k]._replace(source="relaxation", group=next(group)) for k in chosen]
    minimum = atoms.copy()
    minimum.positions = path[-1].positions
    for number in range(plan.displaced + plan.compressed):
        moved = minimum.copy()
        if number < plan.displaced:
            moved.positions += rng.normal(scale=rng.uniform(0.02, 0.12), size=moved.positions.shape)
            source = "displaced"
        else:
            centre = moved.positions.mean(axis=0)
            moved.positions = centre + (moved.positions - centre) * rng.uniform(0.85, 0.97)
            source = "compressed"
        try:
            found.append(label(moved, calculator, source=source, group=next(group)))
        except DatasetError:
            continue
    for temperature in plan.temperatures:
        number = next(group)
        frames = trajectory(minimum, calculator, temperature, plan.frames, plan.stride, rng)
        found += [frame._replace(source=f"md {temperature:g} K", group=number) for frame in frames]
    return [frame._replace(molecule=what.name) for frame in found]


def relaxation(atoms: "Atoms", calculator: "Calculator", steps: int) -> Iterator[Frame]:
    """Structures on the way to the nearest minimum (FIRE), at most `steps` after the first."""
    from ase.optimize import FIRE

    moving = atoms.copy()
    yield label(moving, calculator)
    moving.calc = calculator
    for _ in FIRE(moving, logfile=os.devnull, maxstep=0.1).irun(fmax=TARGET_FORCE, steps=steps):
        yield _labelled(moving, calculator)


def trajectory(
    atoms: "Atoms", calculator: "Calculator", temperature: float, frames: int, stride: int, rng: np.random.Generator
) -> Iterator[Frame]:
    """Structures of Langevin dynamics at `temperature` (K), `stride` steps of 1 fs apart, while bonds stay the same."""
    from ase.calculators.calculator import CalculationFailed
    from ase.md.langevin import Langevin
    from ase.units import fs, kB

    moving = atoms.copy()
    moving.calc = calculator
    bonds = find_bonds(moving.numbers, moving.positions)
    spread = np.sqrt(moving.get_masses() * kB * temperature)
    moving.set_momenta(rng.standard_normal(moving.positions.shape) * spread[:, None])
    steps = Langevin(moving, TIMESTEP * fs, temperature_K=temperature, friction=FRICTION / fs, rng=rng, fixcm=False)
    try:
        for number in range(frames):
            steps.run(stride + (SETTLING if number == 0 else 0))
            if not np.array_equal(find_bonds(moving.numbers, moving.positions), bonds):
                return
            yield _labelled(moving, calculator)
    except (CalculationFailed, RuntimeError):
        calculator.reset()


def _labelled(atoms: "Atoms", calculator: "Calculator") -> Frame:
    """The label that a calculator attached to moving atoms already knows."""
    forces, results = atoms.get_forces(), calculator.results
    dipole, charges = results.get("dipole"), results.get("charges")
    return Frame(
        numbers=atoms.numbers.copy(),
        positions=atoms.positions.copy(),
        energy=float(results["energy"]),
        forces=np.array(forces),
        charge=float(atoms.info.get("charge", 0.0)),
        spin=float(atoms.info.get("multiplicity", 1)) - 1.0,
        dipole=None if dipole is None else np.array(dipole),
        charges=None if charges is None else np.array(charges),
    )


def _starts(what: Sample, rng: np.random.Generator) -> Iterator["Atoms"]:
    texts = [text.strip() for text in what.text.split("&")]
    for _ in range(what.plan.conformers):
        parts = [conformer(text, int(rng.integers(1, 2**31 - 1))) for text in texts]
        yield parts[0] if len(parts) == 1 else close_pair(parts[0], parts[1], rng)


def conformer(text: str, seed: int) -> "Atoms":
    """A random conformer: ETKDG for SMILES, random Ramachandran regions for sequences."""
    from so3k_explore.io.structures import load_molecule

    return load_molecule(text, seed=seed, conformation="random").system.to_ase()


def close_pair(first: "Atoms", second: "Atoms", rng: np.random.Generator) -> "Atoms":
    """Two molecules turned at random, with a random gap between their van der Waals surfaces."""
    one, two = first.copy(), second.copy()
    for molecule in (one, two):
        molecule.positions = (molecule.positions - molecule.positions.mean(axis=0)) @ _rotation(rng).T
    gap, separation = rng.uniform(*SEPARATIONS), 0.0
    while _gap(one, two, separation) < gap:
        separation += 0.05
    two.positions[:, 0] += separation
    both = one + two
    both.info = {"charge": one.info.get("charge", 0.0) + two.info.get("charge", 0.0), "multiplicity": 1}
    return both


def _gap(one: "Atoms", two: "Atoms", separation: float) -> float:
    from ase.data import vdw_radii

    shifted = two.positions + np.array([separation, 0.0, 0.0])
    distances = np.linalg.norm(one.positions[:, None, :] - shifted[None, :, :], axis=-1)
    return float((distances - vdw_radii[one.numbers][:, None] - vdw_radii[two.numbers][None, :]).min()) + 0.4


def _rotation(rng: np.random.Generator) -> Float[np.ndarray, "3 3"]:
    from scipy.spatial.transform import Rotation

    return Rotation.random(rng=rng).as_matrix()
