from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import spearmanr

from so3k_explore.analysis.attention import attention
from so3k_explore.analysis.attention_coefficients import Channel, attention_map
from so3k_explore.analysis.attention_faithfulness import faithfulness, masking
from so3k_explore.analysis.attention_verdict import RHO, averaged, grade, partial_correlation, rank_correlation, verdict
from so3k_explore.geometry.bonds import find_bonds
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.registry import load_potential
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.system import System
from tests.molecules import ETHANOL, WATER
from tests.potentials import MIDDLE, REPELLING

WIDE = replace(MIDDLE, cutoff=6.0)  # sees all pairs of ethanol
BONDS = find_bonds(np.asarray(ETHANOL.numbers), np.asarray(ETHANOL.positions))


@cache
def random_network() -> So3krates:
    return So3krates.create(2, WIDE, dtype=jnp.float64)


def test_masking_the_only_pair_leaves_two_atoms_alone() -> None:
    near = System.create([[0.0, 0.0, 0.0], [1.1, 0.0, 0.0]], [6, 8])
    far = System.create([[0.0, 0.0, 0.0], [30.0, 0.0, 0.0]], [6, 8])
    change = float(energy_and_forces(random_network(), far)[0] - energy_and_forces(random_network(), near)[0])
    np.testing.assert_allclose(masking(random_network(), near, np.array([[0, 1]])), change, atol=1e-12)
    assert abs(change) > 1e-3


def test_masking_all_pairs_of_an_atom_one_by_one_is_not_the_same_as_moving_it_away() -> None:
    alone = masking(random_network(), WATER, np.array([[0, 1], [0, 2], [1, 2]]))
    assert alone.shape == (3,)
    np.testing.assert_allclose(alone[0], alone[1], atol=1e-10)  # by symmetry
    assert abs(alone[0] - alone[2]) > 1e-6


def test_the_repulsion_between_nuclei_is_not_masked() -> None:
    repelling = So3krates.create(3, replace(REPELLING, repulsion_range=2.4), dtype=jnp.float64)
    without = repelling.replace(architecture=replace(repelling.architecture, repulsion_range=0.0))
    pairs = np.array([[0, 1], [1, 2]])
    np.testing.assert_allclose(masking(repelling, WATER, pairs), masking(without, WATER, pairs), atol=1e-12)


def test_faithfulness_ranks_attention_against_what_pairs_do() -> None:
    found = faithfulness(random_network(), ETHANOL, BONDS)
    assert len(found.pairs) == 36
    matrix = attention_map(attention(random_network(), ETHANOL), Channel("magnitude"))
    i, j = found.pairs[7]
    assert found.measures["magnitude"][7] == pytest.approx((matrix[i, j] + matrix[j, i]) / 2)
    row = next(row for row in found.table if (row.measure, row.reference) == ("magnitude", "masked"))
    assert row.rho == pytest.approx(spearmanr(found.measures["magnitude"], np.abs(found.masked))[0])
    assert row.partial == pytest.approx(
        partial_correlation(found.measures["magnitude"], np.abs(found.masked), found.distances)
    )
    assert {row.measure for row in found.table} == {"magnitude", "contribution", "rollout", "weighted rollout"}
    chosen = faithfulness(random_network(), ETHANOL, channels=[Channel("signed", layer=1, head=0)])
    assert {row.measure for row in chosen.table} == {"signed, layer 2, head 1"}


def test_faithfulness_does_not_depend_on_the_order_of_atoms_or_on_orientation() -> None:
    order = np.random.default_rng(1).permutation(9)
    rotation = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    moved = System.create((np.asarray(ETHANOL.positions) @ rotation.T)[order], np.asarray(ETHANOL.numbers)[order])
    before, after = faithfulness(random_network(), ETHANOL), faithfulness(random_network(), moved)
    for one, other in zip(before.table, after.table, strict=True):
        assert one.rho == pytest.approx(other.rho, abs=1e-6)
        assert one.partial == pytest.approx(other.partial, abs=1e-5)


def test_couplings_are_blocks_of_the_hessian() -> None:
    found = faithfulness(random_network(), ETHANOL)
    step, (i, j) = 1e-4, found.pairs[3]
    columns = []
    for axis in range(3):
        shift = np.zeros((9, 3))
        shift[j, axis] = step
        ends = [
            energy_and_forces(random_network(), ETHANOL.replace(positions=ETHANOL.positions + s * shift))[1]
            for s in (1, -1)
        ]
        columns.append(-(np.asarray(ends[0][i]) - np.asarray(ends[1][i])) / (2 * step))
    assert found.coupling[3] == pytest.approx(np.linalg.norm(columns), rel=1e-5)


def test_the_bundled_model_looks_near_but_is_no_guide_at_fixed_distance() -> None:
    potential = load_potential("so3k-peptide-gfn2", "float64")
    table = faithfulness(potential, ETHANOL, BONDS).table
    row = next(row for row in table if (row.measure, row.reference) == ("magnitude", "masked"))
    assert row.rho > 0.8
    assert row.partial < row.rho
    assert verdict(table, "magnitude").startswith("Faithfulness ")


def test_a_partial_correlation_takes_out_what_a_third_quantity_explains() -> None:
    rng = np.random.default_rng(3)
    common = rng.normal(size=2000)
    one, other = common + 0.3 * rng.normal(size=2000), common + 0.3 * rng.normal(size=2000)
    assert rank_correlation(one, other) > 0.8
    assert abs(partial_correlation(one, other, common)) < 0.1
    assert np.isnan(rank_correlation(one[:5], other[:5]))
    assert np.isnan(rank_correlation(one[:20], np.ones(20)))


def test_verdicts_are_words_for_the_lowest_correlation_at_fixed_distance() -> None:
    rows = faithfulness(random_network(), ETHANOL).table[:2]
    low = (replace(rows[0], rho=0.9, partial=0.8), replace(rows[1], rho=0.9, partial=0.1))
    assert verdict(low, rows[0].measure).startswith(
        f"Faithfulness low: {RHO} = 0.90 with the energy of masked pairs, 0.80"
    )
    high = (replace(rows[0], partial=0.8), replace(rows[1], partial=0.75))
    assert verdict(high, rows[0].measure).startswith("Faithfulness high")
    assert [grade(value) for value in (0.9, 0.5, 0.1, -0.9, float("nan"))] == [
        *("high", "moderate", "low", "low"),
        "unknown",
    ]
    with pytest.raises(ValueError, match="Nothing is known about 'charge'"):
        verdict(rows, "charge")
    mean = averaged([low, high])
    assert mean[0].partial == pytest.approx(0.8)
    assert mean[1].partial == pytest.approx(0.425)
    assert mean[0].pairs == 2 * rows[0].pairs


def test_what_has_no_attention_or_too_few_pairs_is_refused_in_words() -> None:
    with pytest.raises(TypeError, match="LennardJones has no attention"):
        faithfulness(LennardJones(), ETHANOL)
    with pytest.raises(ValueError, match="At least 4 pairs"):
        faithfulness(random_network(), WATER)


def test_masking_works_in_a_box_with_images() -> None:
    box = WATER.replace(cell=jnp.asarray(np.diag([4.0, 4.4, 5.0])))
    small = So3krates.create(2, MIDDLE, dtype=jnp.float64)
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    changes = masking(small, box, pairs)
    shifted = jax.tree.map(lambda leaf: leaf, box).replace(positions=box.positions + 1.7)
    np.testing.assert_allclose(masking(small, shifted, pairs), changes, atol=1e-10)
