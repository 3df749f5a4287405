import itertools

import numpy as np
import pytest

from so3k_explore.analysis.alignment import best_rmsd
from so3k_explore.exploration import nearest
from so3k_explore.exploration.identity import Identity
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.nearest import nearest_neighbors
from tests.exploration.molecules import cluster


def landscape_of(structures, energies):
    landscape = Landscape()
    landscape.bind(cluster(len(structures[0])))
    for energy, positions in zip(energies, structures, strict=True):
        landscape.add(float(energy), positions)
    return landscape


@pytest.fixture(scope="module")
def crowd():
    """Eighteen structures of four atoms in six families, each turned, mirrored and renumbered at random."""
    rng = np.random.default_rng(2)
    families = rng.uniform(-1.5, 1.5, (6, 4, 3))
    structures = []
    for number in range(18):
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        shaken = families[number % 6] + rng.normal(scale=0.02 * (number // 6), size=(4, 3))
        structures.append(shaken[rng.permutation(4)] @ turn.T)
    with landscape_of(structures, rng.uniform(0, 1, 18)) as landscape:
        yield landscape


@pytest.fixture(scope="module")
def all_pairs(crowd):
    structures = crowd.minima().positions
    table = np.full((len(structures), len(structures)), np.inf)
    for i, j in itertools.combinations(range(len(structures)), 2):
        table[i, j] = table[j, i] = best_rmsd(structures[i], structures[j], crowd.numbers, mirror=True)
    return table


def brute_force(landscape, table, within, window):
    energies = landscape.minima().energies
    far = np.abs(energies[:, None] - energies[None, :]) > window
    closest = np.where(far, np.inf, table).min(axis=1)
    return dict(zip(landscape.minima().ids.tolist(), np.where(closest < within, closest, np.inf), strict=True))


@pytest.mark.parametrize(("within", "window"), [(10.0, 10.0), (0.2, 10.0), (10.0, 0.1)])
def test_distances_are_those_of_comparing_all_pairs(crowd, all_pairs, within, window):
    found = nearest_neighbors(crowd, within=within, energy_window=window)
    right = brute_force(crowd, all_pairs, within, window)
    np.testing.assert_allclose(found.distances, [right[number] for number in found.ids], atol=1e-6)
    energies = dict(zip(crowd.minima().ids.tolist(), crowd.minima().energies.tolist(), strict=True))
    for number, neighbor, gap in zip(found.ids.tolist(), found.neighbors.tolist(), found.energy_gaps, strict=True):
        if neighbor:
            assert gap == pytest.approx(abs(energies[number] - energies[neighbor]))


def test_most_pairs_are_never_aligned(crowd, monkeypatch):
    calls = []
    original = nearest.align
    monkeypatch.setattr(nearest, "align", lambda *a, **b: calls.append(1) or original(*a, **b))
    nearest_neighbors(crowd, within=0.2, energy_window=10.0)
    assert 9 <= len(calls) < 0.5 * 18 * 17 / 2


def test_mirror_images_are_near_only_where_they_are_one():
    twisted = np.random.default_rng(0).uniform(-1.5, 1.5, (5, 3))
    with landscape_of([twisted, -twisted], [0.0, 0.0]) as landscape:
        assert nearest_neighbors(landscape).distances.max() < 1e-6
        apart = nearest_neighbors(landscape, Identity(chirality="same"), within=5.0)
        assert apart.distances.min() > 0.1


def test_few_minima_have_no_neighbour():
    with Landscape() as empty:
        empty.bind(cluster(5))
        assert len(nearest_neighbors(empty).ids) == 0
    with landscape_of([np.random.default_rng(0).normal(size=(5, 3))], [0.0]) as alone:
        found = nearest_neighbors(alone)
        assert (found.distances[0], found.neighbors[0], np.isnan(found.energy_gaps[0])) == (np.inf, 0, True)
        with pytest.raises(ValueError, match="must be positive"):
            nearest_neighbors(alone, within=0)
