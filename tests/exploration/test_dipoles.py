from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.exploration.dipoles import landscape_dipoles
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.io.molecule import Molecule
from so3k_explore.io.structures import load_molecule
from so3k_explore.potentials.lennard_jones import LennardJones
from tests.simulation.toys import Charged, springs_of

WATER = load_molecule("water")
CHARGES = np.where(WATER.numbers == 8, -0.8, 0.4)


@pytest.fixture
def potential() -> Charged:
    return Charged(springs_of(WATER.system), jnp.asarray(CHARGES))


def stretched(molecule: Molecule, by: float) -> np.ndarray:
    return np.asarray(molecule.positions, float) * by


def test_minima_have_their_dipole_moments_in_the_order_of_the_landscape(tmp_path: Path, potential: Charged) -> None:
    told = []
    with Landscape(tmp_path / "landscape.db") as landscape:
        landscape.bind(WATER)
        for energy, by in ((0.2, 1.2), (0.0, 1.0), (0.1, 1.1)):
            landscape.add(energy, stretched(WATER, by))
        found = landscape_dipoles(landscape, potential, progress=lambda share, _: told.append(share))
        expected = np.einsum("a,max->mx", CHARGES, landscape.minima().positions)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert told == [1.0]
    assert np.ptp(np.linalg.norm(found, axis=1)) > 0.05


def test_what_is_missing_is_told(tmp_path: Path, potential: Charged) -> None:
    with Landscape(tmp_path / "landscape.db") as landscape:
        landscape.bind(WATER)
        with pytest.raises(LandscapeError, match=r"landscape.db has no minimum. Run a search first"):
            landscape_dipoles(landscape, potential)
        landscape.add(0.0, stretched(WATER, 1.0))
        with pytest.raises(ValueError, match="LennardJones has no charges"):
            landscape_dipoles(landscape, LennardJones())
