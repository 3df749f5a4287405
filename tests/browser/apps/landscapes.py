"""Synthetic landscapes of any size: a funnel of minima, found one from another, with passes above them."""

import json
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
    moved = lambda: molecule.positions + rng.normal(0, 0.3, molecule.positions.shape)
    with Landscape.open(path) as landscape, landscape.transaction():
        landscape.bind(molecule)
        rows = [
            (energy, moved(), {"minimum": k, "call": 20 * k, "walker": 0, "strategy": STRATEGIES[k % 4]})
            for k, energy in enumerate(made["energies"].tolist(), start=1)
        ]
        for (first, second), height, saddle in zip(*list(made.values())[1:], strict=True):
            hop = Hop(int(first), int(second), 20 * int(second), 0, "hopping", float(height), accepted=True)
            if not saddle:
                landscape.add_hop(hop)
                continue
            keys = {"saddle": len(rows), "first": int(first), "second": int(second), "frequency": -120.0, "call": 0}
            rows.append((float(height), moved(), {**keys, "strategy": "hops"}))
        for number in range(1, minima + 1):
            landscape.add_hop(Hop(None, number, 20 * number, 0, STRATEGIES[number % 4], None, accepted=True))
        _write_rows(landscape, rows)


def _write_rows(landscape: Landscape, rows: list[tuple[float, np.ndarray, dict[str, Any]]]) -> None:
    """Structures as ase would write them, a thousand times faster: each row is a copy of the first one but for this."""
    if not rows:
        return
    storage = landscape.storage
    storage.add(*rows[0])
    ((first,),) = storage.read("SELECT MAX(id) FROM systems")
    columns = [row[1] for row in storage.read("PRAGMA table_info(systems)")]
    template = dict(zip(columns, storage.read("SELECT * FROM systems WHERE id = ?", (first,))[0], strict=True))
    for number, (energy, positions, keys) in enumerate(rows[1:], start=first + 1):
        values = {"id": number, "unique_id": f"{number:032x}", "energy": energy, "key_value_pairs": json.dumps(keys)}
        row = template | values | {"positions": np.asarray(positions, float).tobytes()}
        storage.execute(f"INSERT INTO systems VALUES ({', '.join('?' * len(columns))})", tuple(row.values()))
        for key, value in keys.items():
            table = "text" if isinstance(value, str) else "number"
            storage.execute(f"INSERT INTO {table}_key_values VALUES (?, ?, ?)", (key, value, number))
            storage.execute("INSERT INTO keys VALUES (?, ?)", (key, number))
