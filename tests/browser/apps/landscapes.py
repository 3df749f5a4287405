"""Synthetic landscapes of any size: a funnel of minima, found one from another, with passes above them."""

from pathlib import Path
from typing import Any

import numpy as np

from so3k_explore.exploration.landscape import Landscape
from so3k_explore.exploration.records import Hop
from so3k_explore.exploration.tree import Tree
from so3k_explore.exploration.tree_building import disconnectivity_tree

STRATEGIES = ("hopping", "torsions", "kicks", "seeds")


def funnel(minima: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Energies in eV, pairs of numbers from 1, heights in eV, and saddles' numbers with 0 for upper bounds."""
    rng = np.random.default_rng(seed)
    energies = np.sort(rng.gamma(4.0, 0.1, minima))
    energies -= energies[:1]
    before = np.array([rng.integers(0, k) for k in range(1, minima)], int)
    ways = np.stack([before, np.arange(1, minima)], axis=1).reshape(-1, 2)
    more = rng.integers(0, max(minima, 1), (minima // 2, 2))
    pairs = np.concatenate([ways, more[more[:, 0] != more[:, 1]]])
    heights = energies[pairs].max(axis=1) + rng.exponential(0.15, len(pairs)) + 0.01
    saddles = np.where(rng.random(len(pairs)) < 0.4, np.arange(1, len(pairs) + 1), 0)
    return {"energies": energies, "pairs": pairs + 1, "heights": heights, "saddles": saddles}


def funnel_tree(minima: int, seed: int = 0) -> Tree:
    """The tree of such a landscape."""
    made = funnel(minima, seed)
    return disconnectivity_tree(np.arange(1, minima + 1), made["energies"], *list(made.values())[1:])


def write_funnel(path: Path, molecule: Any, minima: int, seed: int = 0) -> None:
    """Writes such a landscape of a molecule, whose minima are the molecule with its atoms moved at random."""
    made, rng = funnel(minima, seed), np.random.default_rng(seed + 1)
    with Landscape.open(path) as landscape, landscape.transaction():
        landscape.bind(molecule)
        for call, energy in enumerate(made["energies"].tolist(), start=1):
            positions = molecule.positions + rng.normal(0, 0.3, molecule.positions.shape)
            landscape.add(energy, positions, call=20 * call, walker=0, strategy=STRATEGIES[call % 4])
            landscape.add_hop(Hop(None, call, 20 * call, 0, STRATEGIES[call % 4], None, accepted=True))
        for number, ((first, second), height, saddle) in enumerate(
            zip(made["pairs"].tolist(), made["heights"].tolist(), made["saddles"].tolist(), strict=True)
        ):
            if saddle:
                moved = molecule.positions + rng.normal(0, 0.3, molecule.positions.shape)
                landscape.add_saddle(first, second, height, moved, frequency=-120.0, call=20 * number, method="hops")
            else:
                landscape.add_hop(Hop(first, second, 20 * number, 0, "hopping", height, accepted=True))
