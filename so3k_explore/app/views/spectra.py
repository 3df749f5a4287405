"""Tab Spectra: power and infrared spectrum of the dynamics, harmonic lines beside them, normal modes to play."""

from typing import TYPE_CHECKING

import numpy as np
import panel as pn
import panel_material_ui as pmui

from so3k_explore.app.models.session import Session
from so3k_explore.app.models.spectra_pictures import END
from so3k_explore.app.panes.spectrum import SpectrumChart
from so3k_explore.app.panes.tables import TableCard
from so3k_explore.app.views.part import Part, pictures

if TYPE_CHECKING:
    from so3k_explore.analysis.spectra import Spectrum
    from so3k_explore.app.models.spectra_pictures import Lines

GRID = np.arange(0.0, END + 1, 2.0)  # cm⁻¹, of broadened lines
COLUMNS = ("Mode", "Wavenumber / cm⁻¹", "Intensity / km mol⁻¹", "Reduced mass / u")
DECIMALS = {"Wavenumber / cm⁻¹": 1, "Intensity / km mol⁻¹": 1, "Reduced mass / u": 2}
SMALL = 0.35  # height of the sticks of a density of states, which all count the same
NO_LINES = "Normal modes appear here when harmonic lines have been computed; a click on one plays its motion."


class SpectraTab(Part):
    """Two spectra over a table of normal modes."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session, self._model = session, session.spectra
        options = {"highest": END, "on_tap": self._tapped}
        self._power = SpectrumChart("Power spectrum", "degrees of freedom per cm⁻¹", **options)
        self._infrared = SpectrumChart("Infrared spectrum", "km/mol per cm⁻¹", **options)
        self._table = TableCard("Normal modes", COLUMNS, decimals=DECIMALS, on_select=self._picked, empty=NO_LINES)
        self._sentence = pmui.Typography("", variant="caption", margin=(0, 12), sizing_mode="stretch_width")
        cards = pictures(wide=(self._power, self._infrared, self._table))
        self._layout = pn.Column(self._controls(), self._sentence, cards, sizing_mode="stretch_both", margin=0)
        model = self._model
        model.param.watch(lambda *_: self._draw(), ["spectra", "lines"])
        model.param.watch(lambda *_: self._say(), ["computing", "problem", "lines", "mode"])
        model.param.watch(lambda *_: self._turn(), "reversed")
        model.param.watch(lambda *_: self._mark(), "mode")
        session.shown.param.watch(lambda *_: self._draw(), "run")
        session.molecule.param.watch(lambda *_: self._say(), ["molecule", "problems"])
        session.minima.param.watch(lambda *_: self._say(), "minima")
        self._draw()
        self._turn()

    def _controls(self) -> pn.FlexBox:
        parameters = self._model.param
        self._compute = pmui.Button(
            label="Harmonic lines", icon="ssid_chart", size="small", variant="outlined", margin=(8, 8)
        )
        self._compute.on_click(lambda _: self._model.compute())
        self._stop = pmui.Button(
            label="Stop", icon="stop", size="small", variant="outlined", margin=(8, 4), disabled=True
        )
        self._stop.on_click(lambda _: self._model.stop())
        small = {"size": "small", "description": "", "margin": (6, 6)}
        self._kelvin = pmui.FloatInput.from_param(parameters.temperature, **small, width=130, step=50.0)
        return pn.FlexBox(
            pmui.Select.from_param(parameters.resolution, **small, width=140),
            pmui.FloatInput.from_param(parameters.begin, **small, width=140, step=0.5),
            self._kelvin,
            pmui.Switch.from_param(parameters.reversed, size="small", description="", margin=(12, 8), width=120),
            self._compute,
            self._stop,
            sizing_mode="stretch_width",
            margin=(4, 4),
        )

    def _draw(self) -> None:
        found, no_dynamics = self._model.spectra, self._model.no_dynamics
        waiting = no_dynamics or "The trajectory is being read."
        pairs = (
            (self._power, None if found is None else found.power, waiting if found is None else found.no_power),
            (
                self._infrared,
                None if found is None else found.infrared,
                waiting if found is None else found.no_infrared,
            ),
        )
        for chart, spectrum, why in pairs:
            chart.clear()
            chart.empty = why or waiting
            chart.title = self._title(chart is self._infrared, spectrum)
            if spectrum is not None:
                seen = spectrum.below(END)
                chart.set_dynamics(seen.wavenumbers, seen.density, seen.error, seen.peaks(), chart.y_label)
        self._draw_lines()
        self._say()

    def _title(self, infrared: bool, spectrum: "Spectrum | None") -> str:
        title = "Infrared spectrum" if infrared else "Power spectrum"
        if spectrum is None:
            return title
        said = f"{title}, {spectrum.temperature:.0f} K, resolution {spectrum.resolution:.0f} cm⁻¹"
        return said if infrared else f"{said}, {spectrum.integral():.1f} degrees of freedom"

    def _draw_lines(self) -> None:
        lines = self._model.lines
        if lines is None:
            self._table.set({name: [] for name in COLUMNS})
            return
        shown, width = lines.shown, float(self._model.resolution)
        known = shown.intensities is not None
        for chart, infrared in ((self._power, False), (self._infrared, True)):
            density = lines.broadened(GRID, width, infrared=infrared)
            if density is None:
                if not chart.filled:
                    chart.empty = f"{chart.empty} The model of these lines knows no charges, so they have no strength."
                continue
            weights = shown.intensities if infrared else np.full(len(shown.frequencies), SMALL)
            assert weights is not None
            weights = weights / max(float(weights.max()), 1e-9) if infrared else weights
            chart.set_harmonic(GRID, density, shown.frequencies, weights, stick_labels(lines))
        strengths = shown.intensities if shown.intensities is not None else np.full(len(shown.frequencies), np.nan)
        columns = (range(1, len(strengths) + 1), shown.frequencies, strengths, shown.reduced_masses)
        self._table.arrange({}, () if known else ("Intensity / km mol⁻¹",))
        self._table.set({name: list(column) for name, column in zip(COLUMNS, columns, strict=True)})
        self._mark()

    def _say(self) -> None:
        """What the buttons do now, and what is to be known about the lines."""
        model, lines = self._model, self._model.lines
        about = model.about
        self._compute.disabled = model.computing or not about
        self._compute.label = (
            "Computing …" if model.computing else f"Harmonic lines of {about}" if about else "Harmonic lines"
        )
        self._stop.disabled = model.mode is None
        self._kelvin.visible = self.session.shown.run is not None and self.session.shown.run.kind == "minima"
        sentence = model.problem
        if not sentence and lines is not None:
            sentence = described(lines)
        self._sentence.object = sentence or "Power and infrared spectra of dynamics, beside harmonic vibrations."
        whose = "" if lines is None else " of the minimum in the viewer" if lines.averaged else f" of {lines.name}"
        self._table.title = f"Normal modes{whose}"

    def _turn(self) -> None:
        for chart in (self._power, self._infrared):
            chart.reverse(self._model.reversed)

    def _mark(self) -> None:
        lines, mode = self._model.lines, self._model.mode
        place = None if lines is None or mode is None else float(lines.shown.frequencies[mode])
        for chart in (self._power, self._infrared):
            chart.mark(place)
        self._table.highlight([] if mode is None else [mode])

    def _tapped(self, wavenumber: float) -> None:
        mode = self._model.nearest(wavenumber)
        if mode is not None:
            self._model.play(mode)

    def _picked(self, rows: list[int]) -> None:
        if rows and rows[0] != self._model.mode:
            self._model.play(rows[0])


def stick_labels(lines: "Lines") -> list[str]:
    """What hovering over each harmonic line says."""
    shown = lines.shown
    strengths = [""] * len(shown.frequencies)
    if shown.intensities is not None:
        strengths = [f", {strength:.1f} km/mol" for strength in shown.intensities]
    return [
        f"mode {k + 1}: {place:.0f} cm⁻¹{strength}"
        for k, (place, strength) in enumerate(zip(shown.frequencies, strengths, strict=True))
    ]


def described(lines: "Lines") -> str:
    """Whose lines they are, and what is wrong with them."""
    shown = lines.shown
    words = [f"Dashed and sticks: harmonic vibrations of {lines.name}"]
    if lines.averaged:
        share = 100 * float(lines.shares[0])
        words = [
            f"Dashed: {lines.name}, weighted by harmonic free energies at {lines.temperature:g} K; sticks: the one in "
            f"the viewer, which has a share of {share:.0f} %"
        ]
    imaginary = int((shown.frequencies < 0).sum())
    if imaginary:
        words.append(f"{imaginary} imaginary: this is no minimum (largest force {shown.max_force:.2g} eV/Å)")
    return "; ".join(words) + "."
