"""Peptides from their sequence: ``Ac-AAA-NHMe``, ``Ac-Ala-Gly-NHMe``, ``H-ACDEF-OH``, ``Ac-Ala15-NHMe``.

A sequence is written from the N to the C terminus. Words between hyphens are one-letter strings in capitals or
three-letter names (``Ala``), a number repeats the last residue of a word. Residues are L amino acids with neutral side
chains (histidine protonated at N-epsilon); peptide bonds are trans.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from so3k_explore.analysis.backbone import REGIONS, peptide_torsions
from so3k_explore.analysis.torsions import set_torsion
from so3k_explore.geometry.bonds import contacts, find_bonds, graph_distances, ring_bonds
from so3k_explore.io.molecule import Molecule, StructureError
from so3k_explore.io.smiles import embed, from_rdkit, optimise, quiet_rdkit, set_positions

MAX_RESIDUES = 40
_NITROGEN_CAPS = {"H": "", "Ac": "CC(=O)", "For": "C(=O)"}
_CARBON_CAPS = {"OH": "O", "NH2": "N", "NHMe": "NC", "OMe": "OC"}
_CAP_ALIASES = {"NME": "NHMe", "NHCH3": "NHMe", "ACE": "Ac", "CHO": "For", "NHME": "NHMe", "OME": "OMe", "AC": "Ac"}
_PROLINE = "N1CCC[C@H]1C(=O)"
_SIDE_CHAINS = {
    "Ala": ("A", "C"),
    "Arg": ("R", "CCCN=C(N)N"),
    "Asn": ("N", "CC(=O)N"),
    "Asp": ("D", "CC(=O)O"),
    "Cys": ("C", "CS"),
    "Gln": ("Q", "CCC(=O)N"),
    "Glu": ("E", "CCC(=O)O"),
    "Gly": ("G", ""),
    "His": ("H", "Cc1c[nH]cn1"),
    "Ile": ("I", "[C@@H](C)CC"),
    "Leu": ("L", "CC(C)C"),
    "Lys": ("K", "CCCCN"),
    "Met": ("M", "CCSC"),
    "Phe": ("F", "Cc1ccccc1"),
    "Pro": ("P", ""),
    "Ser": ("S", "CO"),
    "Thr": ("T", "[C@H](O)C"),
    "Trp": ("W", "Cc1c[nH]c2ccccc12"),
    "Tyr": ("Y", "Cc1ccc(O)cc1"),
    "Val": ("V", "C(C)C"),
}
_LETTERS = {letter: name for name, (letter, _) in _SIDE_CHAINS.items()}
CONFORMATIONS = {"extended": (-140.0, 140.0), "helix": (-60.0, -45.0), "random": None}
"""Backbone conformations: phi and psi in degrees, or None for random regions of the Ramachandran map."""

_ATTEMPTS, _ATTEMPT_STEP = 3, 1000
_RANDOM_SPREAD = 15.0  # degrees
_RANDOM_TRIALS = 40
_TORSION_STIFFNESS = 500.0  # kcal/mol/rad²


@dataclass(frozen=True)
class Sequence:
    """A parsed sequence."""

    nitrogen_cap: str
    residues: tuple[str, ...]  # three-letter names
    carbon_cap: str

    @property
    def name(self) -> str:
        """Sequence in one-letter notation with its caps."""
        return f"{self.nitrogen_cap}-{''.join(_SIDE_CHAINS[r][0] for r in self.residues)}-{self.carbon_cap}"

    @property
    def smiles(self) -> str:
        """SMILES of the peptide, L at every residue."""
        return (_NITROGEN_CAPS[self.nitrogen_cap] + "".join(map(_residue_smiles, self.residues))) + _CARBON_CAPS[
            self.carbon_cap
        ]


def parse_sequence(text: str) -> Sequence:
    """Parses a peptide sequence; without caps the ends are H and OH.

    Raises:
        StructureError: a word is neither residue nor cap; the message names it.
    """
    words = [word.strip() for word in text.strip().split("-")]
    if not all(words):
        raise StructureError(f"`{text}` is no sequence: a word is missing beside a hyphen. Example: `Ac-AAA-NHMe`.")
    nitrogen_cap, carbon_cap = "H", "OH"
    first, last = _cap(words[0], _NITROGEN_CAPS), _cap(words[-1], _CARBON_CAPS)
    if first and len(words) > 1:
        nitrogen_cap, words = first, words[1:]
    if last and len(words) > (0 if first else 1):
        carbon_cap, words = last, words[:-1]
    residues = tuple(residue for word in words for residue in _parse_word(word, text))
    if not residues:
        raise StructureError(f"`{text}` has caps but no residue. Example: `Ac-A-NHMe`.")
    if len(residues) > MAX_RESIDUES:
        raise StructureError(f"A sequence may have at most {MAX_RESIDUES} residues, got {len(residues)}. Give a file.")
    return Sequence(nitrogen_cap, residues, carbon_cap)


def from_sequence(sequence: str, *, conformation: str = "extended", seed: int = 1, name: str | None = None) -> Molecule:
    """Peptide with its backbone in a given conformation, relaxed around it with MMFF94.

    Args:
        sequence: for example ``Ac-AAA-NHMe``; see the head of this module.
        conformation: "extended" (phi -140°, psi 140°), "helix" (-60°, -45°) or "random" (by `seed`).
        seed: of side chains and of the random conformation.
        name: shown to people; default: the sequence.
    """
    if conformation not in CONFORMATIONS:
        raise StructureError(f"`conformation` must be one of {', '.join(CONFORMATIONS)}, got `{conformation}`.")
    parsed = parse_sequence(sequence)
    source = f"sequence {parsed.name}, {conformation}"
    with quiet_rdkit():
        for attempt in range(_ATTEMPTS):
            molecule = _build(parsed, conformation, seed + _ATTEMPT_STEP * attempt, name or parsed.name, source)
            perceived = find_bonds(molecule.numbers, np.asarray(molecule.positions, float))
            if np.array_equal(perceived, molecule.bonds):
                return molecule
    raise StructureError(
        f"No {conformation} structure of {parsed.name} without clashes was found in {_ATTEMPTS} attempts. "
        "Try another seed or conformation."
    )


def _build(parsed: Sequence, conformation: str, seed: int, name: str, source: str) -> Molecule:
    from rdkit import Chem

    rdkit_molecule = embed(Chem.MolFromSmiles(parsed.smiles), parsed.name, seed)
    start = from_rdkit(rdkit_molecule, name, source)
    targets = dict.fromkeys(map(tuple, peptide_torsions(start.numbers, start.bonds).tolist()), 180.0)
    if conformation == "random":
        positions, angles = _random_backbone(start, targets, seed)
    else:
        angles = targets | _backbone_targets(start, [CONFORMATIONS[conformation]] * len(start.residues))
        positions = _with_torsions(start, angles)
    set_positions(rdkit_molecule, positions)
    optimise(rdkit_molecule, lambda field, is_mmff: _restrain(field, is_mmff, angles))
    return from_rdkit(rdkit_molecule, name, source)


def _cap(word: str, caps: dict[str, str]) -> str | None:
    known = {cap.upper(): cap for cap in caps} | {a: cap for a, cap in _CAP_ALIASES.items() if cap in caps}
    return known.get(word.upper())


def _parse_word(word: str, text: str) -> list[str]:
    parts = re.fullmatch(r"([A-Za-z]+)(\d*)", word)
    if parts is None:
        raise StructureError(f"`{word}` in `{text}` is no residue; letters and perhaps a number are expected.")
    letters, count = parts[1], int(parts[2] or 1)
    if not 1 <= count <= MAX_RESIDUES:
        raise StructureError(f"`{word}` in `{text}` repeats a residue {count} times; 1 to {MAX_RESIDUES} are possible.")
    if letters.isupper():
        if letters.capitalize() in _SIDE_CHAINS:
            spelled = "-".join(letters)
            raise StructureError(
                f"`{letters}` in `{text}` has two meanings: write `{letters.capitalize()}` for one residue "
                f"or `{spelled}` for three."
            )
        for letter in letters:
            if letter not in _LETTERS:
                raise StructureError(f"`{letter}` in `{text}` is none of the 20 amino acids ({' '.join(_LETTERS)}).")
        names = [_LETTERS[letter] for letter in letters]
    elif letters.capitalize() in _SIDE_CHAINS:
        names = [letters.capitalize()]
    else:
        caps = ", ".join([*_NITROGEN_CAPS, *_CARBON_CAPS])
        raise StructureError(
            f"`{letters}` in `{text}` is no residue. Expected one-letter codes in capitals, "
            f"a three-letter name such as Ala, or a cap at an end ({caps})."
        )
    return [*names[:-1], *[names[-1]] * count]


def _residue_smiles(name: str) -> str:
    if name == "Pro":
        return _PROLINE
    side_chain = _SIDE_CHAINS[name][1]
    # Ring labels are reused from residue to residue: each ring is closed before the next one opens.
    return f"N[C@@H]({side_chain})C(=O)" if side_chain else "NCC(=O)"


def _backbone_targets(molecule: Molecule, angles: list[Any]) -> dict[tuple[int, ...], float]:
    rings = {tuple(b) for b in molecule.bonds[ring_bonds(molecule.bonds, molecule.n_atoms)].tolist()}
    targets = {}
    for residue, (phi, psi) in zip(molecule.residues, angles, strict=True):
        if residue.phi is not None and tuple(sorted(residue.phi[1:3])) not in rings:  # proline keeps its own
            targets[residue.phi] = phi
        if residue.psi is not None:
            targets[residue.psi] = psi
    return targets


def _random_backbone(
    molecule: Molecule, fixed: dict[tuple[int, ...], float], seed: int
) -> tuple[Float[np.ndarray, "atoms 3"], dict[tuple[int, ...], float]]:
    """The least crowded of several random conformations, every residue in a region of the Ramachandran map."""
    rng = np.random.default_rng(seed)
    far = graph_distances(molecule.bonds, molecule.n_atoms) > 3
    best, best_gap = (molecule.positions, fixed), -1.0
    for _ in range(_RANDOM_TRIALS):
        targets = fixed | _backbone_targets(molecule, [_random_angles(rng) for _ in molecule.residues])
        positions = _with_torsions(molecule, targets)
        i, j, distances = contacts(positions, 2.0)
        gap = float(np.min(distances[far[i, j]], initial=2.0))
        if gap > best_gap:
            best, best_gap = (positions, targets), gap
        if gap >= 1.7:
            break
    return best


def _random_angles(rng: np.random.Generator) -> tuple[float, float]:
    center = list(REGIONS.values())[rng.integers(len(REGIONS))]
    phi, psi = np.asarray(center) + rng.uniform(-_RANDOM_SPREAD, _RANDOM_SPREAD, 2)
    return float(phi), float(psi)


def _with_torsions(molecule: Molecule, targets: dict[tuple[int, ...], float]) -> Float[np.ndarray, "atoms 3"]:
    positions = np.asarray(molecule.positions, float)
    for quad, angle in targets.items():
        positions = set_torsion(positions, molecule.bonds, quad, angle)
    return positions


def _restrain(field: Any, is_mmff: bool, targets: dict[tuple[int, ...], float]) -> None:
    add = field.MMFFAddTorsionConstraint if is_mmff else field.UFFAddTorsionConstraint
    for quad, angle in targets.items():
        angle = (angle + 180) % 360 - 180
        add(*quad, False, angle, angle, _TORSION_STIFFNESS)
