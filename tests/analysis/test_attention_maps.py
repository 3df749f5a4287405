from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.analysis.attention import attention, attention_maps, attentions
from so3k_explore.analysis.attention_blocks import blocks, has_residues, in_blocks
from so3k_explore.analysis.attention_coefficients import (
    QUANTITIES,
    Channel,
    attention_map,
    is_listened_to,
    listens,
)
from so3k_explore.io.structures import load_molecule
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.registry import load_potential
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.system import System
from so3k_explore.typing import stack
from tests.molecules import ETHANOL
from tests.potentials import MIDDLE

CHANNELS = [
    *(Channel(quantity) for quantity in QUANTITIES),
    Channel("signed", layer=1, head=0),
    Channel("magnitude", "equivariant", layer=0, head=2),
]
PEPTIDE = load_molecule("Ac-A-NHMe")


@cache
def random_network() -> So3krates:
    return So3krates.create(2, MIDDLE, dtype=jnp.float64)


def shaken(system: System, count: int, size: float = 0.1) -> System:
    rng = np.random.default_rng(3)
    positions = np.asarray(system.positions)[None] + size * rng.normal(size=(count, system.n_atoms, 3))
    return stack([system.replace(positions=jnp.asarray(each)) for each in positions])


@pytest.mark.parametrize("channel", CHANNELS, ids=str)
def test_maps_follow_a_permutation_and_do_not_feel_a_rotation(channel: Channel) -> None:
    order = np.random.default_rng(1).permutation(9)
    rotation = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    positions, numbers = np.asarray(ETHANOL.positions), np.asarray(ETHANOL.numbers)
    before = attention_map(attention(random_network(), ETHANOL), channel)
    permuted = attention_map(attention(random_network(), System.create(positions[order], numbers[order])), channel)
    turned = attention_map(attention(random_network(), System.create(positions @ rotation.T, numbers)), channel)
    np.testing.assert_allclose(permuted, before[np.ix_(order, order)], atol=1e-10)
    np.testing.assert_allclose(turned, before, atol=1e-10)
    assert np.abs(before - before[np.ix_(order, order)]).max() > 1e-6


@pytest.mark.parametrize("model", ["random weights", "so3k-peptide-gfn2"])
def test_many_structures_at_once_give_the_maps_of_each_alone(model: str) -> None:
    bundled = model != "random weights"
    potential = load_potential(model, "float64") if bundled else random_network()
    systems = shaken(PEPTIDE.system.astype(jnp.float64) if bundled else ETHANOL, 6)
    together = list(attentions(potential, systems))
    assert len(together) == 6
    for seen, positions in zip(together, systems.positions, strict=True):
        alone = attention(potential, jax.tree.map(lambda leaf: leaf[0], systems).replace(positions=positions))
        np.testing.assert_array_equal(seen.receivers, alone.receivers)
        np.testing.assert_array_equal(seen.senders, alone.senders)
        for name in ("invariant", "equivariant", "values", "residuals"):
            np.testing.assert_allclose(getattr(seen, name), getattr(alone, name), atol=1e-10)


def test_more_structures_than_a_portion_come_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("so3k_explore.analysis.attention.PORTION", 4)
    systems = shaken(ETHANOL, 10)
    maps = attention_maps(random_network(), systems)
    assert maps.shape == (10, 9, 9)
    assert maps.dtype == np.float32
    last = attention(random_network(), ETHANOL.replace(positions=systems.positions[9]))
    np.testing.assert_allclose(maps[9], attention_map(last), atol=1e-6)


def test_signed_maps_are_the_coefficients_and_magnitudes_never_negative() -> None:
    seen = attention(random_network(), ETHANOL)
    one = attention_map(seen, Channel("signed", layer=1, head=1))
    np.testing.assert_array_equal(one, seen.dense()[1, 1])
    np.testing.assert_allclose(attention_map(seen), seen.dense().mean(axis=(0, 1)), atol=1e-14)
    euclidean = attention_map(seen, Channel("magnitude", "equivariant", layer=0))
    np.testing.assert_allclose(euclidean, np.abs(seen.dense("equivariant")[0]).mean(axis=0), atol=1e-14)
    assert one.min() < 0 < one.max()


def test_a_contribution_is_the_length_of_the_message_over_that_of_the_features() -> None:
    seen = attention(random_network(), ETHANOL)
    edge, layer = 5, 1
    i, j = seen.receivers[edge], seen.senders[edge]
    message = np.sqrt(sum((seen.invariant[layer, h, edge] * seen.values[layer, h, j]) ** 2 for h in range(2)))
    found = attention_map(seen, Channel("contribution", layer=layer))
    np.testing.assert_allclose(found[i, j], message / seen.residuals[layer, i], rtol=1e-12)


