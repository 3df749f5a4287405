"""Series in place of the radial networks: the same potential, as far as single precision can tell."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.io.structures import load_molecule
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.compression import compressed
from so3k_explore.potentials.registry import ModelNotFoundError, load_potential
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.system import System
from tests.potentials import SMALL

MODELS = ("so3k-peptide-gfn2", "so3lr")
ENERGY, FORCE = 5e-6, 1e-4  # eV an atom, eV/Å: what production may be off the exact potential


def distorted(name: str) -> System:
    system = load_molecule(name).system
    moves = np.random.default_rng(0).normal(scale=0.05, size=system.positions.shape)
    return system.replace(positions=jnp.asarray(np.asarray(system.positions, float) + moves))


def loaded(model: str, precision: str = "float32", *, exact: bool = False) -> Any:
    try:
        return load_potential(model, precision, exact=exact)
    except ModelNotFoundError:
        pytest.skip(f"{model} is not installed; fetch it with: so3k models get {model}")


@pytest.mark.parametrize("model", MODELS)
def test_energies_and_forces_are_those_of_the_networks(model: str) -> None:
    exact, system = loaded(model, "float64"), distorted("ala2")
    energy, forces = energy_and_forces(exact, system)
    series_energy, series_forces = energy_and_forces(compressed(exact), system)
    single_energy, single_forces = energy_and_forces(loaded(model, "float32"), system)
    assert abs(series_energy - energy) / system.n_atoms < ENERGY / 1000
    np.testing.assert_allclose(series_forces, forces, atol=FORCE / 100)
    assert abs(single_energy - energy) / system.n_atoms < ENERGY
    np.testing.assert_allclose(single_forces, forces, atol=FORCE)


def test_series_are_as_long_as_the_tolerance_asks_for() -> None:
    exact, system = loaded(MODELS[0], "float64"), distorted("ethanol")
    _, forces = energy_and_forces(exact, system)
    rough = compressed(exact, tolerance=1e-2)
    assert rough.architecture.radial_functions < compressed(exact).architecture.radial_functions
    assert np.abs(energy_and_forces(rough, system)[1] - forces).max() > FORCE / 100


def test_networks_that_no_short_series_meets_stay() -> None:
    wild = So3krates.create(0, SMALL, jnp.float64)
    filters = wild.params["transformer"]["layer_0"]["attention"]["invariant_filter"]
    filters["radial"]["hidden"]["kernel"] = filters["radial"]["hidden"]["kernel"] * 1e4
    assert compressed(wild) is wild
    assert compressed(So3krates.create(0, SMALL, jnp.float64)).architecture.linear_filters


def test_double_precision_and_whoever_asks_for_it_have_the_networks() -> None:
    single = loaded(MODELS[0])
    assert single.architecture.linear_filters
    assert compressed(single) is single
    assert not loaded(MODELS[0], exact=True).architecture.linear_filters
    assert not loaded(MODELS[0], "float64").architecture.linear_filters
