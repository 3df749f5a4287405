import dataclasses
import errno
import time
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.io.structures import Molecule, load_molecule
from so3k_explore.jobs import DynamicsSettings, MinimaSettings, RelaxSettings, Run, RunNotFoundError, Runs, StoreError
from so3k_explore.observables.charges import dipole
from so3k_explore.potentials.checkpoints import save_potential
from so3k_explore.system import System
from tests.molecules import ETHANOL
from tests.potentials import so3lr

FAST = DynamicsSettings(temperature=300.0, duration=0.2, seed=1)
ENDLESS = DynamicsSettings(temperature=300.0, seed=1)


def wait_for_steps(run: Run, more: int = 1) -> int:
    """Waits until the run has made some more steps; returns how many it has."""
    before, deadline = run.status().step, time.monotonic() + 600
    while run.status().step < before + more:
        status = run.status()
        assert status.active, status.message
        assert time.monotonic() < deadline, status.message
        time.sleep(0.01)
    return run.status().step


def test_dynamics_runs_to_its_end_and_everything_is_in_the_folder(runs: Runs) -> None:
    run = runs.submit(FAST, load_molecule("lj7"), "lennard-jones")
    status = run.wait(600)
    assert status.state == "done", status.message
    assert (status.step, status.total, status.progress) == (400, 400, 1.0)
    assert status.device
    series, trajectory = run.series(), run.trajectory()
    assert trajectory is not None
    np.testing.assert_array_equal(series["time_fs"], np.arange(0, 201, 10))
    np.testing.assert_array_equal(trajectory.times, series["time_fs"])
    assert series["energy"].shape == (21, 1)
    assert np.isfinite(series["rmsd"]).all()
    live = run.live()
    assert live is not None
    assert live.positions.shape == (1, 7, 3)
    np.testing.assert_allclose(live.positions, trajectory.positions[-1], atol=1e-6)
    assert [event["kind"] for event in run.events()] == ["started", "done"]


def test_velocities_are_stored_when_asked_for(runs: Runs) -> None:
    settings = FAST.replace(walkers=2, record=("velocities",), frame_interval=0.5, duration=0.01)
    run = runs.submit(settings, load_molecule("lj7"), "lennard-jones", precision="float64")
    usual = runs.submit(FAST.replace(duration=0.01), load_molecule("lj7"), "lennard-jones")
    assert run.wait(600).state == usual.wait(600).state == "done"
    assert usual.trajectory().velocities is None
    trajectory = run.trajectory()
    velocities, positions = trajectory.velocities[:], np.asarray(trajectory.positions[:], float)
    moved = (positions[2:] - positions[:-2]) / 1.0  # Å/fs, central differences over two steps of 0.5 fs
    np.testing.assert_allclose(velocities[1:-1], moved, atol=0.05 * np.abs(velocities).max())
    squares = units.FS**-2 * (np.asarray(trajectory.masses)[:, None] * velocities**2).sum(axis=(-1, -2))
    np.testing.assert_allclose(squares / 2, run.series()["kinetic_energy"], rtol=1e-5)


def test_dipoles_are_stored_when_asked_for_and_survive_a_resumption(runs: Runs, tmp_path: Path) -> None:
    model = so3lr(float("inf"))
    save_potential(tmp_path / "charged.npz", model)
    settings = DynamicsSettings(walkers=2, record=("dipoles",), frame_interval=0.5, relax_first=False, guard=False)
    molecule = Molecule.from_system(ETHANOL, "ethanol", "a test")
    run = runs.submit(settings, molecule, str(tmp_path / "charged.npz"), precision="float64")
    wait_for_steps(run, 3)
    run.stop()
    run.wait(600)
    run.change(duration=(run.status().step + 3) * 0.5e-3)
    run.resume()
    status = run.wait(600)
    assert status.state == "done", status.message
    with run.trajectory() as trajectory:
        assert trajectory.velocities is None
        assert trajectory.dipoles.shape == (status.step + 1, 2, 3)
        at = molecule.system.replace(positions=jnp.asarray(trajectory.positions[-1, 1], float))
        expected = dipole(model, at) @ jnp.eye(3)
        np.testing.assert_allclose(trajectory.dipoles[-1, 1], expected, atol=1e-5)


