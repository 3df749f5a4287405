from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.io.export import write_structures
from so3k_explore.system import System, replicate
from tests.molecules import ETHANOL, WATER, random_cluster

BONDS = [(0, 1), (1, 2), (0, 3), (0, 4), (0, 5), (1, 6), (1, 7), (2, 8)]


def shaken(walkers: int) -> System:
    batch = replicate(ETHANOL, walkers)
    return batch.replace(positions=batch.positions + 0.01 * jnp.arange(walkers)[:, None, None])


@pytest.mark.parametrize("name", ["a.xyz", "a.extxyz", "a.traj"])
def test_ase_reads_structures_with_energies_and_forces(tmp_path: Path, name: str) -> None:
    from ase.io import read

    batch, forces = shaken(3), np.random.default_rng(0).normal(size=(3, 9, 3))
    write_structures(tmp_path / name, batch, [1.0, 2.0, 3.0], forces=forces)
    frames: Any = read(tmp_path / name, index=":")
    assert len(frames) == 3
    for index, atoms in enumerate(frames):
        np.testing.assert_allclose(atoms.positions, batch.positions[index], atol=1e-7)
        np.testing.assert_allclose(atoms.get_potential_energy(), index + 1)
        np.testing.assert_allclose(atoms.get_forces(), forces[index], atol=1e-7)
        assert atoms.info["charge"] == 0
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_plain_xyz_holds_names_and_positions(tmp_path: Path) -> None:
    write_structures(tmp_path / "a.txt", [WATER, ETHANOL], format="xyz")
    lines = (tmp_path / "a.txt").read_text().splitlines()
    assert [lines[0], lines[5], len(lines)] == ["3", "9", 16]
    assert lines[2].split()[0] == "O"


def test_pdb_has_models_and_bonds(tmp_path: Path) -> None:
    from ase.io import read

    write_structures(tmp_path / "a.pdb", shaken(2), bonds=BONDS)
    text = (tmp_path / "a.pdb").read_text()
    assert text.count("MODEL ") == 2
    assert "CONECT    1    2    4    5    6\n" in text
    assert text.count("ENDMDL") == 2
    assert text.count("CONECT") == 9
    assert len(read(tmp_path / "a.pdb", index=":")) == 2


def test_sdf_perceives_bond_orders_and_keeps_energies(tmp_path: Path) -> None:
    from rdkit import Chem

    formaldehyde = System.create(
        [[0.0, 0.0, 0.0], [1.2, 0.0, 0.0], [-0.55, 0.94, 0.0], [-0.55, -0.94, 0.0]], [6, 8, 1, 1]
    )
    write_structures(tmp_path / "a.sdf", [formaldehyde, formaldehyde], [-1.5, -2.5])
    molecules = list(Chem.SDMolSupplier(str(tmp_path / "a.sdf"), removeHs=False))
    assert [float(molecule.GetProp("energy_eV")) for molecule in molecules] == [-1.5, -2.5]
    assert Chem.MolToSmiles(Chem.RemoveHs(molecules[0])) == "C=O"


def test_sdf_of_a_cluster_has_no_bonds_to_perceive(tmp_path: Path) -> None:
    cluster = random_cluster(5, seed=0, spacing=3.8)
    write_structures(tmp_path / "a.sdf", cluster)
    assert "  5  0  0" in (tmp_path / "a.sdf").read_text()


def test_padding_is_not_written(tmp_path: Path) -> None:
    padded = WATER.replace(numbers=jnp.array([8, 1, 0], jnp.int32))
    write_structures(tmp_path / "a.xyz", padded)
    assert (tmp_path / "a.xyz").read_text().startswith("2\n")


def test_cells_are_kept(tmp_path: Path) -> None:
    from ase.io import read

    write_structures(tmp_path / "a.extxyz", WATER.replace(cell=9 * jnp.eye(3)))
    atoms = read(tmp_path / "a.extxyz")
    assert atoms.pbc.all()  # type: ignore[union-attr]


def test_unknown_formats_and_wrong_numbers_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        write_structures(tmp_path / "a.docx", WATER)
    with pytest.raises(ValueError, match="2 numbers"):
        write_structures(tmp_path / "a.xyz", [WATER, WATER], [1.0])
    assert list(tmp_path.iterdir()) == []
