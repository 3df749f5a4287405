from pathlib import Path

import pytest

from so3k_explore.io.structures import load_molecule
from so3k_explore.jobs import DynamicsSettings, RelaxSettings, Runs
from so3k_explore.jobs.job import SHORTEST_LONG_RANGE, Job, make_job
from so3k_explore.jobs.single_point import Question, evaluate
from so3k_explore.potentials.checkpoints import save_potential
from so3k_explore.potentials.so3lr import SWITCH_WIDTH, So3lr
from tests.potentials import SMALL

AT_REST = DynamicsSettings(duration=0.01, thermostat="nve", temperature=0.0, relax_first=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network with long-range terms."""
    return save_potential(tmp_path_factory.mktemp("model") / "untrained.npz", So3lr.create(5, SMALL))


def test_the_shortest_cutoff_is_the_one_of_the_potential() -> None:
    assert SHORTEST_LONG_RANGE == SWITCH_WIDTH


def test_the_cutoff_is_kept_in_the_file_and_runs_without_it_still_open(model: Path) -> None:
    job = make_job(RelaxSettings(), load_molecule("water"), model, long_range_cutoff=8)
    content = job.to_json()
    assert Job.from_json(content).long_range_cutoff == 8.0
    del content["model"]["long_range_cutoff"]
    assert Job.from_json(content).long_range_cutoff is None


@pytest.mark.parametrize("cutoff", [2.0, -1.0, float("nan"), float("inf")])
def test_a_cutoff_that_makes_no_sense_is_refused(model: Path, cutoff: float) -> None:
    with pytest.raises(ValueError, match="must be above 2 Å and finite, got"):
        make_job(RelaxSettings(), load_molecule("water"), model, long_range_cutoff=cutoff)


def test_a_model_without_long_range_terms_takes_no_cutoff() -> None:
    with pytest.raises(ValueError, match="`lennard-jones` has no long-range terms, got `long_range_cutoff` 8 Å"):
        make_job(RelaxSettings(), load_molecule("lj7"), "lennard-jones", long_range_cutoff=8)


def test_a_run_computes_with_its_cutoff(model: Path, tmp_path: Path) -> None:
    runs, molecule = Runs(tmp_path / "runs", engine="inline"), load_molecule("ethanol")
    energies = {}
    for cutoff in (None, 3.0):
        run = runs.submit(AT_REST, molecule, model, long_range_cutoff=cutoff)
        run.wait(600)
        energies[cutoff] = float(run.series()["energy"][0, 0])
        asked = Question.about(molecule, str(model), long_range_cutoff=cutoff)
        assert energies[cutoff] == pytest.approx(evaluate(asked).energy, abs=1e-4)
        assert runs.get(run.id).long_range_cutoff == cutoff
    runs.close()
    assert abs(energies[None] - energies[3.0]) > 1e-3


def test_a_model_for_neutral_molecules_takes_no_ions() -> None:
    with pytest.raises(ValueError, match="neutral molecules without unpaired electrons only, got charge -1"):
        make_job(RelaxSettings(), load_molecule("CC(=O)[O-]"), "so3k-peptide-gfn2")
