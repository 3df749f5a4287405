"""Molecules known by name. Each is made when asked for, by our own code, and the same for the same seed."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass

from so3k_explore.io.clusters import lennard_jones_cluster
from so3k_explore.io.molecule import Molecule, StructureError
from so3k_explore.io.sequence import from_sequence
from so3k_explore.io.smiles import from_smiles


@dataclass(frozen=True)
class Entry:
    """What the library says about a molecule before it is made."""

    name: str  # what one types
    title: str  # what people read
    description: str  # one line
    atoms: int
    build: Callable[[int, str], Molecule]  # from a seed and, of peptides, a conformation
    aliases: tuple[str, ...] = ()


def _small(
    name: str, smiles: str, atoms: int, description: str, *aliases: str, title: str | None = None
) -> tuple[str, Entry]:
    title = title or name.capitalize()
    build = lambda seed, _: from_smiles(smiles, seed, name=title).replace(source=f"library, {name}")
    return name, Entry(name, title, description, atoms, build, aliases)


def _peptide(name: str, sequence: str, atoms: int, description: str, *aliases: str) -> tuple[str, Entry]:
    def build(seed: int, conformation: str) -> Molecule:
        made = from_sequence(sequence, conformation=conformation, seed=seed, name=sequence)
        return made.replace(source=f"library, {name}")

    return name, Entry(name, sequence, description, atoms, build, (sequence, *aliases))


def _cluster(atoms: int, description: str) -> tuple[str, Entry]:
    name = f"lj{atoms}"
    build = lambda seed, _: lennard_jones_cluster(atoms, seed)
    return name, Entry(name, f"LJ{atoms}", description, atoms, build, (f"Lennard-Jones {atoms}", f"Ar{atoms}"))


LIBRARY: dict[str, Entry] = dict(
    [
        _small("water", "O", 3, "One water molecule.", "H2O"),
        _small("ethanol", "CCO", 9, "The smallest alcohol with conformers: trans and gauche.", "EtOH"),
        _small("propane", "CCC", 11, "Three carbons, one conformer."),
        _small("butane", "CCCC", 14, "The textbook torsion: t, g+ and g-."),
        _small("pentane", "CCCCC", 17, "Two torsions, and the syn-pentane effect."),
        _small("hexane", "C" * 6, 20, "Three torsions."),
        _small("heptane", "C" * 7, 23, "Four torsions."),
        _small("octane", "C" * 8, 26, "Five torsions."),
        _small("nonane", "C" * 9, 29, "Six torsions."),
        _small("decane", "C" * 10, 32, "Seven torsions, hundreds of minima."),
        _small("aspirin", "CC(=O)Oc1ccccc1C(=O)O", 21, "Acetylsalicylic acid.", "acetylsalicylic acid"),
        _small("caffeine", "Cn1c(=O)c2c(ncn2C)n(C)c1=O", 24, "A rigid molecule with three methyl rotors."),
        _small("glucose", "OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O", 24, "β-D-glucopyranose, a ring of hydroxyls."),
        _small(
            "dha",
            "CC" + r"/C=C\C" * 6 + "CC(=O)O",
            56,
            "Docosahexaenoic acid, a flexible fatty acid with six cis double bonds.",
            "docosahexaenoic acid",
            title="DHA",
        ),
        _peptide(
            "ala2", "Ac-A-NHMe", 22, "Alanine dipeptide, the Ramachandran map.", "alanine dipeptide", "Ac-Ala-NHMe"
        ),
        _peptide(
            "ala3", "Ac-AAA-NHMe", 42, "Alanine tetrapeptide: three residues.", "alanine tetrapeptide", "Ac-Ala3-NHMe"
        ),
        _peptide("ala15", "Ac-A15-NHMe", 162, "Fifteen alanines, a chain that folds to a helix.", "Ac-Ala15-NHMe"),
        _cluster(7, "Seven Lennard-Jones atoms: four minima."),
        _cluster(13, "Thirteen Lennard-Jones atoms: the icosahedron, -44.327 ε."),
        _cluster(38, "Thirty-eight Lennard-Jones atoms: a double funnel, fcc against icosahedra."),
        _cluster(55, "Fifty-five Lennard-Jones atoms: the Mackay icosahedron."),
    ]
)
"""Name to entry, in the order in which people see them."""


def find_entry(text: str) -> Entry | None:
    """Entry with this name or alias, whatever its case, spaces and hyphens; clusters ``ljN`` of any size."""
    wanted = _plain(text)
    listed = next((e for e in LIBRARY.values() if wanted in map(_plain, (e.name, e.title, *e.aliases))), None)
    if listed is None and (cluster := re.fullmatch(r"lj(\d{1,9})", wanted)):
        return _cluster(int(cluster[1]), f"{cluster[1]} Lennard-Jones atoms.")[1]
    return listed


def named(name: str, seed: int = 1, conformation: str = "extended") -> Molecule:
    """Molecule of the library.

    Raises:
        StructureError: the name is not in the library; the message proposes similar ones.
    """
    entry = find_entry(name)
    if entry is None:
        near = similar_names(name)
        proposal = f" Did you mean {' or '.join(near)}?" if near else ""
        raise StructureError(f"`{name}` is not in the library, which holds {', '.join(LIBRARY)}.{proposal}")
    return entry.build(seed, conformation)


def similar_names(text: str) -> list[str]:
    """Up to three names of the library that resemble a text."""
    return difflib.get_close_matches(_plain(text), LIBRARY, n=3, cutoff=0.7)


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text).lower()
