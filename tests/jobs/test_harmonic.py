"""Harmonic vibrations, here and in a process of their own."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.io.library import named
from so3k_explore.jobs.harmonic import TOLERANCE, HarmonicError, Structures, harmonic, harmonic_apart
from so3k_explore.observables.hessian import normal_modes
from so3k_explore.observables.infrared import infrared_intensities
from so3k_explore.potentials.checkpoints import save_potential
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.system import System
from tests.molecules import ETHANOL
from tests.potentials import so3lr

CLUSTER = named("lj7")


def about(relax: bool = True, model: str = "lennard-jones") -> Structures:
    return Structures(model, None, [CLUSTER.positions.tolist()], CLUSTER.numbers.tolist(), relax=relax)


def test_a_structure_is_relaxed_and_vibrates() -> None:
    (found,) = harmonic(about())
    assert found.max_force <= TOLERANCE
    assert len(found.frequencies) == 15
    assert (found.frequencies > 0).all()
    assert found.intensities is None
    system = System.create(found.positions, CLUSTER.numbers)
    np.testing.assert_allclose(found.frequencies, normal_modes(LennardJones(), system).frequencies, rtol=1e-8)


def test_another_process_gives_the_same_answer() -> None:
    (apart,), (here,) = harmonic_apart(about(relax=False)), harmonic(about(relax=False))
    assert apart.energy == pytest.approx(here.energy, rel=1e-12)
    np.testing.assert_allclose(apart.frequencies, here.frequencies, rtol=1e-8)
    assert apart.modes.shape == (15, 7, 3)


def test_what_goes_wrong_there_is_said_here() -> None:
    with pytest.raises(HarmonicError, match="There is no model, file or folder 'nonsense'"):
        harmonic_apart(about(model="nonsense"))


def test_a_model_with_charges_gives_intensities(tmp_path: Path) -> None:
    model = so3lr(float("inf"))
    save_potential(tmp_path / "charged.npz", model)
    numbers = np.asarray(ETHANOL.numbers).tolist()
    asked = Structures(
        str(tmp_path / "charged.npz"), None, [np.asarray(ETHANOL.positions).tolist()], numbers, relax=False
    )
    (found,) = harmonic(asked)
    modes = normal_modes(model, ETHANOL)
    expected = infrared_intensities(model, ETHANOL.replace(positions=jnp.asarray(ETHANOL.positions)), modes)
    assert found.intensities is not None
    np.testing.assert_allclose(found.intensities, expected, rtol=1e-5, atol=1e-8)
