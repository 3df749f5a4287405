import numpy as np
import pytest

from so3k_explore.io.library import LIBRARY, Entry, find_entry, named
from so3k_explore.io.molecule import StructureError

SMALL = [entry for entry in LIBRARY.values() if entry.atoms <= 60]
PROMISED = {
    "water",
    "ethanol",
    "butane",
    "decane",
    "ala2",
    "ala3",
    "ala15",
    "aspirin",
    "caffeine",
    "dha",
    "lj13",
    "lj38",
}


@pytest.mark.parametrize("entry", SMALL, ids=lambda e: e.name)
def test_entries_are_what_they_say(entry: Entry) -> None:
    molecule = named(entry.name)
    assert molecule.n_atoms == entry.atoms
    assert molecule.charge == 0
    assert molecule.multiplicity == 1
    assert molecule.name == entry.title
    assert entry.description.endswith(".")


@pytest.mark.parametrize(
    ("name", "formula", "torsions"),
    [("butane", "C4H10", 1), ("decane", "C10H22", 7), ("aspirin", "C9H8O4", 4), ("caffeine", "C8H10N4O2", 0)],
)
def test_formulas_and_torsions_are_known(name: str, formula: str, torsions: int) -> None:
    molecule = named(name)
    assert molecule.formula == formula
    assert len(molecule.torsions) == torsions


def test_promised_names_exist() -> None:
    assert set(LIBRARY) >= PROMISED


def test_dha_has_six_cis_double_bonds() -> None:
    from rdkit import Chem

    smiles = "CC" + r"/C=C\C" * 6 + "CC(=O)O"
    cis = [b for b in Chem.MolFromSmiles(smiles).GetBonds() if b.GetStereo() == Chem.BondStereo.STEREOZ]
    assert len(cis) == 6
    assert named("dha").formula == "C22H32O2"


def test_ala15_has_fifteen_residues() -> None:
    molecule = named("ala15")
    assert (molecule.n_atoms, len(molecule.residues)) == (162, 15)


@pytest.mark.parametrize("name", ["butane", "ala2", "lj13"])
def test_a_seed_makes_the_molecule(name: str) -> None:
    np.testing.assert_array_equal(named(name, 2).positions, named(name, 2).positions)
    assert np.abs(named(name, 2).positions - named(name, 3).positions).max() > 1e-3


@pytest.mark.parametrize("name", ["lj7", "lj13", "lj38", "lj55"])
def test_clusters_are_compact_and_do_not_overlap(name: str) -> None:
    positions = np.asarray(named(name, 5).positions, float)
    distances = np.linalg.norm(positions[:, None, :] - positions[None, :, :], axis=-1)
    assert distances[~np.eye(len(positions), dtype=bool)].min() >= 0.9 - 1e-6
    assert distances.max() < 2.2 * len(positions) ** (1 / 3)
    np.testing.assert_allclose(positions.mean(axis=0), 0.0, atol=1e-6)


def test_aliases_are_found_whatever_their_case_spaces_and_hyphens() -> None:
    for text in ("ALA3", "Ac-Ala3-NHMe", "ac ala3 nhme", "alanine tetrapeptide", "Alanine-Tetrapeptide"):
        entry = find_entry(text)
        assert entry is not None
        assert entry.name == "ala3"
    assert find_entry("unobtainium") is None


def test_no_name_stands_for_two_molecules() -> None:
    words = [word for entry in LIBRARY.values() for word in {entry.name, entry.title.lower(), *entry.aliases}]
    found = [find_entry(word) for word in words]
    assert [e.name for e in found if e] == [
        e.name for e in LIBRARY.values() for _ in {e.name, e.title.lower(), *e.aliases}
    ]


def test_unknown_names_get_a_proposal() -> None:
    with pytest.raises(StructureError, match=r"`cafeine` is not in the library.*Did you mean caffeine"):
        named("cafeine")


@pytest.mark.parametrize(("name", "atoms"), [("lj8", 8), ("LJ 20", 20), ("lj2", 2)])
def test_clusters_of_any_size_have_a_name(name: str, atoms: int) -> None:
    assert named(name).n_atoms == atoms


@pytest.mark.parametrize("name", ["lj1", "lj0", "lj5000"])
def test_clusters_of_no_use_are_refused_with_the_sizes_that_are(name: str) -> None:
    with pytest.raises(StructureError, match="2 to 1000 atoms"):
        named(name)
