"""Below the curves of dynamics: free energy on two coordinates, RMSD between all frames, stays in conformations."""

import numpy as np
import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.curves import axis_of
from so3k_explore.app.models.display import counted, typeset
from so3k_explore.app.models.following import ERROR
from so3k_explore.app.models.session import Session
from so3k_explore.app.panes.heat import HeatChart
from so3k_explore.app.panes.tables import TableCard
from so3k_explore.app.views.part import Part, folded, pictures

COLUMNS = ("Conformation", "Share / %", "± / %", "Stay / ps", "± / ps", "Left", "Leads to")
DECIMALS = {"Share / %": 1, "± / %": 1, "Stay / ps": 3, "± / ps": 3}
WAITING = "Appears with the first twenty frames of a run of dynamics."


class FollowingCards(Part):
    """Closed until its title is clicked; nothing is computed before."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        title = "Free energy, distances between frames, stays in conformations"
        self._layout = folded(title, lambda: _Cards(session))
        self._layout.active = []
        self._layout.param.watch(lambda event: session.following.param.update(open=bool(event.new)), "active")


class _Cards(Part):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session, self._model = session, session.following
        model, small = self._model, {"size": "small", "description": "", "margin": (6, 6)}
        self._surface = HeatChart("Free energy", "", "", empty=WAITING)
        self._matrix = HeatChart("RMSD between all frames", "time / fs", "time / fs", empty=WAITING)
        self._stays = TableCard("Stays in conformations", COLUMNS, decimals=DECIMALS, empty=WAITING)
        choices = (pmui.Select.from_param(model.param[name], **small, width=150) for name in ("first", "second"))
        quantity = pmui.Select.from_param(model.param.quantity, **small, width=130)
        self._sentence = pmui.Typography("", variant="caption", margin=(0, 12), sizing_mode="stretch_width")
        self._layout = pn.Column(
            pn.FlexBox(*choices, quantity, margin=0, sizing_mode="stretch_width"),
            self._sentence,
            pictures(self._surface, self._matrix, wide=(self._stays,)),
            sizing_mode="stretch_width",
            margin=0,
        )
        model.param.watch(lambda *_: self._draw(), ["found", "problem", "quantity"])
        session.display.param.watch(lambda *_: self._draw(), "energy_unit")
        self._draw()

    def _draw(self) -> None:
        found, model = self._model.found, self._model
        for card in (self._surface, self._matrix, self._stays):
            card.empty = model.problem or WAITING
        if found is None:
            self._surface.clear()
            self._matrix.clear()
            self._stays.set({name: [] for name in COLUMNS})
            self._sentence.object = ""
            return
        self._draw_surface()
        axis = axis_of("dynamics", float(found.times[-1]))
        self._matrix.relabel(axis.label, axis.label)
        ends = (float(found.times[0]) * axis.factor, float(found.times[-1]) * axis.factor)
        if ends[1] > ends[0]:
            self._matrix.set(found.rmsd, ends, ends, "Å")
        self._draw_stays()

    def _draw_surface(self) -> None:
        found, display = self._model.found, self.session.display
        surface = None if found is None else found.surface
        if found is None or surface is None:
            self._surface.clear()
            return
        values = surface.errors if self._model.quantity == ERROR else surface.energies
        x, y = surface.edges
        self._surface.title = "Error of the free energy" if values is surface.errors else "Free energy"
        self._surface.relabel(*found.labels)
        self._surface.empty = "One stretch of the trajectory is not enough for an error: run longer."
        ends = ((float(x[0]), float(x[-1])), (float(y[0]), float(y[-1])))
        self._surface.set(display.energies(values).T, *ends, display.energy_unit)
        self._surface.filled = bool(np.isfinite(values).any())
        error = np.nanmedian(surface.errors) if np.isfinite(surface.errors).any() else np.nan
        known = "errors unknown" if np.isnan(error) else f"typical error {display.energy_text(float(error))}"
        samples = max(1, round(surface.samples))
        few = " Too little for a free energy: run longer, or with more walkers." if samples < 20 else ""
        self._sentence.object = (
            f"{surface.temperature:.0f} K; {int(surface.counts.sum())} frames count as "
            f"{counted(samples, 'independent sample')}, {known}; empty cells were never visited.{few}"
        )

    def _draw_stays(self) -> None:
        stays = None if self._model.found is None else self._model.found.stays
        if stays is None:
            self._stays.empty = "Without torsions conformations have no names."
            self._stays.set({name: [] for name in COLUMNS})
            return
        found, picoseconds = stays.residence, 1e-3
        left = [typeset(count, 0) for count in found.exits.tolist()]
        times = np.where(np.isinf(found.times), np.nan, found.times) * picoseconds
        ways = [stays.ways_out(k) or "nowhere yet" for k in range(len(stays.names))]
        values = (stays.names, 100 * found.populations, 100 * found.population_errors, times)
        columns = (*values, found.time_errors * picoseconds, left, ways)
        self._stays.set({name: list(column) for name, column in zip(COLUMNS, columns, strict=True)})
