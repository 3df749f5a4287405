"""What the tab Conformers shows: minima of one run, sorted into families, on a map and in other pictures."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from so3k_explore.app.models.minima import Ranked

if TYPE_CHECKING:
    from so3k_explore.exploration.labels import Labelling


@dataclass(frozen=True)
class Wish:
    """What the reader wants to see."""

    by: str  # "torsions", "features", "distances", "rmsd"
    layer: int  # of the network, -1: the last
    projection: str
    method: str  # of clustering; "tree": basins
    clusters: int  # 0: as many as fit best
    stored: str  # name of a labelling of the landscape to be shown instead; empty: none


@dataclass(frozen=True, eq=False)
class AnglePair:
    """Two torsions of every minimum, such as phi and psi of a residue."""

    title: str
    labels: tuple[str, str]
    angles: np.ndarray  # (minima, 2), degrees


@dataclass(frozen=True, eq=False)
class FamilyPicture:
    """All pictures of the tab Conformers, of the same minima in the same order: by energy, lowest first."""

    minima: Ranked
    wish: Wish
    coordinates: np.ndarray  # (minima, 2); NaN without a map
    explained: np.ndarray  # (2,) share of the variance along each axis; NaN where that means nothing
    labelling: "Labelling"
    clusters: np.ndarray  # (minima,), -1: no family
    representatives: tuple[int, ...]  # place of the minimum in the middle of each family; -1: it has no members here
    radii: np.ndarray  # (minima,), Å, radius of gyration
    hydrogen_bonds: np.ndarray  # (minima,), how many
    pairs: tuple[AnglePair, ...]
    notes: tuple[str, ...]  # sentences about what is shown, and about what could not be made
    layers: int  # of the network; 0 when it has none or was not asked
    stored: tuple[str, ...]  # labellings in the landscape

    @property
    def colors(self) -> list[str]:
        """Colour of each minimum."""
        return [self.labelling.color_of(int(cluster)) for cluster in self.clusters]

    def members(self, cluster: int) -> list[int]:
        """Keys of a family, those nearest to its representative on the map first."""
        places = np.flatnonzero(self.clusters == cluster)
        if not len(places):
            return []
        middle = self.representatives[cluster]
        away = np.linalg.norm(self.coordinates[places] - self.coordinates[middle], axis=1)
        order = np.argsort(np.where(places == middle, -1.0, np.nan_to_num(away)), kind="stable")
        return [self.minima.keys[place] for place in places[order]]
