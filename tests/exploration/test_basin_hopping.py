import numpy as np

from so3k_explore.analysis.torsions import amide_torsions, dihedrals, rotatable_torsions
from so3k_explore.exploration.basin_hopping import TorsionMoves, kick, neighbor_distance
from so3k_explore.exploration.proposals import Proposals
from so3k_explore.exploration.seeds import random_cluster
from so3k_explore.geometry.bonds import find_bonds
from so3k_explore.io.library import named
from so3k_explore.io.structures import from_smiles
from tests.exploration.molecules import cluster


def hexanol():
    molecule = from_smiles("CCCCCCO")
    return molecule, TorsionMoves(molecule.numbers, molecule.bonds, molecule.torsions)


def test_torsion_moves_keep_bonds_and_avoid_clashes():
    molecule, moves = hexanol()
    rng = np.random.default_rng(0)
    for move in (moves.some, moves.all):
        for _ in range(20):
            proposal = move(molecule.positions, rng)
            assert np.array_equal(find_bonds(molecule.numbers, proposal), molecule.bonds)
            assert np.abs(proposal - molecule.positions).max() > 0.05
            lengths = lambda p: np.linalg.norm(p[molecule.bonds[:, 0]] - p[molecule.bonds[:, 1]], axis=1)
            np.testing.assert_allclose(lengths(proposal), lengths(molecule.positions), atol=1e-5)


def test_a_folded_molecule_clashes():
    molecule, moves = hexanol()
    assert moves.clash(molecule.positions) == 0
    assert moves.clash(0.4 * molecule.positions) > 0.3


def test_rotatable_torsions_are_those_of_the_molecule():
    molecule, moves = hexanol()
    np.testing.assert_array_equal(moves.torsions, rotatable_torsions(molecule.numbers, molecule.bonds))


def test_random_clusters_are_compact_and_never_overlap():
    rng = np.random.default_rng(1)
    for atoms in (2, 13, 55):
        positions = random_cluster(atoms, 1.1, rng)
        distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)[np.triu_indices(atoms, 1)]
        assert distances.min() >= 0.75 * 1.1
        assert distances.max() < 2.5 * 1.1 * atoms ** (1 / 3)


def test_kicks_move_a_cluster_but_keep_it_together():
    rng = np.random.default_rng(2)
    positions = np.asarray(cluster(13).positions)
    spacing = neighbor_distance(positions)
    for _ in range(20):
        kicked = kick(positions, rng)
        assert kicked.shape == positions.shape
        assert not np.allclose(kicked, positions)
        distances = np.linalg.norm(kicked[:, None] - kicked[None], axis=-1) + 9 * np.eye(13)
        assert distances.min(axis=1).max() < 2.2 * spacing


def test_directions_are_pure_vibrations():
    rng = np.random.default_rng(3)
    positions = np.asarray(cluster(7).positions)
    direction = Proposals.direction(positions, rng)
    np.testing.assert_allclose(direction.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.cross(positions, direction).sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(direction), 0.01)
    line = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.1]])  # no rotation about its axis
    assert np.isfinite(Proposals.direction(line, rng)).all()


def test_amides_are_turned_round_now_and_then_and_stay_flat():
    molecule = named("ala2")
    amides = amide_torsions(molecule.numbers, molecule.bonds)
    assert len(amides) == 2
    start, rng = np.asarray(molecule.positions, float), np.random.default_rng(0)
    moves = TorsionMoves(molecule.numbers, molecule.bonds, molecule.torsions, amides)
    angles = lambda p: np.asarray(dihedrals(p, amides))
    turned = [np.abs((angles(moves.some(start, rng)) - angles(start) + 180) % 360 - 180) for _ in range(60)]
    flipped = np.array(turned) > 90
    assert 4 <= flipped.any(axis=1).sum() <= 24
    assert flipped.any(axis=0).all()
    assert (np.minimum(turned, np.abs(180 - np.array(turned))) < 45).all()
    still = TorsionMoves(molecule.numbers, molecule.bonds, molecule.torsions)
    np.testing.assert_allclose(angles(still.all(start, rng)), angles(start), atol=1e-4)


def test_amides_whose_turn_changes_nothing_or_that_rings_hold_are_left_alone():
    for smiles, count in (("CC(=O)N", 0), ("CC(=O)NC", 1), ("O=C1CCCN1", 0), ("CCCC", 0), ("CC(=O)OC", 0)):
        molecule = from_smiles(smiles)
        assert len(amide_torsions(molecule.numbers, molecule.bonds)) == count, smiles
