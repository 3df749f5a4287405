"""What is chosen, as files for other programs: structures, a notebook that shows the same, a report of the run."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import param

if TYPE_CHECKING:
    from so3k_explore.app.models.session import Session
    from so3k_explore.jobs import Run

STRUCTURES = {"Extended XYZ": "extxyz", "SDF": "sdf", "PDB": "pdb"}
NOTEBOOK, REPORT = "Notebook", "Report"
NOTHING = "There is no minimum to write yet."


class Exports(param.Parameterized):
    """One file at a time, made in a thread; the page offers it when it is there."""

    file = param.Parameter(None, doc="(name, content) of the file made last; None before.")
    message = param.String("", doc="What it holds, or why it could not be made.")

    def __init__(self, session: "Session") -> None:
        super().__init__()
        self._session = session
        session.shown.param.watch(lambda *_: self.param.update(file=None, message=""), "run")

    def make(self, what: str) -> None:
        """Begins to make a file: one of `STRUCTURES`, `NOTEBOOK` or `REPORT`."""
        session = self._session
        run, ranked = session.shown.run, session.minima.minima
        if run is None or not ranked:
            self.message = NOTHING
            return
        keys = list(session.selection.selection) or list(ranked.keys)
        work: Callable[[], tuple[str, bytes]]
        if what == NOTEBOOK:
            state = {"tab": session.tab, "color_by": session.landscape.color_by}
            work = lambda: (f"{run.id}.ipynb", notebook(run, list(session.selection.selection), state))
        elif what == REPORT:
            work = lambda: _report(run)
        else:
            work = lambda: (f"{run.id}.{STRUCTURES[what]}", structures(run, keys, STRUCTURES[what]))

        def done(file: tuple[str, bytes]) -> None:
            if session.shown.run is run:
                self.param.update(file=file, message="")

        def failed(error: Exception) -> None:
            self.param.update(file=None, message=f"The file could not be made: {error}")

        session.background.start("export", f"writing {what.lower()}", work, done, failed, patient=True)


def structures(run: "Run", keys: list[int], format: str) -> bytes:
    """Minima of a run, in the order of `keys`, as the content of a file.

    Raises:
        ValueError: none of them is in the landscape.
    """
    import jax.numpy as jnp

    from so3k_explore.io.export import FORMATS, write_structures

    minima = run.landscape().minima()
    row = {number: k for k, number in enumerate(minima.ids.tolist())}
    rows = [row[key] for key in keys if key in row]
    if not rows:
        raise ValueError("None of the chosen minima is in the landscape any more.")
    system = run.molecule.system
    place = lambda positions: system.replace(positions=jnp.asarray(positions, system.positions.dtype))
    systems = [place(minima.positions[k]) for k in rows]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"minima{FORMATS[format]}"
        write_structures(path, systems, energies=minima.energies[rows], format=format, bonds=run.molecule.bonds)
        return path.read_bytes()


def notebook(run: "Run", keys: list[int], state: dict[str, Any]) -> bytes:
    """A notebook that opens the run and shows what the page shows; paths are left to the reader's settings."""
    chosen = f"chosen = {keys}  # numbers of minima in the landscape" if keys else "chosen = []"
    cells = [
        ("markdown", f"# {run.name}: minima with {run.model}\n\nMade from the tab “{state['tab']}” of run `{run.id}`."),
        (
            "code",
            "import panel as pn\n\nfrom so3k_explore import views\nfrom so3k_explore.jobs import Runs\n\n"
            'pn.extension("tabulator", inline=True)\n'
            'runs = Runs()  # the folder SO3K_RUNS, or Runs("path of your runs")\n'
            f'run = runs.get("{run.id}")\nlandscape = run.landscape()\n{chosen}\n'
            "len(landscape), run.status().message",
        ),
        ("markdown", "How the minima hang together: solid lines hang from saddles, dashed ones from upper bounds."),
        ("code", f"views.tree(landscape, color_by={state['color_by']!r}, chosen=chosen)"),
        ("markdown", "The same structures as an ASE list, with energies in eV."),
        (
            "code",
            "minima = landscape.minima()\n"
            "numbers = chosen or minima.ids[minima.energies.argsort()][:10].tolist()\n"
            "frames = [landscape.system(number).to_ase() for number in numbers]\n"
            "energies = dict(zip(minima.ids.tolist(), (minima.energies - minima.energies.min()).tolist()))\n"
            "{number: energies[number] for number in numbers}",
        ),
    ]
    made = [_cell(k, kind, text) for k, (kind, text) in enumerate(cells)]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    content = {"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False).encode("utf-8")


def _cell(number: int, kind: str, text: str) -> dict[str, Any]:
    cell = {"id": f"cell-{number}", "cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def _report(run: "Run") -> tuple[str, bytes]:
    from so3k_explore.app.report import write_report

    return f"{run.id}.html", write_report(run, Path(run.folder) / "report.html").read_bytes()
