import ase
import ase.build
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.system import System, replicate, walker
from tests.molecules import ETHANOL, WATER


def test_a_molecule_comes_back_from_ase_unchanged() -> None:
    ion = ETHANOL.replace(charge=jnp.asarray(1.0), spin=jnp.asarray(1.0))
    back = System.from_ase(ion.to_ase())
    np.testing.assert_array_equal(back.positions, ion.positions)
    np.testing.assert_array_equal(back.numbers, ion.numbers)
    np.testing.assert_allclose(back.masses, ion.masses)
    assert (float(back.charge), float(back.spin), back.cell) == (1.0, 1.0, None)


def test_atoms_come_back_from_a_system_unchanged() -> None:
    atoms = ase.build.bulk("NaCl", "rocksalt", a=5.64)
    atoms.set_masses(np.array([23.0, 35.0]))  # pyright: ignore[reportArgumentType]
    atoms.info |= {"charge": -1.0, "multiplicity": 3}
    back = System.from_ase(atoms).to_ase()
    np.testing.assert_allclose(back.positions, atoms.positions)
    np.testing.assert_allclose(back.cell.array, atoms.cell.array)
    np.testing.assert_allclose(back.get_masses(), [23.0, 35.0])
    assert back.pbc.all()
    assert back.info == {"charge": -1.0, "multiplicity": 3}
    assert back.get_chemical_symbols() == ["Na", "Cl"]


def test_the_cell_of_atoms_that_are_not_periodic_is_left_out() -> None:
    assert System.from_ase(ase.Atoms("He", cell=[9, 9, 9], pbc=False)).cell is None


def test_mixed_periodicity_is_refused_with_a_way_out() -> None:
    with pytest.raises(ValueError, match=r"periodic in all directions or in none.*vacuum"):
        System.from_ase(ase.Atoms("He", cell=[9, 9, 9], pbc=[True, True, False]))


def test_standard_masses_are_used_unless_given() -> None:
    np.testing.assert_allclose(WATER.masses, [15.999, 1.008, 1.008])
    heavy = System.create(WATER.positions, WATER.numbers, masses=[15.999, 2.014, 2.014])
    np.testing.assert_allclose(heavy.masses[1], 2.014)


@pytest.mark.parametrize(
    ("positions", "numbers", "message"),
    [
        (np.zeros((2, 2)), [1, 1], r"shape \(atoms, 3\)"),
        (np.zeros((2, 3)), [1], r"got \(2, 3\) and \(1,\)"),
        ([[0.0, 0.0, np.nan]], [1], "must be finite"),
    ],
)
def test_wrong_input_is_refused(positions: object, numbers: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        System.create(positions, numbers)


def test_replicas_have_a_walkers_axis_and_come_apart() -> None:
    batch = replicate(WATER, 3)
    assert (batch.n_walkers, batch.n_atoms, WATER.n_walkers) == (3, 3, 1)
    assert batch.charge.shape == (3,)
    assert not batch.periodic
    np.testing.assert_array_equal(walker(batch, 2).positions, WATER.positions)


def test_casting_changes_floating_leaves_only() -> None:
    small = System.create(WATER.positions, WATER.numbers, cell=np.eye(3)).astype(jnp.float32)
    assert {leaf.dtype for leaf in (small.positions, small.masses, small.charge, small.spin)} == {np.dtype("float32")}
    assert small.cell is not None
    assert small.cell.dtype == np.float32
    assert small.numbers.dtype == np.int32
