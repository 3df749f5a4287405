"""What is made of a landscape for other programs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore.app.models.session import Session
from so3k_explore.exploration.landscape import Landscape
from tests.app.models.landscapes import settle_all

Settle = Callable[[Session], None]


def test_chosen_minima_become_files_that_other_programs_read(
    shown: Session, written: Landscape, settle: Settle, tmp_path: Path
) -> None:
    from ase.io import read

    shown.selection.choose([3, 1])
    for name, ending, read_as in (("Extended XYZ", "extxyz", "extxyz"), ("PDB", "pdb", "proteindatabank")):
        shown.exports.make(name)
        settle_all(shown, settle)
        assert shown.exports.file is not None, shown.exports.message
        file, content = shown.exports.file
        path = tmp_path / file
        path.write_bytes(content)
        frames: Any = read(path, index=":", format=read_as)
        assert (path.suffix, len(frames)) == (f".{ending}", 2)
        np.testing.assert_allclose(frames[0].positions, written.minima().positions[2], atol=2e-3)


def test_a_notebook_shows_the_same_and_names_no_path_of_this_machine(
    shown: Session, written: Landscape, settle: Settle, tmp_path: Path
) -> None:
    import nbformat

    shown.selection.choose([2, 4])
    shown.exports.make("Notebook")
    settle_all(shown, settle)
    name, content = shown.exports.file
    assert name == "search.ipynb"
    assert str(tmp_path) not in content.decode()
    found = nbformat.reads(content.decode(), as_version=4)
    nbformat.validate(found)
    code = "\n".join(cell.source for cell in found.cells if cell.cell_type == "code")
    assert "chosen = [2, 4]" in code
    compile(code, "notebook", "exec")
    from so3k_explore import views

    scope: dict[str, Any] = {"landscape": written, "chosen": [2, 4], "views": views}
    line = next(line for line in code.splitlines() if line.startswith("views.tree("))
    figure = eval(line, scope)
    assert sorted(figure.keys[k] for k in figure.chart.selected) == [2, 4]
    figure.__panel__().get_root()


def test_nothing_to_export_is_a_sentence(session: Session) -> None:
    session.exports.make("SDF")
    assert session.exports.message == "There is no minimum to write yet."
