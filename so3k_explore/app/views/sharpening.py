"""Find saddles, check minima with a reference method, compute frequencies; and what the checks have shown."""

from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.session import Session
from so3k_explore.app.models.sharpening import GFN2
from so3k_explore.app.panes.charts import ScatterChart
from so3k_explore.app.views.linked_card import LinkedCard
from so3k_explore.app.views.part import Part, tall

WAITING = f"Compare the model with {GFN2}: “Check minima” relaxes the lowest ones again."


class SharpeningBar(Part):
    """Three buttons with what they need, and why they cannot be pressed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._model = model = session.sharpening
        button = lambda label, icon, act: _button(label, icon, act)
        self._saddles = button("Find saddles", "terrain", model.find_saddles)
        self._recheck = button("Check minima", "fact_check", model.recheck)
        self._vibrate = button("Compute frequencies", "graphic_eq", model.compute_frequencies)
        number = lambda widget, name, width: widget.from_param(
            model.param[name], size="small", width=width, margin=(6, 4), description=""
        )
        self._why = pmui.Typography("", variant="caption", color="text.secondary", margin=(0, 12))
        groups = (
            (self._saddles, number(pmui.FloatInput, "window", 150), number(pmui.IntInput, "max_calls", 120)),
            (self._recheck, number(pmui.IntInput, "lowest", 110)),
            (self._vibrate,),
        )
        rows = [pn.Row(*group, margin=0) for group in groups]
        self._layout = pn.Column(
            pn.FlexBox(*rows, margin=0, sizing_mode="stretch_width"), self._why, sizing_mode="stretch_width", margin=0
        )
        model.param.watch(lambda *_: self._draw(), ["obstacle", "no_reference"])
        self._draw()

    def _draw(self) -> None:
        model = self._model
        for one in (self._saddles, self._vibrate):
            one.disabled = bool(model.obstacle)
        self._recheck.disabled = bool(model.no_reference)
        why = model.obstacle or model.no_reference
        self._why.param.update(object=why, visible=bool(why))


class RecheckCard(LinkedCard):
    """Energies of the model against those of the reference method; each point is a minimum."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._chart = ScatterChart(
            "Model against reference",
            "ΔE of the model",
            f"ΔE of {GFN2}",
            on_select=self.choose,
            empty=WAITING,
            **tall(270),
        )
        self._words = pmui.Typography("", variant="caption", color="text.secondary", margin=(0, 12, 6, 12))
        self._layout = pn.Column(self._chart, self._words, sizing_mode="stretch_width", margin=0)
        session.landscape.param.watch(lambda *_: self._draw(), "seen")
        session.display.param.watch(lambda *_: self._draw(), "energy_unit")
        self._draw()

    @property
    def chart(self) -> ScatterChart:
        return self._chart

    def _draw(self) -> None:
        seen, display = self.session.landscape.seen, self.session.display
        found = (
            None if seen is None or not seen.rechecks else seen.rechecks.get(GFN2) or next(iter(seen.rechecks.values()))
        )
        if found is None or not found.fine.any():
            self.keys, self._words.object = [], ""
            self._chart.clear()
            return
        unit, fine = display.energy_unit, found.fine
        self.keys = found.ids[fine].tolist()
        lowest = int(np.argmin(found.model_energies[fine]))
        above = lambda energies: display.energies(energies[fine] - energies[fine][lowest])
        self._chart.relabel(f"ΔE of the model / {unit}", f"ΔE of {found.method} / {unit}")
        x, y = above(found.model_energies), above(found.energies)
        labels = [f"Minimum {self._name(key)}: {a:.2f} and {b:.2f}" for key, a, b in zip(self.keys, x, y, strict=True)]
        self._chart.set(x, y, labels=labels)
        error = float(np.nanmean(np.abs(found.energy_errors)))
        words = [f"{len(x)} minima, mean absolute error {display.energy_text(error)}"]
        words += [f"rank correlation {found.rank_correlation:.2f}"] if np.isfinite(found.rank_correlation) else []
        words += [f"mean RMSD {float(np.nanmean(found.rmsd[fine])):.2f} Å"]
        words += [f"{int((~fine).sum())} failed"] if not fine.all() else []
        self._words.object = ", ".join(words) + "."
        self.ring()

    def _name(self, key: int) -> int:
        rank = self.session.minima.rank(key)
        return key if rank is None else rank + 1


def _button(label: str, icon: str, act: Any) -> pmui.Button:
    made = pmui.Button(label=label, icon=icon, size="small", variant="outlined", margin=(8, 6), width=190)
    made.on_click(lambda _: act())
    return made
