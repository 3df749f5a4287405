"""Proposals of conformers: close to minima, unlike what is known, and the same whenever they are drawn again."""

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.exploration.identity import Identity, KnownMinima
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.novelty import Novelty
from so3k_explore.exploration.proposals import Proposals
from so3k_explore.exploration.search import explore_minima, initial_search
from so3k_explore.exploration.settings import MinimaSearch
from so3k_explore.io.checkpoints import load_checkpoint, save_checkpoint
from so3k_explore.io.library import named
from so3k_explore.potentials.registry import load_potential
from so3k_explore.simulation.relaxation import relaxed
from so3k_explore.system import replicate
from tests.exploration.searches import content, last

PEPTIDE = "so3k-peptide-gfn2"
NOTHING = np.zeros((0, 0), np.float32)


@pytest.fixture(scope="module")
def pentane():
    return named("pentane")


def without_field(molecule):
    proposals = Proposals(molecule)
    proposals._field = None
    return proposals


def test_descriptions_do_not_change_with_place_order_or_reflection(pentane):
    rng = np.random.default_rng(0)
    novelty = Novelty(pentane.numbers, pentane.bonds)
    positions = Proposals(pentane).seed(None, NOTHING, rng)
    turned = positions @ np.linalg.qr(rng.normal(size=(3, 3)))[0] + 5.0
    np.testing.assert_allclose(novelty.describe(turned), novelty.describe(positions), atol=1e-5)
    order = rng.permutation(pentane.n_atoms)
    new_bonds = np.argsort(order)[np.asarray(pentane.bonds)]
    renumbered = Novelty(pentane.numbers[order], new_bonds)
    np.testing.assert_allclose(renumbered.describe(positions[order]), novelty.describe(positions), atol=1e-5)
    assert novelty.size == 3  # two pairs of carbons with three bonds between them, one with four


def test_clusters_are_not_compared():
    cluster = named("lj13")
    proposals = Proposals(cluster)
    assert proposals.novelty.size == 0
    assert proposals.novelty.distance(proposals.start, np.zeros((3, 0), np.float32)) == np.inf


def test_mirror_images_that_count_as_two_minima_are_both_found():
    butane, potential = named("butane"), load_potential(PEPTIDE)
    identity = Identity(chirality="same", check_hessian=False)
    settings = MinimaSearch(walkers=4, seed=0, max_calls=3000, minima=3, identity=identity, strategies=("seeds",))
    with Landscape() as landscape:
        last(explore_minima(potential, butane, settings, landscape))
        energies = np.sort(landscape.minima().energies)
    assert len(energies) == 3  # anti, and both of gauche
    assert energies[2] - energies[1] < 1e-3 < energies[1] - energies[0]


def test_only_the_latest_minima_are_compared_with(pentane, monkeypatch):
    monkeypatch.setattr("so3k_explore.exploration.novelty.LATEST", 2)
    known = KnownMinima(pentane.numbers, pentane.bonds, Identity())
    novelty, rng = Novelty(pentane.numbers, pentane.bonds), np.random.default_rng(0)
    assert novelty.minima(known).shape == (0, 3)
    for number in (1, 2, 3):
        known.add(number, -float(number), rng.normal(size=(pentane.n_atoms, 3)))
    expected = [novelty.describe(known.positions(number)) for number in (3, 2)]
    np.testing.assert_array_equal(novelty.minima(known), expected)


def test_proposals_are_unlike_what_is_near(pentane):
    proposals, rng = Proposals(pentane), np.random.default_rng(1)
    near = NOTHING.reshape(0, proposals.novelty.size)
    distances = []
    for _ in range(4):  # as many conformers as there are
        found = proposals.seed(None, near, rng)
        distances.append(proposals.novelty.distance(found, near))
        near = np.concatenate([near, proposals.novelty.describe(found)[None]])
    assert distances[0] == np.inf
    assert min(distances[1:]) > 0.15
    again = Proposals(pentane).seed(None, NOTHING, np.random.default_rng(1))
    np.testing.assert_array_equal(again, Proposals(pentane).seed(None, NOTHING, np.random.default_rng(1)))


def test_relaxed_proposals_save_most_force_calls():
    molecule, potential = named("hexane"), load_potential(PEPTIDE)
    calls = []
    for proposals in (without_field(molecule), Proposals(molecule)):
        rng = np.random.default_rng(0)
        starts = jnp.asarray(np.array([proposals.seed(None, NOTHING, rng) for _ in range(6)]), jnp.float32)
        systems = replicate(molecule.system, 6).replace(positions=starts)
        calls.append(float(np.asarray(relaxed(potential, systems, force_tolerance=0.01).calls).mean()))
    assert calls[1] < 0.6 * calls[0]


def test_moves_turn_torsions_and_keep_bonds(pentane):
    proposals, rng = Proposals(pentane), np.random.default_rng(2)
    lengths = lambda at: np.linalg.norm(np.diff(at[np.asarray(pentane.bonds)], axis=1)[:, 0], axis=-1)
    start = proposals.start
    for strategy in ("torsions", "seeds"):
        moved = proposals.move(strategy, start, NOTHING.reshape(0, proposals.novelty.size), rng)
        assert np.abs(moved - start).max() > 0.5
        np.testing.assert_allclose(lengths(moved), lengths(start), atol=0.05)


def test_a_resumed_search_makes_the_same_proposals(pentane, tmp_path):
    potential = load_potential(PEPTIDE)
    settings = MinimaSearch(walkers=3, seed=1, max_calls=400, identity=Identity(check_hessian=False))
    with Landscape(tmp_path / "landscape.db") as landscape:
        for block, state in enumerate(explore_minima(potential, pentane, settings, landscape)):
            if block == 3:
                save_checkpoint(tmp_path / "checkpoint.npz", state)
        whole = content(landscape)
    assert len(whole[0]) >= 2
    state = load_checkpoint(tmp_path / "checkpoint.npz", like=initial_search(potential, pentane, settings))
    with Landscape.open(tmp_path / "landscape.db") as landscape:
        last(explore_minima(potential, pentane, settings, landscape, state))
        assert content(landscape) == whole
