"""Makes the pictures of families of the minima of one run; everything here runs in threads."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from so3k_explore.app.models.family_pictures import AnglePair, FamilyPicture, Wish
from so3k_explore.app.models.minima import Ranked

if TYPE_CHECKING:
    from so3k_explore.exploration.families import Described, Descriptor
    from so3k_explore.exploration.labels import Labelling
    from so3k_explore.io.molecule import Molecule
    from so3k_explore.potentials.protocol import Potential
    from so3k_explore.typing import Progress

FEWEST = 5  # minima that can be sorted into families
MAPPED = 3  # minima that make a map
NETWORKLESS = "lennard-jones"


@runtime_checkable
class Searched(Protocol):
    """What is asked of a run: anything with a landscape will do."""

    @property
    def molecule(self) -> "Molecule":
        """Whose minima they are."""
        ...

    @property
    def model(self) -> str:
        """Name of the model that they are minima of."""
        ...

    def landscape(self) -> Any:
        """Its landscape; None when there is none yet."""
        ...


class FamilyMaker:
    """Makes the pictures of one run; what is known of a minimum is not computed again."""

    def __init__(self, run: Searched) -> None:
        self._run = run
        self._rows: dict[Any, dict[int, np.ndarray]] = {}  # descriptors by way and key
        self._potential: Potential | None = None
        self._landscape: Any = None
        self._made: dict[str, tuple[Any, Any]] = {}  # the latest map and families, each with what it was made from

    def make(self, minima: Ranked, wish: Wish, progress: "Progress", *, families: bool = True) -> FamilyPicture:
        """All pictures; what cannot be made is told in the notes.

        Args:
            minima: of the run, by energy.
            wish: what to show.
            progress: told about each step.
            families: whether minima are sorted too, which takes the longest; kept families are read anyway.

        Raises:
            LandscapeError: the landscape cannot be read.
        """
        from so3k_explore.exploration.labels import Labelling, list_labellings, read_labelling

        notes: list[str] = []
        landscape = self.landscape()
        stored = tuple(list_labellings(landscape))
        described = self._described(minima, wish, notes, progress)
        way = (minima.keys, wish.by, wish.layer)
        mapped = lambda notes: _mapped(described, wish, notes, progress)
        coordinates, explained = self._once("map", (*way, wish.projection), mapped, notes)
        if wish.stored in stored:
            labelling = read_labelling(landscape, wish.stored)
        else:
            made = lambda notes: self._families(minima, wish, described, notes, progress)
            found = self._once("families", (*way, wish.method, wish.clusters), made, notes) if families else None
            labelling = found or Labelling("none", np.array(minima.keys, int), np.full(len(minima), -1))
        clusters = labelling.of(minima.keys)
        molecule = self._run.molecule
        return FamilyPicture(
            minima=minima,
            wish=wish,
            coordinates=coordinates,
            explained=explained,
            labelling=labelling,
            clusters=clusters,
            representatives=_representatives(clusters, len(labelling), described, minima),
            **_shapes(molecule, minima.positions),
            pairs=_pairs(molecule, minima.positions),
            notes=tuple(dict.fromkeys(notes)),
            layers=self._layers(),
            stored=stored,
        )

    def landscape(self) -> Any:
        """The landscape of the run.

        Raises:
            LandscapeError: it is gone.
        """
        from so3k_explore.exploration.landscape import LandscapeError

        if self._landscape is None:
            self._landscape = self._run.landscape()
        if self._landscape is None or not self._landscape.path.exists():
            raise LandscapeError("The landscape of this run is gone. Undo its deletion, or choose another run.")
        return self._landscape

    def _once(self, name: str, source: Any, make: Callable[[list[str]], Any], notes: list[str]) -> Any:
        """What was made from the same before, else makes it; with what there is to say about it."""
        if name not in self._made or self._made[name][0] != source:
            said: list[str] = []
            self._made[name] = (source, (make(said), said))
        value, said = self._made[name][1]
        notes.extend(said)
        return value

    def _layers(self) -> int:
        from so3k_explore.analysis.features import layers_of

        return 0 if self._potential is None else layers_of(self._potential)

    def _described(self, minima: Ranked, wish: Wish, notes: list[str], progress: "Progress") -> "Described | None":
        from so3k_explore.exploration.families import Descriptor

        try:
            descriptor = Descriptor(wish.by, wish.layer)
            if wish.by == "features" and self._potential is None:
                from so3k_explore.potentials.registry import load_potential

                progress(0.0, f"loading {self._run.model}")
                self._potential = load_potential(self._run.model)
            return self._describe(minima, descriptor, progress)
        except (ValueError, TypeError, OSError, RuntimeError) as error:
            notes.append(str(error))
            return None

    def _describe(self, minima: Ranked, descriptor: "Descriptor", progress: "Progress") -> "Described":
        from so3k_explore.exploration.families import Described, describe

        molecule = self._run.molecule
        of = lambda positions: describe(
            positions, molecule.system, molecule.bonds, descriptor, potential=self._potential, progress=progress
        )
        if descriptor.by == "rmsd":
            return of(minima.positions)
        known = self._rows.setdefault(descriptor, {})
        new = [place for place, key in enumerate(minima.keys) if key not in known]
        if new:
            progress(0.0, f"describing {len(new)} minima")
            rows = of(np.asarray(minima.positions)[new]).values
            known.update({minima.keys[place]: row for place, row in zip(new, rows, strict=True)})
        return Described(np.array([known[key] for key in minima.keys]), precomputed=False)

    def _families(
        self, minima: Ranked, wish: Wish, described: "Described | None", notes: list[str], progress: "Progress"
    ) -> "Labelling | None":
        from so3k_explore.analysis.clustering import find_clusters
        from so3k_explore.exploration.families import TREE, Descriptor, settings_of
        from so3k_explore.exploration.kinetic import cut_tree
        from so3k_explore.exploration.labels import Labelling
        from so3k_explore.exploration.tree_building import landscape_tree

        progress(0.8, f"sorting {len(minima)} minima into families")
        keys = np.array(minima.keys, int)
        try:
            if wish.method == TREE:
                tree = landscape_tree(self.landscape())
                cut = cut_tree(tree)
                return Labelling(TREE, tree.ids, cut.labels, settings={"by": TREE, "height_eV": cut.height})
            if len(minima) < FEWEST:
                raise ValueError(f"Families need at least {FEWEST} minima, {len(minima)} are known. Search on.")
            if described is None:
                return None
            options: dict[str, Any] = {"clusters": wish.clusters or None} if wish.method != "hdbscan" else {}
            known = {"precomputed": described.precomputed, "energies": minima.energies}
            found = find_clusters(described.values, wish.method, **known, **options)
            notes.extend([found.note] if found.note else [])
            settings = settings_of(Descriptor(wish.by, wish.layer), found)
            return Labelling(f"{wish.by}, {wish.method}", keys, found.labels, settings=settings)
        except ValueError as error:
            notes.append(str(error))
            return None


def _mapped(
    described: "Described | None", wish: Wish, notes: list[str], progress: "Progress"
) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates on the map, and the share of the variance that each axis explains."""
    from so3k_explore.analysis.projection import project

    nothing = np.full(2, np.nan)
    if described is None:
        return np.zeros((0, 2)), nothing
    count = len(described.values)
    progress(0.5, f"mapping {count} minima")
    try:
        if count < MAPPED:
            raise ValueError(f"A map needs at least {MAPPED} minima, {count} are known. Search on.")
        found = project(described.values, wish.projection, precomputed=described.precomputed)
    except (ValueError, ImportError) as error:
        notes.append(str(error))
        return np.full((count, 2), np.nan), nothing
    notes.extend([found.note] if found.note else [])
    return found.coordinates, found.explained


