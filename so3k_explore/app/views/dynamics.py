"""Tab Dynamics: what the atoms do while a run goes on, or did."""

import numpy as np
import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.curves import MAX_WALKERS, axis_of, broken, curves, last_time, walker_names
from so3k_explore.app.models.session import Session
from so3k_explore.app.models.track import followed_names
from so3k_explore.app.panes.charts import DensityChart, LineChart, link_x
from so3k_explore.app.views.following import FollowingCards
from so3k_explore.app.views.part import Part, pictures
from so3k_explore.jobs.learning_settings import LEARNING

MAX_TORSIONS = 4
COLUMNS = {
    "energy": ("Potential energy since the start", "ΔE / {energy}"),
    "temperature": ("Temperature", "T / K"),
    "conserved_energy": ("Drift of the conserved quantity", "ΔH / {energy}"),
    "rmsd": ("Distance to the start", "RMSD / Å"),
}
POSITIVE = ("rmsd",)
WORDS = {"": "run", "dynamics": "run", "relax": "relaxation", "minima": "search for minima", "train": "training"}
ABSENT = {"relax": ("temperature", "conserved_energy")}


class DynamicsTab(Part):
    """Energy, temperature, conserved quantity, RMSD, torsions and Ramachandran density of the shown run.

    Charts are made once; another run or unit changes their labels and data.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        walkers = walker_names(MAX_WALKERS)
        self._charts = {
            name: LineChart(title, "time / fs", unit, walkers, from_zero="xy" if name in POSITIVE else "x")
            for name, (title, unit) in COLUMNS.items()
        }
        self._torsions = LineChart("Torsions", "time / fs", "angle / °", [str(k) for k in range(MAX_TORSIONS)])
        self._residue = pmui.Select(size="small", width=110, margin=(2, 4), options=["all"], value="all")
        self._residue.param.watch(lambda *_: self._draw_torsions(), "value")
        self._density = DensityChart("Ramachandran density", actions=[self._residue])
        link_x(*self._charts.values(), self._torsions)
        self._axis = axis_of("dynamics", 0.0)
        cards = pictures(*self._charts.values(), self._torsions, self._density)
        self._layout = pn.Column(cards, FollowingCards(session), sizing_mode="stretch_both", margin=0)
        shown = session.shown
        shown.param.watch(lambda *_: self._begin(), "run")
        shown.param.watch(lambda *_: self._draw(), "series")
        shown.param.watch(lambda *_: self._draw_torsions(), "measured")
        session.display.param.watch(lambda *_: self._draw(), "energy_unit")
        session.scene.param.watch(lambda *_: self._draw_torsions(), "walker")
        session.scene.param.watch(lambda *_: self._point(), ["frame", "times"])
        self._begin()

    def _begin(self) -> None:
        """Forgets the last run."""
        run = self.session.shown.run
        for chart in (*self._charts.values(), self._torsions, self._density):
            chart.clear()
        names = [] if run is None else followed_names(run.molecule)
        self._torsions.name_curves([brief(name) for name in names[:MAX_TORSIONS]])
        residues = [name[2:] for name in names if name.startswith("φ ")]
        self._residue.param.update(options=["all", *residues], value="all", visible=len(residues) > 1)
        if residues or len(names) < 2:
            self._density.relabel("φ / °", "ψ / °")
        else:
            self._density.relabel(*(f"{name} / °" for name in names[:2]))
        self._density.title = "Two torsions" if names and not residues else "Ramachandran density"
        self._expect("" if run is None else run.kind, len(names))
        self._draw()
        self._draw_torsions()

    def _expect(self, kind: str, torsions: int) -> None:
        """Says in empty charts what is going to appear, or why nothing will."""
        waiting = {"": "Appears when a run is started.", "minima": "A search for minima has no time axis."}
        waiting |= dict.fromkeys(LEARNING, "This run has no time axis. Its curves are in the tab Training.")
        sentence = waiting.get(kind, "Appears with the first frames.")
        for name, chart in self._charts.items():
            absent = name in ABSENT.get(kind, ())
            chart.empty = f"Not part of a {WORDS[kind]}." if absent else sentence
        self._torsions.empty = sentence if torsions or not kind else "No bond of this molecule can turn freely."
        self._density.empty = sentence if torsions > 1 or not kind else "This molecule has fewer than two torsions."

    def _draw(self) -> None:
        shown, display = self.session.shown, self.session.display
        self._axis = axis_of("dynamics" if shown.run is None else shown.run.kind, last_time(shown.series))
        for column, chart in self._charts.items():
            chart.relabel(self._axis.label, COLUMNS[column][1].format(energy=display.energy_unit))
            data = curves(shown.series, self._axis, column, display)
            chart.name_curves([brief(name) for name in data] if len(data) > 1 else [])
            chart.set(data)

    def _point(self) -> None:
        """Marks the frame in the viewer."""
        measured, frame = self.session.shown.measured, self.session.scene.frame
        x = None
        if (
            not self.session.scene.film
            and self.session.scene.times is not None
            and measured is not None
            and frame < len(measured.times)
        ):
            x = float(measured.axis(self._axis.column)[frame]) * self._axis.factor
        for chart in (*self._charts.values(), self._torsions):
            chart.set_cursor(x)

    def _draw_torsions(self) -> None:
        measured = self.session.shown.measured
        if measured is None or not measured.torsions.shape[-1]:
            return
        self._torsions.relabel(self._axis.label, "angle / °")
        walker = min(self.session.scene.walker, measured.torsions.shape[1] - 1)
        x, angles = measured.axis(self._axis.column) * self._axis.factor, measured.torsions[:, walker]
        columns = zip(self._torsions.series, broken(angles).T, strict=False)
        self._torsions.set({name: (x, column) for name, column in columns})
        if angles.shape[-1] > 1:
            self._draw_density(measured.torsions)

    def _draw_density(self, torsions: np.ndarray) -> None:
        residues = [name for name in self._residue.options if name != "all"]
        if not residues:
            self._density.set(torsions[..., 0], torsions[..., 1])
            return
        chosen = slice(None) if self._residue.value == "all" else residues.index(self._residue.value)
        self._density.set(torsions[..., 0::2][..., chosen], torsions[..., 1::2][..., chosen])


def brief(name: str) -> str:
    """What fits into a legend: `φ1` for `φ Ala 1`, `w2` for `walker 2`."""
    words = name.split()
    return f"{words[0][0]}{words[-1]}" if len(words) > 1 else name
