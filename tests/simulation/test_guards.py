import math

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.geometry.neighbors import find_neighbors
from so3k_explore.simulation import make_guard
from so3k_explore.simulation.guards import bonds_changed, evaporated
from so3k_explore.system import System, replicate
from so3k_explore.typing import stack
from tests.molecules import ETHANOL, random_cluster

BONDS = [(0, 1), (1, 2), (0, 3), (0, 4), (0, 5), (1, 6), (1, 7), (2, 8)]


def moved(system: System, atom: int, by: tuple[float, float, float]) -> System:
    return system.replace(positions=system.positions.at[atom].add(jnp.asarray(by)))


def changed(systems: list[System], **settings: float) -> list[bool]:
    batch = stack(systems)
    guard = make_guard(ETHANOL, BONDS, **settings)
    return np.asarray(bonds_changed(guard, batch, find_neighbors(batch, 4.5))).tolist()


def test_a_bond_breaks_beyond_half_an_angstrom() -> None:
    along = np.asarray(ETHANOL.positions[8] - ETHANOL.positions[2])
    along = along / np.linalg.norm(along)
    systems = [moved(ETHANOL, 8, tuple(length * along)) for length in (0.0, 0.45, 0.55, -0.55)]
    assert changed(systems) == [False, False, True, True]
    assert changed(systems, tolerance=math.inf, contact=0.0) == [False] * 4


def test_a_bond_forms_between_distant_atoms_that_touch() -> None:
    outwards = np.asarray(ETHANOL.positions[5] - ETHANOL.positions[0])
    beyond = lambda gap: np.asarray(ETHANOL.positions[5] - ETHANOL.positions[8]) + gap * outwards
    systems = [ETHANOL, moved(ETHANOL, 8, tuple(beyond(0.9))), moved(ETHANOL, 8, tuple(beyond(0.6)))]
    assert changed(systems, tolerance=math.inf) == [False, False, True]  # 1.2 times 2 · 0.31 Å is 0.74 Å


def test_bonds_through_the_walls_of_a_cell_keep_their_length() -> None:
    system = System.create([[0.1, 0.0, 0.0], [9.4, 0.0, 0.0]], [6, 8], cell=10 * np.eye(3))
    guard = make_guard(system, [(0, 1)])
    np.testing.assert_allclose(guard.lengths, [0.7])
    batch = stack([system, moved(system, 1, (-0.6, 0.0, 0.0))])
    assert np.asarray(bonds_changed(guard, batch, find_neighbors(batch, 4.0))).tolist() == [False, True]


def test_an_atom_evaporates_from_a_cluster() -> None:
    cluster = random_cluster(13, seed=4)
    guard = make_guard(cluster, [])
    batch = stack([cluster, moved(cluster, 3, (9.0, 0.0, 0.0)), moved(cluster, 0, (0.0, -9.0, 0.0))])
    assert np.asarray(evaporated(guard, batch)).tolist() == [False, True, True]


def test_a_pair_that_leaves_together_has_evaporated_too() -> None:
    cluster = random_cluster(13, seed=4)
    away = moved(moved(cluster, 3, (0.0, 0.0, 9.0)), 4, (0.0, 0.0, 9.0))
    assert bool(evaporated(make_guard(cluster, []), replicate(away, 1))[0])


def test_molecules_of_one_piece_cannot_evaporate() -> None:
    assert make_guard(ETHANOL, BONDS).separation is None


def test_a_guard_needs_one_structure() -> None:
    with pytest.raises(ValueError, match="one reference structure"):
        make_guard(replicate(ETHANOL, 2), BONDS)


def test_bonds_must_join_atoms_that_exist() -> None:
    with pytest.raises(ValueError, match="0 … 8"):
        make_guard(ETHANOL, [(0, 9)])
