import logging

import jax
import numpy as np
import pytest
from jaxtyping import Array, Float

from so3k_explore.geometry.graph import Graph
from so3k_explore.io.calculator import Calculator
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.system import System
from so3k_explore.typing import pytree
from tests.molecules import WATER, random_cluster

CLUSTER = random_cluster(8, seed=1)


@pytree
class Charged(LennardJones):
    """Lennard-Jones whose energy and charges know the total charge."""

    def __call__(self, graph: Graph) -> Float[Array, "atoms"]:
        return super().__call__(graph) + graph.charge + 10 * graph.spin

    def charges(self, graph: Graph) -> Float[Array, "atoms"]:
        return graph.positions[:, 0] * 0 + graph.charge / graph.n_atoms

    def dipole(self, graph: Graph) -> Float[Array, "3"]:
        return (self.charges(graph)[:, None] * graph.positions).sum(axis=0)


def test_energy_and_forces_are_those_of_the_potential() -> None:
    potential = LennardJones(cutoff=2.5)
    atoms = CLUSTER.to_ase()
    atoms.calc = Calculator(potential)
    rng = np.random.default_rng(0)
    for _ in range(6):  # small and large moves: pair lists are reused and made anew
        atoms.positions += rng.normal(scale=rng.choice([0.01, 0.3]), size=(8, 3))
        energy, forces = energy_and_forces(potential, System.from_ase(atoms))
        np.testing.assert_allclose(atoms.get_potential_energy(), energy, rtol=1e-12)
        np.testing.assert_allclose(atoms.get_potential_energy(force_consistent=True), energy, rtol=1e-12)
        np.testing.assert_allclose(atoms.get_forces(), forces, rtol=1e-9, atol=1e-9)


def test_small_moves_compile_nothing(caplog: pytest.LogCaptureFixture) -> None:
    atoms = random_cluster(11, seed=1).to_ase()
    atoms.calc = Calculator(LennardJones(cutoff=2.5))
    compiled = []
    with jax.log_compiles(), caplog.at_level(logging.WARNING, "jax"):
        for _ in range(4):
            atoms.positions += 1e-3
            atoms.get_forces()
            compiled.append(sum("Finished XLA compilation" in record.message for record in caplog.records))
    assert compiled[0] > 0
    assert compiled[1] == compiled[3]


def test_charge_and_multiplicity_in_info_count() -> None:
    atoms = CLUSTER.to_ase()
    atoms.calc = Calculator(Charged())
    neutral = atoms.get_potential_energy()
    atoms.info["charge"] = 1
    np.testing.assert_allclose(atoms.get_potential_energy() - neutral, 8.0)
    np.testing.assert_allclose(atoms.get_charges(), 1 / 8)
    np.testing.assert_allclose(atoms.get_dipole_moment(), atoms.positions.mean(axis=0))
    atoms.info["multiplicity"] = 2
    np.testing.assert_allclose(atoms.get_potential_energy() - neutral, 88.0)


def test_stress_is_the_derivative_by_strain() -> None:
    atoms = CLUSTER.to_ase()
    atoms.set_cell([4.0, 4.2, 4.4])
    atoms.pbc = True
    atoms.calc = Calculator(LennardJones(cutoff=2.0))
    stress, volume = atoms.get_stress(), atoms.get_volume()
    energies = []
    for strain in (1e-5, -1e-5):
        strained = atoms.copy()
        strained.set_cell(np.diag([1 + strain, 1, 1]) @ atoms.cell.array, scale_atoms=True)
        strained.calc = atoms.calc
        energies.append(strained.get_potential_energy())
    np.testing.assert_allclose(stress[0], (energies[0] - energies[1]) / 2e-5 / volume, rtol=1e-6)


def test_what_does_not_exist_is_refused_in_words() -> None:
    from ase.calculators.calculator import PropertyNotImplementedError

    atoms = WATER.to_ase()
    atoms.calc = Calculator(LennardJones())
    with pytest.raises(PropertyNotImplementedError, match="potential with charges"):
        atoms.get_charges()
    with pytest.raises(PropertyNotImplementedError, match="periodic cell"):
        atoms.get_stress()


def test_another_molecule_may_follow() -> None:
    calculator = Calculator(LennardJones(cutoff=2.5))
    for system in (CLUSTER, WATER, CLUSTER):
        atoms = system.to_ase()
        atoms.calc = calculator
        np.testing.assert_allclose(atoms.get_potential_energy(), energy_and_forces(calculator.potential, system)[0])
