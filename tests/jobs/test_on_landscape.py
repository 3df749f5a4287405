"""Runs that work on the landscape of a search, with a cluster whose landscape is known."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from so3k_explore.exploration.model_record import recorded_model
from so3k_explore.exploration.recheck import stored_recheck
from so3k_explore.exploration.thermodynamics import free_energy_tree
from so3k_explore.jobs import MinimaSettings, RecheckSettings, Run, Runs, SaddlesSettings, VibrationsSettings
from so3k_explore.jobs.on_landscape import landscape_lock

MINIMA, SADDLES = 4, 12  # of seven atoms


class HalfAsDeep:
    """A reference method for tests: the pair potential, half as deep. Calculators are made by calling a name."""

    def __new__(cls) -> Any:
        from ase.calculators.lj import LennardJones

        return LennardJones(sigma=1.0, epsilon=0.5, rc=100.0, smooth=False)


REFERENCE = f"{__name__}:HalfAsDeep"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    runs = Runs(tmp_path_factory.mktemp("runs"), engine="inline")
    yield runs
    for run in runs.list():
        run.stop()
    runs.close()


@pytest.fixture(scope="module")
def search(runs: Runs) -> Run:
    """A search that has found all minima of seven atoms."""
    run = runs.submit(MinimaSettings(walkers=8, minima=MINIMA, max_calls=40_000), "lj7", precision="float64")
    assert run.wait(600).state == "done"
    assert len(run.landscape()) >= 2
    return run


def submitted(runs: Runs, search: Run, settings: Any) -> Run:
    return runs.submit(settings, search.molecule, search.model, precision="float64")


def test_saddles_are_written_into_the_landscape_of_the_search_and_the_run_can_be_resumed(
    runs: Runs, search: Run
) -> None:
    run = submitted(runs, search, SaddlesSettings(landscape=search.id, saddles=2, pairs=2, walkers=4))
    status = run.wait(600)
    assert status.state == "done", status.message
    assert status.message == "Found 2 saddles." or "saddles" in status.message
    assert run.landscape_run == search.id
    saddles = search.landscape().saddles()
    assert len(saddles) >= 2
    assert (saddles.frequencies < 0).all()
    assert run.landscape().path == search.landscape().path
    assert status.details["n_saddles"] == len(saddles)
    assert status.progress == 1.0
    before = status.step
    run.resume()
    again = run.wait(600)
    assert (again.state, again.step) == ("done", before)  # what it wanted is there already


@pytest.mark.parametrize("settings", [SaddlesSettings, VibrationsSettings])
def test_a_landscape_that_another_model_made_is_left_as_it_is(runs: Runs, search: Run, settings: Any) -> None:
    landscape = search.landscape()
    record = recorded_model(landscape)
    assert record is not None
    assert (record.name, record.kind) == ("lennard-jones", "LennardJones")
    metadata = landscape.storage.metadata
    landscape.storage.metadata = {**metadata, "model": {**metadata["model"], "name": "pairs", "fingerprint": "0" * 16}}
    try:
        saddles, run = len(landscape.saddles()), submitted(runs, search, settings(landscape=search.id))
        status = run.wait(600)
        assert status.state == "failed"
        assert "was made with the model pairs (00000000), got " in status.message
        assert len(landscape.saddles()) == saddles
    finally:
        landscape.storage.metadata = metadata


def test_frequencies_give_free_energies(runs: Runs, search: Run) -> None:
    run = submitted(runs, search, VibrationsSettings(landscape=search.id))
    status = run.wait(600)
    assert status.state == "done", status.message
    assert status.message.startswith("Frequencies of ")
    tree = free_energy_tree(search.landscape(), 300.0)
    assert len(tree) == len(search.landscape())


def test_minima_are_checked_with_a_reference_method(runs: Runs, search: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    run = submitted(runs, search, RecheckSettings(landscape=search.id, method=REFERENCE, minima=2, saddles=1))
    status = run.wait(600)
    assert status.state == "done", status.message
    assert status.message == f"2 minima checked with {REFERENCE}."
    found = stored_recheck(search.landscape(), REFERENCE)
    np.testing.assert_allclose(found.energies, found.model_energies / 2, atol=0.02)


def test_a_reference_method_that_is_not_there_is_a_sentence(runs: Runs, search: Run) -> None:
    run = submitted(runs, search, RecheckSettings(landscape=search.id, method="nowhere:Nothing"))
    status = run.wait(600)
    assert status.state == "failed"
    assert "No calculator was found at `nowhere:Nothing`" in status.message
    landscape_lock(search._folder, 0).release()  # the run has let go of it


def test_two_runs_do_not_write_one_landscape_at_a_time(
    runs: Runs, search: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("so3k_explore.jobs.on_landscape.PATIENCE", 0.1)
    lock = landscape_lock(search._folder)
    try:
        run = submitted(runs, search, SaddlesSettings(landscape=search.id))
        status = run.wait(600)
    finally:
        lock.release()
    assert status.state == "failed"
    assert "Another run is writing the landscape" in status.message


def test_a_landscape_that_was_deleted_is_a_sentence(runs: Runs, search: Run, tmp_path: Path) -> None:
    run = submitted(runs, search, SaddlesSettings(landscape="20000101-gone"))
    status = run.wait(600)
    assert status.state == "failed"
    assert "has no landscape here" in status.message
