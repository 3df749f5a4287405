"""What the tab Landscape knows: how the minima of the run on show hang together, and how many are missing.

Nothing is computed on the page's thread. While the tab is open, the landscape is looked at again and again; when it
has changed, its pictures are made one after the other, each at most once at a time and never for more than a fifth of
the time, so that a search is followed live without being slowed down. The tree of a search that has ended is made
before anybody asks for it.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import param

from so3k_explore import units
from so3k_explore.app.models.landscape_pictures import (
    BASIN,
    PLAIN,
    STRATEGY,
    VISITS,
    NetworkPicture,
    ThermalPicture,
    TreePicture,
    free_tree,
    network_picture,
    thermal_picture,
    tree_picture,
)
from so3k_explore.app.models.landscape_reader import LandscapeReader, Seen
from so3k_explore.app.models.potential import PAIR

if TYPE_CHECKING:
    from so3k_explore.app.models.session import Session
    from so3k_explore.exploration.thermodynamics import Superposition
    from so3k_explore.exploration.tree import Tree

LOOK_SECONDS = 1.0
SHARE = 5  # a picture that took a second is made again after five at the earliest
POTENTIAL, FREE = "Potential energy", "Free energy"
CHOOSE = "Choose a search for minima from the list of runs, or start one: its landscape appears here."
NOTHING_YET = "Appears with the first minimum that the search finds."
NO_FREQUENCIES = (
    "Free energies, populations and heat capacity need vibrational frequencies, which this landscape does not store "
    "yet. “Compute frequencies” does that for all minima and saddles, and so does “so3k tree RUN --temperature 300”."
)
TEMPERATURES = np.concatenate([np.linspace(20, 100, 5), np.linspace(125, 1000, 36)])  # K
NETWORK = 300  # minima that the drawing of the network shows at most


class LandscapeModel(param.Parameterized):
    """Pictures of one landscape, and what the reader wants to see of it."""

    energy = param.Selector(default=POTENTIAL, objects=[POTENTIAL, FREE], label="Energy", doc="Heights of the tree.")
    temperature = param.Number(300.0, bounds=(10, 1000), label="Temperature / K", doc="Of free energies.")
    color_by = param.Selector(default=PLAIN, objects=[PLAIN], label="Colour by", doc="Of leaves and nodes.")
    bounds = param.Boolean(True, label="Hops", doc="Let hops of the search bound barriers where no saddle is known.")
    depth = param.Number(0.0, bounds=(0, 10), label="Hide below / kcal/mol", doc="Leaves out shallow branches.")

    seen = param.ClassSelector(class_=Seen, default=None, allow_None=True, doc="What the landscape held at last.")
    sentence = param.String(CHOOSE, doc="Why there is nothing to see; empty when there is.")
    tree = param.ClassSelector(class_=TreePicture, default=None, allow_None=True, doc="The disconnectivity tree.")
    network = param.ClassSelector(class_=NetworkPicture, default=None, allow_None=True, doc="The transition graph.")
    thermal = param.ClassSelector(class_=ThermalPicture, default=None, allow_None=True, doc="Against temperature.")
    no_thermal = param.String("", doc="Why there is no free energy; empty when there is.")

    def __init__(self, session: "Session") -> None:
        super().__init__()
        self._session = session
        self.reader: LandscapeReader | None = None
        self._next: dict[str, float] = {}
        session.shown.param.watch(lambda *_: self._attach(), "run")
        self.param.watch(lambda *_: self._seen(), "seen")
        self.param.watch(lambda *_: self._make("tree"), ["energy", "temperature", "bounds", "depth"])
        self.param.watch(lambda *_: [self._make("tree"), self._make("network")], "color_by")

    @property
    def open(self) -> bool:
        """Whether the tab is on show."""
        return self._session.tab == "landscape"

    @property
    def how(self) -> "Superposition":
        """Quanta for molecules, none for clusters in reduced units."""
        from so3k_explore.exploration.thermodynamics import Superposition

        classical = self._session.shown.run is not None and self._session.shown.run.model == PAIR
        return Superposition(classical=classical, quasi_harmonic=not classical)

    def tick(self, now: float) -> None:
        """Looks at the landscape when it is time, and makes the pictures that are due."""
        ahead = self.tree is None and self._session.shown.rests(now)
        if self.reader is None or not (self.open or ahead):
            return
        if now >= self._next.get("look", 0.0) and not self._session.background.busy("landscape look"):
            self._next["look"] = now + LOOK_SECONDS
            self._begin("look", self.reader.look, self._looked)
        for name in ("tree", "network", "thermal") if self.open else ("tree",):
            if name in self._due and now >= self._next.get(name, 0.0):
                self._make(name)

    def _attach(self) -> None:
        """Another run, or none."""
        run = self._session.shown.run
        self.reader = None if run is None else LandscapeReader(run)
        self._next, self._due = {}, set()
        pair = run is not None and run.model == PAIR
        self.param.temperature.bounds = (10, 10_000) if pair else (10, 1000)
        sentence = CHOOSE if run is None else NOTHING_YET
        if run is not None and run.kind not in WITH_LANDSCAPE:
            sentence = f"A run of the kind “{run.kind}” has no landscape. {CHOOSE}"
            self.reader = None
        self.param.update(seen=None, tree=None, network=None, thermal=None, no_thermal="", sentence=sentence)

    _due: set[str] = set()  # noqa: RUF012 - replaced, never changed, by `_attach`

    def _looked(self, seen: Seen | None) -> None:
        if seen is not None:
            self.param.update(seen=seen, sentence="" if len(seen.minima) else NOTHING_YET)

    def _seen(self) -> None:
        """A landscape that has changed is drawn anew, as soon as the pictures made last are old enough."""
        if self.seen is None:
            return
        words = [PLAIN, BASIN, STRATEGY, VISITS, *self.seen.labellings]
        if words != self.param.color_by.objects:
            self.param.color_by.objects = words
            if self.color_by not in words:
                self.color_by = PLAIN
        self.no_thermal = "" if self.seen.vibrating is not None else NO_FREQUENCIES
        if self.seen.vibrating is None and self.energy == FREE:
            self.energy = POTENTIAL
        self._due = {"tree", "network", "thermal"}

    def _make(self, name: str) -> None:
        """Begins to make a picture from what was seen last."""
        seen, background = self.seen, self._session.background
        self._due = self._due - {name}
        if seen is None:
            return
        if background.busy(f"landscape {name}"):
            self._due = self._due | {name}  # once more when this one is there
            return
        work = getattr(self, f"_{name}_of")(seen)
        began = time.monotonic()

        def done(picture: Any) -> None:
            self._next[name] = time.monotonic() + SHARE * (time.monotonic() - began)
            self.param.update(**{name: picture})

        self._begin(name, work, done)

    def _begin(self, name: str, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Works in a thread; what was asked for another run is forgotten, and problems become the sentence."""
        reader = self.reader

        def take(result: Any) -> None:
            if self.reader is reader:
                done(result)

        def failed(error: Exception) -> None:
            if self.reader is reader:
                self.param.update(sentence=str(error))

        self._session.background.start(f"landscape {name}", "", work, take, failed)

    def _tree_of(self, seen: Seen) -> Callable[[], TreePicture | None]:
        by, depth = self.color_by, self.depth * units.KCAL_PER_MOL
        free, temperature, how, bounds = self.energy == FREE, float(self.temperature), self.how, self.bounds
        return lambda: tree_picture(
            seen, free_tree(seen, temperature, how) if free else tree_of(seen, bounds=bounds), by, depth, free=free
        )

    def _network_of(self, seen: Seen) -> Callable[[], NetworkPicture | None]:
        by, before = self.color_by, self.network
        return lambda: network_picture(seen, by, before, NETWORK)

    def _thermal_of(self, seen: Seen) -> Callable[[], ThermalPicture | None]:
        how = self.how
        kelvin = TEMPERATURES * (10 if how.classical else 1)
        return lambda: thermal_picture(seen, kelvin, how)


WITH_LANDSCAPE = ("minima", "saddles", "recheck", "vibrations")
"""Kinds of runs that have a landscape, or work on that of another run."""


def tree_of(seen: Seen, *, bounds: bool) -> "Tree":
    """Tree of potential energies, from saddles and, with `bounds`, from hops."""
    from so3k_explore.exploration.tree_building import disconnectivity_tree

    pairs, heights, numbers = seen.passes
    kept = np.ones(len(numbers), bool) if bounds else numbers > 0
    return disconnectivity_tree(seen.minima.ids, seen.minima.energies, pairs[kept], heights[kept], numbers[kept])
