import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.geometry.rotations import random_rotation
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.observables.hessian import PORTION, hessian, hessians, normal_modes
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.simulation import relaxed
from so3k_explore.system import System, replicate, walker
from tests.molecules import random_cluster
from tests.simulation.toys import TETRAHEDRON, TRIANGLE, Morse, springs_of


def test_the_hessian_is_the_derivative_of_the_forces() -> None:
    potential, system = LennardJones(cutoff=2.5), random_cluster(6, seed=1)
    second = np.asarray(hessian(potential, system)).reshape(6, 3, 18)
    for atom, axis in ((0, 0), (3, 2)):
        forces = [
            energy_and_forces(potential, system.replace(positions=system.positions.at[atom, axis].add(step)))[1]
            for step in (1e-5, -1e-5)
        ]
        np.testing.assert_allclose(second[atom, axis], -(forces[0] - forces[1]).reshape(-1) / 2e-5, atol=1e-5)


@pytest.mark.parametrize("cutoff", [float("inf"), 1.8])
def test_hessians_of_a_batch_are_those_of_its_systems(cutoff: float) -> None:
    potential, count = LennardJones(cutoff=cutoff), PORTION + 2
    positions = jnp.stack([random_cluster(5, seed).positions for seed in range(count)])
    systems = replicate(random_cluster(5, 0), count).replace(positions=positions)
    found = hessians(potential, systems)
    assert found.shape == (count, 15, 15)
    for k in (0, 7, count - 1):
        np.testing.assert_allclose(found[k], hessian(potential, walker(systems, k)), rtol=1e-10, atol=1e-10)


def test_a_diatomic_has_one_frequency_that_is_known() -> None:
    pair = System.create([[0.0, 0.0, 0.0], [0.0, 0.0, 1.2]], [7, 8])
    modes = normal_modes(Morse(), pair)
    reduced = 14.007 * 15.999 / (14.007 + 15.999)
    expected = units.HBAR * np.sqrt(2 * 2 * 1.5**2 / reduced) / units.INVERSE_CM
    np.testing.assert_allclose(modes.frequencies, [expected], rtol=1e-10)
    np.testing.assert_allclose(modes.reduced_masses, [14.007 * 15.999 * 30.006 / np.hypot(14.007, 15.999) ** 2])
    np.testing.assert_allclose(modes.zero_point_energy, 0.5 * expected * units.INVERSE_CM)
    np.testing.assert_allclose(np.abs(modes.modes[0, :, 2]), np.array([15.999, 14.007]) / np.hypot(15.999, 14.007))


@pytest.mark.parametrize(("system", "count"), [(TRIANGLE, 3), (TETRAHEDRON, 9)])
def test_rigid_motions_are_left_out_and_turning_changes_nothing(system: System, count: int) -> None:
    springs = springs_of(system)
    modes = normal_modes(springs, system)
    assert modes.frequencies.shape == (count,)
    assert (np.diff(modes.frequencies) >= 0).all()
    assert modes.frequencies[0] > 100
    turned = system.replace(positions=system.positions @ random_rotation(jax.random.key(0)).T + 3.0)
    np.testing.assert_allclose(normal_modes(springs, turned).frequencies, modes.frequencies, rtol=1e-8)
    np.testing.assert_allclose(np.sum(modes.modes**2, axis=(1, 2)), 1.0)


def test_minima_have_no_imaginary_frequency_and_saddles_one() -> None:
    minimum = walker(relaxed(LennardJones(), random_cluster(5, 1), force_tolerance=1e-8).system, 0)
    modes = normal_modes(LennardJones(), minimum)
    assert modes.imaginary == 0
    line = System.create([[0.0, 0.0, 0.0], [1.1224, 0.0, 0.0], [2.2433, 0.0, 0.0]], [18] * 3)
    assert normal_modes(LennardJones(), line).frequencies.shape == (4,)
    assert normal_modes(LennardJones(), line).imaginary == 2  # a line of three bends two ways


def test_a_periodic_system_keeps_its_rotations() -> None:
    box = random_cluster(4, seed=1).replace(cell=8 * jnp.eye(3))
    assert normal_modes(LennardJones(cutoff=3.0), box).frequencies.shape == (9,)


def test_padding_takes_no_part() -> None:
    padded = System.create(np.vstack([np.asarray(TRIANGLE.positions), [[9.0, 9.0, 9.0]]]), [8, 6, 1, 0])
    lengths = jnp.zeros((4, 4)).at[:3, :3].set(springs_of(TRIANGLE).lengths)
    modes = normal_modes(springs_of(TRIANGLE).replace(lengths=lengths), padded)
    np.testing.assert_allclose(modes.frequencies, normal_modes(springs_of(TRIANGLE), TRIANGLE).frequencies, rtol=1e-10)
    assert modes.modes.shape == (3, 4, 3)
    assert not modes.modes[:, 3].any()


def test_a_batch_has_no_single_hessian() -> None:
    with pytest.raises(ValueError, match="batch of 2"):
        hessian(LennardJones(), replicate(TRIANGLE, 2))
