"""Every notebook runs from top to bottom, in an empty folder, with only public names."""

import shutil
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
LONGEST = 20  # cells


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = pytest.importorskip("nbclient", reason="This test needs nbclient: pip install nbclient")
    monkeypatch.setenv("SO3K_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("SO3K_MODELS", raising=False)
    for landscape in path.parent.glob("*.db"):
        shutil.copy(landscape, tmp_path)
    notebook = nbformat.read(path, as_version=4)
    client.NotebookClient(notebook, timeout=800, resources={"metadata": {"path": str(tmp_path)}}).execute()
    errors = [output for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "error"]
    assert not errors


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_is_short_and_stored_without_output(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert len(cells) <= LONGEST
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
