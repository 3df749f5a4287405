import itertools
import math
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.geometry import neighbors as module
from so3k_explore.geometry.neighbors import Neighbors, PairList, device_pairs, find_neighbors, update_neighbors
from so3k_explore.system import System, replicate
from so3k_explore.typing import stack
from tests.molecules import random_cluster

CLUSTER = random_cluster(20, seed=1)
TRICLINIC = np.array([[3.0, 0.0, 0.0], [0.8, 2.8, 0.0], [-0.6, 0.5, 3.2]])


def crystal(atoms: int = 3, seed: int = 0) -> System:
    rng = np.random.default_rng(seed)
    return System.create(rng.uniform(size=(atoms, 3)) @ TRICLINIC, np.full(atoms, 18), cell=TRICLINIC)


def directed(pairs: PairList) -> set[tuple[int, int]]:
    mask = np.asarray(pairs.mask)
    return set(zip(np.asarray(pairs.receivers)[mask].tolist(), np.asarray(pairs.senders)[mask].tolist(), strict=True))


def within(system: System, radius: float) -> set[tuple[int, int]]:
    """Brute force for molecules."""
    positions = np.asarray(system.positions)
    distance = np.linalg.norm(positions[:, None, :] - positions[None, :, :], axis=-1)
    real = np.asarray(system.numbers) > 0
    i, j = np.nonzero((distance < radius) & real[:, None] & real[None, :] & ~np.eye(len(positions), dtype=bool))
    return set(zip(i.tolist(), j.tolist(), strict=True))


def periodic_vectors(system: System, radius: float) -> Counter[tuple[int, int, tuple[float, ...]]]:
    """Brute force for crystals: receiver, sender and vector of all images within the radius."""
    positions, cell = np.asarray(system.positions), np.asarray(system.cell)
    found: Counter[tuple[int, int, tuple[float, ...]]] = Counter()
    for shift in itertools.product(range(-4, 5), repeat=3):
        for i, j in itertools.product(range(len(positions)), repeat=2):
            vector = positions[j] + np.array(shift) @ cell - positions[i]
            if 1e-9 < np.linalg.norm(vector) < radius:
                found[i, j, rounded(vector)] += 1
    return found


def listed_vectors(system: System, pairs: PairList) -> Counter[tuple[int, int, tuple[float, ...]]]:
    assert pairs.shifts is not None
    positions, cell = np.asarray(system.positions), np.asarray(system.cell)
    rows = zip(*(np.asarray(leaf) for leaf in (pairs.receivers, pairs.senders, pairs.mask, pairs.shifts)), strict=True)
    found: Counter[tuple[int, int, tuple[float, ...]]] = Counter()
    for i, j, real, shift in rows:
        if real:
            found[int(i), int(j), rounded(positions[j] + shift @ cell - positions[i])] += 1
    return found


def rounded(vector: np.ndarray) -> tuple[float, ...]:
    return tuple((np.round(vector, 6) + 0.0).tolist())


def sorted_by_receiver(pairs: PairList) -> bool:
    return bool((np.diff(np.asarray(pairs.receivers)) >= 0).all())


def test_an_infinite_cutoff_lists_every_pair_exactly() -> None:
    found = find_neighbors(CLUSTER, math.inf, math.inf)
    assert found.method == "complete"
    assert found.short.mask.all()
    assert directed(found.short) == within(CLUSTER, math.inf)
    assert found.long_range is not None
    assert directed(found.long_range) == {(i, j) for i, j in within(CLUSTER, math.inf) if i < j}
    assert sorted_by_receiver(found.short)


def test_complete_lists_never_expire() -> None:
    found = find_neighbors(CLUSTER, math.inf)
    far = CLUSTER.replace(positions=100 * CLUSTER.positions)
    assert update_neighbors(found, far) is found