def test_dipoles_need_a_model_with_charges(runs: Runs) -> None:
    run = runs.submit(FAST.replace(record=("dipoles",)), load_molecule("lj7"), "lennard-jones")
    status = run.wait(600)
    assert status.state == "failed"
    assert "LennardJones has no charges" in status.message


def test_heavier_hydrogen_is_written_down(runs: Runs) -> None:
    """Masses belong to velocities."""
    molecule = Molecule.from_system(System.create([[0.0, 0, 0], [0, 0, 1.0]], [1, 18]), "pair", "a test")
    molecule = dataclasses.replace(molecule, bonds=np.array([[0, 1]]))
    settings = FAST.replace(duration=0.01, hydrogen_mass=3.0, guard=False)
    run = runs.submit(settings, molecule, "lennard-jones")
    assert run.wait(600).state == "done"
    np.testing.assert_allclose(run.trajectory().masses, [3.0, 39.948 - 2 + 0.008], atol=1e-3)


def test_a_run_is_paused_changed_and_stopped_while_it_goes(runs: Runs) -> None:
    run = runs.submit(ENDLESS, load_molecule("lj7"), "lennard-jones")
    wait_for_steps(run)
    run.pause()
    assert run.wait(600, states=("paused",)).state == "paused"
    held = run.status().step
    time.sleep(0.3)
    assert run.status().step == held
    with pytest.raises(ValueError, match="timestep"):
        run.change(timestep=1.0)
    run.change(temperature=20, walkers=2)
    run.resume()
    wait_for_steps(run, 2000)
    status = run.status()
    assert (status.state, status.walkers, status.details["temperature"]) == ("running", 2, 20.0)
    run.change(walkers=1)
    wait_for_steps(run, 2000)
    run.stop()
    assert run.wait(600).state == "stopped"
    assert run.settings == ENDLESS.replace(temperature=20.0, walkers=1)
    assert [trajectory.walkers for trajectory in run.trajectories()] == [1, 2, 1]
    energy = run.series()["energy"]
    assert energy.shape[1] == 2
    assert np.isfinite(energy[-1]).tolist() == [True, False]
    kinds = [event["kind"] for event in run.events()]
    assert kinds == ["started", "paused", "changed", "continued", "changed", "stopped"]


def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(runs: Runs) -> None:
    settings = DynamicsSettings(temperature=300.0, duration=3.0, seed=2)
    whole = runs.submit(settings, load_molecule("lj7"), "lennard-jones")
    parts = runs.submit(settings, load_molecule("lj7"), "lennard-jones")
    wait_for_steps(parts, 500)
    parts.stop()
    stopped = parts.wait(600)
    assert stopped.state == "stopped"
    assert stopped.step < 6000
    parts.resume()
    assert parts.wait(600).state == "done"
    assert whole.status().state == "done"
    np.testing.assert_array_equal(parts.series()["energy"], whole.series()["energy"])
    np.testing.assert_array_equal(parts.trajectory().times, np.arange(0, 3001, 10))
    assert "resumed" in [event["kind"] for event in parts.events()]


def test_a_run_that_is_done_goes_on_when_it_is_given_more_time(runs: Runs) -> None:
    run = runs.submit(FAST, load_molecule("lj7"), "lennard-jones")
    assert run.wait(600).state == "done"
    run.change(duration=0.3)
    run.resume()
    status = run.wait(600)
    assert (status.state, status.step) == ("done", 600)


def test_a_relaxation_ends_with_small_forces(runs: Runs) -> None:
    run = runs.submit(RelaxSettings(force_tolerance=0.001), load_molecule("lj7"), "lennard-jones")
    status = run.wait(600)
    assert status.state == "done", status.message
    assert status.details["max_force"] < 0.001
    assert run.series()["max_force"][-1, 0] < 0.001


def test_a_search_for_minima_fills_a_landscape(runs: Runs) -> None:
    settings = MinimaSettings(walkers=4, minima=3, seed=1)
    run = runs.submit(settings, load_molecule("lj7"), "lennard-jones")
    status = run.wait(600)
    assert status.state == "done", status.message
    assert status.details["n_minima"] >= 3
    landscape = run.landscape()
    assert landscape is not None
    np.testing.assert_allclose(landscape.minima().energies.min(), -16.505384, atol=1e-4)
    assert run.series()["n_minima"][-1, 0] >= 3


