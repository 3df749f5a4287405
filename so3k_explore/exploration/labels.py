"""Labellings: which cluster each minimum belongs to, kept with names and colours in the file of a landscape.

A landscape may hold any number of labellings, such as one by torsions and one by barriers. They are in a table of their
own, which ase ignores; each is written whole or not at all, while others read. Minima that were found after a labelling
was made belong to no cluster of it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore.exploration.storage import LandscapeError

if TYPE_CHECKING:
    from so3k_explore.exploration.landscape import Landscape

NOISE = -1  # cluster of minima that belong to none
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D1F")  # after Okabe and Ito
NOISE_COLOR = "#9AA0A6"
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_TABLE = """CREATE TABLE IF NOT EXISTS labellings (
    name TEXT PRIMARY KEY, ids BLOB, clusters BLOB, names TEXT, colors TEXT, settings TEXT)"""


@dataclass(frozen=True, eq=False)
class Labelling:
    """One way to sort minima into clusters."""

    name: str
    ids: np.ndarray  # (minima,) their numbers, each once
    clusters: np.ndarray  # (minima,) from 0; -1: noise
    names: Mapping[int, str] = field(default_factory=dict)  # of clusters; others are "family 1", "family 2", ...
    colors: Mapping[int, str] = field(default_factory=dict)  # of clusters, "#rrggbb"; others in Okabe and Ito's order
    settings: Mapping[str, Any] = field(default_factory=dict)  # how it was made

    def __post_init__(self) -> None:
        ids, clusters = np.asarray(self.ids, int), np.asarray(self.clusters, int)
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "clusters", clusters)
        if not self.name.strip():
            raise ValueError("A labelling needs a name, got an empty one.")
        if ids.ndim != 1 or ids.shape != clusters.shape:
            raise ValueError(f"Each minimum needs one cluster, got shapes {ids.shape} and {clusters.shape}.")
        if len(np.unique(ids)) != len(ids):
            raise ValueError("Each minimum may occur once in a labelling, got some of them twice.")
        if len(clusters) and clusters.min() < NOISE:
            raise ValueError(f"Clusters are numbered from 0, noise is {NOISE}; got {clusters.min()}.")
        for color in self.colors.values():
            if not _HEX.fullmatch(color):
                raise ValueError(f"Colours are written as #rrggbb, got {color!r}.")

    def __len__(self) -> int:
        return int(self.clusters.max(initial=NOISE)) + 1

    @property
    def sizes(self) -> np.ndarray:
        """How many minima each cluster has, noise left out."""
        return np.bincount(self.clusters[self.clusters >= 0], minlength=len(self))

    def of(self, ids: Any, missing: int = NOISE) -> np.ndarray:
        """Clusters of these minima; `missing` for those found after the labelling was made."""
        known = dict(zip(self.ids.tolist(), self.clusters.tolist(), strict=True))
        return np.array([known.get(int(number), missing) for number in ids], int)

    def members(self, cluster: int) -> np.ndarray:
        """Numbers of the minima in a cluster."""
        return self.ids[self.clusters == cluster]

    def name_of(self, cluster: int) -> str:
        """What a cluster is called."""
        return self.names.get(cluster) or ("no family" if cluster < 0 else f"family {cluster + 1}")

    def color_of(self, cluster: int) -> str:
        """Colour of a cluster, "#rrggbb"."""
        if cluster in self.colors:
            return self.colors[cluster]
        return NOISE_COLOR if cluster < 0 else COLORS[cluster % len(COLORS)]


def list_labellings(landscape: "Landscape") -> list[str]:
    """Names of the labellings in a landscape, in alphabetical order."""
    if not _exist(landscape):
        return []
    return [row[0] for row in landscape.storage.read("SELECT name FROM labellings ORDER BY name")]


def read_labelling(landscape: "Landscape", name: str) -> Labelling:
    """A labelling from the file of a landscape.

    Raises:
        LandscapeError: there is none of this name.
    """
    query = "SELECT ids, clusters, names, colors, settings FROM labellings WHERE name = ?"
    rows = landscape.storage.read(query, (name,)) if _exist(landscape) else []
    if not rows:
        known = ", ".join(list_labellings(landscape)) or "it has none yet"
        raise LandscapeError(f"{landscape.path.name} has no labelling {name!r}. Choose one it has: {known}.")
    ids, clusters, names, colors, settings = rows[0]
    by_cluster = lambda text: {int(cluster): value for cluster, value in json.loads(text).items()}
    numbers = lambda blob: np.frombuffer(blob, "<i8").astype(int)
    return Labelling(name, numbers(ids), numbers(clusters), by_cluster(names), by_cluster(colors), json.loads(settings))


def write_labelling(landscape: "Landscape", labelling: Labelling) -> None:
    """Keeps a labelling in the file of a landscape, instead of any of the same name.

    Raises:
        LandscapeError: it holds a minimum that the landscape does not have.
    """
    with landscape.transaction():
        known = landscape.storage.read("SELECT value FROM number_key_values WHERE key = 'minimum'")
        unknown = sorted(set(labelling.ids.tolist()) - {int(row[0]) for row in known})
        if unknown:
            raise LandscapeError(
                f"{landscape.path.name} has no minimum {unknown[0]}, which the labelling {labelling.name!r} holds. "
                "Make the labelling from the minima of this landscape."
            )
        landscape.storage.execute(_TABLE)
        blob = lambda values: values.astype("<i8").tobytes()
        text = lambda values: json.dumps(dict(values), allow_nan=False)
        values = (labelling.name, blob(labelling.ids), blob(labelling.clusters))
        notes = (text(labelling.names), text(labelling.colors), text(labelling.settings))
        landscape.storage.execute("INSERT OR REPLACE INTO labellings VALUES (?, ?, ?, ?, ?, ?)", (*values, *notes))


def rename_cluster(landscape: "Landscape", name: str, cluster: int, text: str) -> Labelling:
    """Calls a cluster of a labelling `text`, or what it was called at first when `text` is empty."""
    return _changed(landscape, name, "names", cluster, text.strip())


def recolor_cluster(landscape: "Landscape", name: str, cluster: int, color: str) -> Labelling:
    """Gives a cluster of a labelling the colour "#rrggbb", or its first one when `color` is empty."""
    return _changed(landscape, name, "colors", cluster, color)


def remove_labelling(landscape: "Landscape", name: str) -> None:
    """Forgets a labelling.

    Raises:
        LandscapeError: there is none of this name.
    """
    read_labelling(landscape, name)
    landscape.storage.execute("DELETE FROM labellings WHERE name = ?", (name,))


def take_labellings(target: "Landscape", source: "Landscape", numbers: Mapping[int, int]) -> None:
    """Copies the labellings of `source`, whose minima have other `numbers` in `target`.

    One whose name is taken gets the name of the file it comes from behind its own.
    """
    for name in list_labellings(source):
        theirs = read_labelling(source, name)
        known = [place for place, number in enumerate(theirs.ids.tolist()) if number in numbers]
        ids, first = np.unique([numbers[int(theirs.ids[place])] for place in known], return_index=True)
        clusters = theirs.clusters[known][first]
        taken, free, count = set(list_labellings(target)), name, 1
        while free in taken:
            free = f"{name} ({source.path.stem}{'' if count == 1 else f' {count}'})"
            count += 1
        write_labelling(target, replace(theirs, name=free, ids=ids, clusters=clusters))


def label_columns(landscape: "Landscape", ids: np.ndarray) -> dict[str, list[str]]:
    """A column for each labelling: the names of the clusters of these minima, empty where there is none."""
    columns: dict[str, list[str]] = {}
    for name in list_labellings(landscape):
        labelling = read_labelling(landscape, name)
        missing = NOISE - 1
        words = [labelling.name_of(k) if k != missing else "" for k in labelling.of(ids, missing).tolist()]
        columns[_column(name, columns)] = words
    return columns


def _column(name: str, taken: Mapping[str, Any]) -> str:
    """Name of a column that every format can carry, different from those taken."""
    plain = "cluster_" + (re.sub(r"\W+", "_", name).strip("_") or "labelling")
    return next(one for one in (plain, *(f"{plain}_{k}" for k in range(2, len(taken) + 3))) if one not in taken)


def _changed(landscape: "Landscape", name: str, what: str, cluster: int, value: str) -> Labelling:
    with landscape.transaction():
        before = read_labelling(landscape, name)
        if not NOISE <= cluster < len(before):
            raise LandscapeError(f"The labelling {name!r} has {len(before)} clusters, numbered from 0; got {cluster}.")
        values = {key: old for key, old in getattr(before, what).items() if key != cluster}
        after = replace(before, **{what: {**values, cluster: value} if value else values})
        write_labelling(landscape, after)
    return after


def _exist(landscape: "Landscape") -> bool:
    return bool(landscape.storage.read("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'labellings'"))
