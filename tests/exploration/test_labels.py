import csv
import sqlite3
import threading
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from so3k_explore.app import theme
from so3k_explore.exploration import labels
from so3k_explore.exploration.export import export_landscape
from so3k_explore.exploration.labels import (
    Labelling,
    list_labellings,
    read_labelling,
    recolor_cluster,
    remove_labelling,
    rename_cluster,
    write_labelling,
)
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.exploration.merging import merge_landscapes
from tests.exploration.molecules import cluster

SHAPES = np.random.default_rng(4).uniform(-1.5, 1.5, (6, 5, 3))


@pytest.fixture
def landscape(tmp_path):
    with Landscape.open(tmp_path / "landscape.db") as made:
        made.bind(cluster(5))
        for k in range(4):
            made.add(0.1 * k, SHAPES[k])
        yield made


def by_shape(**changes):
    values = {"ids": np.array([3, 1, 4]), "clusters": np.array([1, 0, -1]), "settings": {"method": "hdbscan", "k": 2}}
    return Labelling("by shape", **{**values, **{k: np.array(v) if k in values else v for k, v in changes.items()}})


def test_a_labelling_comes_back_as_it_was_written(landscape):
    assert list_labellings(landscape) == []
    write_labelling(landscape, by_shape(names={0: "helix"}, colors={1: "#123456"}))
    with Landscape.open(landscape.path) as again:
        found = read_labelling(again, "by shape")
    assert (found.ids.tolist(), found.clusters.tolist()) == ([3, 1, 4], [1, 0, -1])
    assert [found.name_of(k) for k in (-1, 0, 1)] == ["no family", "helix", "family 2"]
    assert [found.color_of(k) for k in (-1, 0, 1)] == [labels.NOISE_COLOR, labels.COLORS[0], "#123456"]
    assert found.settings == {"method": "hdbscan", "k": 2}
    assert (len(found), found.sizes.tolist(), found.members(0).tolist()) == (2, [1, 1], [1])


def test_minima_found_later_have_no_cluster(landscape):
    write_labelling(landscape, by_shape())
    landscape.add(0.9, SHAPES[5])
    assert read_labelling(landscape, "by shape").of([1, 2, 3, 5]).tolist() == [0, -1, 1, -1]


def test_clusters_are_renamed_and_recoloured_and_may_go_back(landscape):
    write_labelling(landscape, by_shape())
    rename_cluster(landscape, "by shape", 1, " sheet ")
    recolor_cluster(landscape, "by shape", 1, "#ff00ff")
    found = read_labelling(landscape, "by shape")
    assert (found.name_of(1), found.color_of(1)) == ("sheet", "#ff00ff")
    rename_cluster(landscape, "by shape", 1, "")
    assert recolor_cluster(landscape, "by shape", 1, "").color_of(1) == labels.COLORS[1]
    assert read_labelling(landscape, "by shape").name_of(1) == "family 2"
    with pytest.raises(LandscapeError, match="has 2 clusters, numbered from 0; got 2"):
        rename_cluster(landscape, "by shape", 2, "none")
    with pytest.raises(ValueError, match="#rrggbb, got 'red'"):
        recolor_cluster(landscape, "by shape", 0, "red")


def test_a_labelling_is_replaced_listed_and_removed(landscape):
    write_labelling(landscape, by_shape())
    write_labelling(landscape, Labelling("another", np.array([1]), np.array([0])))
    write_labelling(landscape, by_shape(clusters=np.array([0, 0, 0])))
    assert list_labellings(landscape) == ["another", "by shape"]
    assert len(read_labelling(landscape, "by shape")) == 1
    remove_labelling(landscape, "another")
    with pytest.raises(LandscapeError, match=r"has no labelling 'another'\. Choose one it has: by shape"):
        remove_labelling(landscape, "another")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ids": [1, 2]}, r"one cluster, got shapes \(2,\) and \(3,\)"),
        ({"ids": [1, 1, 2]}, "got some of them twice"),
        ({"clusters": [0, -2, 1]}, "noise is -1; got -2"),
    ],
)
def test_what_is_no_labelling_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        by_shape(**changes)


def test_minima_that_do_not_exist_are_refused(landscape):
    with pytest.raises(LandscapeError, match="has no minimum 7"):
        write_labelling(landscape, by_shape(ids=[1, 2, 7]))
    assert list_labellings(landscape) == []


def test_others_read_whole_labellings_while_one_is_written(landscape):
    write_labelling(landscape, by_shape(clusters=np.array([0, 0, 0])))
    seen, stop = set(), threading.Event()

    def read():
        with Landscape.open(landscape.path) as mine:
            while not stop.is_set():
                seen.add(tuple(read_labelling(mine, "by shape").clusters.tolist()))

    reader = threading.Thread(target=read)
    reader.start()
    for k in range(60):
        write_labelling(landscape, by_shape(clusters=np.full(3, k % 3)))
    stop.set()
    reader.join()
    assert seen <= {(0, 0, 0), (1, 1, 1), (2, 2, 2)}


def test_labellings_survive_merging_with_their_minima(landscape, tmp_path):
    write_labelling(landscape, by_shape())
    with Landscape.open(tmp_path / "other.db") as other:
        other.bind(cluster(5))
        other.add(0.1, SHAPES[1])  # minimum 2 there
        other.add(0.5, SHAPES[5])
        write_labelling(other, Labelling("by shape", np.array([2, 1]), np.array([1, 0]), {1: "far"}))
        for _ in range(2):
            merge_landscapes(landscape, other)
    assert list_labellings(landscape) == ["by shape", "by shape (other 2)", "by shape (other)"]
    taken = read_labelling(landscape, "by shape (other)")
    assert (taken.of([2, 5]).tolist(), taken.name_of(1)) == ([0, 1], "far")


def test_exported_tables_have_a_column_of_cluster_names(landscape, tmp_path):
    from ase.io import read

    write_labelling(landscape, by_shape(names={0: "helix"}))
    with open(export_landscape(landscape, tmp_path / "minima.csv"), newline="") as file:
        assert [row["cluster_by_shape"] for row in csv.DictReader(file)] == ["helix", "", "family 2", "no family"]
    frames: Any = read(export_landscape(landscape, tmp_path / "minima.extxyz"), ":")
    assert [frame.info.get("cluster_by_shape") for frame in frames] == ["helix", None, "family 2", "no family"]


def test_ase_does_not_see_the_table(landscape):
    from ase.db import connect

    write_labelling(landscape, by_shape())
    assert len(list(connect(landscape.path).select())) == 4
    with closing(sqlite3.connect(landscape.path)) as file:
        assert file.execute("SELECT COUNT(*) FROM labellings").fetchone() == (1,)


def test_clusters_have_the_colours_of_the_page():
    assert (labels.COLORS, labels.NOISE_COLOR) == (theme.FAMILIES, theme.NOISE)