def test_a_search_goes_on_from_its_checkpoint_without_finding_minima_twice(runs: Runs) -> None:
    run = runs.submit(MinimaSettings(walkers=4, minima=2, seed=1), load_molecule("lj7"), "lennard-jones")
    assert run.wait(600).state == "done"
    before = run.status().step
    run.change(minima=4)
    run.resume()
    status = run.wait(600)
    assert status.state == "done", status.message
    assert status.step > before
    energies = np.sort(run.landscape().minima().energies)
    np.testing.assert_allclose(energies, [-16.505384, -15.935043, -15.593211, -15.533060], atol=1e-4)


def test_a_run_with_one_walker_that_breaks_says_why(runs: Runs) -> None:
    hot = DynamicsSettings(temperature=1e6, seed=1, relax_first=False)
    status = runs.submit(hot, load_molecule("lj7"), "lennard-jones").wait(600)
    assert status.state == "failed"
    assert "The walker stopped at" in status.message
    assert "left the others" in status.message or "not finite" in status.message or "infinite" in status.message


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "is full. Free some space"),
        (OSError("Unable to write (file write failed: errno = 28, error message = 'No space left')"), "is full"),
        (PermissionError(errno.EACCES, "Permission denied"), "cannot be written"),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes"), "ran out of memory with 1 walkers"),
        (ZeroDivisionError("by zero"), "Something unexpected happened (ZeroDivisionError: by zero)"),
    ],
)
def test_a_problem_is_told_in_a_sentence_and_nothing_is_lost(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, broken: Exception, sentence: str
) -> None:
    from so3k_explore.jobs.recorder import Recorder

    append = Recorder.append

    def fail_late(self: Recorder, step: int, *arguments: object) -> None:
        if step >= 200:
            raise broken
        append(self, step, *arguments)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Recorder, "append", fail_late)
    run = runs.submit(FAST, load_molecule("lj7"), "lennard-jones", checkpoint_interval=0)
    status = run.wait(600)
    assert status.state == "failed"
    assert sentence in status.message
    monkeypatch.setattr(Recorder, "append", append)
    run.resume()
    assert run.wait(600).state == "done"
    np.testing.assert_array_equal(run.series()["time_fs"], np.arange(0, 201, 10))
    np.testing.assert_array_equal(run.trajectory().times, np.arange(0, 201, 10))


def test_a_folder_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be written .*--runs"):
        Runs(tmp_path / "file" / "runs", engine="inline")


def test_an_unsuitable_model_is_refused_before_anything_starts(runs: Runs) -> None:
    with pytest.raises(ValueError, match="no model"):
        runs.submit(FAST, load_molecule("lj7"), "no-such-model")
    assert runs.list() == []


def test_deleting_can_be_undone(runs: Runs) -> None:
    run = runs.submit(ENDLESS, load_molecule("lj7"), "lennard-jones")
    wait_for_steps(run)
    runs.delete(run.id)
    assert runs.list() == []
    while not runs.trash():
        time.sleep(0.05)
        assert runs.list() == []
    restored = runs.restore(run.id)
    assert [found.id for found in runs.list()] == [run.id]
    assert restored.status().state == "stopped"
    assert len(restored.series()["step"])
    runs.delete(run.id)
    runs.empty_trash()
    with pytest.raises(RunNotFoundError, match="not in the trash"):
        runs.restore(run.id)


def test_a_run_is_found_by_a_part_of_its_id(runs: Runs) -> None:
    run = runs.submit(FAST, load_molecule("lj7"), "lennard-jones", name="My first run!")
    run.stop()
    assert "my-first-run-dynamics" in run.id
    assert runs.get(run.id[-4:]).id == runs.get("latest").id == run.id
    with pytest.raises(RunNotFoundError, match="no run fits"):
        runs.get("nothing")


def test_damaged_files_do_not_break_the_list(runs: Runs) -> None:
    run = runs.submit(FAST, load_molecule("lj7"), "lennard-jones")
    assert run.wait(600).state == "done"
    for name in ("live.bin", "trajectory.h5", "events.jsonl", "control.jsonl", "series/0000.bin"):
        (run.folder / name).write_bytes(b"\x00damaged")
    assert run.live() is None
    assert run.trajectory() is None
    assert run.events() == []
    assert len(run.series()["step"]) == 0
    (run.folder / "status.json").write_bytes(b"{")
    assert runs.list()[0].status().state == "interrupted"
    (run.folder / "job.json").write_bytes(b"{")
    assert runs.list() == []
