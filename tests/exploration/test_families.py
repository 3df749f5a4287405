import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from so3k_explore.analysis.torsions import rotatable_torsions, set_torsion
from so3k_explore.exploration.families import Descriptor, describe, find_families
from so3k_explore.exploration.kinetic import cut_tree
from so3k_explore.exploration.labels import list_labellings, read_labelling
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.exploration.records import Hop
from so3k_explore.exploration.tree_building import disconnectivity_tree
from so3k_explore.io.structures import load_molecule
from so3k_explore.potentials.so3krates import Architecture, So3krates
from tests.exploration.molecules import cluster

BUTANE = load_molecule("CCCC")
SMALL = Architecture(features=8, heads=2, layers=2, degrees=(1, 2), cutoff=4.0, radial_functions=8)


@pytest.fixture
def landscape(tmp_path):
    """Thirty structures about trans, gauche plus and gauche minus butane; the second family has the lowest minimum."""
    quad = rotatable_torsions(BUTANE.numbers, BUTANE.bonds)[0]
    rng = np.random.default_rng(0)
    with Landscape.open(tmp_path / "landscape.db") as made:
        made.bind(BUTANE)
        for k in range(30):
            angle = (180.0, 65.0, -65.0)[k % 3] + rng.uniform(-8, 8)
            made.add((0.1, 0.0, 0.2)[k % 3] + 0.001 * k, set_torsion(BUTANE.positions, BUTANE.bonds, quad, angle))
        yield made


@pytest.mark.parametrize("by", ["torsions", "rmsd", "distances", "features"])
def test_families_are_found_named_by_energy_and_kept(landscape, by):
    potential = So3krates.create(0, SMALL)
    found = find_families(landscape, by, "kmedoids", clusters=3, potential=potential)
    truth = np.array([1, 0, 2] * 10)
    if by in ("distances", "features"):  # of mirror images they are the same
        assert found.clusters[0] != found.clusters[1]
    else:
        assert found.clusters.tolist() == truth.tolist()
    kept = read_labelling(landscape, f"{by}, kmedoids")
    assert kept.clusters.tolist() == found.clusters.tolist()
    assert kept.settings["by"] == by
    assert kept.settings["clusters"] == 3


def test_families_need_not_be_kept_and_may_have_a_name(landscape):
    find_families(landscape, store=False)
    assert list_labellings(landscape) == []
    found = find_families(landscape, name="mine", smallest=5)
    assert list_labellings(landscape) == ["mine"]
    assert (len(found), found.settings["smallest"]) == (3, 5)


def test_what_cannot_be_described_is_told(landscape, tmp_path):
    with pytest.raises(ValueError, match="Give a So3krates model"):
        find_families(landscape, "features")
    with pytest.raises(ValueError, match="one of torsions, features, distances, rmsd; got 'shape'"):
        find_families(landscape, "shape")
    with pytest.raises(ValueError, match="No pass between these minima is known"):
        find_families(landscape, "tree")
    with pytest.raises(ValueError, match="cut at a height"):
        find_families(landscape, "tree", clusters=2)
    with Landscape(tmp_path / "empty.db") as empty, pytest.raises(LandscapeError, match="has no minimum"):
        find_families(empty)
    argon = cluster(5)
    with pytest.raises(ValueError, match="no torsion that could turn"):
        describe(np.asarray(argon.positions)[None], argon.system, argon.bonds)
    described = describe(np.asarray(argon.positions)[None], argon.system, argon.bonds, Descriptor("distances"))
    assert described.values.shape == (1, 10)


TWO_FUNNELS = disconnectivity_tree(
    [1, 2, 3, 4, 5, 6, 7],
    [0.5, 0.1, 0.2, 0.3, 0.0, 0.1, 0.2],
    [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7)],
    [2.0, 0.4, 0.4, 1.0, 0.4, 0.4],
)


def test_a_tree_is_cut_into_basins():
    cut = cut_tree(TWO_FUNNELS, 0.5, smallest=2)
    assert cut.labels.tolist() == [-1, 1, 1, 1, 0, 0, 0]
    assert cut_tree(TWO_FUNNELS, 1.5, smallest=2).labels.tolist() == [-1, 0, 0, 0, 0, 0, 0]
    assert cut_tree(TWO_FUNNELS, 0.3, smallest=2).labels.tolist() == [-1] * 7
    chosen = cut_tree(TWO_FUNNELS, smallest=2)
    assert (chosen.labels.tolist(), chosen.height) == (cut.labels.tolist(), pytest.approx(0.4))
    with pytest.raises(ValueError, match="cannot be negative, got -1"):
        cut_tree(TWO_FUNNELS, -1.0)
    with pytest.raises(ValueError, match="At least 3 minima"):
        cut_tree(disconnectivity_tree([1], [0.0], [], []))


def test_kinetic_families_follow_the_hops(landscape):
    for k in range(3, 30):
        barrier = 0.5 + 0.01 * (k // 3)
        landscape.add_hop(Hop(k + 1 - 3, k + 1, k, 0, "hopping", barrier, accepted=True))
    landscape.add_hop(Hop(1, 2, 40, 0, "hopping", 1.5, accepted=True))
    found = find_families(landscape, "tree")
    assert adjusted_rand_score(found.clusters, [0, 1, 2] * 10) == 1
    assert found.settings["height_eV"] == pytest.approx(0.59, abs=0.02)
