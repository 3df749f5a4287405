"""The story of a search as one HTML file that opens anywhere, without a server and without internet.

What was searched and how, how many minima there are and how many are missing, how they hang together, and the lowest
ones with their structures in a viewer that is part of the file.
"""

import html
import io
import json
import re
import string
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore import units
from so3k_explore.app.models.display import MINUS

if TYPE_CHECKING:
    from so3k_explore.app.models.minima import Ranked
    from so3k_explore.exploration.landscape import Landscape
    from so3k_explore.io.molecule import Molecule
    from so3k_explore.jobs import Run

LOWEST = 30  # minima with a row and a structure
MAPPED = 500  # minima on the map
TEMPLATE = Path(__file__).with_name("report.html")
BLUE, ORANGE = "#0072B2", "#E69F00"


def write_report(run: "Run", path: Path | str) -> Path:
    """Writes the report of a run that has a landscape; the file appears when it is complete.

    Raises:
        ValueError: the run has no landscape, or no minimum yet.
    """
    path = Path(path)
    landscape = run.landscape()
    if landscape is None or not len(landscape):
        raise ValueError(f"The run {run.id} has no minimum to tell about. Reports are about searches for minima.")
    with landscape:
        text = report_text(run, landscape)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return path


def report_text(run: "Run", landscape: "Landscape") -> str:
    """The whole file."""
    from so3k_explore.app.panes.nglview_assets import ngl_source

    ranked = _ranked(run.molecule, landscape)
    status = run.status()
    when = time.strftime("%d %B %Y", time.localtime(status.created or time.time()))
    parts = {
        "title": html.escape(f"{run.name}: minima with {run.model}"),
        "subtitle": html.escape(f"{run.molecule.formula}, {run.molecule.n_atoms} atoms · {when} · run {run.id}"),
        "story": html.escape(_story(run, landscape)),
        "table": _table(ranked),
        "tree": _tree(landscape),
        "tree_caption": "Solid: below saddles. Dashed: below upper bounds that hops gave. Grey: not connected.",
        "growth": _growth(landscape),
        "growth_caption": "Minima found and estimated (Chao 1), with the 95 % interval.",
        "map": _map(ranked),
        "map_caption": f"Each point is a minimum; the {len(ranked)} lowest are shown.",
        "settings": _settings(run),
        "structures": _inside_script(json.dumps(_structures(run.molecule, ranked))),
        "ngl": _inside_script(ngl_source()),
    }
    return string.Template(TEMPLATE.read_text("utf-8")).substitute(parts)


def _inside_script(text: str) -> str:
    """Text that does not end the element it is written into."""
    return re.sub(r"</(?=script)", r"<\\/", text, flags=re.IGNORECASE)


def _ranked(molecule: "Molecule", landscape: "Landscape") -> "Ranked":
    """The lowest minima."""
    from dataclasses import fields, replace

    from so3k_explore.app.models.minima import Ranking

    minima = landscape.minima()
    rows = np.argsort(minima.energies, kind="stable")[:MAPPED]
    pick = lambda value: value[rows] if isinstance(value, np.ndarray) else tuple(value[k] for k in rows)
    return Ranking(molecule).rank(
        replace(minima, **{field.name: pick(getattr(minima, field.name)) for field in fields(minima)})
    )


def _story(run: "Run", landscape: "Landscape") -> str:
    """What happened, in sentences."""
    from so3k_explore.exploration.coverage import coverage_below, estimate_coverage

    minima, saddles = landscape.minima(), landscape.saddles()
    whole = estimate_coverage(minima.visits)
    low = coverage_below(minima.energies, minima.visits, 6 * units.KCAL_PER_MOL)
    text = (
        f"{len(minima)} minima were found in {landscape.calls} force calls. About {whole.estimated_minima:.0f} exist "
        f"({whole.interval[0]:.0f} to {whole.interval[1]:.0f} with 95 %, a lower bound); the next hop finds a new one "
        f"with {100 * whole.unseen_probability:.1f} %. Below 6 kcal/mol, {low.minima} of about "
        f"{low.estimated_minima:.0f} are known. "
    )
    joined = f"{len(saddles)} saddles join them. " if len(saddles) else "No saddle has been searched for yet. "
    return f"{text}{joined}The run is {run.status().state}. {run.status().message}".strip()


