"""A matrix as pictures: its colours, and cylinders between atoms."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from so3k_explore.analysis.attention_blocks import Blocks
    from so3k_explore.io.molecule import Molecule

COLOURED = 98.0  # percentile of the magnitudes at which colours are full
MOST_CYLINDERS = 400

Cylinder = tuple[int, int, float]
"""Two atoms, and their attention as a share of the largest one."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A matrix with what is needed to draw it."""

    matrix: np.ndarray  # (blocks, blocks), rows listen to columns
    names: tuple[str, ...]
    title: str
    limit: float  # magnitude at which colours are full

    @classmethod
    def of(cls, matrix: np.ndarray, blocks: "Blocks", title: str, limit: float = 0.0) -> "Picture":
        """A matrix between blocks; colours are full where most entries stay below, unless a limit is given."""
        return cls(matrix, blocks.names, title, limit or full_colour(matrix))

    @property
    def largest(self) -> float:
        """Largest magnitude off the diagonal."""
        return float(np.abs(self.matrix - np.diag(np.diag(self.matrix))).max(initial=0.0))


def full_colour(matrix: np.ndarray) -> float:
    """Magnitude that most entries stay below, so that a few strong ones do not pale the rest."""
    magnitudes = np.abs(matrix[matrix != 0])
    return float(np.percentile(magnitudes, COLOURED)) if len(magnitudes) else 1.0


def cylinders(matrix: np.ndarray, anchors: list[int], threshold: float | int) -> list[Cylinder]:
    """Pairs of different blocks with the stronger of their two entries, from a share `threshold` of the largest on."""
    magnitudes = np.abs(matrix)
    i, j = np.triu_indices(len(matrix), k=1)
    values = np.where(magnitudes >= magnitudes.T, matrix, matrix.T)[i, j]
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0:
        return []
    order = np.argsort(-np.abs(values), kind="stable")[:MOST_CYLINDERS]
    kept = order[np.abs(values[order]) >= max(threshold * largest, 1e-12)]
    return [(anchors[i[k]], anchors[j[k]], float(values[k] / largest)) for k in kept.tolist()]


def anchors(blocks: "Blocks", molecule: "Molecule") -> list[int]:
    """For each block the heavy atom next to its middle, where its cylinders end."""
    positions, found = np.asarray(molecule.positions, float), []
    for block in range(len(blocks)):
        atoms = blocks.atoms(block)
        heavy = [atom for atom in atoms if molecule.numbers[atom] > 1] or atoms
        distances = np.linalg.norm(positions[heavy] - positions[atoms].mean(axis=0), axis=1)
        found.append(int(heavy[int(distances.argmin())]))
    return found
