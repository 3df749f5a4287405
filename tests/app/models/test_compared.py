"""Two runs beside each other, with real landscapes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from so3k_explore.app.models.session import Session
from so3k_explore.exploration.landscape import Landscape
from tests.app.models.fakes import FakeRun
from tests.app.models.landscapes import settle_all

Settle = Callable[[Session], None]


def test_another_run_is_compared_and_another_molecule_in_numbers_only(
    shown: Session, cluster: Any, butane: Any, settle: Settle, tmp_path: Path
) -> None:
    runs: Any = shown.runs._open()
    for name, molecule in (("same", cluster), ("else", butane)):
        path = tmp_path / name / "landscape.db"
        path.parent.mkdir()
        with Landscape.open(path) as other:
            other.bind(molecule)
            for k in range(2):
                other.add(1.0 + 0.3 * k, molecule.positions * (1 + 0.1 * k) + 0.01 * k)
        run = FakeRun(name, molecule, kind="minima", folder=path.parent)
        run.landscape = lambda path=path: Landscape.open(path)  # opened anew by each reader
        runs.runs[name] = run
    settle_all(shown, settle)
    assert set(shown.compared.param.other.objects) == {"", "same", "else"}
    shown.compared.other = "same"
    settle_all(shown, settle)
    assert sorted(shown.compared.found.pairs[:, 0].tolist()) == [1, 2]
    assert "2 minima in common among the 4 and 2 lowest" in shown.compared.sentence
    assert "differ by 2.31 kcal/mol" in shown.compared.sentence
    shown.compared.other = "else"
    settle_all(shown, settle)
    assert "other atoms" in shown.compared.sentence
    assert len(shown.compared.found.pairs) == 0
    shown.compared.other = ""
    assert shown.compared.found is None
