"""Run folders with finished searches, whose minima are conformers of one molecule in a few families."""

from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore.analysis.torsions import dihedrals, moving_atoms, turn
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.records import Hop
from so3k_explore.io.structures import load_molecule
from so3k_explore.jobs.job import make_job
from so3k_explore.jobs.settings import MinimaSettings
from so3k_explore.jobs.store import RunFolder

BASINS = ((-83.0, 75.0), (-160.0, 160.0), (60.0, 40.0), (-65.0, -40.0))  # degrees, phi and psi


def conformers(molecule: Any, count: int, seed: int = 0) -> np.ndarray:
    """Every residue in one of the basins, the same for all residues in most structures; positions in Å."""
    rng = np.random.default_rng(seed)
    positions = np.repeat(np.asarray(molecule.positions, float)[None], count, axis=0)
    family = rng.choice(len(BASINS), size=count, p=(0.4, 0.3, 0.2, 0.1))
    for residue in molecule.residues:
        own = np.where(rng.random(count) < 0.15, rng.integers(0, len(BASINS), count), family)
        for k, quad in enumerate((residue.phi, residue.psi)):
            if quad is None:
                continue
            wanted = np.array(BASINS)[own, k] + rng.normal(0, 8, count)
            atoms = np.array(quad)
            moving = moving_atoms(molecule.bonds, atoms[None], molecule.n_atoms)[0]
            present = np.asarray(dihedrals(positions, atoms[None]))[:, 0]
            positions = np.asarray(turn(positions, atoms, moving, wanted - present))
    return positions


def write_search(
    root: Path, name: str, minima: int, molecule: str = "Ac-AAA-NHMe", model: str | Path | None = None
) -> str:
    """The folder of a finished search under `root`; returns its id."""
    read = load_molecule(molecule)
    job = make_job(MinimaSettings(), read, "lennard-jones" if molecule.startswith("lj") else model, name)
    folder = RunFolder.create(root / name, job.to_json())
    rng = np.random.default_rng(1)
    positions = rng.uniform(-1.5, 1.5, (minima, read.n_atoms, 3))
    if len(read.bonds) and minima:
        positions = conformers(read, minima)
    energies = np.sort(rng.gamma(3.0, 0.06, minima))
    if minima:
        with Landscape.open(folder.landscape) as landscape, landscape.transaction():
            landscape.bind(read)
            for k, energy in enumerate(energies.tolist()):
                landscape.add(-100.0 + energy, positions[k], call=40 * k, walker=0, strategy="torsions")
                landscape.add_hop(Hop(None, k + 1, 40 * k, 0, "torsions", None, accepted=True))
    folder.write_status({"state": "done", "progress": 1.0})
    return folder.path.name
