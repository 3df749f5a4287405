import jax
import jax.numpy as jnp
import numpy as np

from so3k_explore.geometry.bonds import find_bonds
from so3k_explore.simulation import LBFGS, relaxed
from so3k_explore.simulation.model_hessian import model_hessian
from so3k_explore.simulation.relaxation import minimizer_of
from so3k_explore.system import System, replicate
from tests.molecules import ETHANOL, random_cluster
from tests.simulation.toys import Springs, springs_of

BONDS = find_bonds(np.asarray(ETHANOL.numbers), np.asarray(ETHANOL.positions))
inverse = jax.jit(lambda model, systems: model.inverse(systems))


def test_stretching_a_bond_is_stiff_and_turning_about_it_is_not() -> None:
    model = model_hessian(ETHANOL, BONDS)
    assert model is not None
    hessian = np.linalg.inv(np.asarray(inverse(model, replicate(ETHANOL, 1))[0]))
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-8)
    assert np.linalg.eigvalsh(hessian).min() > 0.49
    curvature = lambda motion: motion @ hessian @ motion / (motion @ motion)
    axis = np.asarray(ETHANOL.positions[8] - ETHANOL.positions[2])
    stretch, turn = np.zeros((9, 3)), np.zeros((9, 3))
    stretch[8] = axis
    turn[8] = np.cross(np.asarray(ETHANOL.positions[2] - ETHANOL.positions[1]), axis)
    assert curvature(stretch.ravel()) > 35 > 5 > curvature(turn.ravel()) > 0.5


def test_straight_chains_have_no_torsions_to_divide_by() -> None:
    butadiyne = System.create([[0.0, 0.0, 1.2 * k] for k in range(6)], [1, 6, 6, 6, 6, 1])
    model = model_hessian(butadiyne, [(k, k + 1) for k in range(5)])
    assert model is not None
    assert bool(jnp.isfinite(inverse(model, replicate(butadiyne, 1))).all())


def test_clusters_boxes_and_giants_have_none() -> None:
    assert model_hessian(random_cluster(5, seed=1), []) is None
    assert model_hessian(ETHANOL.replace(cell=20 * jnp.eye(3)), BONDS) is None
    minimizer = minimizer_of("lbfgs", replicate(random_cluster(5, seed=1), 2))
    assert isinstance(minimizer, LBFGS)
    assert minimizer.model is None


def test_it_saves_force_calls() -> None:
    """A helical chain with stiff bonds, softer angles and soft torsions, shaken."""
    turn = np.arange(16)
    positions = np.stack([0.9 * np.cos(1.7 * turn), 0.9 * np.sin(1.7 * turn), 0.65 * turn], axis=1)
    helix = System.create(positions, [6] * 16)
    apart = np.abs(turn[:, None] - turn[None, :])
    stiffness = np.select([apart == 1, apart == 2, apart == 3], [35.0, 4.0, 0.3], 0.0)
    lengths = jnp.where(jnp.asarray(stiffness) > 0, springs_of(helix).lengths, 0.0)
    chain = Springs(lengths=lengths, stiffness=jnp.asarray(stiffness))
    shaken = helix.replace(positions=helix.positions + 0.1 * jax.random.normal(jax.random.key(0), (16, 3)))
    model = model_hessian(helix, [(k, k + 1) for k in range(15)])
    plain, helped = (relaxed(chain, shaken, method=LBFGS(model=one)) for one in (None, model))
    assert float(helped.max_force[0]) < 0.01
    assert 1.3 * int(helped.calls[0]) < int(plain.calls[0])
