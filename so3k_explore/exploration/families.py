"""Families of minima: descriptors of a landscape, clusters of them, and maps; results are labellings (see `labels`).

``find_families(landscape, by="torsions")`` is all that is needed; `describe` gives the numbers behind it.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore.analysis.clustering import Clustering, find_clusters
from so3k_explore.analysis.descriptors import distance_features, torsion_features
from so3k_explore.analysis.rmsd_matrix import rmsd_matrix
from so3k_explore.exploration.kinetic import cut_tree
from so3k_explore.exploration.labels import Labelling, write_labelling
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.exploration.tree_building import landscape_tree
from so3k_explore.typing import Progress

if TYPE_CHECKING:
    from so3k_explore.potentials.protocol import Potential
    from so3k_explore.system import System

DESCRIPTORS = ("torsions", "features", "distances", "rmsd")
TREE = "tree"


@dataclass(frozen=True)
class Descriptor:
    """Which numbers tell minima apart."""

    by: str = "torsions"  # one of `DESCRIPTORS`
    layer: int = -1  # of the network, for features
    pool: str = ""  # over which features are averaged: molecule, residue, element; empty: residues if any

    def __post_init__(self) -> None:
        if self.by not in DESCRIPTORS:
            raise ValueError(f"Structures are described by one of {', '.join(DESCRIPTORS)}; got {self.by!r}.")


@dataclass(frozen=True, eq=False)
class Described:
    """Descriptors of structures."""

    values: np.ndarray  # (structures, features), or distances of all pairs
    precomputed: bool  # whether they are distances


def describe(
    positions: np.ndarray,
    system: "System",
    bonds: np.ndarray,
    descriptor: Descriptor | None = None,
    *,
    potential: "Potential | None" = None,
    progress: Progress | None = None,
) -> Described:
    """Descriptors of conformers of one molecule.

    Args:
        positions: (structures, atoms, 3), Å.
        system: numbers, charge and spin of the molecule.
        bonds: pairs of bonded atoms; none for an atomic cluster.
        descriptor: which; torsions unless given.
        potential: a So3krates model, for features.
        progress: told now and then.

    Raises:
        ValueError: the molecule does not have these descriptors.
    """
    descriptor = descriptor or Descriptor()
    numbers, positions = np.asarray(system.numbers), np.asarray(positions, float)
    if descriptor.by == "torsions":
        return Described(torsion_features(positions, numbers, bonds), precomputed=False)
    if descriptor.by == "distances":
        return Described(distance_features(positions, numbers, bonds), precomputed=False)
    if descriptor.by == "rmsd":
        return Described(rmsd_matrix(positions, numbers, bonds, progress=progress), precomputed=True)
    from so3k_explore.analysis.backbone import backbone_torsions
    from so3k_explore.analysis.features import layers_of, network_features

    if potential is None or not layers_of(potential):
        raise ValueError("Features come from a network. Give a So3krates model, or describe structures by torsions.")

    pool = descriptor.pool or ("residue" if len(bonds) and backbone_torsions(numbers, bonds) else "molecule")
    options: dict[str, Any] = {"layer": descriptor.layer, "pool": pool, "progress": progress}
    return Described(network_features(potential, system, positions, bonds, **options), precomputed=False)


def find_families(
    landscape: Landscape,
    by: str = "torsions",
    method: str = "hdbscan",
    *,
    clusters: int | None = None,
    smallest: int | None = None,
    height: float | None = None,
    layer: int = -1,
    pool: str = "",
    potential: "Potential | None" = None,
    name: str = "",
    store: bool = True,
    progress: Progress | None = None,
) -> Labelling:
    """Clusters of the minima of a landscape, kept in its file as a labelling.

    Args:
        landscape: with the minima.
        by: "torsions", "features", "distances", "rmsd", or "tree" for kinetic clusters.
        method: see `analysis.clustering`; not used for the tree.
        clusters: how many; None: as many as fit best.
        smallest: minima that make a cluster of HDBSCAN or of the tree; None: 2 % of all, at least 3.
        height: where the tree is cut, eV above the lowest minimum; None: where most basins are large enough.
        layer: of the network, for features.
        pool: see `Descriptor`.
        potential: a So3krates model, for features.
        name: of the labelling; descriptor and method unless given.
        store: whether the landscape keeps it.
        progress: told now and then.

    Raises:
        ValueError: there are too few minima, or settings that do not fit.
        LandscapeError: there is no minimum.
    """
    minima = landscape.minima()
    if not len(minima):
        raise LandscapeError(f"{landscape.path.name} has no minimum. Run a search first, or import structures.")
    if by == TREE:
        if clusters is not None:
            raise ValueError("A tree is cut at a height, which decides how many clusters there are. Give `height`.")
        cut = cut_tree(landscape_tree(landscape), height, smallest=smallest)
        settings: dict[str, Any] = {"by": TREE, "height_eV": cut.height}
        made = Labelling(name or TREE, minima.ids, cut.labels, settings=settings)
    else:
        descriptor = Descriptor(by, layer, pool)
        system = landscape.system(int(minima.ids[0]))
        found = describe(minima.positions, system, landscape.bonds, descriptor, potential=potential, progress=progress)
        options: dict[str, Any] = {"clusters": clusters, "smallest": smallest, "energies": minima.energies}
        clustering = find_clusters(found.values, method, precomputed=found.precomputed, **options)
        settings = settings_of(descriptor, clustering)
        made = Labelling(name or f"{by}, {method}", minima.ids, clustering.labels, settings=settings)
    if store:
        write_labelling(landscape, made)
    return made


def settings_of(descriptor: Descriptor, clustering: Clustering) -> dict[str, Any]:
    """How clusters were made, to be kept with a labelling."""
    chosen = asdict(descriptor) if descriptor.by == "features" else {"by": descriptor.by}
    parameter = "smallest" if clustering.method == "hdbscan" else "clusters"
    silhouette = None if np.isnan(clustering.silhouette) else clustering.silhouette
    return {**chosen, "method": clustering.method, parameter: clustering.parameter, "silhouette": silhouette}
