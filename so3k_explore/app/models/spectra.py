"""What the tab Spectra knows: spectra of the dynamics on show, harmonic lines beside them, the mode in the viewer.

Spectra of a run that goes on are made anew while the tab is open, for at most a fifth of the time. Harmonic lines are
computed when they are asked for, in a process of their own, and kept.
"""

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from so3k_explore.app.models.display import counted, typeset
from so3k_explore.app.models.scene import Structure
from so3k_explore.app.models.spectra_pictures import Lines, Spectra, film, lines_of, spectra_of
from so3k_explore.jobs.learning_settings import LEARNING

if TYPE_CHECKING:
    from so3k_explore.app.models.session import Session
    from so3k_explore.jobs.harmonic import Structures

LOOK_SECONDS = 1.0
SHARE = 5  # a spectrum that took a second is made again after five at the earliest
MOST = 50  # minima whose lines are averaged
RESOLUTIONS = (5, 10, 20, 40)  # cm⁻¹
NO_RUN = "Appears when a run of dynamics is shown. Harmonic lines of the molecule work without."
WITHOUT_TIME = {
    "minima": "A search for minima has no dynamics. Harmonic lines of the minimum in the viewer work.",
    "relax": "A relaxation has no dynamics. Harmonic lines of the relaxed molecule work.",
    **dict.fromkeys(LEARNING, "This run has no dynamics. Choose a run of dynamics."),
}


class SpectraModel(param.Parameterized):
    """Spectra and harmonic lines."""

    resolution = param.Selector(default=10, objects=list(RESOLUTIONS), label="Resolution / cm⁻¹", doc="Width of lines.")
    begin = param.Number(0.0, bounds=(0, None), label="Leave out / ps", doc="Beginning of the run that does not count.")
    reversed = param.Boolean(
        False, label="4000 → 0", doc="Large wavenumbers on the left, as printed spectra have them."
    )
    temperature = param.Number(300.0, bounds=(1, 10_000), label="T / K", doc="Of the shares of several minima.")

    spectra = param.ClassSelector(class_=Spectra, default=None, allow_None=True, doc="Of the dynamics so far.")
    lines = param.ClassSelector(class_=Lines, default=None, allow_None=True, doc="Harmonic lines on show.")
    computing = param.Boolean(False, doc="Whether harmonic lines are being computed.")
    problem = param.String("", doc="Why there are no harmonic lines.")
    mode = param.Integer(None, allow_None=True, doc="Which normal mode the viewer plays, from 0.")

    def __init__(self, session: "Session") -> None:
        super().__init__()
        self._session = session
        self._next = 0.0
        self._known: dict[Any, Lines] = {}
        self._film: np.ndarray | None = None
        session.shown.param.watch(lambda *_: self._forget(), "run")
        session.molecule.param.watch(lambda *_: self._offer(), "molecule")
        session.potential.param.watch(lambda *_: self._offer(), ["name_", "models"])
        session.selection.param.watch(lambda *_: self._offer(), ["focus", "selection"])
        session.scene.param.watch(lambda *_: self._follow(), "frames")
        self.param.watch(lambda *_: self._again(), ["resolution", "begin"])
        self.param.watch(lambda *_: self._offer(), "temperature")

    @property
    def no_dynamics(self) -> str:
        """Why there can be no spectrum of dynamics; empty when there can."""
        run = self._session.shown.run
        return NO_RUN if run is None else WITHOUT_TIME.get(run.kind, "")

    def tick(self, now: float) -> None:
        """Makes the spectra anew when it is time."""
        session = self._session
        if session.tab != "spectra" or self.no_dynamics or now < self._next or session.background.busy("spectra"):
            return
        self._next = now + LOOK_SECONDS
        run, known, began = session.shown.run, self.spectra, time.monotonic()
        settings = (float(self.resolution), 1000.0 * self.begin)

        def done(found: Spectra | None) -> None:
            self._next = time.monotonic() + max(LOOK_SECONDS, SHARE * (time.monotonic() - began))
            if found is not None and run is session.shown.run:
                self.spectra = found

        def failed(error: Exception) -> None:
            self.spectra = Spectra(-1, no_power=f"The trajectory cannot be read: {error}", no_infrared=str(error))

        session.background.start("spectra", "", lambda: spectra_of(run, *settings, known), done, failed)

    @property
    def about(self) -> str:
        """Whose harmonic lines the button computes; empty when there is nothing to compute."""
        session, run = self._session, self._session.shown.run
        if run is not None and run.kind in LEARNING:
            return ""
        if run is not None and run.kind == "minima":
            chosen = self._chosen()
            return "" if not chosen else "this minimum" if len(chosen) == 1 else counted(len(chosen), "minimum")
        if run is None and (session.molecule.obstacle or session.potential.obstacle):
            return ""
        molecule = session.molecule.molecule if run is None else run.molecule
        return "" if molecule is None or molecule.system.cell is not None else molecule.name

    def compute(self) -> None:
        """Computes the harmonic lines of what is on show."""
        name = self.about
        if not name or self.computing:
            return
        key, asked = self._key(), self._structures()
        kelvin = float(self.temperature)
        self.param.update(computing=True, problem="")

        def done(found: Lines) -> None:
            self._known[key] = found
            self.computing = False
            self._offer()

        def failed(error: Exception) -> None:
            self.param.update(computing=False, problem=f"Harmonic lines could not be computed: {error}")

        label = f"computing the vibrations of {name}"
        work = lambda: lines_of(name, asked, 0, kelvin)
        self._session.background.start("harmonic", label, work, done, failed, patient=True)

    def play(self, mode: int) -> None:
        """Shows a normal mode in the viewer."""
        if self.lines is None or not 0 <= mode < len(self.lines.shown.frequencies):
            return
        session, shown = self._session, self.lines.shown
        run = session.shown.run
        molecule = session.molecule.molecule if run is None else run.molecule
        self._film, times = film(shown, mode)
        structure = Structure(molecule.numbers, self._film[0], molecule.bonds)
        place = f"{typeset(float(shown.frequencies[mode]), 0)} cm⁻¹"
        session.scene.show(structure, f"Normal mode {mode + 1} of {len(shown.frequencies)}, {place}")
        session.scene.param.update(frames=self._film, frame=0, times=times, film=True, playing=False)
        session.scene.playing = True
        self.mode = mode

    def stop(self) -> None:
        """Shows again what was there before the film."""
        if self.mode is not None:
            self._session.leave_film()

    def nearest(self, wavenumber: float, within: float = 60.0) -> int | None:
        """The harmonic line next to a wavenumber (cm⁻¹), if there is one near."""
        if self.lines is None:
            return None
        away = np.abs(self.lines.shown.frequencies - wavenumber)
        return int(away.argmin()) if len(away) and away.min() <= within else None

    def _chosen(self) -> list[int]:
        """Keys of the minima whose lines are wanted, the one on show first; the lowest when none is chosen."""
        session = self._session
        minima, selection = session.minima.minima, session.selection
        if minima is None or not len(minima):
            return []
        known = [key for key in dict.fromkeys([selection.focus, *selection.selection]) if key in minima.places]
        return (known or [minima.keys[0]])[:MOST]

    def _key(self) -> Any:
        """What harmonic lines are known by."""
        session, run = self._session, self._session.shown.run
        if run is None:
            return (session.molecule.molecule, session.potential.name_)
        chosen = tuple(self._chosen()) if run.kind == "minima" else ()
        return (run.id, chosen, self.temperature if len(chosen) > 1 else 0.0)

    def _structures(self) -> "Structures":
        from so3k_explore.jobs.harmonic import Structures

        session, run = self._session, self._session.shown.run
        if run is None:
            return Structures.about(session.molecule.molecule, session.potential.name_, session.potential.cutoff)
        minima = session.minima.minima
        if run.kind == "minima" and minima is not None:
            return Structures.of(run, np.stack([minima.positions[minima.places[key]] for key in self._chosen()]))
        return Structures.of(run)

    def _offer(self) -> None:
        """Shows lines that are known already."""
        found = self._known.get(self._key())
        if found is not self.lines:
            self.param.update(lines=found, problem="")
        self.param.trigger("computing")  # what the button says may have changed

    def _forget(self) -> None:
        self.param.update(spectra=None, mode=None)
        self._again()
        self._offer()

    def _again(self) -> None:
        """Makes the spectra anew at once."""
        self._next = 0.0
        if self.spectra is not None:
            self.spectra = Spectra(-1, self.spectra.power, self.spectra.infrared)

    def _follow(self) -> None:
        """The mode is on show as long as its frames are."""
        if self.mode is not None and self._session.scene.frames is not self._film:
            self.mode = None
