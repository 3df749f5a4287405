"""What would make a calculation with a molecule wrong, fail or slow, said before it starts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int

from so3k_explore.geometry.bonds import VALENCES, bonded_contacts, contacts, fragments
from so3k_explore.geometry.elements import COVALENT_RADII, NOBLE_GASES, formula_text, symbol
from so3k_explore.io.electrons import electron_count
from so3k_explore.io.molecule import Molecule

CPU_ATOMS = 2000
"""Above so many atoms a CPU is slow enough to say so."""

CPU_ATOM_STEPS = 6000.0
"""Guess for a two-core CPU: atoms times energy-and-force evaluations per second, nearly constant because the work grows
with the number of atoms (SO3LR in its original code: 272 evaluations/s at 22 atoms, 153 at 42). Dense systems and
long-range terms over all pairs are slower."""

_CLOSEST = 0.5  # Å
_CLOSEST_RADII = 0.6  # of the sum of covalent radii
_BOND_DECAY = 0.3  # Å; Pauling's relation between bond length and order
_ORGANIC = frozenset({1, *VALENCES})
_NAMED_AT_MOST = 3


@dataclass(frozen=True)
class Problem:
    """One thing to know before a run. With an error the result would mean nothing; with a warning it may be meant."""

    severity: Literal["error", "warning"]
    message: str  # what is the matter and what to do
    kind: str  # "elements", "overlap", "hydrogens", "electrons", "fragments", "size", "single"
    atoms: tuple[int, ...] = ()  # concerned, from 0


def check_system(
    molecule: Molecule,
    elements: Iterable[int] | None,
    device: object = "cpu",
    evaluations_per_second: float | int | None = None,
    ions: bool = True,
) -> list[Problem]:
    """Problems of a molecule for a model and a device, errors first.

    Args:
        molecule: the molecule.
        elements: atomic numbers that the chosen model knows; None: any.
        device: where the model will run, a word that contains "cpu" for a CPU, or JAX's device.
        evaluations_per_second: measured speed for this molecule; default: `CPU_ATOM_STEPS` divided by its atoms.
        ions: whether the chosen model knows total charges and unpaired electrons.
    """
    found = [
        *_unsupported_elements(molecule, elements),
        *_overlaps(molecule),
        *_missing_hydrogens(molecule),
        *_electrons(molecule),
        *([] if ions else _ions(molecule)),
        *_several_fragments(molecule),
        *_size(molecule, device, evaluations_per_second),
    ]
    return sorted(found, key=lambda problem: problem.severity != "error")


def _unsupported_elements(molecule: Molecule, elements: Iterable[int] | None) -> list[Problem]:
    if elements is None:
        return []
    known = {int(z) for z in elements}
    unknown = sorted(set(molecule.numbers.tolist()) - known)
    if not unknown:
        return []
    atoms = tuple(np.flatnonzero(np.isin(molecule.numbers, unknown)).tolist())
    verb = "is" if len(unknown) == 1 else "are"
    message = (
        f"{_join([symbol(z) for z in unknown])} {verb} unknown to this model, which knows {element_ranges(known)}. "
        "Choose another model or another molecule."
    )
    return [Problem("error", message, "elements", atoms)]


def element_ranges(numbers: Iterable[int]) -> str:
    """Elements in words, five and more in a row as a range: ``H, C, N``, ``H to Rn``."""
    runs: list[list[int]] = []
    for z in sorted(numbers):
        if runs and z == runs[-1][-1] + 1:
            runs[-1].append(z)
        else:
            runs.append([z])
    words = [[f"{symbol(run[0])} to {symbol(run[-1])}"] if len(run) >= 5 else [symbol(z) for z in run] for run in runs]
    return ", ".join(word for run in words for word in run)


def _overlaps(molecule: Molecule) -> list[Problem]:
    numbers, cell = molecule.numbers, _cell(molecule)
    radii = np.where(np.isin(numbers, list(NOBLE_GASES)), 0.0, COVALENT_RADII[numbers])  # reduced units: sigma = 1 Å
    largest = max(_CLOSEST, 2 * _CLOSEST_RADII * float(radii.max()))
    i, j, distances = contacts(np.asarray(molecule.positions, float), largest, cell)
    near = distances < np.maximum(_CLOSEST, _CLOSEST_RADII * (radii[i] + radii[j]))
    if not near.any():
        return []
    i, j, distances = i[near], j[near], distances[near]
    closest = np.argsort(distances, kind="stable")[:_NAMED_AT_MOST]
    label = _labels(numbers)
    pairs = [
        f"{label[a]} and {'its image' if a == b else label[b]} ({d:.2f} Å)"
        for a, b, d in zip(*(column[closest].tolist() for column in (i, j, distances)), strict=True)
    ]
    more = f" and {len(i) - len(pairs)} more pairs" if len(i) > len(pairs) else ""
    message = (
        f"Atoms overlap: {'; '.join(pairs)}{more}. Check the units (Å are expected), doubled atoms and the cell, "
        "or build the molecule anew from its SMILES."
    )
    return [Problem("error", message, "overlap", tuple(sorted({*i.tolist(), *j.tolist()})))]


def _missing_hydrogens(molecule: Molecule) -> list[Problem]:
    missing = missing_hydrogens(molecule)
    total = int(missing.sum())
    allowed = round(float(molecule.system.spin)) + abs(round(molecule.charge))  # radicals and ions lack some
    if total <= allowed:
        return []
    atoms = np.flatnonzero(missing)
    label = _labels(molecule.numbers)
    first = ", ".join(label[a] for a in atoms[:_NAMED_AT_MOST].tolist())
    more = f" and {len(atoms) - _NAMED_AT_MOST} more atoms" if len(atoms) > _NAMED_AT_MOST else ""
    message = (
        f"About {total} hydrogen{'s seem' if total > 1 else ' seems'} to be missing, at {first}{more}. "
        "Add hydrogens, for example with Open Babel or PDBFixer"
        + ("." if total > 2 else f", or set multiplicity {total + 1} or a charge if this is meant.")
    )
    severe = total - allowed > 1 or not (molecule.numbers == 1).any()
    return [Problem("error" if severe else "warning", message, "hydrogens", tuple(atoms.tolist()))]


def missing_hydrogens(molecule: Molecule) -> Int[np.ndarray, "atoms"]:
    r"""Number of hydrogens that each C, N and O of an organic molecule seems to lack.

    Bond orders come from lengths, :math:`n = \exp((R_i + R_j - r_{ij}) / 0.3\,\text{Å})` (L. Pauling, J. Am. Chem. Soc.
    69, 542 (1947), with a constant for light elements), and their sum is compared with the valence. Atoms next to
    metals, and lone pairs of atoms such as CO, are left out.
    """
    numbers = molecule.numbers
    missing = np.zeros(len(numbers), int)
    i, j, lengths = bonded_contacts(numbers, np.asarray(molecule.positions, float), _cell(molecule))
    order = np.exp((COVALENT_RADII[numbers[i]] + COVALENT_RADII[numbers[j]] - lengths) / _BOND_DECAY)
    order = np.where((numbers[i] == 1) | (numbers[j] == 1), 1.0, np.clip(order, 0.8, 3.0))
    total, strongest = np.zeros(len(numbers)), np.zeros(len(numbers))
    inorganic = np.zeros(len(numbers), bool)
    degree = np.bincount(np.concatenate([i, j]), minlength=len(numbers))
    for a, b in ((i, j), (j, i)):
        np.add.at(total, a, order)
        np.maximum.at(strongest, a, order)
        inorganic[a] |= ~np.isin(numbers[b], list(_ORGANIC))
    # Without carbon only lone oxygens and nitrogens (water without hydrogens) are certain.
    candidate = np.isin(numbers, (6, 7, 8)) & ~inorganic & ((degree == 0) | (numbers == 6).any())
    candidate &= ~((degree == 1) & (strongest > 2.4))  # CO, isonitriles, N2
    valence = np.array([VALENCES.get(int(z), 0) for z in numbers])
    missing[candidate] = np.floor(np.maximum(valence - total, 0)[candidate] + 0.4).astype(int)
    return missing


def _ions(molecule: Molecule) -> list[Problem]:
    if not molecule.charge and molecule.multiplicity == 1:
        return []
    message = (
        f"This model knows neutral molecules without unpaired electrons only, got charge {molecule.charge:+g} e and "
        f"multiplicity {molecule.multiplicity}. Choose a model for ions, such as SO3LR."
    )
    return [Problem("error", message, "electrons")]


def _electrons(molecule: Molecule) -> list[Problem]:
    charge, spin = molecule.charge, float(molecule.system.spin)
    if charge != round(charge) or spin != round(spin):
        message = f"Charge and unpaired electrons must be whole numbers, got {charge:g} e and {spin:g}."
        return [Problem("error", message, "electrons")]
    electrons = electron_count(molecule.numbers, charge)
    unpaired = round(spin)
    name = formula_text(molecule.numbers)
    if electrons < 1 and molecule.numbers.tolist() != [1]:
        message = f"{name} with charge {charge:+.0f} has {electrons} electrons; at least one is needed. Set the charge."
        return [Problem("error", message, "electrons")]
    if unpaired > electrons:
        message = (
            f"{name} with charge {charge:+.0f} has {electrons} electrons, multiplicity {unpaired + 1} needs {unpaired} "
            f"unpaired ones. Set multiplicity {electrons % 2 + 1}."
        )
        return [Problem("error", message, "electrons")]
    if (electrons - unpaired) % 2:
        fitting = "2" if unpaired == 0 else f"{unpaired} or {unpaired + 2}"
        number = "an odd" if electrons % 2 else "an even"
        message = (
            f"{name} with charge {charge:+.0f} has {electrons} electrons, {number} number, which does not fit "
            f"multiplicity {unpaired + 1}. Set multiplicity {fitting}, or change the charge by one."
        )
        return [Problem("error", message, "electrons")]
    return []


def _several_fragments(molecule: Molecule) -> list[Problem]:
    if molecule.n_atoms == 1:
        return [Problem("warning", "A single atom has no conformers and no forces. Add atoms.", "single")]
    noble = np.isin(molecule.numbers, list(NOBLE_GASES))
    if molecule.system.periodic or noble.all():
        return []
    count = int(fragments(molecule.bonds, molecule.n_atoms).max()) + 1
    if count == 1:
        return []
    message = (
        f"The structure consists of {count} parts that are not bonded; they may drift apart. "
        "If one molecule is meant, check its coordinates."
    )
    return [Problem("warning", message, "fragments")]


def _size(molecule: Molecule, device: object, evaluations_per_second: float | int | None) -> list[Problem]:
    atoms = molecule.n_atoms
    if atoms <= CPU_ATOMS or "cpu" not in str(device).lower():
        return []
    seconds = 1 / evaluations_per_second if evaluations_per_second else atoms / CPU_ATOM_STEPS
    message = (
        f"{atoms} atoms on a CPU: expect about {_duration(seconds)} for each step, {_duration(1000 * seconds)} for "
        "1000 steps. Use a GPU, or a smaller part of the structure."
    )
    return [Problem("warning", message, "size")]


def _duration(seconds: float) -> str:
    for size, unit in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.2g} s"


def _labels(numbers: Int[np.ndarray, "atoms"]) -> list[str]:
    return [f"{symbol(z)}{atom + 1}" for atom, z in enumerate(numbers.tolist())]


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _cell(molecule: Molecule) -> np.ndarray | None:
    return None if molecule.system.cell is None else np.asarray(molecule.system.cell, float)
