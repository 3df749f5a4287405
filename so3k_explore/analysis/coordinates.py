"""Quantities that one follows along a trajectory: torsions, distances, radius of gyration, distance to a structure.

They are named in words, so that the command line and the page find the same ones: ``phi 2``, ``psi 2`` (residues count
from 1), ``torsion 3`` (of the rotatable ones), ``torsion 1-5-7-9``, ``distance 1-9`` (atoms count from 1), ``rg``,
``rmsd``.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from so3k_explore.analysis.alignment import rmsd
from so3k_explore.analysis.backbone import Residue
from so3k_explore.analysis.torsions import dihedrals

EXPECTED = "`phi N`, `psi N`, `torsion N`, `torsion A-B-C-D`, `distance A-B`, `rg` or `rmsd`"
TURN = 360.0  # degrees


@dataclass(frozen=True)
class Coordinate:
    """A number that each structure has."""

    name: str
    unit: str
    measure: Callable[[np.ndarray], np.ndarray]  # positions (..., atoms, 3) in Å → values (...)
    period: float | None = None  # in its unit; None: it does not close on itself

    @property
    def label(self) -> str:
        """Name and unit, as on an axis."""
        return f"{self.name} / {self.unit}"


def torsion(quad: Sequence[int], name: str) -> Coordinate:
    """Angle of four atoms, degrees."""
    quads = np.array([quad], int)
    measure = lambda positions: np.asarray(dihedrals(np.asarray(positions, float), quads))[..., 0]
    return Coordinate(name, "°", measure, TURN)


def distance(first: int, second: int, name: str) -> Coordinate:
    """Distance of two atoms, Å."""
    measure = lambda positions: np.linalg.norm(positions[..., first, :] - positions[..., second, :], axis=-1)
    return Coordinate(name, "Å", measure)


def gyration(masses: Any) -> Coordinate:
    """Radius of gyration, Å: root of the mass-weighted mean square distance from the centre of mass."""
    weights = np.asarray(masses, float) / np.sum(masses)

    def measure(positions: np.ndarray) -> np.ndarray:
        centred = positions - np.einsum("a,...ax->...x", weights, positions)[..., None, :]
        return np.sqrt(np.einsum("a,...ax->...", weights, np.square(centred)))

    return Coordinate("radius of gyration", "Å", measure)


def deviation(reference: Any) -> Coordinate:
    """RMSD to a structure (atoms, 3) after superposition, Å."""
    target = np.asarray(reference, float)
    return Coordinate("RMSD to the start", "Å", lambda positions: rmsd(positions, target))


def coordinates_of(residues: Sequence[Residue], torsions: Any, masses: Any, reference: Any) -> dict[str, Coordinate]:
    """All coordinates of a molecule that have short names, by these names: torsions first.

    Args:
        residues: of its peptide chains.
        torsions: rotatable torsions (torsions, 4).
        masses: u.
        reference: (atoms, 3) in Å, to which `rmsd` is measured.
    """
    found: dict[str, Coordinate] = {}
    known = set()
    for residue in residues:
        for word, symbol, quad in (("phi", "φ", residue.phi), ("psi", "ψ", residue.psi)):
            if quad is not None:
                found[f"{word} {residue.index + 1}"] = torsion(quad, f"{symbol} {residue.name} {residue.index + 1}")
                known.add(frozenset(quad[1:3]))
    for number, quad in enumerate(np.asarray(torsions, int).reshape(-1, 4).tolist(), start=1):
        if frozenset(quad[1:3]) not in known:
            found[f"torsion {number}"] = torsion(quad, f"torsion {_atoms(quad)}")
    return {**found, "rg": gyration(masses), "rmsd": deviation(reference)}


def find_coordinate(text: str, known: dict[str, Coordinate], atoms: int) -> Coordinate:
    """The coordinate of that name.

    Args:
        text: as in the head of this module; capitals and colons do not matter.
        known: those with short names, from `coordinates_of`.
        atoms: how many there are.

    Raises:
        ValueError: nothing is called so.
    """
    words = " ".join(re.split(r"[\s:]+", text.strip().lower()))
    if words in known:
        return known[words]
    if words in ("phi", "psi") and sum(name.startswith(words) for name in known) == 1:
        return next(each for name, each in known.items() if name.startswith(words))
    found = re.fullmatch(r"(torsion|distance) (\d+(?:-\d+)+)", words)
    if found:
        indices = [int(part) - 1 for part in found[2].split("-")]
        wanted = 4 if found[1] == "torsion" else 2
        if len(set(indices)) != wanted or len(indices) != wanted or not 0 <= min(indices) <= max(indices) < atoms:
            raise ValueError(f"`{text}` must name {wanted} different atoms from 1 to {atoms}, joined by hyphens.")
        name = f"{found[1]} {_atoms(indices)}"
        return torsion(indices, name) if wanted == 4 else distance(indices[0], indices[1], name)
    raise ValueError(f"There is no coordinate `{text}`: expected {EXPECTED}. This molecule has {', '.join(known)}.")


def _atoms(indices: Sequence[int]) -> str:
    return "\N{EN DASH}".join(str(index + 1) for index in indices)
