"""Pictures of a landscape as arrays, ready to be drawn: tree, network, statistics. They are made in threads."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore import units
from so3k_explore.app.models.display import counted
from so3k_explore.app.models.landscape_reader import Seen

if TYPE_CHECKING:
    from so3k_explore.exploration.thermodynamics import Superposition
    from so3k_explore.exploration.tree import Tree
    from so3k_explore.exploration.tree_layout import Strokes

PLAIN, STRATEGY, VISITS, BASIN = "One colour", "Strategy", "Visits", "Basin"
SLANT = 0.02  # of the range of energies, over which branches spread
BASIN_HEIGHT = 3.0  # kcal/mol above the lowest minimum, at which the tree is cut into basins
NAMED = 6  # minima with a curve of their own


@dataclass(frozen=True, eq=False)
class Coloring:
    """What colours mean: groups with names, or a number of each minimum."""

    groups: np.ndarray | None  # (minima,) from 0, -1: none; in the order of `Seen.minima`
    names: Mapping[int, str]  # of the groups
    colors: Mapping[int, str]  # of groups that have one of their own
    values: np.ndarray | None = None  # (minima,) instead of groups


@dataclass(frozen=True, eq=False)
class TreePicture:
    """Leaves from left to right, and lines. Energies in eV above the lowest."""

    keys: np.ndarray  # (leaves,)
    x: np.ndarray  # (leaves,)
    energies: np.ndarray  # (leaves,)
    lines: "list[Strokes]"
    coloring: Coloring  # of the leaves
    tree: "Tree"
    sentence: str  # what is not to be seen


@dataclass(frozen=True, eq=False)
class NetworkPicture:
    """Minima and what joins them."""

    keys: np.ndarray  # (nodes,)
    energies: np.ndarray  # (nodes,) eV above the lowest
    places: np.ndarray  # (nodes, 2)
    edges: np.ndarray  # (edges, 2)
    kinds: list[str]  # "saddle", "bound" or "move"
    coloring: Coloring  # of the nodes
    sentence: str


@dataclass(frozen=True, eq=False)
class ThermalPicture:
    """Populations of the most populated minima, and the heat capacity."""

    temperatures: np.ndarray  # (temperatures,) K
    keys: list[int]  # minima with a curve of their own
    shares: np.ndarray  # (keys + 1, temperatures); the last one: all others together
    heat_capacity: np.ndarray  # (temperatures,) in units of Boltzmann's constant
    sentence: str


def coloring(seen: Seen, by: str, tree: "Tree | None" = None) -> Coloring:
    """Colours of all minima by a labelling of the landscape, or by what is known of each minimum."""
    if by == VISITS:
        return Coloring(None, {}, {}, np.log10(np.maximum(seen.minima.visits, 1)))
    if by == STRATEGY:
        names = sorted(set(seen.minima.strategies))
        groups = np.array([names.index(name) for name in seen.minima.strategies], int)
        return Coloring(groups, {k: name or "given" for k, name in enumerate(names)}, {})
    if by == BASIN and tree is not None and len(tree):
        return _basins(tree)
    if by in seen.labellings:
        found = seen.labellings[by]
        groups = found.of(seen.minima.ids)
        present = sorted(set(groups.tolist()))
        pick = lambda read: {k: read(k) for k in present}
        return Coloring(groups, pick(found.name_of), pick(found.color_of))
    return Coloring(None, {}, {})


def _basins(tree: "Tree") -> Coloring:
    """Basins of more than one minimum when the tree is cut."""
    labels = tree.basins(float(tree.energies.min()) + BASIN_HEIGHT * units.KCAL_PER_MOL)
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    large = [k for k in range(len(sizes)) if sizes[k] > 1]
    place = {basin: k for k, basin in enumerate(large)}
    groups = np.array([place.get(label, -1) for label in labels.tolist()], int)
    return Coloring(groups, {k: f"basin {k + 1}" for k in range(len(large))} | {-1: "alone, or higher"}, {})


def picked(found: Coloring, rows: np.ndarray) -> Coloring:
    """Colours of some minima, by their rows."""
    pick = lambda values: None if values is None else values[rows]
    return replace(found, groups=pick(found.groups), values=pick(found.values))


def tree_picture(seen: Seen, tree: "Tree", by: str, depth: float, *, free: bool) -> TreePicture | None:
    """The tree, without branches shallower than `depth` (eV); None when there is no minimum."""
    from so3k_explore.exploration.tree_building import collapsed
    from so3k_explore.exploration.tree_layout import layout, strokes

    if not len(tree):
        return None
    shown = collapsed(tree, depth=depth) if depth > 0 else tree
    drawn = layout(shown, slant=SLANT * float(np.ptp(shown.heights)))
    rows = np.searchsorted(seen.minima.ids, shown.ids)
    colors = picked(coloring(seen, by, tree if len(tree) == len(seen.minima) else None), rows)
    lowest = float(shown.energies.min())
    lines = [replace(one, energies=one.energies - lowest) for one in strokes(shown, drawn, colors.groups)]
    return TreePicture(
        keys=shown.ids,
        x=drawn.x[: len(shown)],
        energies=shown.energies - lowest,
        lines=lines,
        coloring=colors,
        tree=tree,
        sentence=_tree_sentence(seen, tree, shown, free=free),
    )


def _tree_sentence(seen: Seen, tree: "Tree", shown: "Tree", *, free: bool) -> str:
    parts = int(tree.components.max()) + 1
    sentences = [] if parts == 1 or len(tree) < 2 else [f"{counted(parts, 'part')} that no known way connects."]
    if len(tree) == 1:
        sentences.append("One minimum: nothing to connect yet.")
    if len(shown) < len(tree):
        sentences.append(f"{counted(len(shown), 'minimum')} stand for {len(tree)}.")
    if free and len(tree) < len(seen.minima):
        sentences.append(f"{len(seen.minima) - len(tree)} minima have no stored frequencies and are not shown.")
    if not len(seen.saddles) and len(tree) > 1 and not free:
        sentences.append("No saddle is known yet: barriers are upper bounds. Find saddles sharpens them.")
    return " ".join(sentences)


def network_picture(seen: Seen, by: str, before: "NetworkPicture | None", most: int) -> NetworkPicture | None:
    """The network of the lowest minima, laid out from where it was before."""
    from so3k_explore.exploration.graph import spring_layout, transition_graph

    if not len(seen.minima):
        return None
    graph = transition_graph(seen.minima.ids, seen.minima.energies, *seen.passes, most=most)
    start = None
    if before is not None:
        known = dict(zip(before.keys.tolist(), before.places, strict=True))
        start = np.array([known.get(key, (np.nan, np.nan)) for key in graph.ids.tolist()])
    saddle, bound = graph.saddles > 0, np.isfinite(graph.heights)
    kinds = ["saddle" if s else "bound" if b else "move" for s, b in zip(saddle, bound, strict=True)]
    sentence = ""
    if graph.left_out:
        sentence = (
            f"The {len(graph)} lowest of {len(seen.minima)} minima; {counted(graph.left_out, 'minimum')} and "
            f"{counted(graph.edges_left_out, 'way')} are left out."
        )
    rows = np.searchsorted(seen.minima.ids, graph.ids)
    return NetworkPicture(
        keys=graph.ids,
        energies=graph.energies - graph.energies[:1],
        places=spring_layout(len(graph), graph.edges, start),
        edges=graph.edges,
        kinds=kinds,
        coloring=picked(coloring(seen, by), rows),
        sentence=sentence,
    )


def free_tree(seen: Seen, temperature: float, how: "Superposition") -> "Tree":
    """Tree of free energies of all minima and saddles whose frequencies are stored."""
    from so3k_explore.exploration.thermodynamics import thermal_functions
    from so3k_explore.exploration.tree_building import disconnectivity_tree

    assert seen.vibrating is not None
    minima, saddles = seen.vibrating
    free = thermal_functions(minima, temperature, how).free_energies
    heights = thermal_functions(saddles, temperature, how).free_energies
    real = np.isfinite(free)
    pairs = seen.saddles.pairs[np.isin(seen.saddles.ids, saddles.ids)]
    kept = np.isin(pairs, minima.ids[real]).all(axis=1) if len(pairs) else np.zeros(0, bool)
    return disconnectivity_tree(minima.ids[real], free[real], pairs[kept], heights[kept], saddles.ids[kept])


def thermal_picture(seen: Seen, temperatures: Any, how: "Superposition") -> ThermalPicture | None:
    """Populations and heat capacity from the minima whose frequencies are stored; None when there are none."""
    from so3k_explore.exploration.thermodynamics import equilibrium

    if seen.vibrating is None:
        return None
    minima = seen.vibrating[0]
    found = equilibrium(minima, temperatures, how)
    top = np.argsort(-found.populations.max(axis=0), kind="stable")[:NAMED]
    rest = 1.0 - found.populations[:, top].sum(axis=1, keepdims=True)
    missing = len(seen.minima) - len(minima)
    return ThermalPicture(
        temperatures=found.temperatures,
        keys=minima.ids[top].tolist(),
        shares=np.concatenate([found.populations[:, top], np.maximum(rest, 0.0)], axis=1).T,
        heat_capacity=found.heat_capacity / units.KB,
        sentence=f"{missing} of {len(seen.minima)} minima are left out: their frequencies are not stored."
        if missing
        else "",
    )
