"""Peptide backbones: residues with their torsions phi, psi, omega, and the regions of the Ramachandran map."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from so3k_explore.geometry.bonds import neighbor_lists
from so3k_explore.geometry.elements import symbol

Quads = Int[np.ndarray, "torsions 4"]
Quad = tuple[int, int, int, int]

REGIONS = {
    "C7eq": (-83, 75),
    "C5": (-160, 160),
    "beta": (-120, 130),
    "PII": (-70, 150),
    "alphaR": (-65, -40),
    "beta2": (-130, 20),
    "alpha'": (-165, -40),
    "C7ax": (75, -65),
    "alphaL": (60, 40),
}
"""Rounded (phi, psi) in degrees of the regions' centres: minima of alanine dipeptide (R. Vargas et al., J. Phys. Chem.
A 106, 3213 (2002)) and the usual secondary structures."""

REGION_RADIUS = 60.0
"""Degrees: further than this from every centre a conformation has no name."""

_SIDE_CHAINS = {
    "": "Gly",
    "C": "Ala",
    "C CC": "Val",
    "C C CC": "Leu",
    "C CC C": "Ile",
    "C O": "Ser",
    "C CO": "Thr",
    "C S": "Cys",
    "C C S C": "Met",
    "C C OO": "Asp",
    "C C NO": "Asn",
    "C C C OO": "Glu",
    "C C C NO": "Gln",
    "C C C C N": "Lys",
    "C C C N C NN": "Arg",
    "C C CN CN": "His",
    "C C CC CC C": "Phe",
    "C C CC CC C O": "Tyr",
    "C C CC CCN CC C": "Trp",
}


@dataclass(frozen=True)
class Residue:
    """One amino-acid residue of a chain; torsions that need a missing neighbour are None."""

    index: int  # position in its chain, from 0
    name: str  # three letters; "Xaa" when unknown
    nitrogen: int
    alpha: int  # the carbon that carries the side chain
    carbon: int  # of the carbonyl group
    phi: Quad | None  # C(i-1), N, CA, C
    psi: Quad | None  # N, CA, C, N(i+1)
    omega: Quad | None  # CA, C, N(i+1), next carbon


def is_amide(numbers: Int[np.ndarray, "atoms"], lists: list[list[int]], carbon: int, nitrogen: int) -> bool:
    """Whether `carbon` is a carbonyl carbon bonded to the amide `nitrogen`."""
    return bool(
        numbers[carbon] == 6
        and numbers[nitrogen] == 7
        and nitrogen in lists[carbon]
        and carbonyl_oxygen(numbers, lists, carbon) is not None
    )


def carbonyl_oxygen(numbers: Int[np.ndarray, "atoms"], lists: list[list[int]], carbon: int) -> int | None:
    """The oxygen of C=O: an oxygen bonded to nothing but this carbon, which has three neighbours."""
    if numbers[carbon] != 6 or len(lists[carbon]) != 3:
        return None
    return next((n for n in lists[carbon] if numbers[n] == 8 and len(lists[n]) == 1), None)


def peptide_torsions(numbers: Int[np.ndarray, "atoms"], bonds: Int[np.ndarray, "bonds 2"]) -> Quads:
    """Torsions omega about secondary and tertiary amide bonds C(=O)-N, outer atoms not hydrogen where possible."""
    lists = neighbor_lists(bonds, len(numbers))
    found = []
    for i, j in bonds.tolist():
        for c, n in ((i, j), (j, i)):
            if not is_amide(numbers, lists, c, n):
                continue
            oxygen = carbonyl_oxygen(numbers, lists, c)
            before = [k for k in lists[c] if k not in (n, oxygen)]
            after = [k for k in lists[n] if k != c and numbers[k] > 1]
            if before and after:
                carbons_first = lambda k: (numbers[k] != 6, k)
                found.append((min(before, key=carbons_first), c, n, min(after, key=carbons_first)))
    return np.array(sorted(found, key=lambda q: q[1:3]), int).reshape(-1, 4)


def backbone_torsions(numbers: Int[np.ndarray, "atoms"], bonds: Int[np.ndarray, "bonds 2"]) -> list[Residue]:
    """Residues of all peptide chains in order, found by the pattern N-CA-C(=O) next to at least one peptide bond."""
    lists = neighbor_lists(bonds, len(numbers))
    units: dict[int, tuple[int, int, int]] = {}  # by nitrogen
    for nitrogen in np.flatnonzero(numbers == 7).tolist():
        unit = _unit(numbers, lists, nitrogen)
        if unit is not None:
            units[nitrogen] = unit
    following = {n: _next_nitrogen(numbers, lists, unit) for n, unit in units.items()}
    inner = {n for n in following.values() if n is not None}
    residues = []
    for start in [n for n in units if n not in inner] + list(units):  # a ring of residues has no start
        index, nitrogen = 0, start
        while nitrogen in units:
            residue = _residue(numbers, lists, units.pop(nitrogen), following[nitrogen], index)
            if residue.phi is not None or residue.psi is not None:
                residues.append(residue)
            index, nitrogen = index + 1, following[nitrogen]
    return residues


def ramachandran_quads(residues: list[Residue]) -> tuple[Quads, Quads]:
    """Torsions phi and psi of the residues that have both, as arrays for `dihedrals`."""
    both = [r for r in residues if r.phi is not None and r.psi is not None]
    as_array = lambda quads: np.array(quads, int).reshape(-1, 4)
    return as_array([r.phi for r in both]), as_array([r.psi for r in both])


def ramachandran_region(phi: Any, psi: Any) -> str:
    """Name of the nearest region centre of `REGIONS` (angles in degrees), or "other"."""
    return str(ramachandran_regions(np.asarray(phi, float), np.asarray(psi, float)))


def ramachandran_regions(phi: Any, psi: Any) -> np.ndarray:
    """Names of the nearest region centres of `REGIONS`, or "other", for arrays of angles in degrees."""
    wrap = lambda angle: (angle + 180) % 360 - 180
    centers = np.array(list(REGIONS.values()), float)
    away = [wrap(np.asarray(angles, float)[..., None] - centers[:, k]) for k, angles in enumerate((phi, psi))]
    distances = np.hypot(*away)
    nearest = np.array(list(REGIONS))[distances.argmin(axis=-1)]
    return np.where(distances.min(axis=-1) <= REGION_RADIUS, nearest, "other")


def _unit(numbers: Int[np.ndarray, "atoms"], lists: list[list[int]], nitrogen: int) -> tuple[int, int, int] | None:
    for alpha in lists[nitrogen]:
        if numbers[alpha] != 6 or len(lists[alpha]) != 4:
            continue
        for carbon in lists[alpha]:
            if carbonyl_oxygen(numbers, lists, carbon) is not None:
                return nitrogen, alpha, carbon
    return None


def _next_nitrogen(numbers: Int[np.ndarray, "atoms"], lists: list[list[int]], unit: tuple[int, int, int]) -> int | None:
    _, alpha, carbon = unit
    return next((n for n in lists[carbon] if numbers[n] == 7 and n != alpha), None)


def _residue(
    numbers: Int[np.ndarray, "atoms"],
    lists: list[list[int]],
    unit: tuple[int, int, int],
    following: int | None,
    index: int,
) -> Residue:
    nitrogen, alpha, carbon = unit
    before = next((c for c in lists[nitrogen] if c != alpha and carbonyl_oxygen(numbers, lists, c) is not None), None)
    after = None
    if following is not None:
        heavy = [n for n in lists[following] if n != carbon and numbers[n] > 1]
        after = min(heavy, key=lambda n: (len(lists[n]) != 4, n), default=None)
    return Residue(
        index=index,
        name=_name(numbers, lists, unit),
        nitrogen=nitrogen,
        alpha=alpha,
        carbon=carbon,
        phi=None if before is None else (before, nitrogen, alpha, carbon),
        psi=None if following is None else (nitrogen, alpha, carbon, following),
        omega=None if following is None or after is None else (alpha, carbon, following, after),
    )


def _name(numbers: Int[np.ndarray, "atoms"], lists: list[list[int]], unit: tuple[int, int, int]) -> str:
    nitrogen, alpha, carbon = unit
    seen, shell, words = {nitrogen, alpha, carbon}, [alpha], []
    ring = False
    while shell:
        across = lambda a, n: numbers[a] == 16 and numbers[n] == 16  # a disulfide bridge leads into another residue
        found = sorted({n for a in shell for n in lists[a] if n not in seen and numbers[n] > 1 and not across(a, n)})
        seen.update(found)
        words.append("".join(sorted(symbol(numbers[n]) for n in found)))
        ring = ring or any(nitrogen in lists[n] for n in found)
        shell = found
    signature = " ".join(words).strip()
    if ring:
        return "Pro" if signature == "C C C" else "Xaa"
    return _SIDE_CHAINS.get(signature, "Xaa")
