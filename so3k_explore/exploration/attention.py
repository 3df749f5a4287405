"""What a network attends to in all minima of a landscape, and along the ways between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore import units
from so3k_explore.analysis.agreement import Comparison, compare_labellings
from so3k_explore.analysis.attention import attention_maps
from so3k_explore.analysis.attention_blocks import Blocks, blocks
from so3k_explore.analysis.attention_coefficients import Channel
from so3k_explore.analysis.attention_families import AttentionSpace, attention_space
from so3k_explore.analysis.attention_statistics import Correlations, Difference, compare_maps, correlate
from so3k_explore.analysis.canonical import canonical_positions
from so3k_explore.analysis.clustering import find_clusters
from so3k_explore.analysis.descriptors import hydrogen_bonds, torsion_features
from so3k_explore.analysis.torsions import rotatable_torsions
from so3k_explore.exploration.labels import Labelling, list_labellings, read_labelling
from so3k_explore.exploration.tree_building import landscape_tree
from so3k_explore.potentials.protocol import Potential
from so3k_explore.system import System

if TYPE_CHECKING:
    from so3k_explore.exploration.landscape import Landscape

KINETIC_ENERGIES = (2.0, 4.0, 6.0, 8.0)  # kcal/mol above the lowest minimum, at which the tree is cut


@dataclass(frozen=True, eq=False)
class LandscapeAttention:
    """Attention of all minima of a landscape: maps, principal components, families."""

    ids: np.ndarray  # (minima,) their numbers
    energies: np.ndarray  # (minima,) eV
    maps: np.ndarray  # (minima, blocks, blocks)
    channel: Channel
    blocks: Blocks
    space: AttentionSpace

    @property
    def labels(self) -> np.ndarray:
        """Family of each minimum (minima,), the largest is 0; -1: none."""
        return self.space.labels

    def labelling(self, name: str = "attention") -> Labelling:
        """The families, to be kept with `write_labelling`."""
        settings = {"quantity": self.channel.quantity, "branch": self.channel.branch}
        return Labelling(name, self.ids, self.labels, settings=settings)

    def separates(self, first: int, second: int) -> Difference:
        """What separates two families; positive changes are larger in the second one."""
        of = lambda family: self.maps[self.labels == family]
        return compare_maps(of(first), of(second))

    def against(self, observable: np.ndarray) -> Correlations:
        """Rank correlation of each entry with one number for each minimum, such as its energy."""
        return correlate(self.maps, observable)


def landscape_attention(
    landscape: "Landscape",
    potential: Potential,
    *,
    channel: Channel | None = None,
    reduction: str = "heavy atoms",
    method: str = "agglomerative",
    families: int | None = None,
) -> LandscapeAttention:
    """Map and families of the minima of a landscape by what a network attends to.

    Args:
        landscape: has at least five minima.
        potential: a So3krates model, best the one that the minima were found with.
        channel: which matrices; the mean magnitude of all layers and heads by default.
        reduction: "atoms", "heavy atoms" or "residues".
        method: of clustering, "agglomerative" or "HDBSCAN".
        families: how many, for "agglomerative"; by default what fits best.

    Raises:
        TypeError: the potential has no attention.
        ValueError: there are too few minima.
    """
    channel = channel or Channel("magnitude")
    found = landscape.minima()
    if not len(found):
        raise ValueError("The landscape has no minimum. Run a search first, or import structures.")
    parts = blocks(reduction, landscape.numbers, landscape.bonds)
    maps = attention_along(
        potential, landscape.system(int(found.ids[0])), found.positions, landscape.bonds, channel, parts
    )
    space = attention_space(maps, method=method, families=families)
    return LandscapeAttention(found.ids, found.energies, maps, channel, parts, space)


def attention_along(
    potential: Potential,
    system: System,
    positions: np.ndarray,
    bonds: Any,
    channel: Channel | None = None,
    parts: Blocks | None = None,
) -> np.ndarray:
    """Maps (structures, blocks, blocks) of structures (structures, atoms, 3) in Å of one molecule, in any order.

    Equal atoms are brought into canonical order first. Give the images of a band or the frames of a trajectory.
    """
    numbers, bonds = np.asarray(system.numbers), np.asarray(bonds, int).reshape(-1, 2)
    ordered = positions if system.cell is not None else canonical_positions(np.asarray(positions), numbers, bonds)
    return attention_maps(potential, batch(system, ordered), channel, parts)


def batch(system: System, positions: np.ndarray) -> System:
    """Many structures (structures, atoms, 3) in Å of one system, as walkers."""
    import jax
    import jax.numpy as jnp

    copies = lambda leaf: jnp.broadcast_to(leaf, (len(positions), *leaf.shape))
    return jax.tree.map(copies, system).replace(positions=jnp.asarray(positions, system.positions.dtype))


def agreements(
    landscape: "Landscape", seen: LandscapeAttention, *, permutations: int = 199
) -> Mapping[str, Comparison]:
    """Families of attention against other ways to sort the minima, by name.

    These are clusters of torsions, as many as there are families; which hydrogen bonds there are; the basins of the
    disconnectivity tree cut at several energies; and all labellings that are kept in the landscape.
    """
    others = _geometric(landscape, len(np.unique(seen.labels)))
    tree = landscape_tree(landscape)
    place = {int(number): row for row, number in enumerate(tree.ids)}
    rows = [place[int(number)] for number in seen.ids]
    for energy in KINETIC_ENERGIES:
        basins = tree.basins(float(tree.energies.min()) + energy * units.KCAL_PER_MOL)[rows]
        others[f"basins at {energy:g} kcal/mol"] = basins
    for name in list_labellings(landscape):
        others[name] = read_labelling(landscape, name).of(seen.ids)
    several = {name: labels for name, labels in others.items() if len(np.unique(labels)) > 1}
    compare = lambda labels: compare_labellings(seen.labels, labels, permutations=permutations)
    return {name: compare(labels) for name, labels in several.items()}


def correlations(
    landscape: "Landscape", seen: LandscapeAttention, charges: np.ndarray | None = None
) -> dict[str, Correlations]:
    """Rank correlations over the minima of each entry with what might explain it, by name.

    These are the distance between the two parts (of their centres), the number of hydrogen bonds, the energy, and, with
    `charges` (minima, atoms) in e of the same minima, the product of the charges of the two parts.

    Raises:
        ValueError: there are fewer than four minima, or charges of others.
    """
    found = landscape.minima()
    positions = found.positions[np.isin(found.ids, seen.ids)]
    ordered = canonical_positions(positions, landscape.numbers, landscape.bonds)
    members = [seen.blocks.atoms(block) for block in range(len(seen.blocks))]
    centres = np.stack([ordered[:, atoms].mean(axis=1) for atoms in members], axis=1)
    bonds = hydrogen_bonds(positions, landscape.numbers, landscape.bonds).counts.astype(float)
    explained = {
        "distance": correlate(seen.maps, np.linalg.norm(centres[:, :, None] - centres[:, None], axis=-1)),
        "hydrogen bonds": seen.against(bonds),
        "energy": seen.against(seen.energies),
    }
    if charges is not None:
        total = np.stack([np.asarray(charges)[:, atoms].sum(axis=1) for atoms in members], axis=1)
        explained["charges"] = correlate(seen.maps, total[:, :, None] * total[:, None, :])
    return explained


def _geometric(landscape: "Landscape", clusters: int) -> dict[str, np.ndarray]:
    """Clusters by torsions, where there are any, and by hydrogen bonds."""
    positions, numbers, bonds = landscape.minima().positions, landscape.numbers, landscape.bonds
    present = hydrogen_bonds(positions, numbers, bonds).present
    found = {"hydrogen bonds": np.unique(present, axis=0, return_inverse=True)[1].reshape(-1)}
    if len(rotatable_torsions(numbers, bonds, amide=True)) and 2 <= clusters < len(positions):
        torsions = torsion_features(positions, numbers, bonds)
        found["torsions"] = find_clusters(torsions, "agglomerative", clusters=clusters).labels
    return found
