import os

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones

from so3k_explore.io.datasets import DatasetError
from so3k_explore.io.reference import SINGLE_THREAD, reference_calculator, single_threaded_pool, with_electrons


def test_an_unknown_method_is_explained() -> None:
    with pytest.raises(DatasetError, match=r"`package\.module:Name`"):
        reference_calculator("B3LYP")
    with pytest.raises(DatasetError, match="No calculator was found"):
        reference_calculator("ase.calculators.lj:Nothing")
    assert isinstance(reference_calculator("ase.calculators.lj:LennardJones"), LennardJones)


def test_calculators_are_told_charge_and_multiplicity_in_the_way_of_ase() -> None:
    atoms = Atoms("OH", [[0, 0, 0], [0, 0, 0.97]], info={"charge": -1.0, "multiplicity": 3})
    given = with_electrons(atoms)
    np.testing.assert_allclose(given.get_initial_charges().sum(), -1.0)
    np.testing.assert_allclose(given.get_initial_magnetic_moments().sum(), 2.0)
    assert not atoms.get_initial_charges().any()


def threads(_: int) -> tuple[str | None, ...]:
    return tuple(os.environ.get(name) for name in SINGLE_THREAD)


def test_processes_compute_with_one_thread_and_ours_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with single_threaded_pool(2) as run:
        assert list(run(threads, [0, 1])) == [("1", "1", "1")] * 2
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ
