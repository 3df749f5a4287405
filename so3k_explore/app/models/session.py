"""One page of one reader: the models of its parts and how they act on each other."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from so3k_explore.app.models.attention import AttentionModel
from so3k_explore.app.models.attention_families import AttentionFamilies
from so3k_explore.app.models.background import Background
from so3k_explore.app.models.bookmarks import Bookmarks
from so3k_explore.app.models.charges import Charges
from so3k_explore.app.models.compared import Compared
from so3k_explore.app.models.conformers import Conformers
from so3k_explore.app.models.dipoles import Dipoles
from so3k_explore.app.models.display import Display
from so3k_explore.app.models.evaluation import Evaluation
from so3k_explore.app.models.exports import Exports
from so3k_explore.app.models.families import FamiliesModel
from so3k_explore.app.models.following import FollowingModel
from so3k_explore.app.models.landscape import LandscapeModel
from so3k_explore.app.models.minima import MinimaModel
from so3k_explore.app.models.molecule import MoleculeModel
from so3k_explore.app.models.potential import PotentialModel
from so3k_explore.app.models.rehearsal import Rehearsal
from so3k_explore.app.models.run import RunModel
from so3k_explore.app.models.runs import RunsModel
from so3k_explore.app.models.scene import Scene, Structure
from so3k_explore.app.models.selection import Selection
from so3k_explore.app.models.sharpening import Sharpening
from so3k_explore.app.models.shown import ShownRun
from so3k_explore.app.models.spectra import SpectraModel
from so3k_explore.app.models.training import TrainingModel
from so3k_explore.app.models.way import WayModel
from so3k_explore.jobs.learning_settings import LEARNING

if TYPE_CHECKING:
    from so3k_explore.io.structures import Molecule
    from so3k_explore.jobs import Run, Runs
    from so3k_explore.jobs.single_point import Question, SinglePoint

TABS = ("molecule", "dynamics", "minima", "conformers", "landscape", "attention", "spectra", "training")
LANDSCAPE = dict.fromkeys(("saddles", "recheck", "vibrations"), "landscape")
PICTURES = {"minima": "minima", **dict.fromkeys(LEARNING, "training"), **LANDSCAPE}  # others: dynamics
FIRST_MOLECULE = "Ac-AAA-NHMe"
FIRST_CLUSTER = "lj13"


class Session(param.Parameterized):
    """Everything a page knows. `tick` is its clock; nothing happens between two ticks but what the reader does."""

    tab = param.Selector(default="molecule", objects=list(TABS), doc="Which pictures are on show.")

    def __init__(
        self,
        runs: "Callable[[], Runs]",
        first: "str | Molecule | None" = None,
        evaluate: "Callable[[Question], SinglePoint] | None" = None,
    ) -> None:
        """`runs` opens the folder of runs, `first` is the molecule to begin with, `evaluate` asks a model."""
        super().__init__()
        self.background = Background()
        self.display = Display()
        self.molecule = MoleculeModel(self.background)
        self.potential = PotentialModel(self.background)
        self.run = RunModel(self.molecule, self.potential)
        self.runs = RunsModel(runs, self.background)
        self.shown = ShownRun(self.background)
        self.training = TrainingModel(self.background, self.runs, self.potential)
        self.selection = Selection()
        self.minima = MinimaModel(self.selection)
        self.scene = Scene()
        self.point = Evaluation(self.background, "point", evaluate)
        self.charges = Charges(self, evaluate)
        self.conformers = Conformers(self)
        self.bookmarks = Bookmarks(self)
        self.attention = AttentionModel(self)
        self.attention_families = AttentionFamilies(self)
        self.dipoles = Dipoles(self)
        self.families = FamiliesModel(self)
        self.landscape = LandscapeModel(self)
        self.way = WayModel(self)
        self.sharpening = Sharpening(self)
        self.compared = Compared(self)
        self.exports = Exports(self)
        self.spectra = SpectraModel(self)
        self.following = FollowingModel(self)
        self.rehearsal = Rehearsal(self)
        self._first = first
        self._played: tuple[str, int] | None = None
        self._asked_for_tab = False
        self._asked_for: tuple[list[int], list[int]] = ([], [])  # focus and selection in the address
        self._wire()

    def _wire(self) -> None:
        """Lets the parts act on each other."""
        self.param.watch(lambda *_: self._tab_opened(), "tab")
        self.molecule.param.watch(self._new_molecule, "molecule")
        self.potential.param.watch(self._new_model, ["models", "name_"])
        self.runs.param.watch(self._attach, ["shown", "entries"])
        self.shown.param.watch(lambda event: self.training.labelling.offer(event.new), "run")
        self.shown.param.watch(self._found, "minima")
        self.shown.param.watch(lambda *_: self._live(), "live")
        self.shown.param.watch(lambda *_: setattr(self.scene, "going", self.shown.active), "status")
        self.shown.param.watch(self._recorded, ["measured", "status"])
        self.scene.param.watch(self._recorded, ["follow", "walker"])
        self.molecule.param.watch(self._ask_point, ["molecule", "problems"])
        self.potential.param.watch(self._ask_point, ["models", "name_", "precision", "long_range_cutoff"])

    def open(self, run: str = "", tab: str = "", focus: str = "", selection: str = "") -> None:
        """First steps of a page, from its address."""
        self._asked_for = read_keys(focus), read_keys(selection)
        if tab in TABS:
            self.tab = tab
            self._asked_for_tab = bool(run)
        self.runs.shown = run
        self.potential.look()

    def tick(self) -> bool:
        """Hands over what has been read and begins to read what is due; whether there was anything to hand over."""
        now = time.monotonic()
        news = self.background.collect()
        self.runs.tick(now)
        self.shown.tick(now)
        self.charges.tick(now)
        self.attention.tick(now)
        self.attention_families.tick()
        self.families.tick(now)
        self.dipoles.tick()
        self.landscape.tick(now)
        self.spectra.tick(now)
        self.following.tick(now)
        self.rehearsal.tick(now)
        return news

    def _tab_opened(self) -> None:
        """Begins to read what the tab shows, while it is being drawn."""
        now = time.monotonic()
        self.families.tick(now)
        self.landscape.tick(now)

    def start(self) -> None:
        """Starts the run that card 3 describes."""
        if self.run.obstacle:
            return
        kind = self.run.kind
        potential = self.potential
        self.runs.submit(
            self.run.form.settings(),
            self.molecule.molecule,
            potential.name_,
            precision=potential.precision,
            long_range_cutoff=potential.cutoff,
        )
        self.tab = PICTURES.get(kind, "dynamics")
        self.scene.follow = True

    def _new_molecule(self, event: Any) -> None:
        molecule = event.new
        shown = self.shown.run
        if shown is not None and not same(molecule, shown.molecule):
            self.runs.shown = ""
        self.selection.clear()
        self.scene.show(structure_of(molecule), molecule.name)
        self.potential.look(molecule)

    def _new_model(self, *_: Any) -> None:
        info = self.potential.info
        self.run.suit("" if info is None else info.name)
        self.molecule.check(None if info is None else info.elements, "cpu", ions=info is None or info.ions)
        if self.molecule.molecule is None and not self.runs.shown and not self.background.busy("molecule"):
            self._open_first()

    def _ask_point(self, *_: Any) -> None:
        """Energy and forces of the molecule that the next run starts from."""
        obstacle = self.molecule.obstacle or self.potential.obstacle
        if obstacle:
            self.point.forget(obstacle)
            return
        self.point.ask(self.potential.question(self.molecule.molecule))

    def _open_first(self) -> None:
        if self._first is not None and not isinstance(self._first, str):
            self.molecule.show(self._first)
            return
        text = self._first or (FIRST_MOLECULE if self.potential.has_network else FIRST_CLUSTER)
        self.molecule.open_text(text)

    def _attach(self, *_: Any) -> None:
        identifier = self.runs.shown
        if not identifier:
            if self.shown.run is not None:
                self.shown.attach(None)
                self.scene.param.update(going=False, walkers=1)
            return
        if self.shown.run is not None and self.shown.run.id == identifier:
            return
        entry = self.runs.find(identifier)
        if entry is None:
            return
        run, before = entry[0], self.shown.run
        if before is None or before.landscape_run != run.landscape_run:
            self.selection.clear()
        self.shown.attach(run)
        self._suit_run(run)
        if not same(self.molecule.molecule, run.molecule):
            self.molecule.show(run.molecule, run.molecule.name)
        self.scene.show(structure_of(run.molecule), run.name)
        if any(self._asked_for):
            (focus, chosen), self._asked_for = self._asked_for, ([], [])
            self.selection.choose([*focus, *chosen], focus=focus[0] if focus else None)

    def _suit_run(self, run: "Run") -> None:
        """Lets card 3 and the tab follow the kind of run, unless the page's address has asked for the tab."""
        if run.kind in self.run.forms:
            self.run.kind = run.kind
        if not self._asked_for_tab:
            self.tab = PICTURES.get(run.kind, "dynamics")
        self._asked_for_tab = False

    def _live(self) -> None:
        live, scene = self.shown.live, self.scene
        if live is None or scene.structure is None:
            return
        scene.walkers = len(live.positions)
        if self.shown.active and scene.follow and self.selection.focus is None and not scene.film:
            self.show_run_again()
            scene.live = laid(live.positions[min(scene.walker, scene.walkers - 1)], scene.structure.positions)

    def _recorded(self, *_: Any) -> None:
        """Gives the player what is recorded, unless the reader watches the run live or looks at a minimum."""
        measured, scene = self.shown.measured, self.scene
        live = self.shown.active and scene.follow
        if measured is None or live or scene.film or self.selection.focus is not None:
            return
        if self.shown.active and scene.frames is not None and self._played == (self.shown.run.id, scene.walker):
            return  # replacing the frames now would interrupt the player
        self._played = (self.shown.run.id, scene.walker)
        self.show_run_again()
        walker = min(scene.walker, measured.positions.shape[1] - 1)
        frames = measured.positions[:, walker]
        scene.param.update(frames=frames, frame=max(len(frames) - 1, 0), times=measured.times, live=None)

    def _found(self, *_: Any) -> None:
        """Takes over the minima; those of a search that has ended are looked at from the lowest on."""
        self.minima.minima = self.shown.minima
        if self.shown.minima and not self.shown.active:
            known = [key for key in self.selection.selection if self.minima.rank(key) is not None]
            if known != self.selection.selection:  # of an address that names what there is not
                self.selection.choose(known)
            if self.selection.focus is None:
                self.minima.choose([0])

    def leave_film(self) -> None:
        """Shows again what a film has replaced."""
        run, molecule = self.shown.run, self.molecule.molecule
        shown = molecule if run is None else run.molecule
        if shown is None:
            return
        self.scene.show(structure_of(shown), shown.name if run is None else run.name)
        self._played = None
        self.selection.param.trigger("focus")
        self._recorded()

    def show_run_again(self) -> None:
        """Shows the structure that the run began with, unless the viewer is with the run already."""
        run = self.shown.run
        if self.scene.title != run.name:
            self.scene.show(structure_of(run.molecule), run.name)


def read_keys(text: str) -> list[int]:
    """Keys of minima as an address has them: `3,5,12`; whatever is none is left out."""
    return [int(part) for part in text.split(",") if part.strip().isdecimal()]


def structure_of(molecule: "Molecule") -> Structure:
    """What the viewer needs of a molecule."""
    cell = molecule.system.cell
    return Structure(molecule.numbers, molecule.positions, molecule.bonds, None if cell is None else np.asarray(cell))


def same(one: "Molecule | None", other: "Molecule") -> bool:
    """Whether both are the same structure, read from whatever place."""
    return (
        one is not None
        and np.array_equal(one.numbers, other.numbers)
        and one.charge == other.charge
        and np.allclose(one.positions, other.positions, atol=1e-6)
    )


def laid(positions: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Positions turned and moved onto a reference, so that a drifting molecule stays in view."""
    from so3k_explore.analysis.alignment import superpose

    return superpose(positions, reference).astype(np.float32)