def _representatives(
    clusters: np.ndarray, count: int, described: "Described | None", minima: Ranked
) -> tuple[int, ...]:
    """The member nearest to the middle of each family; without descriptors the lowest."""
    found = []
    for cluster in range(count):
        places = np.flatnonzero(clusters == cluster)
        if not len(places) or described is None:
            found.append(int(places[0]) if len(places) else -1)
        elif described.precomputed:
            found.append(int(places[described.values[np.ix_(places, places)].sum(axis=1).argmin()]))
        else:
            rows = described.values[places]
            found.append(int(places[np.linalg.norm(rows - rows.mean(axis=0), axis=1).argmin()]))
    return tuple(found)


def _shapes(molecule: Any, positions: np.ndarray) -> dict[str, np.ndarray]:
    from so3k_explore.analysis.descriptors import hydrogen_bonds, radius_of_gyration

    positions = np.asarray(positions, float)
    counts = np.zeros(len(positions), int)
    if len(molecule.bonds):
        counts = hydrogen_bonds(positions, molecule.numbers, molecule.bonds).counts
    return {"radii": radius_of_gyration(positions, np.asarray(molecule.system.masses, float)), "hydrogen_bonds": counts}


def _pairs(molecule: Any, positions: np.ndarray) -> tuple[AnglePair, ...]:
    """Phi and psi of each residue; of other molecules, torsions that follow each other."""
    from so3k_explore.analysis.torsions import dihedrals

    positions = np.asarray(positions, float)
    residues = [one for one in molecule.residues if one.phi is not None and one.psi is not None]
    if residues:
        named = [(f"{one.name}{one.index + 1}", ("φ / °", "ψ / °"), (one.phi, one.psi)) for one in residues]
    else:
        quads = molecule.torsions.tolist()
        names = [f"{quad[1] + 1}{chr(0x2013)}{quad[2] + 1}" for quad in quads]
        named = [
            (f"{names[k]}, {names[k + 1]}", (f"torsion about {names[k]} / °", f"torsion about {names[k + 1]} / °"), two)
            for k, two in enumerate(pairwise(quads))
        ]
    return tuple(
        AnglePair(title, labels, np.asarray(dihedrals(positions, np.array(quads, int))))
        for title, labels, quads in named
    )
