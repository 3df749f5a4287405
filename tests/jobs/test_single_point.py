from collections.abc import Iterator
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.io.structures import load_molecule
from so3k_explore.jobs.single_point import Question, SinglePointError, SinglePoints, evaluate
from so3k_explore.observables.charges import charges
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.checkpoints import save_potential
from so3k_explore.potentials.registry import load_potential
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.potentials.so3lr import So3lr
from tests.potentials import SMALL


@pytest.fixture(scope="module")
def ask() -> Iterator[SinglePoints]:
    asked = SinglePoints()
    yield asked
    asked.close()


def test_the_answer_is_that_of_the_potential(tmp_path: Path) -> None:
    molecule = load_molecule("water")
    path = save_potential(tmp_path / "charged.npz", So3lr.create(5, SMALL))
    moved = molecule.positions * 1.05
    found = evaluate(Question.about(molecule, str(path), positions=moved, precision="float64", long_range_cutoff=6.0))
    potential = load_potential(path, "float64", 6.0)
    system = molecule.system.replace(positions=jnp.asarray(moved))
    energy, forces = energy_and_forces(potential, system)
    assert found.energy == pytest.approx(float(energy), abs=1e-9)
    assert found.max_force == pytest.approx(float(np.linalg.norm(forces, axis=-1).max()), abs=1e-9)
    assert found.charges is not None
    np.testing.assert_allclose(found.charges, charges(potential, system), atol=1e-9)
    assert found.charges.sum() == pytest.approx(0.0, abs=1e-9)


def test_a_network_without_charges_answers_without(tmp_path: Path) -> None:
    path = save_potential(tmp_path / "plain.npz", So3krates.create(5, SMALL))
    assert evaluate(Question.about(load_molecule("water"), str(path))).charges is None


def test_the_helper_answers_remembers_and_explains(ask: SinglePoints) -> None:
    question = Question.about(load_molecule("lj7"), "lennard-jones")
    found = ask(question)
    assert found.energy == pytest.approx(evaluate(question).energy, abs=1e-4)
    assert found.charges is None
    assert ask(question) is found
    with pytest.raises(SinglePointError, match="There is no model"):
        ask(Question.about(load_molecule("lj7"), "nonsense"))


def test_a_helper_that_died_is_replaced(ask: SinglePoints) -> None:
    ask(Question.about(load_molecule("lj7"), "lennard-jones"))
    assert ask._process is not None
    ask._process.kill()
    ask._process.wait()
    assert np.isfinite(ask(Question.about(load_molecule("lj13"), "lennard-jones")).energy)
