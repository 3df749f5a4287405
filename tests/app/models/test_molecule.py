from pathlib import Path

import pytest

from so3k_explore.app.models.background import Background
from so3k_explore.app.models.molecule import MoleculeModel

TWO_FRAMES = b"1\nfirst\nAr 0 0 0\n1\nsecond\nAr 1 0 0\n"


@pytest.fixture
def model() -> MoleculeModel:
    return MoleculeModel(Background())


def test_the_summary_counts_atoms_and_torsions(model: MoleculeModel) -> None:
    model.open_text("butane")
    model._background.wait()
    assert model.summary == "14 atoms · C₄H₁₀ · charge 0 · 1 torsion"


def test_what_cannot_be_read_is_said_and_the_molecule_stays(model: MoleculeModel) -> None:
    model.open_text("lj7")
    model._background.wait()
    model.open_text("not a molecule")
    model._background.wait()
    assert "not a molecule" in model.error
    assert model.molecule.n_atoms == 7


def test_a_file_with_several_structures_offers_them(model: MoleculeModel) -> None:
    model.open_file(TWO_FRAMES, "two.xyz")
    model._background.wait()
    assert len(model.frames) == 2
    assert model.molecule.positions[0, 0] == 0.0
    model.frame = 1
    model._background.wait()
    assert model.molecule.positions[0, 0] == 1.0


def test_an_upload_never_opens_files_of_this_machine(model: MoleculeModel, tmp_path: Path) -> None:
    secret = tmp_path / "secret.xyz"
    secret.write_bytes(TWO_FRAMES)
    model.open_file(str(secret).encode(), "upload.xyz")
    model._background.wait()
    assert model.molecule is None
    assert model.error


def test_a_charge_set_by_hand_is_checked_against_the_electrons(model: MoleculeModel) -> None:
    model.open_text("water")
    model._background.wait()
    assert model.obstacle == ""
    model.charge = 1
    model._background.wait()
    assert model.molecule.charge == 1
    assert any("electron" in problem.message for problem in model.problems)