def _table(ranked: "Ranked") -> str:
    """Rows of the lowest minima."""
    shaped = any(ranked.labels[:LOWEST])
    heads = [("No.", True), ("ΔE / kcal/mol", True), ("RMSD / Å", True), ("Visits", True)]
    heads += [("Shape", False)] if shaped else []
    head = "".join(f'<th class="number">{name}</th>' if right else f"<th>{name}</th>" for name, right in heads)
    rows = []
    for k in range(min(LOWEST, len(ranked))):
        cells = (k + 1, f"{ranked.energies[k] / units.KCAL_PER_MOL:.2f}", f"{ranked.rmsd[k]:.2f}", ranked.visits[k])
        text = "".join(f'<td class="number">{str(cell).replace("-", MINUS)}</td>' for cell in cells)
        shape = f"<td>{html.escape(ranked.labels[k])}</td>" if shaped else ""
        rows.append(f'<tr data-minimum="{ranked.keys[k]}">{text}{shape}</tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _settings(run: "Run") -> str:
    values: dict[str, Any] = {"model": run.model, "precision": run.precision, **run.settings.to_json()}
    known = {name: value for name, value in values.items() if value is not None}
    rows = "".join(
        f"<tr><td>{name.replace('_', ' ')}</td><td>{_words(value)}</td></tr>" for name, value in known.items()
    )
    return f"<table>{rows}</table>"


def _words(value: Any) -> str:
    return html.escape(", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))


def _structures(molecule: "Molecule", ranked: "Ranked") -> dict[str, str]:
    """MDL records by number of the minimum."""
    import jax.numpy as jnp

    from so3k_explore.io.export import write_structures

    system = molecule.system
    place = lambda positions: system.replace(positions=jnp.asarray(positions, system.positions.dtype))
    systems = [place(positions) for positions in ranked.positions[:LOWEST]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "minima.sdf"
        write_structures(path, systems, bonds=molecule.bonds)
        records = path.read_text().split("$$$$\n")
    return {str(key): record for key, record in zip(ranked.keys[:LOWEST], records, strict=False)}


def _tree(landscape: "Landscape") -> str:
    from so3k_explore.exploration.pictures import draw_tree
    from so3k_explore.exploration.tree_building import landscape_tree

    with tempfile.TemporaryDirectory() as folder:
        path = draw_tree(landscape_tree(landscape), Path(folder) / "tree.svg")
        return _only_svg(path.read_text("utf-8"))


def _growth(landscape: "Landscape") -> str:
    from so3k_explore.exploration.coverage import coverage_growth

    hops = landscape.hops()
    found = coverage_growth([hop.call for hop in hops], [hop.finish for hop in hops])

    def draw(axes: Any) -> None:
        if len(found.calls):
            most = 2.5 * max(found.estimated[-1], found.minima[-1])
            axes.fill_between(found.calls, found.low, np.minimum(found.high, most), color=ORANGE, alpha=0.2, lw=0)
            axes.plot(found.calls, np.minimum(found.estimated, most), color=ORANGE, label="estimated")
            axes.plot(found.calls, found.minima, color=BLUE, label="found")
            axes.legend(frameon=False)
        axes.set(xlabel="force calls", ylabel="minima", ylim=(0, None), xlim=(0, None))

    return _drawn(draw)


def _map(ranked: "Ranked") -> str:
    def draw(axes: Any) -> None:
        axes.scatter(ranked.rmsd, ranked.energies / units.KCAL_PER_MOL, s=14, color=BLUE, alpha=0.8, lw=0)
        axes.set(xlabel="RMSD to the lowest / Å", ylabel="ΔE / kcal/mol")

    return _drawn(draw)


def _drawn(draw: Any) -> str:
    """An SVG made by `draw(axes)`."""
    from matplotlib.figure import Figure

    paper = Figure(figsize=(5.0, 3.6), layout="constrained")
    axes = paper.subplots()
    draw(axes)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    content = io.StringIO()
    paper.savefig(content, format="svg")
    return _only_svg(content.getvalue())


def _only_svg(text: str) -> str:
    """The element, without what a file of its own begins with."""
    return text[text.index("<svg") :]
