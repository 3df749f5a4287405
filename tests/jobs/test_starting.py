"""What is seen of a run before its first step, and that it listens all the time."""

import threading
import time
from collections.abc import Callable, Iterator

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.io.structures import load_molecule
from so3k_explore.jobs import DynamicsSettings, LiveFrame, MinimaSettings, RelaxSettings, Runs
from so3k_explore.jobs.recorder import Recorder
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.lennard_jones import LennardJones

MOLECULE = load_molecule("lj7")
SHORT = DynamicsSettings(walkers=2, temperature=300.0, duration=0.01, seed=1)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 600
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_molecule_is_shown_before_the_model_is_loaded(runs: Runs, held: threading.Event) -> None:
    run = runs.submit(SHORT, MOLECULE, "lennard-jones")
    wait_until(lambda: run.live() is not None)
    live = run.live()
    assert live is not None
    assert run.status().state == "starting"
    np.testing.assert_allclose(live.positions, np.repeat(np.asarray(MOLECULE.system.positions)[None], 2, 0), atol=1e-6)
    held.set()
    assert run.wait(600).state == "done"


def test_the_relaxation_before_the_dynamics_is_shown(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[LiveFrame] = []
    monkeypatch.setattr("so3k_explore.jobs.worker.write_live", lambda path, frame: shown.append(frame))
    run = runs.submit(SHORT, MOLECULE, "lennard-jones")
    assert run.wait(600).state == "done"
    before = [frame.positions for frame in shown if not frame.scalars]
    assert len(before) > 2
    assert np.ptp(np.stack(before), axis=0).max() > 1e-3
    np.testing.assert_allclose(run.trajectory().positions[0], before[-1], atol=1e-6)


@pytest.mark.parametrize("relax_first", [True, False])
def test_the_dynamics_begins_with_the_energy_of_its_structure(runs: Runs, relax_first: bool) -> None:
    run = runs.submit(SHORT.replace(relax_first=relax_first), MOLECULE, "lennard-jones", precision="float64")
    assert run.wait(600).state == "done"
    start = run.trajectory().positions[0, 0]
    same = np.allclose(start, np.asarray(MOLECULE.system.positions), atol=1e-6)
    assert same is not relax_first
    energy, _ = energy_and_forces(LennardJones(), MOLECULE.system.replace(positions=jnp.asarray(start, float)))
    np.testing.assert_allclose(run.series()["energy"][0], [float(energy)] * 2, atol=1e-5)


def test_a_run_is_stopped_while_it_compiles_and_says_what_it_does(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = threading.Event()

    def compile_slowly(*_: object, **__: object) -> Iterator[None]:
        compiled.wait(600)
        yield None

    monkeypatch.setattr("so3k_explore.jobs.dynamics.relax", compile_slowly)
    run = runs.submit(SHORT, MOLECULE, "lennard-jones")
    wait_until(lambda: run.status().message.startswith("Compiling the model for 7 atoms ("))
    run.stop()
    assert run.wait(600).state == "stopped"
    assert not compiled.is_set()
    compiled.set()


def test_a_search_shows_its_walkers_several_times_in_each_block(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[LiveFrame] = []
    monkeypatch.setattr("so3k_explore.jobs.worker.write_live", lambda path, frame: shown.append(frame))
    monkeypatch.setattr("so3k_explore.jobs.minima.INTERVAL", 0.0)
    run = runs.submit(MinimaSettings(walkers=2, max_calls=400, seed=1), MOLECULE, "lennard-jones")
    assert run.wait(600).state == "done"
    within = [frame.positions for frame in shown if list(frame.scalars) == ["energy"]]
    assert len(within) > 2 * len(run.series()["step"])
    assert all(np.isfinite(frame).all() and frame.shape == (2, 7, 3) for frame in within)
    assert (np.ptp(np.stack(within), axis=0) > 0.1).any()


@pytest.mark.parametrize("method", ["lbfgs", "fire"])
def test_a_relaxation_that_is_resumed_goes_on_as_if_it_had_not_ended(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    settings = RelaxSettings(force_tolerance=1e-3, method=method)
    whole = runs.submit(settings, MOLECULE, "lennard-jones")
    assert whole.wait(600).state == "done"
    append = Recorder.append

    def fail_late(self: Recorder, step: int, *arguments: object) -> None:
        if step >= 8:
            raise OSError("a disk that was pulled out")
        append(self, step, *arguments)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Recorder, "append", fail_late)
    monkeypatch.setattr("so3k_explore.jobs.worker.BLOCK", 0.0)  # a checkpoint after each step
    parts = runs.submit(settings, MOLECULE, "lennard-jones", checkpoint_interval=0)
    assert parts.wait(600).state == "failed"
    monkeypatch.setattr(Recorder, "append", append)
    parts.resume()
    assert parts.wait(600).state == "done"
    assert next(event["step"] for event in parts.events() if event["kind"] == "resumed") >= 6
    np.testing.assert_array_equal(parts.series()["energy"], whole.series()["energy"])
    assert parts.status().calls == whole.status().calls


def test_a_relaxation_that_has_used_up_its_steps_says_so_again(runs: Runs) -> None:
    run = runs.submit(RelaxSettings(force_tolerance=1e-6, max_steps=2), MOLECULE, "lennard-jones")
    first = run.wait(600)
    run.resume()
    second = run.wait(600)
    assert (first.state, first.message) == (second.state, second.message) == ("failed", second.message)
    assert second.step == 2
