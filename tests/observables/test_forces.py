"""Every property of STYLE, for every potential of the table."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.geometry.rotations import random_rotation
from so3k_explore.observables.forces import (
    batched_energy_and_forces,
    energy_and_forces,
    neighbors_for,
    potential_energy,
)
from so3k_explore.system import System
from so3k_explore.typing import stack
from tests.potentials import POTENTIALS, Named

swept = lambda potentials: pytest.mark.parametrize("named", potentials, ids=lambda named: named.name)
every_potential = swept(POTENTIALS)
every_potential_with_a_cutoff = swept([named for named in POTENTIALS if named.ends])
every_potential_of_short_range = swept([named for named in POTENTIALS if named.ends and not named.far])
TIGHT = 1e-10


def ask(named: Named, positions: np.ndarray | jax.Array) -> tuple[np.ndarray, np.ndarray]:
    energy, forces = energy_and_forces(named.potential, named.molecule.replace(positions=jnp.asarray(positions)))
    return np.asarray(energy), np.asarray(forces)


@every_potential
def test_forces_turn_with_the_molecule(named: Named) -> None:
    rotation = np.asarray(random_rotation(jax.random.key(7)))
    energy, forces = ask(named, named.molecule.positions)
    turned_energy, turned_forces = ask(named, np.asarray(named.molecule.positions) @ rotation.T)
    np.testing.assert_allclose(turned_energy, energy, atol=TIGHT)
    np.testing.assert_allclose(turned_forces, forces @ rotation.T, atol=TIGHT)


@every_potential
def test_a_mirror_image_has_the_same_energy_and_mirrored_forces(named: Named) -> None:
    mirror = np.diag([1.0, -1.0, 1.0])
    energy, forces = ask(named, named.molecule.positions)
    mirrored_energy, mirrored_forces = ask(named, np.asarray(named.molecule.positions) @ mirror)
    np.testing.assert_allclose(mirrored_energy, energy, atol=TIGHT)
    np.testing.assert_allclose(mirrored_forces, forces @ mirror, atol=TIGHT)


@every_potential
def test_moving_the_whole_molecule_changes_nothing_and_forces_add_up_to_zero(named: Named) -> None:
    energy, forces = ask(named, named.molecule.positions)
    moved_energy, moved_forces = ask(named, np.asarray(named.molecule.positions) + np.array([3.0, -2.0, 5.0]))
    np.testing.assert_allclose(moved_energy, energy, atol=TIGHT)
    np.testing.assert_allclose(moved_forces, forces, atol=TIGHT)
    np.testing.assert_allclose(forces.sum(axis=0), 0.0, atol=TIGHT)


@every_potential
def test_the_order_of_atoms_does_not_matter(named: Named) -> None:
    molecule = named.molecule
    order = np.random.default_rng(3).permutation(molecule.n_atoms)
    shuffled = molecule.replace(positions=molecule.positions[order], numbers=molecule.numbers[order])
    energy, forces = energy_and_forces(named.potential, molecule)
    shuffled_energy, shuffled_forces = energy_and_forces(named.potential, shuffled)
    np.testing.assert_allclose(shuffled_energy, energy, atol=TIGHT)
    np.testing.assert_allclose(shuffled_forces, np.asarray(forces)[order], atol=TIGHT)


@every_potential
def test_forces_are_the_slope_of_the_energy(named: Named) -> None:
    positions = np.asarray(named.molecule.positions)
    direction = np.random.default_rng(5).normal(size=positions.shape)
    step = 1e-5
    _, forces = ask(named, positions)
    above, _ = ask(named, positions + step * direction)
    below, _ = ask(named, positions - step * direction)
    slope = -np.sum(forces * direction)
    np.testing.assert_allclose((above - below) / (2 * step), slope, rtol=1e-6, atol=1e-7)
    assert abs(slope) > 1e-3


@every_potential
def test_padding_atoms_carry_no_energy_and_feel_no_force(named: Named) -> None:
    molecule = named.molecule
    extra = 3
    padded = molecule.replace(
        positions=jnp.concatenate([molecule.positions, jnp.full((extra, 3), 0.5) + molecule.positions[:1]]),
        numbers=jnp.concatenate([molecule.numbers, jnp.zeros(extra, molecule.numbers.dtype)]),
        masses=jnp.concatenate([molecule.masses, jnp.ones(extra)]),
    )
    energy, forces = energy_and_forces(named.potential, molecule)
    padded_energy, padded_forces = energy_and_forces(named.potential, padded)
    np.testing.assert_allclose(padded_energy, energy, atol=TIGHT)
    np.testing.assert_allclose(padded_forces[:-extra], forces, atol=TIGHT)
    np.testing.assert_array_equal(padded_forces[-extra:], 0.0)


@every_potential_with_a_cutoff
def test_energy_and_forces_are_continuous_where_an_atom_crosses_the_cutoff(named: Named) -> None:
    cutoff = named.potential.cutoff
    positions = np.array(named.molecule.positions)
    away = positions[-1] - positions[0]
    away /= np.linalg.norm(away)
    found = []
    for distance in (cutoff - 1e-6, cutoff + 1e-6):
        positions[-1] = positions[0] + distance * away
        found.append(ask(named, positions))
    (energy, forces), (energy_beyond, forces_beyond) = found
    slope = np.abs(forces).max() + 1
    np.testing.assert_allclose(energy_beyond, energy, atol=1e-5 * slope)
    np.testing.assert_allclose(forces_beyond, forces, atol=1e-3 * slope)


@every_potential_of_short_range
def test_two_copies_far_apart_have_twice_the_energy(named: Named) -> None:
    potential, molecule = named.potential, named.molecule
    pair = System.create(
        np.concatenate([molecule.positions, np.asarray(molecule.positions) + np.array([50.0, 0.0, 0.0])]),
        np.concatenate([molecule.numbers, molecule.numbers]),
    )
    energy, forces = energy_and_forces(potential, molecule)
    pair_energy, pair_forces = energy_and_forces(potential, pair)
    np.testing.assert_allclose(pair_energy, 2 * energy, atol=TIGHT)
    np.testing.assert_allclose(pair_forces, np.concatenate([forces, forces]), atol=TIGHT)


@every_potential
def test_many_walkers_in_one_call_equal_each_alone(named: Named) -> None:
    rng = np.random.default_rng(11)
    molecule = named.molecule
    shaken = [
        molecule.replace(positions=molecule.positions + 0.02 * rng.normal(size=molecule.positions.shape))
        for _ in range(3)
    ]
    batch = stack(shaken)
    energies, forces = batched_energy_and_forces(named.potential, batch, neighbors_for(named.potential, batch))
    for walker, system in enumerate(shaken):
        energy, alone = energy_and_forces(named.potential, system)
        np.testing.assert_allclose(energies[walker], energy, atol=TIGHT)
        np.testing.assert_allclose(forces[walker], alone, atol=TIGHT)


@every_potential
def test_pairs_listed_beyond_the_cutoff_do_not_count(named: Named) -> None:
    molecule = named.molecule
    energy, _ = energy_and_forces(named.potential, molecule)
    wide = neighbors_for(named.potential, molecule, skin=1.5)
    wide_energy = jax.jit(potential_energy)(named.potential, molecule, wide)
    np.testing.assert_allclose(wide_energy, energy, atol=TIGHT)
