import csv
import json
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from so3k_explore import units
from so3k_explore.exploration.export import export_landscape
from so3k_explore.exploration.importing import import_structures, read_structures
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.exploration.records import Hop
from tests.exploration.molecules import ethanol

NAMESPACE = "{http://graphml.graphdrawing.org/xmlns}"


@pytest.fixture
def landscape():
    molecule = ethanol()
    with Landscape() as made:
        made.bind(molecule)
        rng = np.random.default_rng(0)
        for energy in (-10.0, -9.9, -9.95):
            made.add(energy, molecule.positions + rng.normal(scale=0.05, size=(9, 3)), call=7, strategy="torsions")
        made.label(2, 'anti, "flat"')
        made.add_saddle(1, 2, -9.8, molecule.positions, frequency=-250.0)
        made.add_hop(Hop(1, 3, 9, 0, "hopping", -9.7, accepted=True))
        made.add_hop(Hop(3, 2, 9, 0, "torsions", None, accepted=True))
        yield made


@pytest.mark.parametrize(("name", "tolerance"), [("minima.extxyz", 1e-7), ("minima.xyz", 1e-7), ("minima.sdf", 1e-4)])
def test_structures_come_back_as_the_same_landscape(landscape, tmp_path, name, tolerance):
    export_landscape(landscape, tmp_path / name)
    with Landscape() as again:
        found = import_structures(again, read_structures(tmp_path / name), relax=False)
        assert found.added == (1, 2, 3)
        np.testing.assert_allclose(again.minima().positions, landscape.minima().positions, atol=tolerance)
        np.testing.assert_allclose(again.minima().energies, landscape.minima().energies, atol=1e-7)
        np.testing.assert_array_equal(again.numbers, landscape.numbers)
        again.bind(ethanol())  # the same bonds, in whatever order
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_extended_xyz_says_what_is_known_of_each_minimum(landscape, tmp_path):
    from ase.io import read

    frames: Any = read(export_landscape(landscape, tmp_path / "a.extxyz"), index=":")
    assert [atoms.info["minimum"] for atoms in frames] == [1, 2, 3]
    assert [atoms.info["visits"] for atoms in frames] == [0, 1, 1]
    assert frames[1].info["label"] == 'anti, "flat"'


def test_the_table_can_be_read_by_any_spreadsheet(landscape, tmp_path):
    with export_landscape(landscape, tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["energy_eV"]) for row in rows] == [-10.0, -9.9, -9.95]
    np.testing.assert_allclose(float(rows[1]["relative_kcal_mol"]), 0.1 / units.KCAL_PER_MOL)
    assert rows[1]["label"] == 'anti, "flat"'


def test_the_network_has_minima_as_nodes_and_passes_as_edges(landscape, tmp_path):
    root = ElementTree.parse(export_landscape(landscape, tmp_path / "a.graphml")).getroot()
    names = {key.get("id"): key.get("attr.name") for key in root.iter(f"{NAMESPACE}key")}
    content = lambda element: {names[data.get("key")]: data.text for data in element.iter(f"{NAMESPACE}data")}
    nodes = {node.get("id"): content(node) for node in root.iter(f"{NAMESPACE}node")}
    edges = {(edge.get("source"), edge.get("target")): content(edge) for edge in root.iter(f"{NAMESPACE}edge")}
    assert {node: float(row["energy_eV"]) for node, row in nodes.items()} == {"n1": -10.0, "n2": -9.9, "n3": -9.95}
    assert edges == {
        ("n1", "n2"): {"kind": "saddle", "height_eV": "-9.8", "saddle": "1"},
        ("n1", "n3"): {"kind": "bound", "height_eV": "-9.7", "hops": "1"},
    }


def test_chemiscope_gets_structures_and_properties_of_equal_number(landscape, tmp_path):
    content = json.loads(export_landscape(landscape, tmp_path / "a.json").read_text())
    assert content["meta"]["name"] == "ethanol"
    assert all(one["size"] == len(one["names"]) == len(one["x"]) == 9 for one in content["structures"])
    np.testing.assert_allclose(content["structures"][2]["z"], landscape.minima().positions[2][:, 2], atol=1e-6)
    energy = content["properties"]["energy eV"]
    assert energy == {"target": "structure", "values": [-10.0, -9.9, -9.95], "units": "eV"}
    assert {len(one["values"]) for one in content["properties"].values()} == {3}


def test_formats_and_landscapes_that_do_not_do_are_refused(landscape, tmp_path):
    with pytest.raises(ValueError, match=r"ending in \.extxyz, .*, got a.docx"):
        export_landscape(landscape, tmp_path / "a.docx")
    with Landscape() as empty, pytest.raises(LandscapeError, match="has no minimum"):
        export_landscape(empty, tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())
