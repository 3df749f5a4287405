"""What the tab Conformers knows: a map of the minima, the families they fall into, and what these are called.

Nothing is computed on the page's thread. While the tab is open, new minima make new pictures, never for more than a
fifth of the time, so that a search is followed live without being slowed down. The first picture of a search that has
ended is made before anybody asks for it.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import param

from so3k_explore.app.models.conformer_colors import COLORINGS, DIPOLE, FAMILY
from so3k_explore.app.models.family_maker import NETWORKLESS, FamilyMaker
from so3k_explore.app.models.family_pictures import FamilyPicture, Wish

if TYPE_CHECKING:
    from so3k_explore.app.models.session import Session
    from so3k_explore.exploration.labels import Labelling
    from so3k_explore.exploration.landscape import Landscape

DESCRIPTORS = {
    "Torsions": "torsions",
    "Network features": "features",
    "Distances": "distances",
    "RMSD": "rmsd",
}
MAPS = {"PCA": "pca", "Kernel PCA": "kpca", "t-SNE": "tsne", "MDS": "mds", "UMAP": "umap"}
METHODS = {
    "HDBSCAN": "hdbscan",
    "Agglomerative": "agglomerative",
    "k-means": "kmeans",
    "Spectral": "spectral",
    "k-medoids": "kmedoids",
    "Basins of the tree": "tree",
}
COMPUTED = "As chosen here"
LAST = "Last layer"
SHARE = 5  # pictures that took a second are made again after five at the earliest
MANY = 1000  # minima; of more, the map is shown before they are sorted
SECONDS = 3.0  # and never more often than that
DRAWING_SECONDS = 3.0  # a tab that is being opened is drawn before the minima on it are sorted
CHOOSE = "Choose a search for minima from the list of runs, or start one: its conformers appear here."
NOTHING_YET = "Appears with the first minimum that the search finds."


class FamiliesModel(param.Parameterized):
    """Pictures of the conformers of one run, and what the reader wants to see of them."""

    by = param.Selector(default="torsions", objects=DESCRIPTORS, label="Descriptor", doc="What tells minima apart.")
    layer = param.Selector(default=-1, objects={LAST: -1}, label="Layer", doc="Of the network, for its features.")
    projection = param.Selector(default="pca", objects=MAPS, label="Map", doc="How descriptors become two dimensions.")
    method = param.Selector(default="hdbscan", objects=METHODS, label="Families by", doc="How minima are sorted.")
    clusters = param.Integer(0, bounds=(0, 50), label="How many (0: best)", doc="Families, where the method asks.")
    source = param.Selector(default=COMPUTED, objects=[COMPUTED], label="Families", doc="Made here, or kept before.")
    color = param.Selector(default=FAMILY, objects=COLORINGS, label="Colour by", doc="What colours of minima mean.")
    family = param.Integer(-1, bounds=(-1, None), doc="The family that is being looked at; -1: none.")

    picture = param.ClassSelector(class_=FamilyPicture, default=None, allow_None=True, doc="What is known so far.")
    sentence = param.String(CHOOSE, doc="Why there is nothing to see, or what is wrong; empty when all is well.")
    doing = param.String("", doc="What is being computed, in words; empty when nothing is.")

    def __init__(self, session: "Session") -> None:
        super().__init__()
        self._session = session
        self._maker: FamilyMaker | None = None
        self._next = 0.0
        self._due = False
        self._told = ""
        session.shown.param.watch(lambda *_: self._attach(), "run")
        session.minima.param.watch(lambda *_: self._news(), "minima")
        session.param.watch(lambda *_: self._opened(), "tab")
        session.dipoles.param.watch(lambda *_: self._offer_colors(), "offered")
        self._offer_colors()
        self.param.watch(lambda *_: self._wished(), ["by", "layer", "projection", "method", "clusters", "source"])

    @property
    def open(self) -> bool:
        """Whether the tab is on show."""
        return self._session.tab == "conformers"

    @property
    def wish(self) -> Wish:
        """What the reader wants to see."""
        stored = "" if self.source == COMPUTED else self.source
        return Wish(self.by, self.layer, self.projection, self.method, self.clusters, stored)

    def tick(self, now: float) -> None:
        """Begins what is due, and passes on what a thread says about its work."""
        busy = self._session.background.busy("families")
        self.doing = self._told if busy else ""
        wanted = self.open or (self.picture is None and self._session.shown.rests(now))
        if wanted and self._due and not busy and now >= self._next:
            self._begin()

    def choose(self, cluster: int) -> None:
        """Looks at the representative of a family, with all its members chosen."""
        if self.picture is None or not 0 <= cluster < len(self.picture.labelling):
            return
        self.family = cluster
        self._session.selection.choose(self.picture.members(cluster))

    def rename(self, text: str) -> None:
        """Calls the family that is looked at so; the families are kept in the landscape from then on."""
        self._keep(lambda landscape, labelling, rename, _: rename(landscape, labelling.name, self.family, text))

    def recolor(self, color: str) -> None:
        """Gives the family that is looked at another colour, "#rrggbb"; the families are kept from then on."""
        self._keep(lambda landscape, labelling, _, recolor: recolor(landscape, labelling.name, self.family, color))

    def keep(self) -> None:
        """Keeps the families in the landscape."""
        self._keep(lambda *_: None, anything=True)

    def _attach(self) -> None:
        """Another run, or none."""
        run = self._session.shown.run
        self._maker = None if run is None or run.kind != "minima" else FamilyMaker(run)
        self._next, self._due = 0.0, False
        sentence = CHOOSE if run is None else NOTHING_YET
        if run is not None and self._maker is None:
            sentence = f"A run of the kind “{run.kind}” has no conformers to sort. {CHOOSE}"
        self.param.source.objects = [COMPUTED]
        self.param.layer.objects = {LAST: -1}
        values: dict[str, Any] = {"source": COMPUTED, "layer": -1, "family": -1, "picture": None, "sentence": sentence}
        if self._maker is not None:
            values |= self._suited(run)
        self.param.update(**values)

    def _suited(self, run: Any) -> dict[str, Any]:
        """Leaves what the molecule and its model do not have out of the choices."""
        has = {
            "torsions": len(run.molecule.torsions) > 0,
            "features": run.model != NETWORKLESS,
            "distances": True,
            "rmsd": len(run.molecule.bonds) > 0,
        }
        objects = {name: value for name, value in DESCRIPTORS.items() if has[value]}
        by = self.by if self.by in objects.values() else next(iter(objects.values()))
        self.param.by.objects = objects
        return {"by": by}

    def _offer_colors(self) -> None:
        """Leaves out dipole moments where there are none."""
        offered = self._session.dipoles.offered
        if self.color == DIPOLE and not offered:
            self.color = FAMILY
        self.param.color.objects = {name: by for name, by in COLORINGS.items() if by != DIPOLE or offered}

    def _opened(self) -> None:
        """Leaves the cores to the browser while it draws the map."""
        if self.open and self.picture is not None:
            self._next = max(self._next, time.monotonic() + DRAWING_SECONDS)

    def _news(self) -> None:
        """There are minima that the pictures do not have."""
        minima = self._session.minima.minima
        self._due = self._maker is not None and minima is not None and len(minima) > 0

    def _wished(self) -> None:
        """The reader wants something else, and does not want to wait."""
        self._due, self._next = self._session.minima.minima is not None and self._maker is not None, 0.0

    def _begin(self) -> None:
        maker, minima, wish = self._maker, self._session.minima.minima, self.wish
        if maker is None or minima is None:
            return
        quick = self.picture is None and len(minima) > MANY
        self._due, self._told, began = False, f"describing {len(minima)} minima", time.monotonic()

        def tell(fraction: float, sentence: str) -> None:
            self._told = sentence

        def done(picture: FamilyPicture) -> None:
            if self._maker is maker:
                took = time.monotonic() - began
                self._next = time.monotonic() + max(SHARE * took, SECONDS)
                self._take(picture)
                if quick:
                    self._due, self._next = True, time.monotonic() + DRAWING_SECONDS  # families follow

        def failed(error: Exception) -> None:
            if self._maker is maker:
                self.sentence = str(error)

        self.doing = self._told
        work = lambda: maker.make(minima, wish, tell, families=not quick)
        self._session.background.start("families", "", work, done, failed, patient=True)

    def _take(self, picture: FamilyPicture) -> None:
        if picture.wish != self.wish:
            self._due, self._next = True, 0.0  # the reader has changed his mind meanwhile
        layers = {LAST: -1} | {f"Layer {k + 1}": k for k in range(picture.layers)}
        if layers != self.param.layer.objects and picture.layers:
            self.param.layer.objects = layers
        stored = [COMPUTED, *picture.stored]
        if stored != self.param.source.objects:
            self.param.source.objects = stored
            if self.source not in stored:
                self.source = COMPUTED
        values: dict[str, Any] = {"picture": picture, "sentence": " ".join(picture.notes)}
        if self.family >= len(picture.labelling):
            values["family"] = -1
        self.param.update(**values)

    def _keep(self, change: Callable[..., Any], *, anything: bool = False) -> None:
        """Writes the families into the landscape, changed, and shows them from there."""
        picture, maker = self.picture, self._maker
        if picture is None or maker is None or not len(picture.labelling) or (self.family < 0 and not anything):
            return
        labelling, mine = picture.labelling, self.source == COMPUTED

        def work() -> "Labelling":
            from so3k_explore.exploration.labels import read_labelling, recolor_cluster, rename_cluster, write_labelling

            landscape: Landscape = maker.landscape()
            with landscape.transaction():
                if mine:
                    write_labelling(landscape, labelling)
                change(landscape, labelling, rename_cluster, recolor_cluster)
            return read_labelling(landscape, labelling.name)

        def done(kept: "Labelling") -> None:
            if self._maker is maker:
                self.param.source.objects = list(dict.fromkeys([*self.param.source.objects, kept.name]))
                self.source = kept.name
                self._wished()

        def failed(error: Exception) -> None:
            self.sentence = f"The families could not be kept: {error}"

        self._session.background.start("keep families", "", work, done, failed)
