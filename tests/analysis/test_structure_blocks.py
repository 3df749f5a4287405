from functools import cache

import numpy as np
import pytest

from so3k_explore.analysis.structure_blocks import structure_blocks
from so3k_explore.geometry import neighbors
from so3k_explore.geometry.neighbors import update_neighbors
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.protocol import Potential
from so3k_explore.potentials.so3krates import So3krates
from tests.analysis.conformers import conformers, hexane
from tests.potentials import SMALL

HEXANE = hexane()
POSITIONS = conformers(HEXANE, 7)


@cache
def random_network() -> So3krates:
    return So3krates.create(0, SMALL)  # cutoff 2.2 Å


def pairs(potential: Potential, positions: np.ndarray, size: int) -> list[list[int]]:
    """How many pairs each structure of each block has."""
    found = []
    for systems, lists, real in structure_blocks(potential, HEXANE.system, positions, size):
        assert systems.positions.shape == (size, HEXANE.n_atoms, 3)
        held = update_neighbors(lists, systems)
        assert lists.method == "host" or not held.expired.any()
        found.append(np.asarray(held.short.mask).sum(axis=1)[:real].tolist())
    return found


@pytest.mark.parametrize("method", ["device", "host"])
def test_every_structure_has_its_own_pairs(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    if method == "host":
        monkeypatch.setattr(neighbors, "DEVICE_ATOMS", 5)
    distances = np.linalg.norm(POSITIONS[:, :, None] - POSITIONS[:, None], axis=-1)
    expected = (distances < random_network().cutoff).sum(axis=(1, 2)) - HEXANE.n_atoms
    assert len(set(expected.tolist())) > 1
    found = pairs(random_network(), POSITIONS, 3)
    assert [len(block) for block in found] == [3, 3, 1]
    assert [count for block in found for count in block] == expected.tolist()


def test_infinite_cutoffs_have_all_pairs_and_nothing_has_no_block() -> None:
    every = HEXANE.n_atoms * (HEXANE.n_atoms - 1)
    assert pairs(LennardJones(), POSITIONS[:2], 2) == [[every, every]]
    assert pairs(random_network(), POSITIONS[:0], 2) == []


def test_few_capacities_serve_all_structures() -> None:
    """Of a chain that coils up, the number of pairs doubles."""
    shrunk = POSITIONS[0] * np.linspace(1.0, 0.72, 30)[:, None, None]
    counts = {count for block in pairs(random_network(), shrunk, 5) for count in block}
    assert max(counts) > 1.7 * min(counts)
    capacities = {
        next(structure_blocks(random_network(), HEXANE.system, one[None], 2))[1].short.mask.shape[1] for one in shrunk
    }
    assert len(capacities) <= 5 < len(counts)
