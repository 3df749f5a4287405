"""SO3LR against numbers of the original program, and what must hold with any weights."""

from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.geometry.graph import build_graph
from so3k_explore.geometry.neighbors import find_neighbors
from so3k_explore.observables.charges import charges, energy_terms
from so3k_explore.observables.forces import energy_and_forces, neighbors_for
from so3k_explore.potentials.registry import load_potential
from so3k_explore.potentials.so3lr import TERMS, So3lr
from so3k_explore.system import System
from tests.molecules import ETHANOL, WATER
from tests.potentials import MIDDLE
from tests.potentials_.cases import answers, case_names, read_case

TIGHT = 1e-10  # the numbers agree to about 1e-13


@cache
def random_network() -> So3lr:
    return So3lr.create(3, MIDDLE, dtype=jnp.float64)


@cache
def published(reference: Path, precision: str = "float64") -> So3lr:
    potential = load_potential(reference / "so3lr", precision)
    assert isinstance(potential, So3lr)
    return potential


@pytest.mark.parametrize("name", case_names())
def test_every_number_of_the_original_is_reproduced(name: str, reference: Path) -> None:
    case = read_case(name, reference)
    found = answers(published(reference), case)
    np.testing.assert_allclose(found.energy, case["energy"], rtol=0, atol=TIGHT)
    np.testing.assert_allclose(found.forces, case["forces"], rtol=0, atol=TIGHT)
    np.testing.assert_allclose(found.charges, case["partial_charges"], rtol=0, atol=TIGHT)
    np.testing.assert_allclose(found.hirshfeld_ratios, case["hirshfeld_ratios"], rtol=0, atol=TIGHT)
    np.testing.assert_allclose(found.dipole, case["dipole"], rtol=0, atol=TIGHT)
    for term in TERMS:
        np.testing.assert_allclose(found.terms[term], case[f"atomic_energy_{term}"], rtol=0, atol=TIGHT)
        np.testing.assert_allclose(found.terms[term].sum(), case[f"energy_{term}"], rtol=0, atol=TIGHT)


def test_single_precision_is_as_good_as_the_model_card_says(reference: Path) -> None:
    names = [name for name in case_names() if not name.startswith("ala3_lrcut")]
    cases = [read_case(name, reference) for name in names]
    found = [answers(published(reference, "float32"), case) for case in cases]
    assert all(answer.charges.dtype == np.float32 for answer in found)
    energies = [abs(a.energy - c["energy"]) for a, c in zip(found, cases, strict=True)]
    forces = [np.abs(a.forces - c["forces"]).max() for a, c in zip(found, cases, strict=True)]
    charge = [np.abs(a.charges - c["partial_charges"]).max() for a, c in zip(found, cases, strict=True)]
    assert max(energies) < 1.5e-5
    assert max(forces) < 5e-5
    assert max(charge) < 1e-6


def test_the_charges_add_up_to_the_total_charge_and_padding_gets_none() -> None:
    ion = System.create(
        np.concatenate([ETHANOL.positions, np.zeros((2, 3))]), [*np.asarray(ETHANOL.numbers), 0, 0], charge=-1.0
    )
    found = np.asarray(charges(random_network(), ion))
    np.testing.assert_allclose(found.sum(), -1.0, atol=1e-12)
    np.testing.assert_array_equal(found[-2:], 0.0)
    alone = charges(random_network(), ETHANOL.replace(charge=jnp.asarray(-1.0)))
    np.testing.assert_allclose(found[:-2], alone, atol=1e-12)


def test_a_single_atom_has_an_energy_and_no_force() -> None:
    energy, forces = energy_and_forces(random_network(), System.create([[1.0, 2.0, 3.0]], [8]))
    assert np.isfinite(energy)
    np.testing.assert_array_equal(forces, 0.0)


def test_a_single_hydrogen_atom_has_the_energy_of_the_original(reference: Path) -> None:
    energy, _ = energy_and_forces(published(reference), System.create([[0.0, 0.0, 0.0]], [1]))
    np.testing.assert_allclose(energy, 2.87913, atol=1e-5)


def test_the_terms_add_up_to_the_energy() -> None:
    terms = energy_terms(random_network(), WATER)
    energy, _ = energy_and_forces(random_network(), WATER)
    assert set(terms) == set(TERMS)
    np.testing.assert_allclose(sum(float(term.sum()) for term in terms.values()), energy, atol=1e-12)


def test_a_graph_without_long_range_pairs_is_refused() -> None:
    with pytest.raises(ValueError, match="needs long-range pairs"):
        random_network()(build_graph(WATER, find_neighbors(WATER, random_network().cutoff)))


def test_a_long_range_cutoff_inside_the_switch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"larger than 2.0 Å, got 1.0 Å"):
        random_network().replace(long_range_cutoff=1.0)


def test_a_box_sees_each_pair_of_images_once() -> None:
    """A doubled cell has twice the energy, also where an atom meets its own image inside the cutoff."""
    potential = random_network().replace(long_range_cutoff=6.0)
    cell = np.array([[2.4, 0.0, 0.0], [0.3, 4.2, 0.0], [0.0, 0.2, 5.0]])
    positions = np.asarray(WATER.positions)
    box = System.create(positions, WATER.numbers, cell=cell)
    doubled = System.create(
        np.concatenate([positions, positions + cell[0]]),
        np.concatenate([WATER.numbers, WATER.numbers]),
        cell=cell * np.array([[2.0], [1.0], [1.0]]),
    )
    energy, forces = energy_and_forces(potential, box)
    twice, twice_forces = energy_and_forces(potential, doubled)
    np.testing.assert_allclose(twice, 2 * energy, atol=1e-10)
    np.testing.assert_allclose(twice_forces, np.concatenate([forces, forces]), atol=1e-10)


def test_the_parameters_decide_the_precision() -> None:
    potential = So3lr.create(3, MIDDLE, dtype=jnp.float32)
    energy = jax.jit(lambda p, s, n: p(build_graph(s, n)))(potential, WATER, neighbors_for(potential, WATER))
    assert energy.dtype == jnp.float32
