"""Dipole moments are answered by a process of its own."""

from pathlib import Path

import numpy as np
import pytest

from so3k_explore.analysis.dipoles import dipole_moments, in_debye
from so3k_explore.io.structures import load_molecule
from so3k_explore.jobs.dipole_helper import DipoleQuestion, dipole_answers
from so3k_explore.jobs.single_point import SinglePointError
from so3k_explore.potentials.checkpoints import save_potential
from so3k_explore.potentials.registry import load_potential
from so3k_explore.potentials.so3lr import So3lr
from tests.potentials import SMALL

WATER = load_molecule("water")
SHAKEN = WATER.positions[None] + 0.05 * np.random.default_rng(0).normal(size=(4, 3, 3))


def test_dipoles_come_back_as_they_are_computed_here_and_what_is_impossible_in_words(tmp_path: Path) -> None:
    model = str(save_potential(tmp_path / "charged.npz", So3lr.create(5, SMALL)))
    question = DipoleQuestion.about(WATER, model, SHAKEN, precision="float64", long_range_cutoff=6.0)
    expected = in_debye(dipole_moments(load_potential(model, "float64", 6.0), WATER.system, SHAKEN))
    try:
        found = dipole_answers(question)
        with pytest.raises(SinglePointError, match=r"LennardJones has no charges.*such as SO3LR"):
            dipole_answers(DipoleQuestion.about(load_molecule("lj7"), "lennard-jones", np.zeros((1, 7, 3))))
    finally:
        dipole_answers.close()
    assert found.shape == (4,)
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(found, expected, atol=1e-5)  # positions travel with six digits