def test_rows_of_rollouts_add_up_to_one_between_atoms_and_between_blocks() -> None:
    parts = blocks("heavy atoms", np.asarray(ETHANOL.numbers), load_molecule("CCO").bonds)
    for quantity in ("rollout", "weighted rollout"):
        matrix = attention_map(attention(random_network(), ETHANOL), Channel(quantity))
        assert matrix.min() >= 0
        np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-12)
        np.testing.assert_allclose(in_blocks(matrix, Channel(quantity), parts).sum(axis=1), 1.0, atol=1e-12)


def test_an_atom_without_neighbours_keeps_to_itself_in_rollouts() -> None:
    far = System.create([*np.asarray(ETHANOL.positions).tolist(), [50.0, 0.0, 0.0]], [6, 6, 8, 1, 1, 1, 1, 1, 1, 1])
    for quantity in ("rollout", "weighted rollout"):
        matrix = attention_map(attention(random_network(), far), Channel(quantity))
        np.testing.assert_allclose(matrix[9], np.eye(10)[9], atol=1e-12)


def test_blocks_sum_pairs_and_name_residues_and_caps() -> None:
    parts = blocks("residues", PEPTIDE.numbers, PEPTIDE.bonds)
    assert parts.names == ("Ace", "Ala 1", "NMe")
    assert sorted(atom for block in range(3) for atom in parts.atoms(block)) == list(range(PEPTIDE.n_atoms))
    matrix = np.random.default_rng(0).normal(size=(PEPTIDE.n_atoms, PEPTIDE.n_atoms))
    expected = matrix[np.ix_(parts.atoms(0), parts.atoms(2))].sum()
    np.testing.assert_allclose(parts.sums(matrix)[0, 2], expected, rtol=1e-12)
    heavy = blocks("heavy atoms", PEPTIDE.numbers, PEPTIDE.bonds)
    assert len(heavy) == int((PEPTIDE.numbers > 1).sum())
    assert blocks("atoms", PEPTIDE.numbers, PEPTIDE.bonds).names[0] == "C1"
    assert has_residues(PEPTIDE.numbers, PEPTIDE.bonds)


def test_equal_hydrogens_may_trade_places_between_heavy_atoms() -> None:
    seen = attention(random_network(), ETHANOL)
    bonds = np.array([[0, 1], [1, 2], [0, 3], [0, 4], [0, 5], [1, 6], [1, 7], [2, 8]])
    parts = blocks("heavy atoms", np.asarray(ETHANOL.numbers), bonds)
    order = [0, 1, 2, 4, 5, 3, 7, 6, 8]
    swapped = attention(random_network(), ETHANOL.replace(positions=ETHANOL.positions[np.array(order)]))
    one, other = (in_blocks(attention_map(each), Channel(), parts) for each in (seen, swapped))
    np.testing.assert_allclose(one, other, atol=1e-10)


def test_sums_over_rows_and_columns_leave_an_atom_itself_out() -> None:
    matrix = np.array([[5.0, -1.0], [2.0, 7.0]])
    np.testing.assert_array_equal(listens(matrix), [1.0, 2.0])
    np.testing.assert_array_equal(is_listened_to(matrix), [2.0, 1.0])


def test_what_does_not_exist_is_refused_in_words() -> None:
    seen = attention(random_network(), ETHANOL)
    with pytest.raises(ValueError, match="`layer` must be from 0 to 1, got 7"):
        attention_map(seen, Channel(layer=7))
    with pytest.raises(ValueError, match="`degree` must be from 0 to 2, got 3"):
        attention_map(seen, Channel(branch="equivariant", head=3))
    with pytest.raises(ValueError, match="`quantity` must be one of signed, magnitude"):
        Channel("sum")
    with pytest.raises(ValueError, match="goes through all layers"):
        Channel("rollout", layer=1)
    with pytest.raises(ValueError, match="invariant branch"):
        Channel("contribution", head=1)
    with pytest.raises(ValueError, match="no peptide residues"):
        blocks("residues", np.asarray(ETHANOL.numbers), load_molecule("CCO").bonds)
    with pytest.raises(ValueError, match="`reduction` must be one of"):
        blocks("elements", PEPTIDE.numbers, PEPTIDE.bonds)
    with pytest.raises(TypeError, match="LennardJones has no attention"):
        next(attentions(LennardJones(), shaken(ETHANOL, 2)))
