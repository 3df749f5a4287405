"""What each integrator promises, on molecules whose motion is cheap."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.simulation import NVE, Langevin, MDState, NoseHooverChain, advance, initial_state
from so3k_explore.system import System, replicate
from tests.simulation.toys import TETRAHEDRON, Morse, springs_of

SPRINGS = springs_of(TETRAHEDRON)


def start(walkers: int = 1, temperature: float = 300.0) -> MDState:
    return initial_state(SPRINGS, replicate(TETRAHEDRON, walkers), temperature=temperature, seed=3)


def test_energy_is_conserved_to_second_order_in_the_timestep() -> None:
    before = start()
    errors = []
    for femtoseconds in (0.5, 0.25, 0.125):
        steps, state, largest = round(8 / femtoseconds), before, 0.0
        for _ in range(5):
            state = advance(NVE(femtoseconds * units.FS), SPRINGS, state, steps)
            largest = max(largest, abs(float((state.conserved_energy - before.conserved_energy)[0])))
        errors.append(largest)
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(orders, 2.0, atol=0.25)


def test_momentum_and_angular_momentum_are_conserved() -> None:
    before = start()
    before = before.replace(momenta=before.momenta + 0.3 * jax.random.normal(jax.random.key(0), before.momenta.shape))
    after = advance(NVE(0.5 * units.FS), SPRINGS, before, 400)
    spin = lambda state: jnp.cross(state.system.positions, state.momenta).sum(axis=1)
    np.testing.assert_allclose(after.momenta.sum(axis=1), before.momenta.sum(axis=1), atol=1e-11)
    np.testing.assert_allclose(spin(after), spin(before), atol=1e-10)


def test_velocity_verlet_runs_backwards() -> None:
    before = start()
    there = advance(NVE(0.5 * units.FS), SPRINGS, before, 300)
    back = advance(NVE(0.5 * units.FS), SPRINGS, there.replace(momenta=-there.momenta), 300)
    np.testing.assert_allclose(back.system.positions, before.system.positions, atol=1e-9)
    np.testing.assert_allclose(back.momenta, -before.momenta, atol=1e-8)


@pytest.mark.parametrize("make", [Langevin, NoseHooverChain])
def test_what_a_thermostat_gives_and_takes_is_booked(make: type[Langevin] | type[NoseHooverChain]) -> None:
    before, drifts = start(walkers=12), []
    for femtoseconds in (0.5, 0.25):
        integrator = make(femtoseconds * units.FS, units.KB * 900)
        after = advance(integrator, SPRINGS, before, round(100 / femtoseconds))
        drifts.append(float(jnp.std(after.conserved_energy - before.conserved_energy)))
    exchanged = float(jnp.abs(after.energy + after.kinetic_energy - before.energy - before.kinetic_energy).mean())
    assert drifts[0] < 0.05 * exchanged
    assert drifts[1] < 0.6 * drifts[0]


def test_conserved_energy_does_not_jump_when_the_temperature_changes() -> None:
    state = advance(NoseHooverChain(0.25 * units.FS, units.KB * 300), SPRINGS, start(), 200)
    hotter = advance(NoseHooverChain(0.25 * units.FS, units.KB * 600), SPRINGS, state, 1)
    np.testing.assert_allclose(hotter.conserved_energy, state.conserved_energy, atol=2e-3)


def test_langevin_noise_spares_overall_motion() -> None:
    after = advance(Langevin(0.5 * units.FS, units.KB * 300, 0.1 / units.FS), SPRINGS, start(walkers=2), 200)
    np.testing.assert_allclose(after.momenta.sum(axis=1), 0, atol=1e-11)
    np.testing.assert_allclose(jnp.cross(after.system.positions, after.momenta).sum(axis=1), 0, atol=1e-10)


@pytest.mark.parametrize(
    "integrator", [Langevin(0.5 * units.FS, units.KB * 300), NoseHooverChain(0.5 * units.FS, 0.025)]
)
def test_many_walkers_reach_the_temperature(integrator: Langevin | NoseHooverChain) -> None:
    """Equipartition, short: 24 walkers started cold; the long test is among the physics tests."""
    state = advance(integrator, SPRINGS, start(walkers=24, temperature=150.0), 800)
    kinetic = []
    for _ in range(15):
        state = advance(integrator, SPRINGS, state, 40)
        kinetic.append(np.asarray(state.temperature).mean())
    np.testing.assert_allclose(np.mean(kinetic), 300, rtol=0.08)


def test_a_diatomic_vibrates_at_the_frequency_of_its_well() -> None:
    pair = System.create([[0.0, 0.0, 0.0], [1.201, 0.0, 0.0]], [7, 7])
    state = initial_state(Morse(), pair, temperature=0.0)
    stiffness, reduced = 2 * 2 * 1.5**2, 14.007 / 2  # 2 D a² with D = 2 eV
    period = 2 * np.pi / np.sqrt(stiffness / reduced)
    after = advance(NVE(period / 200), Morse(), state, 200)
    np.testing.assert_allclose(after.system.positions, state.system.positions, atol=2e-5)
    half = advance(NVE(period / 200), Morse(), state, 100)
    np.testing.assert_allclose(half.system.positions[0, 1, 0] - half.system.positions[0, 0, 0], 1.199, atol=2e-5)


@pytest.mark.parametrize(
    "make", [lambda: NVE(0.0), lambda: Langevin(1.0, -0.1), lambda: NoseHooverChain(1.0, 0.1, length=0)]
)
def test_settings_without_meaning_are_refused(make: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        make()  # type: ignore[operator]
