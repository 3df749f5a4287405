"""Minima of the bundled model, or another, against those of the reference method.

    python -m benchmarks.conformers MINIMA.xyz [MINIMA.xyz ...] [--model MODEL]

Each file has the known minima of one molecule, with energies in eV (extended xyz). All are relaxed again on the model's
surface, in double precision. Printed are the mean absolute error of relative energies, the rank correlation, how many
minima the model has within 0.1 Å, and how far they move.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from ase.io import read

from so3k_explore.potentials.protocol import Potential
from so3k_explore.potentials.registry import load_potential
from so3k_explore.system import System
from so3k_explore.training.conformers import ConformerScores, conformer_scores

MODEL = "so3k-peptide-gfn2"


def main() -> None:
    """One row a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minima", nargs="+", type=Path, metavar="MINIMA.xyz")
    parser.add_argument("--model", default=MODEL, help=f"name, file or folder (default: {MODEL})")
    options = parser.parse_args()
    potential = load_potential(options.model, "float64")
    print("| | minima | MAE / kcal/mol | Spearman | within 0.1 Å | moved / Å, median (largest) |")
    for file in options.minima:
        found = compare(potential, file)
        print(
            f"| {file.stem} | {len(found.found)} | {found.energy_mae:.2f} | {found.rank_correlation:.3f} | "
            f"{found.kept} | {np.median(found.moved):.2f} ({found.moved.max():.2f}) |",
            flush=True,
        )


def compare(potential: Potential, file: Path) -> ConformerScores:
    """The minima of a file, relaxed anew."""
    minima: Any = read(file, ":")
    energies = np.array([one.get_potential_energy() for one in minima])
    return conformer_scores(potential, [System.from_ase(one) for one in minima], energies)


if __name__ == "__main__":
    main()
