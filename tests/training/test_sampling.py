from pathlib import Path

import numpy as np
import pytest

from so3k_explore.geometry.bonds import find_bonds
from so3k_explore.io.datasets import load_dataset
from so3k_explore.training.molecules import PARTS, samples
from so3k_explore.training.recipe import gather, sample_all, shard
from so3k_explore.training.sampling import Plan, Sample, close_pair, conformer, sample
from so3k_explore.training.splits import force_consistency, split

PLAN = Plan(conformers=1, temperatures=(300.0, 900.0), frames=4, stride=5, relaxation_steps=20, displaced=2)


@pytest.fixture(scope="module", autouse=True)
def _tblite() -> None:
    pytest.importorskip("tblite", reason="This test needs tblite: pip install tblite")


@pytest.fixture(scope="module")
def methanol():
    return sample(Sample("methanol", "CO", PLAN), seed=1)


def test_a_molecule_is_sampled_in_every_way_and_keeps_its_bonds(methanol) -> None:
    assert {str(source) for source in methanol.sources} >= {"relaxation", "displaced", "compressed", "md 300 K"}
    assert methanol.level == "GFN2-xTB"
    bonds = find_bonds(methanol[0].numbers, methanol[0].positions)
    hot = np.flatnonzero(methanol.sources == "md 900 K")
    assert all(np.array_equal(find_bonds(methanol[k].numbers, methanol[k].positions), bonds) for k in hot.tolist())


def test_hot_trajectories_reach_further_up_than_cold_ones(methanol) -> None:
    above = lambda source: methanol.energies[methanol.sources == source].mean() - methanol.energies.min()
    assert above("md 900 K") > above("md 300 K") > 0


def test_the_same_seed_gives_the_same_structures(methanol) -> None:
    again = sample(Sample("methanol", "CO", PLAN), seed=1)
    np.testing.assert_allclose(again.positions, methanol.positions, atol=1e-6)
    other = sample(Sample("methanol", "CO", PLAN), seed=2)
    assert not np.allclose(other.energies[-3:], methanol.energies[-3:])


def test_labels_belong_together(methanol) -> None:
    close = sample(
        Sample("m", "CO", Plan(1, (300.0,), frames=6, stride=1, relaxed=0, displaced=0, compressed=0)), seed=3
    )
    assert force_consistency(close) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_close_pairs_touch_but_do_not_overlap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    water, methane = conformer("O", 1), conformer("C", 1)
    pair = close_pair(water, methane, rng)
    apart = np.linalg.norm(pair.positions[:3, None] - pair.positions[None, 3:], axis=-1)
    assert 1.5 < apart.min() < 4.5


def test_molecules_are_stored_one_by_one_and_never_made_twice(tmp_path: Path) -> None:
    what = [Sample("methane", "C", PLAN), Sample("nonsense", "Xx", PLAN), Sample("water", "O", PLAN)]
    first = list(sample_all(what, tmp_path))
    assert [done.name for done in first] == ["methane", "nonsense", "water"]
    assert first[1].problem
    assert first[1].frames == 0
    made = shard(tmp_path, "water").stat().st_mtime_ns
    assert [done.name for done in sample_all(what, tmp_path)] == ["nonsense"]
    assert shard(tmp_path, "water").stat().st_mtime_ns == made
    both = gather(what, tmp_path)
    assert len(both) == len(load_dataset(shard(tmp_path, "water"))) + len(load_dataset(shard(tmp_path, "methane")))
    twice = gather([*what, what[0]], tmp_path)  # methane counts twice, and its copies stay together
    assert len(twice) == len(both) + len(load_dataset(shard(tmp_path, "methane")))
    parts = split(twice, validation=0.3, test=0.0)
    energies = [set(twice.energies[part].tolist()) for part in (parts.training, parts.validation)]
    assert energies[0].isdisjoint(energies[1])
    assert not list(sample_all([what[0], *what[::2]], tmp_path))


def test_molecules_for_testing_are_not_among_those_for_training() -> None:
    from rdkit import Chem

    canonical = lambda what: Chem.CanonSmiles(what.text) if "-" not in what.text and what.text != "dha" else what.text
    seen = {canonical(what) for what in samples("base") if "&" not in what.text and "NHMe" not in what.text}
    unseen = {canonical(what) for what in samples("unseen") if "NHMe" not in what.text}
    assert len(samples("base")) > 300
    assert not seen & unseen
    names = [what.name for part in PARTS for what in samples(part)]
    assert len(set(names)) == len(names)
