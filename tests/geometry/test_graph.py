from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.geometry.graph import build_graph
from so3k_explore.geometry.neighbors import find_neighbors
from so3k_explore.system import System
from tests.molecules import ETHANOL, random_cluster

CELL = np.array([[3.0, 0.0, 0.0], [0.8, 2.8, 0.0], [-0.6, 0.5, 3.2]])


def padded(system: System, extra: int) -> System:
    return System.create(
        np.vstack([system.positions, np.zeros((extra, 3))]), np.append(np.asarray(system.numbers), [0] * extra)
    )


def test_displacements_lead_from_receiver_to_sender() -> None:
    graph = build_graph(ETHANOL, find_neighbors(ETHANOL, 3.0, np.inf))
    expected = ETHANOL.positions[graph.senders] - ETHANOL.positions[graph.receivers]
    np.testing.assert_allclose(graph.displacements[graph.mask], expected[graph.mask])
    far = graph.long_range
    assert far is not None
    np.testing.assert_allclose(far.displacements, ETHANOL.positions[far.senders] - ETHANOL.positions[far.receivers])


def test_every_directed_pair_has_its_opposite() -> None:
    graph = build_graph(ETHANOL, find_neighbors(ETHANOL, 3.0))
    columns = [np.asarray(leaf)[np.asarray(graph.mask)] for leaf in (graph.receivers, graph.senders)]
    vectors = np.asarray(graph.displacements)[np.asarray(graph.mask)]
    forward = {(i, j): tuple(v) for i, j, v in zip(*columns, vectors.tolist(), strict=True)}
    assert all(tuple(-x for x in forward[j, i]) == v for (i, j), v in forward.items())


def test_padding_is_masked_and_has_unit_displacements() -> None:
    system = padded(ETHANOL, 3)
    graph = build_graph(system, find_neighbors(system, np.inf, np.inf))
    inside = np.asarray((graph.receivers < 9) & (graph.senders < 9))
    np.testing.assert_array_equal(graph.mask, inside)
    np.testing.assert_allclose(np.linalg.norm(graph.displacements, axis=1)[~inside], 1.0)
    assert graph.real.sum() == 9
    assert graph.long_range is not None
    assert graph.long_range.mask.sum() == 36


def test_gradients_through_masked_pairs_are_finite_and_zero() -> None:
    system = padded(ETHANOL, 2)  # two padding atoms at the same place
    neighbors = find_neighbors(system, 3.0, np.inf)

    def total(positions: jax.Array) -> jax.Array:
        graph = build_graph(system.replace(positions=positions), neighbors)
        near = jnp.where(graph.mask, jnp.linalg.norm(graph.displacements, axis=-1), 0.0).sum()
        assert graph.long_range is not None
        far = jnp.linalg.norm(graph.long_range.displacements, axis=-1)
        return near + jnp.where(graph.long_range.mask, 1 / far, 0.0).sum()

    gradient = jax.grad(total)(system.positions)
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[9:], 0.0)
    assert np.abs(gradient[:9]).max() > 0.1


def test_periodic_displacements_follow_the_strain_of_the_cell() -> None:
    rng = np.random.default_rng(0)
    system = System.create(rng.uniform(size=(3, 3)) @ CELL, [18] * 3, cell=CELL)
    neighbors = find_neighbors(system, 4.0, skin=0.0)
    strain = jnp.eye(3) + jnp.array([[0.01, 0.002, 0.0], [0.0, -0.02, 0.003], [0.001, 0.0, 0.015]])
    assert system.cell is not None
    strained = system.replace(positions=system.positions @ strain, cell=system.cell @ strain)
    before, after = build_graph(system, neighbors), build_graph(strained, neighbors)
    mask = np.asarray(before.mask)
    assert (np.linalg.norm(before.displacements, axis=1)[mask] < 4.0).all()
    np.testing.assert_allclose(after.displacements[mask], (before.displacements @ strain)[mask], atol=1e-12)


def test_casting_reaches_the_long_range_pairs() -> None:
    system = random_cluster(5, seed=0)
    graph = build_graph(system, find_neighbors(system, 2.0, np.inf)).astype(jnp.dtype("float32"))
    assert graph.long_range is not None
    assert graph.displacements.dtype == graph.long_range.displacements.dtype == graph.charge.dtype == jnp.float32


@pytest.mark.parametrize("atoms", [1, 2, 7])
def test_complete_lists_have_the_displacements_of_their_indices(atoms: int) -> None:
    """They are made without the indices; so are their derivatives. An atom that is padding changes neither."""
    positions = jax.random.normal(jax.random.key(atoms), (atoms, 3))
    numbers = np.array([6] * (atoms - 1) + [0]) if atoms > 2 else [6] * atoms
    system = System.create(positions, numbers, masses=np.ones(atoms))
    neighbors = find_neighbors(system, np.inf)
    assert neighbors.method == "complete"
    weights = jax.random.normal(jax.random.key(1), neighbors.short.receivers.shape)

    def by_index(positions: Any) -> Any:
        pairs, mask = neighbors.short, graph.mask
        lengths = jnp.sum((positions[pairs.senders] - positions[pairs.receivers]) ** 2, axis=1)
        return jnp.sum(jnp.where(mask, weights * lengths, 0.0))

    def as_built(positions: Any) -> Any:
        built = build_graph(system.replace(positions=positions), neighbors)
        return jnp.sum(jnp.where(built.mask, weights * jnp.sum(built.displacements**2, axis=1), 0.0))

    graph = build_graph(system, neighbors)
    np.testing.assert_allclose(as_built(positions), by_index(positions), rtol=1e-12)
    np.testing.assert_allclose(jax.grad(as_built)(positions), jax.grad(by_index)(positions), rtol=1e-12, atol=1e-12)
