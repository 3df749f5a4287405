"""The lowest vibration without the whole Hessian, against the whole Hessian."""

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.analysis.torsions import moving_atoms, turn
from so3k_explore.exploration.lowest_mode import LowestMode
from so3k_explore.exploration.verification import downhill_push
from so3k_explore.geometry.bonds import neighbor_lists
from so3k_explore.io.structures import load_molecule
from so3k_explore.observables.forces import neighbors_for
from so3k_explore.observables.hessian import hessian, hessian_products, normal_modes
from so3k_explore.potentials.registry import load_potential
from so3k_explore.simulation.relaxation import relaxed

NAPHTHALENE = "c1ccc2ccccc2c1"  # nothing turns


@pytest.fixture(scope="module")
def potential():
    return load_potential("so3k-peptide-gfn2")


def finder_of(molecule) -> LowestMode:
    finder = LowestMode.of(molecule)
    assert finder is not None
    return finder


def at_rest(potential, molecule, positions=None):
    system = molecule.system if positions is None else molecule.system.replace(positions=jnp.asarray(positions))
    return molecule.system.replace(positions=relaxed(potential, system, force_tolerance=2e-3).system.positions[0])


@pytest.mark.parametrize("name", ["ala2", "glucose", "hexane", NAPHTHALENE])
def test_it_is_that_of_the_whole_hessian(potential, name):
    molecule = load_molecule(name)
    system = at_rest(potential, molecule)
    neighbors = neighbors_for(potential, system)
    exact = normal_modes(potential, system, neighbors)
    found = finder_of(molecule)(potential, system, neighbors)
    assert found.converged
    assert found.frequency == pytest.approx(exact.frequencies[0], abs=0.3)
    assert found.products < 0.6 * 3 * molecule.n_atoms
    if exact.frequencies[1] - exact.frequencies[0] > 5:
        assert _overlap(found.mode, exact.modes[0]) > 0.99


def test_a_turned_methyl_group_is_a_saddle_and_is_left_downhill(potential):
    molecule = load_molecule("hexane")
    finder = finder_of(molecule)
    partners = neighbor_lists(molecule.bonds, molecule.n_atoms)
    methyl = next(
        a for a, z in enumerate(molecule.numbers) if z == 6 and (molecule.numbers[partners[a]] == 1).sum() == 3
    )
    chain = next(a for a in partners[methyl] if molecule.numbers[a] == 6)
    quad = [
        [
            next(a for a in partners[chain] if a != methyl),
            chain,
            methyl,
            min(partners[methyl], key=lambda a: a == chain),
        ]
    ]
    moving = moving_atoms(molecule.bonds, np.array(quad), molecule.n_atoms)
    eclipsed = turn(np.asarray(at_rest(potential, molecule).positions, float), quad[0], moving[0], 60.0)
    saddle = molecule.system.replace(positions=jnp.asarray(eclipsed))
    neighbors = neighbors_for(potential, saddle)
    exact = normal_modes(potential, saddle, neighbors)
    assert exact.frequencies[0] < -100
    found = finder(potential, saddle, neighbors)
    assert found.frequency == pytest.approx(exact.frequencies[0], abs=2)
    assert _overlap(found.mode, exact.modes[0]) > 0.99
    pushed = downhill_push(potential, saddle, neighbors, finder)
    assert pushed.pushed is not None
    assert pushed.calls == found.products


def _overlap(one, other):
    return abs(np.sum(one * other)) / np.linalg.norm(one) / np.linalg.norm(other)


def test_small_molecules_and_clusters_need_the_whole_hessian():
    assert LowestMode.of(load_molecule("ethanol")) is None
    assert LowestMode.of(load_molecule("lj38")) is None


def test_products_are_those_with_the_matrix(potential):
    system = load_molecule("ethanol").system
    neighbors = neighbors_for(potential, system)
    directions = np.random.default_rng(0).normal(size=(4, 9, 3))
    matrix = np.asarray(hessian(potential, system, neighbors), float)
    products = hessian_products(potential, system, neighbors, directions)
    np.testing.assert_allclose(products, directions.reshape(4, -1) @ matrix, atol=1e-3)