@pytest.mark.parametrize("method", ["device", "host"])
def test_molecules_agree_with_brute_force(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if method == "host":
        monkeypatch.setattr(module, "DEVICE_ATOMS", 0)
    found = find_neighbors(CLUSTER, 1.6, 2.0, skin=0.3)
    assert found.method == method
    assert directed(found.short) == within(CLUSTER, 1.9)
    assert sorted_by_receiver(found.short)
    assert found.long_range is not None
    half = {(min(pair), max(pair)) for pair in within(CLUSTER, 2.3)}
    listed = {(min(pair), max(pair)) for pair in directed(found.long_range)}
    assert len(directed(found.long_range)) == len(listed), "a pair is listed twice"
    assert listed >= half if method == "device" else listed == half
    assert not found.expired


@pytest.mark.parametrize("radius", [2.0, 4.0, 7.0], ids=["below the cell", "above the cell", "twice the cell"])
def test_crystals_agree_with_brute_force(radius: float) -> None:
    system = crystal()
    found = find_neighbors(system, radius, radius, skin=0.0)
    assert found.method == "host"
    expected = periodic_vectors(system, radius)
    assert listed_vectors(system, found.short) == expected
    assert sorted_by_receiver(found.short)
    assert found.long_range is not None
    half = listed_vectors(system, found.long_range)
    other = Counter({(j, i, rounded(-np.array(v))): n for (i, j, v), n in half.items()})
    assert half + other == expected


def test_atoms_outside_the_cell_are_the_same_crystal() -> None:
    system = crystal()
    moved = system.replace(positions=system.positions.at[1].add(2 * TRICLINIC[0] - TRICLINIC[2]))
    found = find_neighbors(moved, 3.5, skin=0.0)
    assert listed_vectors(moved, found.short) == periodic_vectors(system, 3.5)


def test_a_crystal_with_an_infinite_cutoff_is_refused() -> None:
    with pytest.raises(ValueError, match="needs finite cutoffs"):
        find_neighbors(crystal(), 3.0, math.inf)


def test_padding_atoms_have_no_neighbours() -> None:
    padded = System.create(
        np.vstack([CLUSTER.positions, np.zeros((3, 3))]), np.append(np.asarray(CLUSTER.numbers), [0, 0, 0])
    )
    found = find_neighbors(padded, 1.6, skin=0.5)
    assert directed(found.short) == within(CLUSTER, 2.1)
    rebuilt, _ = device_pairs(padded.positions, padded.numbers, 2.1, found.short.receivers.shape[0])
    assert directed(rebuilt) == within(CLUSTER, 2.1)


def test_one_atom_has_one_masked_pair() -> None:
    found = find_neighbors(System.create([[0.0, 0.0, 0.0]], [18]), 3.0, 5.0)
    assert not found.short.mask.any()
    assert found.long_range is not None
    assert not found.long_range.mask.any()


def test_pairs_on_the_device_equal_those_on_the_host() -> None:
    pairs, overflow = jax.jit(device_pairs, static_argnums=(2, 3))(CLUSTER.positions, CLUSTER.numbers, 1.9, 400)
    assert directed(pairs) == within(CLUSTER, 1.9)
    assert sorted_by_receiver(pairs)
    assert not overflow


def test_too_many_pairs_raise_the_overflow_flag() -> None:
    count = len(within(CLUSTER, 1.9))
    assert not device_pairs(CLUSTER.positions, CLUSTER.numbers, 1.9, count)[1]
    pairs, overflow = device_pairs(CLUSTER.positions, CLUSTER.numbers, 1.9, count - 1)
    assert overflow
    assert directed(pairs) < within(CLUSTER, 1.9)


def updated(neighbors: Neighbors, system: System) -> Neighbors:
    return jax.jit(update_neighbors)(neighbors, system)


def test_lists_stay_until_an_atom_moved_by_half_the_skin() -> None:
    found = find_neighbors(CLUSTER, 1.6, skin=0.4)
    near = CLUSTER.replace(positions=CLUSTER.positions.at[3, 0].add(0.19))
    np.testing.assert_array_equal(updated(found, near).origin, CLUSTER.positions)
    far = CLUSTER.replace(positions=CLUSTER.positions.at[3, 0].add(0.21))
    fresh = updated(found, far)
    np.testing.assert_array_equal(fresh.origin, far.positions)
    assert directed(fresh.short) == within(far, 2.0)
    assert not fresh.expired


def test_a_collapse_beyond_the_capacity_expires_the_lists() -> None:
    found = find_neighbors(CLUSTER, 1.2, skin=0.2)
    assert updated(found, CLUSTER.replace(positions=0.3 * CLUSTER.positions)).expired


def test_coordinates_that_are_not_numbers_count_as_moved() -> None:
    found = find_neighbors(CLUSTER, 1.6)
    broken = CLUSTER.replace(positions=CLUSTER.positions.at[0, 0].set(jnp.nan))
    assert np.isnan(updated(found, broken).origin).any()


def test_lists_of_crystals_expire_instead_of_being_remade() -> None:
    system = crystal()
    found = find_neighbors(system, 2.0, skin=0.4)
    assert not updated(found, system.replace(positions=system.positions + 0.1)).expired
    fresh = updated(found, system.replace(positions=system.positions.at[0].add(0.3)))
    assert fresh.expired
    np.testing.assert_array_equal(fresh.origin, system.positions)


def strained(system: System, strain: np.ndarray, shake: float = 0.0, seed: int = 0) -> System:
    """The crystal in a deformed cell, atoms carried along and then moved by up to `shake` Å."""
    assert system.cell is not None
    deform = jnp.eye(3) + jnp.asarray(strain)
    noise = np.random.default_rng(seed).normal(size=system.positions.shape)
    noise *= shake / np.linalg.norm(noise, axis=-1).max()
    return system.replace(positions=system.positions @ deform + noise, cell=system.cell @ deform)


@pytest.mark.parametrize(("factor", "expired"), [(1.0, False), (0.97, False), (1.03, False), (0.85, True), (1.3, True)])
def test_a_cell_that_changes_expires_the_lists(factor: float, expired: bool) -> None:
    still = System.create(np.zeros((1, 3)), [18], cell=TRICLINIC)  # only the images of its atom move
    found = find_neighbors(still, 2.0, skin=0.4)
    assert bool(updated(found, strained(still, (factor - 1) * np.eye(3))).expired) is expired


def test_atoms_that_a_strain_carries_along_have_not_moved() -> None:
    wide = System.create([[0.0, 0.0, 0.0], [100.0, 0.0, 0.0]], [18, 18], cell=120 * np.eye(3))
    found = find_neighbors(wide, 2.0, skin=0.4)
    assert not updated(found, strained(wide, 0.01 * np.eye(3))).expired
    assert updated(found, wide.replace(positions=1.01 * wide.positions)).expired


def test_lists_that_did_not_expire_hold_every_pair_of_a_strained_crystal() -> None:
    rng = np.random.default_rng(3)
    kept = 0
    for seed in range(40):
        system = crystal(seed=seed)
        found = find_neighbors(system, 2.0, skin=0.5)
        now = strained(system, 0.05 * rng.normal(size=(3, 3)), shake=0.1, seed=seed)
        fresh = updated(found, now)
        if not fresh.expired:
            kept += 1
            listed = listed_vectors(now, fresh.short)
            missing = [pair for pair in periodic_vectors(now, 2.0) if pair not in listed]
            assert not missing
    assert 5 < kept < 35


def test_each_walker_of_a_batch_has_a_cell_of_its_own() -> None:
    batch = stack([crystal(), crystal()])
    found = find_neighbors(batch, 2.0, skin=0.4)
    squeezed = stack([crystal(), strained(crystal(), -0.15 * np.eye(3))])
    assert updated(found, squeezed).expired.tolist() == [False, True]


def test_a_batch_holds_the_lists_of_each_walker() -> None:
    walkers = [random_cluster(12, seed, spacing) for seed, spacing in ((1, 1.1), (2, 1.3), (3, 1.0))]
    found = find_neighbors(stack(walkers), 1.6, 3.0, skin=0.2)
    assert found.short.receivers.shape[0] == found.expired.shape[0] == 3
    for w, system in enumerate(walkers):
        assert directed(jax.tree.map(lambda leaf, w=w: leaf[w], found.short)) == within(system, 1.8)


def test_one_moving_walker_remakes_the_lists_of_all() -> None:
    batch = replicate(CLUSTER, 2)
    found = find_neighbors(batch, 1.6, skin=0.4)
    moved = batch.replace(positions=batch.positions.at[1, 0, 0].add(0.5))
    fresh = updated(found, moved)
    np.testing.assert_array_equal(fresh.origin, moved.positions)
    for w in range(2):
        one = CLUSTER.replace(positions=moved.positions[w])
        assert directed(jax.tree.map(lambda leaf, w=w: leaf[w], fresh.short)) == within(one, 2.0)
    assert not fresh.expired.any()


def test_only_the_walker_that_overflows_expires() -> None:
    batch = replicate(CLUSTER, 2)
    found = find_neighbors(batch, 1.2, skin=0.2)
    shrunk = batch.replace(positions=batch.positions.at[1].multiply(0.3))
    assert updated(found, shrunk).expired.tolist() == [False, True]


def test_the_capacity_asked_for_is_reserved() -> None:
    assert find_neighbors(CLUSTER, 1.2, capacity=300).short.receivers.shape[0] >= 300
    assert find_neighbors(CLUSTER, 1.2, capacity=9999).short.receivers.shape[0] == 20 * 19
