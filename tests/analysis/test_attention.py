from functools import cache
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.analysis.attention import attention, capture
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.registry import load_potential
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.system import System
from tests.molecules import ETHANOL, WATER, random_cluster
from tests.potentials import MIDDLE
from tests.potentials_.cases import read_case, system_of

SEEN_INSIDE = ("h2", "water", "ethanol", "methylammonium", "ala2_c7eq", "water_dimer_6A")


@cache
def random_network() -> So3krates:
    return So3krates.create(2, MIDDLE, dtype=jnp.float64)


@cache
def published(reference: Path) -> So3lr:
    potential = load_potential(reference / "so3lr", "float64", long_range_cutoff=1000.0)
    assert isinstance(potential, So3lr)
    return potential


@pytest.mark.parametrize("name", SEEN_INSIDE)
def test_everything_seen_inside_so3lr_is_that_of_the_original(name: str, reference: Path) -> None:
    case = read_case(name, reference)
    atoms = len(case["positions"])
    seen = capture(published(reference), system_of(case, 22))  # padded, so that one compilation serves all
    found = seen.attention
    np.testing.assert_array_equal(found.receivers, case["idx_i"])
    np.testing.assert_array_equal(found.senders, case["idx_j"])
    for layer in range(3):
        inside = {
            "alpha_inv": found.invariant[layer].T,
            "alpha_ev": found.equivariant[layer].T,
            "x": seen.features[layer, :atoms],
            "ev": seen.euclidean[layer, :atoms],
        }
        for key, values in inside.items():
            np.testing.assert_allclose(values, case[f"layer{layer}_{key}"], rtol=0, atol=1e-10)
    assert seen.charges is not None
    assert seen.hirshfeld_ratios is not None
    np.testing.assert_allclose(seen.charges[:atoms], case["partial_charges"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(seen.hirshfeld_ratios[:atoms], case["hirshfeld_ratios"], rtol=0, atol=1e-10)
    for term, values in seen.energies.items():
        np.testing.assert_allclose(values[:atoms], case[f"atomic_energy_{term}"], rtol=0, atol=1e-10)


def test_a_capture_has_the_shapes_its_annotations_promise_and_the_same_energy() -> None:
    seen = capture(random_network(), ETHANOL)
    edges = len(seen.attention.receivers)
    assert seen.attention.invariant.shape == (MIDDLE.layers, MIDDLE.heads, edges)
    assert seen.attention.equivariant.shape == (MIDDLE.layers, len(MIDDLE.degrees), edges)
    assert seen.features.shape == (MIDDLE.layers, 9, MIDDLE.features)
    assert seen.euclidean.shape == (MIDDLE.layers, 9, 15)
    assert seen.charges is None
    energy, _ = energy_and_forces(random_network(), ETHANOL)
    np.testing.assert_allclose(sum(term.sum() for term in seen.energies.values()), energy, atol=1e-12)


def test_dense_matrices_hold_the_coefficients_by_receiver_and_sender() -> None:
    found = attention(random_network(), ETHANOL)
    for branch, values in (("invariant", found.invariant), ("equivariant", found.equivariant)):
        matrices = found.dense(branch)
        assert matrices.shape == (*values.shape[:2], 9, 9)
        np.testing.assert_array_equal(matrices[:, :, found.receivers, found.senders], values)
        np.testing.assert_array_equal(np.diagonal(matrices, axis1=2, axis2=3), 0.0)
        assert np.count_nonzero(matrices[0, 0]) == len(found.receivers)
    assert np.abs(found.dense() - found.dense().swapaxes(2, 3)).max() > 1e-6
    with pytest.raises(ValueError, match='"invariant" or "equivariant"'):
        found.dense("both")


def test_images_of_a_sender_add_up_in_a_box() -> None:
    box = WATER.replace(cell=jnp.asarray(np.diag([2.4, 4.2, 5.0])))
    found = attention(random_network(), box)
    np.testing.assert_allclose(found.dense().sum(axis=(2, 3)), found.invariant.sum(axis=-1), atol=1e-12)


def test_a_single_atom_attends_to_nobody() -> None:
    found = attention(random_network(), System.create([[0.0, 0.0, 0.0]], [8]))
    assert found.invariant.shape == (MIDDLE.layers, MIDDLE.heads, 0)
    assert found.dense().shape == (MIDDLE.layers, MIDDLE.heads, 1, 1)


def test_potentials_without_attention_say_so() -> None:
    with pytest.raises(TypeError, match="LennardJones has no attention; load a So3krates model"):
        attention(LennardJones(), random_cluster(4, seed=1))
