"""Free energies of distributions that are known."""

import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.analysis.coordinates import coordinates_of, find_coordinate
from so3k_explore.analysis.free_energy import free_energy
from so3k_explore.io.structures import load_molecule

KELVIN = 300.0
KT = units.KB * KELVIN


def test_a_harmonic_well_comes_out_as_its_spring() -> None:
    rng, stiffness = np.random.default_rng(0), 2.0  # eV/Å²
    x = rng.normal(scale=np.sqrt(KT / stiffness), size=(20000, 4))
    found = free_energy([x], KELVIN, bins=30)
    (centers,) = found.centers
    seen = found.counts > 200
    expected = stiffness * centers**2 / 2
    away = (found.energies - expected)[seen]
    np.testing.assert_allclose(away - away.mean(), 0.0, atol=0.005)
    assert found.inefficiency < 1.3
    assert found.energies[seen].min() == 0
    independent = KT / np.sqrt(found.counts[seen])  # of single frames
    np.testing.assert_allclose(found.errors[seen], independent, rtol=0.35)


def test_periodic_coordinates_have_no_ends() -> None:
    rng = np.random.default_rng(1)
    angle = (180 + 20 * rng.normal(size=(5000, 2)) + 180) % 360 - 180
    found = free_energy([angle], KELVIN, periods=(360.0,), bins=36)
    (edges,) = found.edges
    assert (edges[0], edges[-1]) == (-180, 180)
    np.testing.assert_allclose(found.energies[0], found.energies[-1], atol=0.1 * KT)
    smooth = free_energy([angle], KELVIN, periods=(360.0,), bins=36, smoothing=1.0)
    assert abs(smooth.energies[0] - smooth.energies[-1]) < 0.06 * KT
    wrapped = free_energy([angle + 720], KELVIN, periods=(360.0,), bins=36)
    np.testing.assert_array_equal(wrapped.counts, found.counts)


def test_what_was_never_visited_has_no_free_energy() -> None:
    rng = np.random.default_rng(2)
    x = np.where(rng.uniform(size=(4000, 1)) < 0.25, -60.0, 60.0) + rng.normal(size=(4000, 1))
    y = rng.uniform(-180, 180, size=(4000, 1))
    found = free_energy([x, y], KELVIN, periods=(360.0, 360.0), bins=12, smoothing=1.0)
    assert found.energies.shape == (12, 12)
    assert np.isnan(found.energies[~found.visited]).all()
    assert np.isnan(found.errors[~found.visited]).all()
    assert 0 < found.visited.mean() < 0.5
    one = free_energy([x], KELVIN, periods=(360.0,), bins=6)
    left, right = one.energies[1:3].min(), one.energies[3:5].min()
    np.testing.assert_allclose(left - right, KT * np.log(3), rtol=0.1)


def test_errors_grow_with_the_memory_and_cover_the_scatter() -> None:
    """Two states with rare jumps: the error of their difference is that of many short trajectories."""

    def jumping(seed: int) -> np.ndarray:
        jumps = np.random.default_rng(seed).uniform(size=(3000, 1)) < 0.01
        return np.where(np.cumsum(jumps, axis=0) % 2, 1.0, -1.0)

    found = [free_energy([jumping(seed)], KELVIN, bins=2) for seed in range(40)]
    assert np.median([each.inefficiency for each in found]) > 40
    truth = np.array([each.energies[1] - each.energies[0] for each in found])
    said = np.median([each.errors for each in found], axis=0)
    np.testing.assert_allclose(truth.std(), said.sum(), rtol=0.5)  # one is the other's loss


def test_one_block_has_no_error() -> None:
    found = free_energy([np.linspace(0, 1, 50)[:, None]], KELVIN, bins=5)
    assert found.blocks == 1
    assert np.isnan(found.errors).all()
    assert np.isfinite(found.energies).all()


@pytest.mark.parametrize(
    ("coordinates", "kelvin", "sentence"),
    [
        ([np.zeros((5, 1))] * 3, 300, "one or two coordinates, got 3"),
        ([np.zeros((5, 1))], 0, "above 0 K, got 0 K"),
        ([np.zeros((0, 1))], 300, "same frames and some"),
        ([np.zeros((5, 1)), np.zeros((5, 2))], 300, "same frames and some"),
    ],
)
def test_bad_input_is_refused(coordinates: list[np.ndarray], kelvin: float, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        free_energy(coordinates, kelvin)


def test_coordinates_are_found_by_their_names() -> None:
    peptide = load_molecule("Ac-A-NHMe")
    masses = np.asarray(peptide.system.masses)
    known = coordinates_of(peptide.residues, peptide.torsions, masses, peptide.positions)
    residue = next(each for each in peptide.residues if each.phi is not None and each.psi is not None)
    find = lambda text: find_coordinate(text, known, peptide.n_atoms)
    assert residue.phi is not None
    assert find("phi").name == find(f"PHI:{residue.index + 1}").name == f"φ Ala {residue.index + 1}"
    assert find("phi").label == f"φ Ala {residue.index + 1} / °"
    atoms = "-".join(str(atom + 1) for atom in residue.phi)
    positions = np.stack([peptide.positions, 1.1 * peptide.positions])[:, None]
    np.testing.assert_allclose(find(f"torsion {atoms}").measure(positions), find("phi").measure(positions))
    expected = np.linalg.norm(peptide.positions[0] - peptide.positions[4])
    np.testing.assert_allclose(find("distance 1-5").measure(positions)[:, 0], [expected, 1.1 * expected])
    rg = find("rg").measure(positions)[:, 0]
    np.testing.assert_allclose(rg[1], 1.1 * rg[0])
    assert find("rmsd").measure(positions)[0, 0] < 1e-6
    for text in ("chi 1", "distance 1-1", "distance 1-999", "torsion 1-2-3", "phi 9"):
        with pytest.raises(ValueError, match=r"There is no coordinate|must name"):
            find(text)
