from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from so3k_explore.app.models.background import Background
from so3k_explore.app.models.dataset import MOST_BYTES, DatasetModel, refused
from so3k_explore.io.dataset_formats import write_extxyz
from so3k_explore.io.datasets import save_dataset
from so3k_explore.jobs.uploads import UPLOADS
from tests.app.models.labelled import labelled


@pytest.fixture
def background() -> Background:
    return Background()


@pytest.fixture
def model(background: Background, tmp_path: Path) -> DatasetModel:
    return DatasetModel(background, lambda: tmp_path)


@pytest.fixture
def read(model: DatasetModel, background: Background) -> Callable[[Path], None]:
    def run(path: Path) -> None:
        model.path = str(path)
        background.wait()

    return run


def foreign(path: Path) -> Path:
    data = labelled()
    atoms = len(data[0].numbers)
    forces = data.forces.reshape(-1, atoms, 3)
    np.savez(path, R=data.positions.reshape(-1, atoms, 3), F=forces, E=data.energies, z=data[0].numbers)
    return path


def test_a_data_set_is_summarised(model: DatasetModel, read: Callable[[Path], None], tmp_path: Path) -> None:
    data = labelled()
    read(save_dataset(tmp_path / "water.npz", data))
    summary = model.summary
    assert summary is not None
    assert (summary.frames, summary.molecules, summary.elements) == (len(data), {"water": len(data)}, (1, 8))
    assert summary.largest_force == pytest.approx(np.linalg.norm(data.forces, axis=1).max())
    assert summary.typical_force == pytest.approx(np.sqrt((data.forces**2).mean()))
    assert summary.sentences[0] == "20 structures of 1 molecule (water)"
    assert summary.sentences[1] == "3 atoms · H O"
    assert model.obstacle == ""


def test_extended_xyz_is_read(model: DatasetModel, read: Callable[[Path], None], tmp_path: Path) -> None:
    read(write_extxyz(tmp_path / "water.xyz", labelled()))
    assert model.summary is not None
    assert model.summary.level == "harmonic"


def test_a_file_without_units_asks_for_them(
    model: DatasetModel, read: Callable[[Path], None], background: Background, tmp_path: Path
) -> None:
    read(foreign(tmp_path / "md17.npz"))
    assert model.units_wanted
    assert (model.error, model.obstacle) == ("", "Choose the units of the data set.")
    model.energy_unit = "kcal/mol"
    background.wait()
    assert model.summary is None
    model.length_unit = "Angstrom"
    background.wait()
    assert model.summary is not None
    largest = np.linalg.norm(labelled().forces, axis=1).max()
    assert model.summary.largest_force == pytest.approx(largest * 0.0433641, rel=1e-5)
    assert model.units_wanted  # so that a wrong choice can be mended


def test_another_file_forgets_the_units(model: DatasetModel, read: Callable[[Path], None], tmp_path: Path) -> None:
    read(foreign(tmp_path / "md17.npz"))
    model.param.update(energy_unit="eV", length_unit="Bohr")
    read(save_dataset(tmp_path / "water.npz", labelled()))
    assert not model.units_wanted
    assert model.units == {"energy_unit": None, "length_unit": None}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("absent.npz", None, "There is no file"),
        ("damaged.npz", b"no archive", "damaged or not a safe .npz file"),
        ("weights.pkl", b"\x80\x04.", "Expected a file .npz, .xyz or .extxyz"),
        ("plain.xyz", b"1\n\nH 0 0 0\n", "lacks energy and forces"),
    ],
)
def test_what_cannot_be_read_is_explained(
    model: DatasetModel,
    read: Callable[[Path], None],
    tmp_path: Path,
    name: str,
    content: bytes | None,
    expected: str,
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    read(tmp_path / name)
    assert expected in model.error
    assert model.summary is None
    assert model.obstacle == "The data set cannot be used; see above."


def test_a_pickle_in_an_archive_is_not_opened(
    model: DatasetModel, read: Callable[[Path], None], tmp_path: Path
) -> None:
    np.savez(tmp_path / "evil.npz", R=np.array([{}], object))
    read(tmp_path / "evil.npz")
    assert "not a safe .npz file" in model.error


def test_an_upload_is_kept_beside_the_runs_once(model: DatasetModel, background: Background, tmp_path: Path) -> None:
    content = save_dataset(tmp_path / "water.npz", labelled()).read_bytes()
    for _ in range(2):
        model.open_file(content, "../my water.npz")
        background.wait()
    kept = list((tmp_path / UPLOADS).rglob("*.npz"))
    assert [path.name for path in kept] == ["my-water.npz"]
    assert model.summary is not None
    assert model.summary.path == kept[0].resolve()


def test_uploads_have_a_limit_and_a_kind() -> None:
    assert "200 MB" in refused(bytes(MOST_BYTES + 1), "large.npz")
    assert "got model.pkl" in refused(b"x", "model.pkl")
    assert "is empty" in refused(b"", "none.npz")
    assert refused(b"x", "DATA.XYZ") == ""
