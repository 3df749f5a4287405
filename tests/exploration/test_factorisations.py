"""Compiled steps factorise no batch of matrices in one call, which hangs where walkers are shared between cores."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.exploration import Landscape, MinimaSearch, band, following, walkers
from so3k_explore.exploration.curvilinear import StiffDistances
from so3k_explore.exploration.engine import Engine
from so3k_explore.geometry.neighbors import find_neighbors, update_neighbors
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.simulation.freedom import make_freedom, remove_overall
from so3k_explore.simulation.model_hessian import model_hessian
from so3k_explore.system import System, replicate
from tests.exploration.molecules import ethanol

LJ = LennardJones(sigma=1.0, epsilon=0.01, cutoff=8.0)
STRATEGIES = ("hopping", "torsions", "seeds", "metadynamics", "tempering")
LAPACK = {"lu", "eigh", "svd", "cholesky", "qr", "geqrf", "householder_product", "triangular_solve"}
SYSTEMS = replicate(ethanol().system, 3)
MODEL = model_hessian(ethanol().system, ethanol().bonds)


def search() -> Any:
    with Landscape() as landscape:
        engine = Engine(LJ, ethanol(), MinimaSearch(walkers=3, strategies=STRATEGIES), landscape)
    assert engine.walkers.thermal is not None
    return walkers._step, engine.rules, engine.minimizer, LJ, engine.walkers


def climb() -> Any:
    settings = following.Following(stiff=StiffDistances.of(MODEL))
    return following._step, settings, LJ, following._first(LJ, SYSTEMS, SYSTEMS.positions, settings, None, None)


def bands() -> Any:
    paths = np.repeat(np.asarray(SYSTEMS.positions)[None], 2, axis=0)
    state = band._first(LJ, ethanol().system, paths, np.zeros((2, 2)), MODEL, None)
    return band._step, band.ElasticBand(), LJ, state


def roots() -> Any:
    return band._roots, MODEL, SYSTEMS


def line() -> Any:
    positions = [[0.0, 0, 0], [0, 0, 1.1], [0, 0, 2.2]]
    systems = replicate(System.create(positions, [6, 8, 8]), 3)
    return remove_overall, systems, jnp.ones((3, 3, 3)), make_freedom(systems)


def box() -> Any:
    systems = replicate(System.create(3.0 * np.eye(4, 3), [18] * 4, cell=9.0 * np.eye(3)), 3)
    return update_neighbors, find_neighbors(systems, 4.0), systems


def calls(jaxpr: Any) -> Iterator[Any]:
    """Every operation, also inside loops and branches."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda x: hasattr(x, "eqns")):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                yield from calls(inner)


@pytest.mark.parametrize("program", [search, climb, bands, roots, line, box], ids=lambda program: program.__name__)
def test_matrices_are_factorised_one_by_one(program: Callable[[], Any]) -> None:
    step, *arguments = program()
    found = [one for one in calls(jax.make_jaxpr(step)(*arguments).jaxpr) if one.primitive.name in LAPACK]
    assert found
    for one in found:
        assert all(given.aval.ndim <= 2 for given in one.invars), one
