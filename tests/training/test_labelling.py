import json
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.lj import LennardJones

from so3k_explore.io.datasets import Dataset, DatasetError, from_frames
from so3k_explore.system import System
from so3k_explore.training.labelling import Journal, check_method, label_structures, unlabelled

MOODY = "tests.training.calculators:Moody"
CRASHING = "tests.training.calculators:Crashing"
DISTANCES = (2.0, 0.5, 2.5)


def pairs(*distances: float) -> Dataset:
    systems = [System.create(np.array([[0, 0, 0], [d, 0, 0]]), [1, 1]) for d in distances]
    return from_frames([unlabelled(system, "H2", "here", group) for group, system in enumerate(systems)])


def test_any_calculator_labels_by_its_import_path_and_failures_are_reported(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "labels.jsonl", pairs(*DISTANCES), MOODY)
    states = list(label_structures(journal))
    assert [state.done for state in states] == [0, 1, 2, 3]
    assert (states[-1].labelled, states[-1].failed, states[-1].total) == (2, 1, 3)
    assert journal.failures[0].structure == 1
    assert "no convergence" in journal.failures[0].reason
    data = journal.dataset()
    np.testing.assert_array_equal(data.energies, [2.0, 2.5])
    assert data.groups.tolist() == [0, 2]
    assert (data.level, set(data.molecules), set(data.sources)) == (MOODY, {"H2"}, {"here"})


def test_labels_survive_a_torn_line_and_are_not_made_again(tmp_path: Path) -> None:
    path, structures = tmp_path / "labels.jsonl", pairs(1.2, 1.4, 1.6)
    lennard_jones = "ase.calculators.lj:LennardJones"
    labelling = label_structures(Journal(path, structures, lennard_jones))
    for _ in range(3):
        next(labelling)
    del labelling
    path.write_bytes(path.read_bytes() + b'\n{"structure": 2, "ener')
    journal = Journal(path, structures, lennard_jones)
    assert journal.missing == [2]
    changed = [json.loads(line) for line in path.read_text().splitlines()[:-1] if line]
    assert [state.newest for state in label_structures(journal)] == [None, 2]
    whole = Journal(tmp_path / "other.jsonl", structures, lennard_jones)
    assert len(list(label_structures(whole))) == 4
    for name in ("energies", "forces", "positions"):
        np.testing.assert_array_equal(getattr(Journal(path, structures, lennard_jones).dataset(), name),
                                      getattr(whole.dataset(), name))  # fmt: skip
    assert len(changed) == 3
    with pytest.raises(DatasetError, match="of other structures or of another method"):
        Journal(path, structures, MOODY)
    with pytest.raises(DatasetError, match="of other structures"):
        Journal(path, pairs(1.2), lennard_jones)


def test_processes_share_the_structures_and_one_that_crashes_costs_one_label(tmp_path: Path) -> None:
    distances = (1.2, 0.5, 1.3, 4.0, 1.4, 1.5)
    journal = Journal(tmp_path / "labels.jsonl", pairs(*distances), CRASHING)
    states = list(label_structures(journal, processes=2, patience=30.0))
    assert (states[-1].labelled, states[-1].failed) == (4, 2)
    assert {failure.structure for failure in journal.failures} == {1, 3}
    assert "ended with code 7" in journal.failures[0].reason
    assert "KeyError" in journal.failures[1].reason
    alone = LennardJones()
    data = journal.dataset()
    for k in range(len(data)):
        atoms = data[k].system.to_ase()
        atoms.calc = alone
        np.testing.assert_allclose(data.energies[k], atoms.get_potential_energy())


def test_nothing_labelled_is_an_error_that_says_why(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "labels.jsonl", pairs(0.5), MOODY)
    list(label_structures(journal))
    with pytest.raises(DatasetError, match=r"Not one of 1 structures got a label\. .*no convergence"):
        journal.dataset()


def test_a_method_that_does_not_know_an_element_is_refused() -> None:
    pytest.importorskip("tblite", reason="This test needs tblite: pip install tblite")
    heavy = from_frames([unlabelled(System.create(np.zeros((1, 3)), [92]), "uranium")])
    with pytest.raises(DatasetError, match="knows the elements up to Rn, got U"):
        check_method("GFN2-xTB", heavy)
    check_method(MOODY, heavy)
